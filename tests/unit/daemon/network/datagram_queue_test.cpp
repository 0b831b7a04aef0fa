#include "daemon/network/datagram_queue.hpp"

#include "daemon/network/peer_rates.hpp"

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <netinet/in.h>
#include <set>
#include <string>
#include <vector>

namespace jl::network {
namespace {

PeerAddress v4(std::uint16_t port, std::uint32_t host = INADDR_LOOPBACK) {
  sockaddr_storage storage{};
  auto& address = reinterpret_cast<sockaddr_in&>(storage);
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(host);
  return PeerAddress(storage);
}

PeerAddress v6(const char* text, std::uint16_t port, std::uint32_t scope = 0) {
  sockaddr_storage storage{};
  auto& address = reinterpret_cast<sockaddr_in6&>(storage);
  address.sin6_family = AF_INET6;
  address.sin6_port = htons(port);
  address.sin6_scope_id = scope;
  REQUIRE(::inet_pton(AF_INET6, text, &address.sin6_addr) == 1);
  return PeerAddress(storage);
}

/// What may leave, as "text@port" each.
std::vector<std::string> sendable(const DatagramQueue& queue, std::uint64_t commit, std::size_t most = SIZE_MAX) {
  std::vector<std::string> out;
  queue.for_sendable(commit, most, [&](const DatagramQueue::Datagram& datagram, std::string_view bytes) {
    CHECK(datagram.size == bytes.size());
    out.push_back(std::string(bytes) + "@" + datagram.to.to_string());
  });
  return out;
}

TEST_SUITE("network.datagram_queue") {
  TEST_CASE("datagrams leave in order, once the commit that they belong to is over") {
    DatagramQueue queue;
    CHECK(queue.push(7, v4(1), "one", 3));
    CHECK(queue.push(7, v4(2), "", 0));
    CHECK(sendable(queue, 7).empty());
    CHECK(queue.push(8, v4(3), "three", -1));
    CHECK(sendable(queue, 8) == std::vector<std::string>{"one@127.0.0.1:1", "@127.0.0.1:2"});
    CHECK(sendable(queue, 8, 1) == std::vector<std::string>{"one@127.0.0.1:1"});
    queue.pop(1);
    CHECK(sendable(queue, 8) == std::vector<std::string>{"@127.0.0.1:2"});
    CHECK(sendable(queue, 9) == std::vector<std::string>{"@127.0.0.1:2", "three@127.0.0.1:3"});
    queue.pop(2);
    CHECK(queue.count() == 0);
    CHECK(sendable(queue, 99).empty());
  }

  TEST_CASE("a failed commit takes out what belongs to it alone") {
    for (const std::size_t popped : {0u, 1u, 3u}) {
      CAPTURE(popped);
      DatagramQueue queue;
      for (int i = 0; i < 5; ++i) CHECK(queue.push(1, v4(1), "a" + std::to_string(i), 2));  // committed, but not sent
      for (int i = 0; i < 3; ++i) CHECK(queue.push(2, v4(1), "fails", 5));
      CHECK(queue.push(3, v4(1), "next", 4));
      queue.pop(popped);
      CHECK(queue.drop(2) == 3);
      CHECK(queue.drop(2) == 0);
      const auto left = sendable(queue, 4);
      REQUIRE(left.size() == 6 - popped);
      CHECK(left.front() == "a" + std::to_string(popped) + "@127.0.0.1:1");
      CHECK(left.back() == "next@127.0.0.1:1");
      CHECK(sendable(queue, 3).size() == 5 - popped);
    }
    DatagramQueue all;
    CHECK(all.push(1, v4(1), "x", 1));
    CHECK(all.drop(1) == 1);
    CHECK(all.count() == 0);
    CHECK(all.push(2, v4(1), "y", 1));
    CHECK(sendable(all, 3) == std::vector<std::string>{"y@127.0.0.1:1"});
  }

  TEST_CASE("bytes and count are bounded by what waits, not by what has passed through") {
    DatagramQueue queue;
    const std::string megabyte(std::size_t{1} << 20u, 'x');
    for (int i = 0; i < 4; ++i) CHECK(queue.push(1, v4(1), megabyte, 0));
    CHECK_FALSE(queue.push(1, v4(1), "x", 0));
    CHECK(queue.push(1, v4(1), "", 0));
    queue.pop(1);
    CHECK(queue.push(1, v4(1), megabyte, 0));
    CHECK_FALSE(queue.has_room(1));
    queue.pop(5);
    for (std::size_t i = 0; i < 3 * DatagramQueue::kMaxCount; ++i) {
      CHECK(queue.push(1, v4(1), "x", 1));
      if (queue.count() == 100) queue.pop(99);
    }
    while (queue.has_room(0)) CHECK(queue.push(1, v4(1), "x", 1));
    CHECK(queue.count() == DatagramQueue::kMaxCount);
  }
}

TEST_SUITE("network.peer_rates") {
  TEST_CASE("each address and port has so many in a second") {
    PeerRates rates;
    for (const auto& peer : {v4(1), v4(2), v4(1, 0x7F000002), v6("2001:db8::1", 1)}) {
      CAPTURE(peer.to_string());
      CHECK(rates.allow(peer, 2, 5000));
      CHECK(rates.allow(peer, 2, 5999));
      CHECK_FALSE(rates.allow(peer, 2, 5999));
      CHECK(rates.allow(peer, 3, 5999));
      CHECK(rates.allow(peer, 2, 6000));
    }
    CHECK_FALSE(rates.allow(v4(9), 0, 0));
  }

  TEST_CASE("a flood of forged addresses does not make the flooder's own be forgotten") {
    PeerRates rates;
    const PeerAddress flooder = v4(1);
    for (int i = 0; i < 50; ++i) CHECK(rates.allow(flooder, 50, 1000));
    std::size_t refused = 0;
    for (std::uint32_t i = 0; i < 100'000; ++i) {
      if (!rates.allow(v4(7, i), 50, 1000)) ++refused;
    }
    CHECK(refused == 0);
    CHECK_FALSE(rates.allow(flooder, 50, 1000));
  }
}

TEST_SUITE("network.address") {
  TEST_CASE("addresses compare by host, port and interface, however IPv4 came") {
    CHECK(v4(1) == v4(1));
    CHECK(v4(1) != v4(2));
    CHECK(v4(1) != v4(1, 0x7F000002));
    CHECK(v4(1) == v6("::ffff:127.0.0.1", 1));
    CHECK(v4(1).hash() == v6("::ffff:127.0.0.1", 1).hash());
    CHECK(v4(1, 0) != v6("::", 1));
    CHECK(v6("fe80::1", 1, 2) != v6("fe80::1", 1, 3));
    CHECK(PeerAddress() == PeerAddress());
    CHECK(PeerAddress() != v4(0, 0));
    std::set<std::uint64_t> hashes;
    for (std::uint16_t port = 0; port < 10'000; ++port) hashes.insert(v4(port).hash() % 1'000'000'007);
    CHECK(hashes.size() > 9'990);  // 0.05 of them meet by chance
  }

  TEST_CASE("an address goes back to what a socket of either family sends to") {
    sockaddr_storage storage{};
    CHECK(v4(5).to_sockaddr(AF_INET, storage) == sizeof(sockaddr_in));
    CHECK(PeerAddress(storage) == v4(5));
    CHECK(v4(5).to_sockaddr(AF_INET6, storage) == sizeof(sockaddr_in6));
    CHECK(storage.ss_family == AF_INET6);
    CHECK(PeerAddress(storage) == v4(5));
    CHECK(v6("fe80::1", 5, 3).to_sockaddr(AF_INET6, storage) == sizeof(sockaddr_in6));
    CHECK(PeerAddress(storage) == v6("fe80::1", 5, 3));
    CHECK(reinterpret_cast<const sockaddr_in6&>(storage).sin6_scope_id == 3);
    CHECK(v6("2001:db8::1", 5).to_sockaddr(AF_INET, storage) == 0);
    CHECK(PeerAddress().to_sockaddr(AF_INET, storage) == 0);
    CHECK(PeerAddress().to_sockaddr(AF_INET6, storage) == 0);
  }
}

}  // namespace
}  // namespace jl::network
