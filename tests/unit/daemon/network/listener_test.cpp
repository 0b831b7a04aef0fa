#include "daemon/network/listener.hpp"

#include "tests/unit/daemon/network/mqtt_support.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <cerrno>
#include <vector>

namespace jl::network {
namespace {

using namespace test;

struct ListenerHouse {
  ListenerHouse() {
    threads.start(true);
    auto opened = Listener::open("127.0.0.1", 0, "test", threads.at(0));
    REQUIRE(opened.has_value());
    listener = *opened;
    Listener::start(listener, [this](Stream stream, const PeerAddress& peer) {
      accepted.push_back(std::move(stream));
      peers.push_back(peer.to_string());
    });
  }
  ~ListenerHouse() {
    Listener::stop(listener);
    threads.stop();
  }
  std::size_t count() {
    return run_on(threads.at(0), [this] { return accepted.size(); });
  }
  jl::test::ManualClock clock;
  IoThreads threads{1, clock};
  std::shared_ptr<Listener> listener;
  std::vector<Stream> accepted;
  std::vector<std::string> peers;
};

int option(int fd, int level, int name) {
  int value = 0;
  socklen_t size = sizeof value;
  REQUIRE(::getsockopt(fd, level, name, &value, &size) == 0);
  return value;
}

TEST_SUITE("network.listener") {
  TEST_CASE("accepted sockets are non-blocking, close-on-exec, without Nagle and with keep-alive probes") {
    ListenerHouse house;
    const MqttClient client(house.listener->port());
    REQUIRE(eventually([&] { return house.count() == 1; }));
    const int fd = house.accepted[0].fd();
    CHECK((::fcntl(fd, F_GETFL) & O_NONBLOCK) != 0);
    CHECK((::fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
    CHECK(option(fd, IPPROTO_TCP, TCP_NODELAY) != 0);
    CHECK(option(fd, SOL_SOCKET, SO_KEEPALIVE) != 0);
    CHECK(house.peers[0].rfind("127.0.0.1:", 0) == 0);
  }

  TEST_CASE("more connections than one batch are all accepted") {
    ListenerHouse house;
    std::vector<MqttClient> clients;
    {
      const Hold hold(house.threads.at(0));
      for (int i = 0; i < 3 * Listener::kBatch; ++i) clients.emplace_back(house.listener->port());
    }
    CHECK(eventually([&] { return house.count() == clients.size(); }));
  }

  TEST_CASE("a port that is taken is address_in_use; the same port is free again after stop") {
    ListenerHouse house;
    const std::uint16_t port = house.listener->port();
    const auto second = Listener::open("127.0.0.1", port, "second", house.threads.at(0));
    REQUIRE(second.has_error());
    CHECK(second.error().code == Errc::address_in_use);
    CHECK(second.error().message == "bind 127.0.0.1:" + std::to_string(port) + ": address in use");
    CHECK(second.error().field == "port");
    MqttClient client(port);
    REQUIRE(eventually([&] { return house.count() == 1; }));
    Listener::stop(house.listener);
    Listener::stop(house.listener);
    CHECK_FALSE(MqttClient().open(port));
    // SO_REUSEADDR: the connection that is still open does not keep the port.
    CHECK(Listener::open("127.0.0.1", port, "second", house.threads.at(0)).has_value());
  }

  TEST_CASE("a host that cannot be resolved is invalid, a foreign address is a network error") {
    ListenerHouse house;
    for (const char* host : {"no such host", "", "256.256.256.256"}) {
      const auto result = Listener::open(host, 0, "x", house.threads.at(0));
      REQUIRE(result.has_error());
      CHECK(result.error().code == Errc::invalid);
      CHECK(result.error().field == "host");
    }
    const auto foreign = Listener::open("192.0.2.1", 0, "x", house.threads.at(0));
    REQUIRE(foreign.has_error());
    CHECK(foreign.error().code == Errc::network);
  }

  TEST_CASE("names and IPv6 addresses can be listened on") {
    ListenerHouse house;
    CHECK(Listener::open("localhost", 0, "x", house.threads.at(0)).has_value());
    const auto v6 = Listener::open("::1", 0, "x", house.threads.at(0));
    if (v6.has_error()) CHECK(v6.error().code == Errc::network);  // a machine without IPv6
  }

  TEST_CASE("out of descriptors: one peer is let go, accepting pauses for a second and then goes on") {
    ListenerHouse house;
    MqttClient probe(house.listener->port());
    REQUIRE(eventually([&] { return house.count() == 1; }));
    MqttClient shed;
    MqttClient waits;
    rlimit before{};
    REQUIRE(::getrlimit(RLIMIT_NOFILE, &before) == 0);
    const int next = ::dup(probe.fd());  // the lowest free number
    REQUIRE(next >= 0);
    ::close(next);
    rlimit none = before;
    none.rlim_cur = static_cast<rlim_t>(next);
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &none) == 0);
    const bool opened = shed.open(house.listener->port());
    const bool is_shed = shed.at_end();
    const bool opened_second = waits.open(house.listener->port());
    settle(house.threads.at(0));
    const std::size_t meanwhile = house.count();
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &before) == 0);
    CHECK(opened);
    CHECK(is_shed);
    CHECK(opened_second);
    CHECK(meanwhile == 1);
    house.clock.advance(Listener::kPause + TimerWheel::kResolution);
    house.threads.advance_timers();
    CHECK(eventually([&] { return house.count() == 2; }));
  }
}

TEST_SUITE("network.address") {
  TEST_CASE("addresses print with their port, IPv6 in brackets, mapped IPv4 as IPv4") {
    sockaddr_storage storage{};
    auto& v4 = reinterpret_cast<sockaddr_in&>(storage);
    v4.sin_family = AF_INET;
    v4.sin_port = htons(50312);
    ::inet_pton(AF_INET, "192.0.2.7", &v4.sin_addr);
    CHECK(PeerAddress(storage).to_string() == "192.0.2.7:50312");
    storage = {};
    auto& v6 = reinterpret_cast<sockaddr_in6&>(storage);
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(1);
    ::inet_pton(AF_INET6, "2001:db8::1", &v6.sin6_addr);
    CHECK(PeerAddress(storage).to_string() == "[2001:db8::1]:1");
    ::inet_pton(AF_INET6, "::ffff:192.0.2.9", &v6.sin6_addr);
    CHECK(PeerAddress(storage).to_string() == "192.0.2.9:1");
    CHECK(PeerAddress().to_string().empty());
    CHECK(host_and_port("::1", 1883) == "[::1]:1883");
    CHECK(host_and_port("name", 1883) == "name:1883");
  }
}

}  // namespace
}  // namespace jl::network
