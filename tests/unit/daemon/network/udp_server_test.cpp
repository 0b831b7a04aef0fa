#include "daemon/network/udp_server.hpp"

#include "tests/unit/daemon/network/udp_support.hpp"

#include <doctest/doctest.h>
#include <algorithm>
#include <set>

namespace jl::network {
namespace {

using namespace test;

/// Our own bound UDP socket, as another program would have it.
struct Squatter {
  explicit Squatter(std::uint16_t port, bool shares, int family = AF_INET) {
    fd = ::socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    const int on = shares ? 1 : 0;
    ::setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    is_bound = ::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
    socklen_t size = sizeof address;
    ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size);
    bound_to = ntohs(address.sin_port);
  }
  ~Squatter() { ::close(fd); }
  Squatter(const Squatter&) = delete;
  int fd;
  bool is_bound = false;
  std::uint16_t bound_to = 0;
};

TEST_SUITE("network.udp_server") {
  TEST_CASE("datagrams reach the handler in order with their sender, and its answers come back in order") {
    UdpHouse house;
    house.start();
    const UdpClient client(house.port());
    for (int i = 0; i < 100; ++i) client.send(std::to_string(i));
    for (int i = 0; i < 100; ++i) CHECK(client.receive() == std::to_string(i));
    const auto seen = house.handler->seen();
    REQUIRE(seen.size() == 100);
    CHECK(seen[99].bytes == "99");
    CHECK(seen[99].subject.empty());
    CHECK(seen[99].from == client.address());
    CHECK(house.counters().received == 100);
    CHECK(house.counters().received_bytes == 190);
    CHECK(eventually([&] { return house.counters().sent == 100; }));
    CHECK(eventually([&] { return house.counters().sent_bytes == 190; }));
    CHECK(house.counters().sessions == 0);
  }

  TEST_CASE("a datagram may be empty or as large as IPv4 has room for; send() refuses a larger one") {
    UdpHouse house;
    bool too_large = true;
    house.handler->take = [&](UdpLane& lane, const PeerAddress& from, std::string_view bytes) {
      too_large = lane.send(from, std::string(65'508, 'x'));
      CHECK(lane.send(from, bytes));
    };
    house.start();
    const UdpClient client(house.port());
    client.send("");
    CHECK(client.receive() == "");
    std::string large(65'507, 'x');
    large.front() = 'a';
    large.back() = 'z';
    client.send(large);
    client.send("after");
    CHECK(client.receive() == large);
    CHECK(client.receive() == "after");
    CHECK_FALSE(too_large);
    CHECK(house.counters().dropped == 0);
  }

  TEST_CASE("more than one turn takes at once is all taken, small and large mixed") {
    UdpHouse house;
    house.start();
    const UdpClient client(house.port());
    std::vector<std::string> sent;
    {
      const Hold hold(house.threads.at(0));
      for (std::size_t i = 0; i < 200; ++i) {
        sent.push_back(std::string(i % 7 == 0 ? 3000 : 20, static_cast<char>('a' + i % 26)));
        client.send(sent.back());
      }
    }
    const auto seen = house.handler->wait_seen(sent.size());
    REQUIRE(seen.size() == sent.size());
    for (std::size_t i = 0; i < sent.size(); ++i) CHECK(seen[i].bytes == sent[i]);
  }

  TEST_CASE("peers are spread over the threads, and each stays on one") {
    UdpHouse house(2);
    house.start();
    std::vector<UdpClient> clients;
    for (int i = 0; i < 64; ++i) clients.emplace_back(house.port());
    for (int round = 0; round < 3; ++round) {
      for (const auto& client : clients) client.send("x");
      for (const auto& client : clients) CHECK(client.receive() == "x");
    }
    std::map<std::string, std::set<std::size_t>> threads_of;
    std::set<std::size_t> used;
    for (const auto& seen : house.handler->seen()) {
      threads_of[seen.from.to_string()].insert(seen.thread);
      used.insert(seen.thread);
    }
    CHECK(threads_of.size() == clients.size());
    CHECK(std::all_of(threads_of.begin(), threads_of.end(), [](const auto& each) { return each.second.size() == 1; }));
    CHECK(used.size() == 2);  // 2^-63 that it is not
  }

  TEST_CASE("a datagram can be sent to a peer at any time, and to one that is gone") {
    UdpHouse house;
    house.start();
    std::optional<UdpClient> client(std::in_place, house.port());
    client->send("hello");
    CHECK(client->receive() == "hello");
    UdpLane& lane = house.handler->last_lane();
    const PeerAddress to = client->address();
    CHECK(run_on(lane.thread(), [&] { return lane.send(to, "later"); }));
    CHECK(client->receive() == "later");
    client.reset();  // what is sent now comes back as an ICMP error
    for (int i = 0; i < 3; ++i) {
      CHECK(run_on(lane.thread(), [&] { return lane.send(to, "nobody"); }));
      settle(lane.thread());
    }
    const UdpClient other(house.port());
    other.send("still there");
    CHECK(other.receive() == "still there");
    lane.thread().post([&] { lane.close(to); });  // there is no session in the clear
  }

  TEST_CASE("what the socket cannot send is dropped and counted, what follows is sent") {
    UdpHouse house;
    house.handler->take = [](UdpLane& lane, const PeerAddress& from, std::string_view) {
      sockaddr_storage v6{};
      v6.ss_family = AF_INET6;
      CHECK(lane.send(PeerAddress(v6), "an IPv6 peer of an IPv4 socket"));
      CHECK(lane.send(PeerAddress(), "nobody"));
      CHECK(lane.send(from, "fine"));
    };
    house.start();
    const UdpClient client(house.port());
    client.send("x");
    CHECK(client.receive() == "fine");
    CHECK(eventually([&] { return house.counters().sent == 1; }));
    CHECK(house.counters().dropped == 2);
  }

  TEST_CASE("what the handler throws ends with its datagram") {
    UdpHouse house;
    house.handler->take = [](UdpLane& lane, const PeerAddress& from, std::string_view bytes) {
      if (bytes == "bad") throw std::runtime_error("bad");
      if (bytes == "worse") throw 1;
      CHECK(lane.send(from, bytes));
    };
    house.start();
    const UdpClient client(house.port());
    {
      const Hold hold(house.threads.at(0));  // so that they come in one batch
      for (const char* bytes : {"bad", "good", "worse", "fine"}) client.send(bytes);
    }
    CHECK(client.receive() == "good");
    CHECK(client.receive() == "fine");
  }

  TEST_CASE("one address may send so many datagrams in a second, and no other is held for it") {
    UdpHouse house;
    house.options.max_message_rate = 3;
    house.start();
    const UdpClient hasty(house.port()), other(house.port());
    for (int i = 0; i < 5; ++i) hasty.send("h");
    other.send("o");
    CHECK(other.receive() == "o");
    CHECK(house.handler->seen().size() == 4);
    CHECK(house.counters().received == 4);
    CHECK(house.counters().rate_limited == 2);
    house.pass(1000);
    hasty.send("again");
    for (int i = 0; i < 3; ++i) CHECK(hasty.receive() == "h");
    CHECK(hasty.receive() == "again");
    house.options.max_message_rate = 1;
    house.server->update(house.options);
    hasty.send("over");
    other.send("over");
    other.send("over");
    CHECK(eventually([&] { return house.counters().rate_limited == 4; }));
    house.pass(1000);
    hasty.send("last");
    CHECK(hasty.receive() == "last");
    house.options.max_message_rate = 0;
    house.server->update(house.options);
    for (int i = 0; i < 5; ++i) hasty.send("free");
    for (int i = 0; i < 5; ++i) CHECK(hasty.receive() == "free");
  }

  TEST_CASE("IPv6 with IPv4 on one socket: an IPv4 peer is one") {
    UdpHouse house;
    house.options.host = "::";
    house.start();
    const UdpClient v4(house.port());
    v4.send("four");
    CHECK(v4.receive() == "four");
    CHECK(house.handler->seen().front().from.to_string().rfind("127.0.0.1:", 0) == 0);
    const int probe = ::socket(AF_INET6, SOCK_DGRAM, 0);
    if (probe < 0) return;  // a machine without IPv6
    ::close(probe);
    const UdpClient v6(house.port(), "::1");
    v6.send("six");
    CHECK(v6.receive() == "six");
    CHECK(house.handler->seen().back().from == v6.address());
  }

  TEST_CASE("a port that somebody has is address_in_use, also when it would be shared") {
    for (const bool shares : {false, true}) {
      CAPTURE(shares);
      const Squatter squatter(0, shares);
      REQUIRE(squatter.is_bound);
      UdpHouse house(2);
      house.options.port = squatter.bound_to;
      const auto started = UdpServer::start(house.options, house.threads, house.handler);
      REQUIRE(started.has_error());
      CHECK(started.error().code == Errc::address_in_use);
      CHECK(started.error().field == "port");
    }
    UdpHouse first(2), second(2);
    first.start();
    second.options.port = first.port();
    const auto started = UdpServer::start(second.options, second.threads, second.handler);
    REQUIRE(started.has_error());
    CHECK(started.error().code == Errc::address_in_use);
    CHECK_FALSE(Squatter(first.port(), false).is_bound);
  }

  TEST_CASE("a host that cannot be resolved is invalid, a foreign address is a network error") {
    UdpHouse house;
    for (const char* host : {"no such host", ""}) {
      house.options.host = host;
      const auto started = UdpServer::start(house.options, house.threads, house.handler);
      REQUIRE(started.has_error());
      CHECK(started.error().code == Errc::invalid);
      CHECK(started.error().field == "host");
    }
    house.options.host = "192.0.2.1";
    const auto foreign = UdpServer::start(house.options, house.threads, house.handler);
    REQUIRE(foreign.has_error());
    CHECK(foreign.error().code == Errc::network);
  }

  TEST_CASE("stop() closes the port, and the handler is not called after it") {
    UdpHouse house(2);
    house.start();
    const std::uint16_t port = house.port();
    const UdpClient client(port);
    client.send("before");
    CHECK(client.receive() == "before");
    {
      const Hold first(house.threads.at(0)), second(house.threads.at(1));
      house.threads.at(0).post([] {});
    }
    house.server->stop();
    house.server->stop();
    ::send(client.fd(), "after", 5, 0);
    house.settle_all();
    CHECK(house.handler->seen().size() == 1);
    CHECK(Squatter(port, false).is_bound);
  }

  TEST_CASE("stop() does not wait for threads that have stopped") {
    UdpHouse house(2);
    house.start();
    house.threads.stop();
    house.server->stop();
    house.server.reset();
  }
}

/// A house whose handler holds the commit of the turn that takes "hold" in.
struct HoldingHouse : UdpHouse {
  HoldingHouse() {
    handler->take = [this](UdpLane& lane, const PeerAddress& from, std::string_view bytes) {
      if (bytes == "hold") commit.holds = true;
      CHECK(lane.send(from, bytes));
    };
    start();
    client.emplace(port());
    client->send("hold");
    REQUIRE(eventually([this] { return is_held(); }));
  }
  std::optional<UdpClient> client;
};

TEST_SUITE("network.udp_server.commit") {
  TEST_CASE("an answer leaves when its turn is committed, not before") {
    HoldingHouse house;
    settle(house.threads.at(0));
    house.pass(1000);
    CHECK(house.handler->seen().size() == 1);
    CHECK_FALSE(house.client->receive_now());
    CHECK(house.counters().sent == 0);
    house.release(true);
    CHECK(house.client->receive() == "hold");
    CHECK(eventually([&] { return house.counters().sent == 1; }));
  }

  TEST_CASE("a commit that failed takes its answers with it; those of the next leave") {
    HoldingHouse house;
    UdpLane& lane = house.handler->last_lane();
    // While the commit is on its way: this belongs to the next one.
    CHECK(run_on(lane.thread(), [&] { return lane.send(house.client->address(), "next"); }));
    house.release(false);
    CHECK(house.client->receive() == "next");
    settle(lane.thread());
    CHECK_FALSE(house.client->receive_now());
    CHECK(house.counters().dropped == 1);
    CHECK(house.counters().sent == 1);
  }

  TEST_CASE("what waits for a commit is bounded; the rest is refused and counted") {
    HoldingHouse house;
    UdpLane& lane = house.handler->last_lane();
    const PeerAddress to = house.client->address();
    const std::string large(60'000, 'x');
    const auto fill = [&] {
      return run_on(lane.thread(), [&] {
        int count = 0;
        while (lane.send(to, large)) ++count;
        return count;
      });
    };
    const int taken = fill();
    CHECK(taken == (4 << 20) / 60'000);
    CHECK(house.counters().dropped == 1);
    run_on(lane.thread(), [&] { house.commit.fails = true; });
    house.release(false);
    settle(lane.thread());
    settle(lane.thread());
    CHECK(house.counters().dropped == static_cast<std::uint64_t>(taken) + 2);
    CHECK_FALSE(house.client->receive_now());
    CHECK(run_on(lane.thread(), [&] {
      house.commit.fails = false;
      return lane.send(to, "room again");
    }));
    CHECK(house.client->receive() == "room again");
  }

  TEST_CASE("stop() lets answers leave that wait for the commit on its way") {
    HoldingHouse house;
    std::thread stopping([&] { house.server->stop(); });
    house.release(true);
    stopping.join();
    CHECK(house.client->receive() == "hold");
  }
}

}  // namespace
}  // namespace jl::network
