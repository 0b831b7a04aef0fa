// The bounds on bodies in blocks and on remembered answers, without a socket.
#include "daemon/network/coap_transfers.hpp"
#include "daemon/network/coap_recent.hpp"

#include <doctest/doctest.h>
#include <string>

namespace jl::network {
namespace {

struct Peers {
  int a = 0, b = 0;
};

CoapMessage block_of(const std::string& payload, std::uint32_t number, bool more) {
  CoapMessage message;
  message.payload = payload;
  message.block1 = CoapBlock{number, more, 6};
  return message;
}

TEST_SUITE("network.coap_transfers") {
  const std::string kBlock(1024, 'x');

  TEST_CASE("a peer has at most four bodies under way; the one used longest ago gives way") {
    CoapTransfers transfers(1 << 20);
    Peers peers;
    for (std::uint64_t key = 0; key < 4; ++key) {
      CHECK(transfers.take(&peers.a, key, block_of(kBlock, 0, true), 1 << 20, 0).code == 231);
    }
    CHECK(transfers.take(&peers.a, 0, block_of(kBlock, 1, true), 1 << 20, 0).code == 231);
    CHECK(transfers.take(&peers.a, 4, block_of(kBlock, 0, true), 1 << 20, 0).code == 231);
    CHECK(transfers.take(&peers.a, 1, block_of(kBlock, 1, true), 1 << 20, 0).code == 408);
    CHECK(transfers.take(&peers.a, 0, block_of(kBlock, 2, false), 1 << 20, 0).body.size() == 3 * 1024);
    CHECK(transfers.bytes() == 3 * (1024 + CoapTransfers::kOverhead));
    transfers.forget(&peers.a);
    CHECK(transfers.bytes() == 0);
  }

  TEST_CASE("all together keep to the budget") {
    CoapTransfers transfers(10 * 1024);
    std::vector<int> peers(1000);
    for (const int& peer : peers) {
      CHECK(transfers.take(&peer, 7, block_of(kBlock, 0, true), 1 << 20, 0).code == 231);
      CHECK(transfers.bytes() <= 10 * 1024);
    }
    CHECK(transfers.take(&peers[0], 7, block_of(kBlock, 1, true), 1 << 20, 0).code == 408);
    CHECK(transfers.take(&peers[999], 7, block_of(kBlock, 1, false), 1 << 20, 0).code == 0);
  }

  TEST_CASE("one body may be larger than the budget, while it is the only one") {
    CoapTransfers transfers(2048);
    Peers peers;
    CHECK(transfers.take(&peers.a, 1, block_of(kBlock, 0, true), 1 << 20, 0).code == 231);
    for (std::uint32_t i = 1; i < 8; ++i) {
      CHECK(transfers.take(&peers.b, 1, block_of(kBlock, i - 1, true), 1 << 20, 0).code == 231);
    }
    CHECK(transfers.take(&peers.b, 1, block_of(kBlock, 7, false), 1 << 20, 0).body.size() == 8 * 1024);
    CHECK(transfers.bytes() == 0);
  }

  TEST_CASE("what is not used for long goes, by when it was used last") {
    CoapTransfers transfers(1 << 20);
    Peers peers;
    CHECK(transfers.take(&peers.a, 1, block_of(kBlock, 0, true), 1 << 20, 0).code == 231);
    CHECK(transfers.take(&peers.b, 1, block_of(kBlock, 0, true), 1 << 20, 1000).code == 231);
    CHECK(transfers.take(&peers.a, 1, block_of(kBlock, 1, true), 1 << 20, 2000).code == 231);
    transfers.expire(1000 + CoapTransfers::kLifetime);
    CHECK(transfers.take(&peers.b, 1, block_of(kBlock, 1, true), 1 << 20, 3000).code == 408);
    CHECK(transfers.take(&peers.a, 1, block_of(kBlock, 2, true), 1 << 20, 3000).code == 231);
  }

  TEST_CASE("a response body and a request body of the same name are two") {
    CoapTransfers transfers(1 << 20);
    Peers peers;
    CHECK(transfers.take(&peers.a, 1, block_of(kBlock, 0, true), 1 << 20, 0).code == 231);
    CoapReply reply;
    reply.code = 205;
    transfers.put(&peers.a, 1, reply, std::string(3000, 'r'), std::nullopt, 0);
    CHECK(reply.block2 == CoapBlock{0, true, 6});
    CHECK(transfers.take(&peers.a, 1, block_of(kBlock, 1, false), 1 << 20, 0).body.size() == 2048);
    CoapReply next;
    CHECK(transfers.get(&peers.a, 1, next, CoapBlock{2, false, 6}, 0));
    CHECK(next.payload == std::string(3000 - 2048, 'r'));
    CHECK(next.block2 == CoapBlock{2, false, 6});
    CHECK_FALSE(transfers.get(&peers.b, 1, next, CoapBlock{2, false, 6}, 0));
  }

  TEST_CASE("remembered answers are bounded in number and in bytes, the newest is always kept") {
    CoapRecent recent;
    CoapReply reply;
    reply.code = 205;
    reply.payload.assign(1000, 'x');
    for (std::uint16_t id = 0; id < 20; ++id) {
      recent.add(id, 1, 0);
      recent.answered(id, 1, reply, 0);
    }
    CHECK(recent.find(3, 1, 0) == nullptr);
    REQUIRE(recent.find(4, 1, 0) != nullptr);
    CHECK(recent.find(4, 1, 0)->state == CoapRecent::State::silent);
    CHECK(recent.find(18, 1, 0)->reply->payload.size() == 1000);
    CHECK(recent.find(19, 1, 0)->reply->payload.size() == 1000);
    reply.payload.assign(5000, 'y');
    recent.add(20, 1, 0);
    recent.answered(20, 1, reply, 0);
    CHECK(recent.find(20, 1, 0)->reply->payload.size() == 5000);
    CHECK(recent.find(19, 1, 0)->state == CoapRecent::State::silent);
    CHECK(recent.find(20, 2, 0) == nullptr);
    CHECK(recent.find(20, 1, CoapRecent::kLifetime) == nullptr);
  }
}

}  // namespace
}  // namespace jl::network
