// Streams over TCP, in the clear.
#include "daemon/network/client_dial.hpp"
#include "tests/unit/daemon/network/client_stream_support.hpp"
#include "tests/unit/daemon/network/tcp_client.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <netinet/tcp.h>
#include <algorithm>
#include <future>
#include <map>
#include <optional>
#include <string>

namespace jl::network {
namespace {

using namespace test;

// Bytes that tell where they belong.
std::string pattern(std::size_t size) {
  std::string out(size, '\0');
  for (std::size_t i = 0; i < size; ++i) out[i] = static_cast<char>(i * 2'654'435'761u >> 24u);
  return out;
}

// Our end of the connection to a port, found among all descriptors of this process.
int descriptor_to(std::uint16_t port) {
  for (int fd = 3; fd < 4096; ++fd) {
    sockaddr_in address{};
    socklen_t size = sizeof address;
    if (::getpeername(fd, reinterpret_cast<sockaddr*>(&address), &size) == 0 && address.sin_family == AF_INET &&
        ntohs(address.sin_port) == port) {
      return fd;
    }
  }
  return -1;
}

// What was promised, or nothing after the time limit.
template <class Value>
std::optional<Value> heard(std::future<Value>& future) {
  if (future.wait_for(kCeiling) != std::future_status::ready) return std::nullopt;
  return future.get();
}

TEST_SUITE("network.client_stream") {
  TEST_CASE("a connection opens, carries bytes both ways and ends when the peer closes") {
    TestPort port;
    port.listen();
    StreamHouse house;
    CHECK_FALSE(house.is_open());
    CHECK_FALSE(house.send("early"));
    CHECK(house.peer().empty());
    auto server = house.connect(port);
    CHECK(house.is_open());
    CHECK(house.peer() == fmt::format("127.0.0.1:{}", port.number()));
    CHECK(house.send("question"));
    CHECK(server.read(8) == "question");
    server.send("answer");
    CHECK(house.handler.wait_bytes(6) == "answer");
    server.send("last words");
    server.close();
    CHECK(house.handler.wait_end() == "closed by the peer");
    CHECK(house.handler.wait_bytes(10) == "last words");
    CHECK_FALSE(house.is_open());
    CHECK_FALSE(house.send("late"));
    CHECK(house.peer().empty());
    CHECK(house.handler.opened() == 1);
  }

  TEST_CASE("a name is looked up") {
    TestPort port;
    port.listen();
    StreamHouse house;
    house.open(dial_options(port.number(), "localhost"));
    const auto server = port.accept();
    REQUIRE(house.handler.wait_open());
    CHECK(house.peer() == fmt::format("127.0.0.1:{}", port.number()));
  }

  TEST_CASE(
      "the options of the socket: no delay, keepalive after 30 s, 3 probes 10 s apart, as much for unacked bytes") {
    TestPort port;
    port.listen();
    StreamHouse house;
    const auto server = house.connect(port);
    const int fd = descriptor_to(port.number());
    REQUIRE(fd >= 0);
    struct Row {
      int level, option, value;
    };
    for (const Row row : {Row{IPPROTO_TCP, TCP_NODELAY, 1}, Row{SOL_SOCKET, SO_KEEPALIVE, 1},
                          Row{IPPROTO_TCP, TCP_KEEPIDLE, 30}, Row{IPPROTO_TCP, TCP_KEEPINTVL, 10},
                          Row{IPPROTO_TCP, TCP_KEEPCNT, 3}, Row{IPPROTO_TCP, TCP_USER_TIMEOUT, 60'000}}) {
      CAPTURE(row.option);
      int value = 0;
      socklen_t size = sizeof value;
      REQUIRE(::getsockopt(fd, row.level, row.option, &value, &size) == 0);
      CHECK(value == row.value);
    }
  }

  TEST_CASE("why it cannot be opened is told in words") {
    const TestPort refusing;
    struct Row {
      std::string host;
      std::string why;
    };
    for (const Row& row : {Row{"127.0.0.1", "connection refused"},
                           Row{"no-such-host.invalid", "cannot resolve host \"no-such-host.invalid\""},
                           Row{"255.255.255.255", "network is unreachable"}}) {
      CAPTURE(row.host);
      StreamHouse house;
      house.open(dial_options(refusing.number(), row.host));
      CHECK(house.handler.wait_end() == row.why);
      CHECK(house.handler.opened() == 0);
    }
  }

  TEST_CASE("no call comes within open(), whatever fails at once") {
    const TestPort refusing;
    ClientStreamOptions serial;
    serial.serial.device = "/nonexistent";
    for (const ClientStreamOptions& options : {dial_options(refusing.number()), serial}) {
      StreamHouse house;
      bool is_within = false;
      house.handler.then_end = [&](const std::string&) { CHECK_FALSE(is_within); };
      house.on([&] {
        is_within = true;
        house.stream->open(options);
        is_within = false;
      });
      CHECK(house.handler.wait_end() != "still open");
    }
  }

  TEST_CASE("a peer that does not answer is given up after the time limit, not before") {
    TestPort port;
    port.swallow();
    StreamHouse house;
    auto options = dial_options(port.number());
    options.connect_timeout = 3000;
    house.open(options);
    house.pass(2999);
    CHECK(house.handler.ended() == 0);
    house.pass(1);
    CHECK(house.handler.wait_end() == "no answer within 3000 ms");
    CHECK(house.on([&] { return house.timers->size(); }) == 0);
  }

  TEST_CASE("addresses are tried in turn: after one that refuses the next") {
    const TestPort refusing;
    TestPort good("127.0.0.2", refusing.number());
    good.listen();
    StreamHouse house;
    std::promise<bool> connected;
    auto future = connected.get_future();
    auto dial = house.on([&] { return std::make_unique<ClientDial>(house.threads.at(0), *house.timers); });
    house.on([&] {
      dial->try_each({"127.0.0.1", "::ffff:127.0.0.3", "127.0.0.2"}, good.number(), house.clock.steady() + 1000,
                     [&](const Result<Stream>& result) { connected.set_value(result.has_value()); });
    });
    CHECK(heard(future) == true);
    house.on([&] { dial.reset(); });
  }

  TEST_CASE("an address that does not answer has only its share of the time") {
    TestPort silent;
    silent.swallow();
    TestPort good("127.0.0.2", silent.number());
    good.listen();
    StreamHouse house;
    std::promise<bool> connected;
    auto future = connected.get_future();
    auto dial = house.on([&] { return std::make_unique<ClientDial>(house.threads.at(0), *house.timers); });
    house.on([&] {
      dial->try_each({"127.0.0.1", "127.0.0.2"}, good.number(), house.clock.steady() + 4000,
                     [&](const Result<Stream>& result) { connected.set_value(result.has_value()); });
    });
    house.pass(1999);
    CHECK(future.wait_for(std::chrono::seconds(0)) == std::future_status::timeout);
    house.pass(1);
    CHECK(heard(future) == true);
    house.on([&] { dial.reset(); });
  }

  TEST_CASE("a dial that fails tells why the last address failed, and nothing after it was given up") {
    const TestPort refusing;
    const TestPort other("127.0.0.2", refusing.number());
    StreamHouse house;
    std::promise<std::string> failed;
    auto future = failed.get_future();
    auto dial = house.on([&] { return std::make_unique<ClientDial>(house.threads.at(0), *house.timers); });
    house.on([&] {
      dial->try_each({"127.0.0.1"}, refusing.number(), 1000, [&](const Result<Stream>&) { CHECK(false); });
      dial->give_up();
      dial->try_each({"not numeric", "127.0.0.1", "127.0.0.2"}, refusing.number(), 1000,
                     [&](const Result<Stream>& result) { failed.set_value(result.error().message); });
    });
    CHECK(heard(future) == "connection refused");
    house.on([&] { dial.reset(); });
  }

  TEST_CASE("a peer that resets the connection is told apart from one that closes it") {
    TestPort port;
    port.listen();
    StreamHouse house;
    auto server = house.connect(port);
    server.reset();
    CHECK(house.handler.wait_end() == "connection reset by the peer");
  }

  TEST_CASE("sending to a peer that is gone is refused; the end is told afterwards, after its last words") {
    TestPort port;
    port.listen();
    StreamHouse house;
    auto server = house.connect(port);
    house.on([&] {
      server.send("bye");
      server.reset();
      CHECK_FALSE(house.stream->send("x"));
      CHECK_FALSE(house.stream->is_open());
      CHECK_FALSE(house.stream->send("y"));
      CHECK(house.handler.ended() == 0);
    });
    CHECK(house.handler.wait_end() == "connection reset by the peer");
    CHECK(house.handler.ended() == 1);
  }

  TEST_CASE("50 MB of a flooding peer arrive whole, at most 256 KiB per turn so that others have theirs") {
    TestPort port;
    port.listen();
    StreamHouse house;
    const std::string bytes = pattern(1'000'000);
    std::size_t have = 0;
    bool is_right = true;
    std::map<std::uint64_t, std::size_t> turns;  // bytes by turn
    house.handler.then_bytes = [&](const std::string& got) {
      turns[house.threads.at(0).commit_number()] += got.size();
      for (std::size_t i = 0; i < got.size();) {
        const std::size_t at = have % bytes.size();
        const std::size_t part = std::min(got.size() - i, bytes.size() - at);
        is_right = is_right && got.compare(i, part, bytes, at, part) == 0;
        i += part;
        have += part;
      }
    };
    auto server = house.connect(port);
    for (int i = 0; i < 50; ++i) server.send(bytes);
    server.close();
    CHECK(house.handler.wait_end() == "closed by the peer");
    CHECK(have == 50'000'000);
    CHECK(is_right);
    std::size_t most = 0;
    for (const auto& [turn, count] : turns) most = std::max(most, count);
    CHECK(most <= std::size_t{256} * 1024);
  }

  TEST_CASE("what a slow reader does not take waits, up to 64 KiB; what is refused is refused whole") {
    TestPort port;
    const int narrow = 4096;
    ::setsockopt(port.fd(), SOL_SOCKET, SO_RCVBUF, &narrow, sizeof narrow);
    port.listen();
    StreamHouse house;
    const auto server = house.connect(port);
    CHECK_FALSE(house.send(std::string(ClientStream::kMaxUnsent + 1, 'x')));
    std::string sent;
    for (std::size_t i = 0;; ++i) {
      const std::string message = fmt::format("{:0>1000}", i);
      if (!house.send(message)) break;
      sent += message;
    }
    REQUIRE(sent.size() > ClientStream::kMaxUnsent);
    CHECK(house.is_open());
    CHECK_FALSE(house.send(std::string(1000, 'x')));
    CHECK(server.read(sent.size()) == sent);
    CHECK(house.send("on again"));
    CHECK(server.read(8) == "on again");
  }

  TEST_CASE("it opens again after the end, from within the call that tells it") {
    TestPort port;
    port.listen();
    StreamHouse house;
    house.handler.then_end = [&](const std::string&) {
      if (house.handler.ended() < 2) house.stream->open(dial_options(port.number()));
    };
    house.open(port.number());
    for (int round = 1; round <= 3; ++round) {
      auto server = port.accept();
      REQUIRE(house.handler.wait_open(round));
      server.send("hello");
      CHECK(house.handler.wait_bytes(5) == "hello");
      server.close();
      CHECK(house.handler.wait_end(static_cast<std::size_t>(round)) == "closed by the peer");
    }
    settle(house.threads.at(0));
    CHECK(house.handler.opened() == 3);
  }

  TEST_CASE("opening while it is open or opening drops that without a word") {
    TestPort first, second;
    first.listen();
    second.listen();
    StreamHouse house;
    auto server = house.connect(first);
    house.on([&] {
      house.stream->open(dial_options(first.number()));
      house.stream->open(dial_options(second.number()));
      CHECK_FALSE(house.stream->is_open());
    });
    CHECK(server.read(1).empty());
    const auto other = second.accept();
    REQUIRE(house.handler.wait_open(2));
    CHECK(house.peer() == fmt::format("127.0.0.1:{}", second.number()));
    CHECK(house.handler.ended() == 0);
  }

  TEST_CASE("after close() no call comes: not of what was opening, nor of bytes and an end that are there already") {
    TestPort port;
    port.listen();
    StreamHouse house;
    house.on([&] {
      house.stream->open(dial_options(port.number()));
      house.stream->close();
    });
    settle(house.threads.at(0));
    CHECK(house.handler.opened() == 0);
    int calls = 0;
    auto server = house.connect(port);
    {
      house.handler.then_bytes = [&](const std::string&) {
        ++calls;
        house.stream->close();
      };
      const Hold hold(house.threads.at(0));
      server.send(pattern(200'000));
    }
    CHECK_FALSE(house.handler.wait_bytes(1).empty());
    settle(house.threads.at(0));
    CHECK(calls == 1);
    CHECK(house.handler.ended() == 0);
    CHECK_FALSE(house.is_open());
    CHECK(house.on([&] { return house.timers->size(); }) == 0);
  }

  TEST_CASE("it may be destroyed from within each of its calls") {
    TestPort port;
    port.listen();
    for (const std::string_view call : {"open", "bytes", "end", "refused", "timeout"}) {
      CAPTURE(call);
      const TestPort refusing;
      TestPort silent;
      silent.swallow();
      StreamHouse house;
      const auto destroy = [&] { house.stream.reset(); };
      if (call == "open") house.handler.then_open = destroy;
      if (call == "bytes") house.handler.then_bytes = [&](const std::string&) { destroy(); };
      house.handler.then_end = [&](const std::string&) { destroy(); };
      if (call == "refused" || call == "timeout") {
        house.open(call == "refused" ? refusing.number() : silent.number());
        if (call == "timeout") house.pass(5000);
        CHECK(house.handler.wait_end() != "still open");
        continue;
      }
      house.open(port.number());
      auto server = port.accept();
      REQUIRE(house.handler.wait_open());
      if (call == "bytes") server.send(pattern(200'000));
      if (call == "end") server.close();
      CHECK(eventually([&] { return house.on([&] { return house.stream == nullptr; }); }));
    }
  }
}

}  // namespace
}  // namespace jl::network
