// permessage-deflate: what is agreed on, what comes out, and what does not get the chance to.
#include "daemon/wire/websocket/deflate.hpp"

#include "daemon/wire/websocket/extensions.hpp"
#include "tests/unit/daemon/wire/websocket/machine_support.hpp"

#include <doctest/doctest.h>
#include <string>

namespace jl::wire::websocket {
namespace {

using namespace test;

std::string compressed_text(std::string payload) { return frame({.payload = std::move(payload), .reserved = 4}); }

/// Bytes that deflate cannot make smaller.
std::string noise(std::size_t size) {
  std::string out;
  std::uint64_t state = 88172645463325252u;
  while (out.size() < size) {
    state ^= state << 13u, state ^= state >> 7u, state ^= state << 17u;
    out.push_back(static_cast<char>(state & 0xFFu));
  }
  return out;
}

TEST_SUITE("wire.websocket.deflate") {
  TEST_CASE("the examples of the standard are read [RFC 7692 7.2.3]") {
    const std::string hello("\xF2\x48\xCD\xC9\xC9\x07\x00", 7);
    CHECK(story_of(compressed_text(hello)) == Story{"text Hello"});
    // In two fragments; only the first says that it is compressed.
    CHECK(story_of(frame({.payload = hello.substr(0, 3), .fin = false, .reserved = 4}) +
                   frame({.opcode = 0, .payload = hello.substr(3)})) == Story{"text Hello"});
    // A block without compression.
    CHECK(story_of(compressed_text(std::string("\x00\x05\x00\xFA\xFF\x48\x65\x6C\x6C\x6F\x00", 11))) ==
          Story{"text Hello"});
    // A block marked as the last one, and two blocks in one message.
    CHECK(story_of(compressed_text(std::string("\xF3\x48\xCD\xC9\xC9\x07\x00\x00", 8))) == Story{"text Hello"});
    CHECK(story_of(compressed_text(std::string("\xF2\x48\x05\x00\x00\x00\xFF\xFF\xCA\xC9\xC9\x07\x00", 13))) ==
          Story{"text Hello"});
    // An empty message, and the next one does not depend on it.
    CHECK(story_of(compressed_text(std::string(1, '\0')) + compressed_text(hello)) == Story{"text ", "text Hello"});
  }

  TEST_CASE("compressed and plain messages may follow each other [RFC 7692 6]") {
    const std::string long_text(5000, 'a');
    CHECK(story_of(compressed_text(deflated(long_text)) + text_frame("b") + compressed_text(deflated("c"))) ==
          Story{"text " + StoryTeller::brief(long_text), "text b", "text c"});
    CHECK(story_of(compressed_text(deflated("x")), {.inflates = false}) == Story{"fail 1002"});
  }

  TEST_CASE("text is checked after it is decompressed") {
    CHECK(story_of(compressed_text(deflated("\xE2\x82\xAC"))) == Story{"text \xE2\x82\xAC"});
    CHECK(story_of(compressed_text(deflated("\xE2\x82"))) == Story{"fail 1007"});
  }

  TEST_CASE("what is not deflate, or ends too early, is refused") {
    const std::string whole = deflated("a text of some length that ends in the middle, in the middle of a block");
    CHECK(story_of(compressed_text("\xFF\xFF\xFF")) == Story{"fail 1007"});
    CHECK(story_of(compressed_text(std::string("\x00\x05\x00\x00\x00Hello", 10))) == Story{"fail 1007"});
    for (const std::size_t left : {std::size_t{1}, whole.size() / 2, whole.size() - 6}) {
      CAPTURE(left);
      CHECK(story_of(compressed_text(whole.substr(0, left))) == Story{"fail 1007"});
    }
    // The stream is the thread's: what was wrong with one message is forgotten with it.
    CHECK(story_of(compressed_text(whole)).front().starts_with("text 71:"));
  }

  TEST_CASE("a bomb is not inflated beyond the limit") {
    const Setting setting{.max_message = 1000};
    CHECK(story_of(compressed_text(deflated(std::string(1000, 'x'))), setting).front().starts_with("text 1000:"));
    CHECK(story_of(compressed_text(deflated(std::string(1001, 'x'))), setting) == Story{"fail 1009"});
    const std::string bomb = deflated(std::string(50u << 20u, '\0'), 9);
    CHECK(bomb.size() < 64 * 1024);
    CHECK(story_of(compressed_text(bomb), {.max_message = 1u << 20u}) == Story{"fail 1009"});
    std::string out;
    CHECK(inflate_message(bomb, 5000, out) == InflateResult::too_large);
    CHECK(out.capacity() < 20'000);
    // As a bomb may be put into many fragments, the compressed bytes are counted, too.
    CHECK(story_of(compressed_text(noise(1100)), setting) == Story{"fail 1009"});
  }

  TEST_CASE("data that grows by compression still fits when it is at the limit") {
    const std::string bytes = noise(100'000);
    const std::string stored = deflated(bytes, 0);
    CHECK(stored.size() > bytes.size());
    CHECK(story_of(frame({.opcode = 2, .payload = stored, .reserved = 4}), {.max_message = 100'000}) ==
          Story{"binary " + StoryTeller::brief(bytes)});
  }

  TEST_CASE("what we compress a peer with that window can read, and we do so only when it helps") {
    std::string json;
    for (int i = 0; i < 3000; ++i)
      json += R"({"messageType":"READ_PROPERTY","deviceId":"d)" + std::to_string(i) + "\"}";
    for (int bits = 9; bits <= 15; ++bits) {
      CAPTURE(bits);
      for (int round = 0; round < 2; ++round) {
        std::string out = "left over";
        REQUIRE(deflate_message(json, bits, out));
        CHECK(out.size() < json.size() / 4);
        CHECK(inflated(out, bits) == json);
      }
    }
    std::string out;
    CHECK_FALSE(deflate_message(noise(5000), 15, out));
    CHECK_FALSE(deflate_message("", 15, out));
  }

  TEST_CASE("an offer is taken with what it asks for, or declined as a whole [RFC 7692 7.1]") {
    const std::string base = "permessage-deflate; server_no_context_takeover; client_no_context_takeover";
    struct Row {
      std::string offer, answer;  // "" = declined
    };
    const Row rows[] = {
        {"", ""},
        {"permessage-deflate", base},
        {" permessage-deflate ; client_max_window_bits ", base},
        {"permessage-deflate; client_max_window_bits=10", base},
        {"permessage-deflate; client_max_window_bits=\"10\"", base},
        {"permessage-deflate; server_no_context_takeover; client_no_context_takeover", base},
        {"permessage-deflate; server_max_window_bits=10", base + "; server_max_window_bits=10"},
        {"permessage-deflate; server_max_window_bits=15", base + "; server_max_window_bits=15"},
        {"permessage-deflate; server_max_window_bits=8", ""},  // zlib has no raw stream of that
        {"permessage-deflate; server_max_window_bits=8, permessage-deflate", base},
        {"permessage-deflate; server_max_window_bits", ""},
        {"permessage-deflate; server_max_window_bits=16", ""},
        {"permessage-deflate; server_max_window_bits=7", ""},
        {"permessage-deflate; server_max_window_bits=010", ""},
        {"permessage-deflate; server_max_window_bits=1x", ""},
        {"permessage-deflate; client_max_window_bits=16", ""},
        {"permessage-deflate; server_no_context_takeover=1", ""},
        {"permessage-deflate; server_no_context_takeover; server_no_context_takeover", ""},
        {"permessage-deflate; unknown", ""},
        {"x-webkit-deflate-frame", ""},
        {"foo; bar=\"ba\\z\", , permessage-deflate,", base},
        {"permessage-bzip2, permessage-deflate; unknown=1, permessage-deflate; server_max_window_bits=9",
         base + "; server_max_window_bits=9"},
    };
    for (const Row& row : rows) {
      CAPTURE(row.offer);
      const auto chosen = choose_deflate(row.offer);
      REQUIRE(chosen.has_value());
      CHECK((*chosen ? describe(**chosen) : "") == row.answer);
    }
  }

  TEST_CASE("a field that is not a list of extensions is an error [RFC 6455 9.1]") {
    for (const std::string offer :
         {";", "=", "a b", "a;", "a; ;b", "a; b=", "a; b=\"", "a; b=\"\"", "a; b=\"x", "a; b=\"x y\"", "a; b=\"x\\",
          "a; b=c d", "permessage-deflate; client_max_window_bits==10", "a, b;", "a\x01", "\"a\"", "a/b"}) {
      CAPTURE(offer);
      const auto chosen = choose_deflate(offer);
      REQUIRE_FALSE(chosen.has_value());
      CHECK(chosen.error().code == Errc::invalid);
    }
  }
}

}  // namespace
}  // namespace jl::wire::websocket
