// Which block of a body answers what (RFC 7959 2.4).
#include "daemon/network/coap_body.hpp"

#include "tests/unit/daemon/network/coap_made_body.hpp"

#include <doctest/doctest.h>
#include <optional>
#include <string>

namespace jl::network {
namespace {

using namespace test;

constexpr std::uint64_t kMiB = std::uint64_t{1} << 20u;

CoapMessage get_of(std::optional<CoapBlock> block2) {
  CoapMessage request;
  request.method = 1;
  request.block2 = block2;
  return request;
}

TEST_SUITE("network.coap_body") {
  TEST_CASE("which block of a body is the answer to what [RFC 7959 2.2, 2.4]") {
    struct Row {
      std::string name;
      std::uint64_t size;
      std::optional<CoapBlock> asked;
      int code;
      CoapBlock got;
      std::size_t length;
    };
    const Row rows[] = {
        {"nothing asked", 3000, {}, 205, {0, true, 6}, 1024},
        {"an empty body", 0, {}, 205, {0, false, 6}, 0},
        {"an empty body in small blocks", 0, CoapBlock{0, false, 0}, 205, {0, false, 0}, 0},
        {"the second block of an empty body", 0, CoapBlock{1, false, 0}, 400, {}, 0},
        {"one byte", 1, {}, 205, {0, false, 6}, 1},
        {"behind one byte", 1, CoapBlock{1, false, 0}, 400, {}, 0},
        {"just one block", 1024, {}, 205, {0, false, 6}, 1024},
        {"behind just one block", 1024, CoapBlock{1, false, 6}, 400, {}, 0},
        {"one block and a byte", 1025, CoapBlock{0, false, 6}, 205, {0, true, 6}, 1024},
        {"that byte", 1025, CoapBlock{1, false, 6}, 205, {1, false, 6}, 1},
        {"the last of whole blocks", 64, CoapBlock{3, false, 0}, 205, {3, false, 0}, 16},
        {"behind the last of whole blocks", 64, CoapBlock{4, false, 0}, 400, {}, 0},
        {"M of a request says nothing", 64, CoapBlock{1, true, 0}, 205, {1, true, 0}, 16},
        {"the largest number", 16 * kMiB, CoapBlock{0xFFFFF, false, 0}, 205, {0xFFFFF, false, 0}, 16},
        {"a body with more blocks than numbers", 16 * kMiB + 1, CoapBlock{0, false, 0}, 413, {}, 0},
        {"its last number", 16 * kMiB + 1, CoapBlock{0xFFFFF, false, 0}, 413, {}, 0},
        {"larger blocks of it", 16 * kMiB + 1, CoapBlock{0x80000, false, 1}, 205, {0x80000, false, 1}, 1},
        {"1 GiB", 1024 * kMiB, CoapBlock{0xFFFFF, false, 6}, 205, {0xFFFFF, false, 6}, 1024},
        {"more than that", 1024 * kMiB + 1, {}, 413, {}, 0},
        {"more than 32 bits", 4096 * kMiB + 1, {}, 413, {}, 0},
        {"as much as there can be", ~std::uint64_t{0}, CoapBlock{0xFFFFF, false, 6}, 413, {}, 0},
    };
    for (const Row& row : rows) {
      CAPTURE(row.name);
      const MadeBody body(row.size);
      const auto reply = read_block(body, get_of(row.asked));
      REQUIRE(reply.has_value());
      CHECK(reply->code == row.code);
      if (row.code == 205) {
        CHECK(reply->block2 == row.got);
        CHECK(reply->payload == bytes_of(row.got.offset(), row.length));
        CHECK(reply->size2 == row.size);
        CHECK(reply->etag == "v1");
        CHECK(reply->content_format == 42);
        CHECK(body.reads == (row.length > 0 ? 1 : 0));
      } else {
        CHECK_FALSE(reply->block2.has_value());
        CHECK_FALSE(reply->payload.empty());
        CHECK(reply->content_format == -1);
        CHECK(body.reads == 0);
      }
    }
  }

  TEST_CASE("a body that does not keep to its word is an error") {
    const auto error_of = [](const MadeBody& body) {
      const auto reply = read_block(body, get_of({}));
      return reply ? std::optional<Errc>() : reply.error().code;
    };
    CHECK(error_of(MadeBody(1, "")) == Errc::failed);
    CHECK(error_of(MadeBody(1, "123456789")) == Errc::failed);
    CHECK_FALSE(error_of(MadeBody(1, "12345678")).has_value());
    MadeBody broken(10);
    broken.fails = true;
    CHECK(error_of(broken) == Errc::storage);
    MadeBody truncated(10);
    truncated.lacks = 1;
    CHECK(error_of(truncated) == Errc::failed);
  }

  TEST_CASE("a peer that has this content is told so, in place of the first block [RFC 7252 5.10.6.2]") {
    const MadeBody body(3000);
    CoapMessage request = get_of({});
    request.etags = {"v0", "v1"};
    const auto valid = read_block(body, request);
    REQUIRE(valid.has_value());
    CHECK(valid->code == 203);
    CHECK(valid->etag == "v1");
    CHECK(valid->payload.empty());
    CHECK_FALSE(valid->block2.has_value());
    request.block2 = CoapBlock{1, false, 6};
    CHECK(read_block(body, request)->code == 205);
    request.block2.reset();
    request.etags = {"v0", "v", "v11", ""};
    CHECK(read_block(body, request)->code == 205);
    CHECK(body.reads == 2);
  }
}

}  // namespace
}  // namespace jl::network
