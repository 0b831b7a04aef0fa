// DTLS sessions of a UDP server once they are open: their datagrams, what is not theirs, and how they end.
#include "tests/unit/daemon/network/dtls_support.hpp"

#include <doctest/doctest.h>
#include <random>
#include <set>

namespace jl::network {
namespace {

using namespace test;

/// A house with one client that has shaken hands.
struct OpenHouse : DtlsHouse {
  explicit OpenHouse(const std::function<void(UdpServerOptions&)>& adapt = [](UdpServerOptions&) {}) {
    adapt(options);
    start();
    client = std::make_unique<DtlsClient>(port());
    REQUIRE(client->shake());
    CHECK(becomes(counters().dtls_handshakes, 1));
  }
  /// Whether the session works both ways.
  [[nodiscard]] bool echoes(const std::string& text) const {
    client->write(text);
    return client->read() == text;
  }
  std::unique_ptr<DtlsClient> client;
};

TEST_SUITE("network.dtls.datagrams") {
  TEST_CASE("one record is one datagram, up to 16,384 bytes; what cannot be one is refused") {
    OpenHouse house;
    std::vector<bool> sent;
    house.handler->take = [&](UdpLane& lane, const PeerAddress& from, std::string_view bytes) {
      sent = {lane.send(from, ""), lane.send(from, std::string(16'385, 'x')), lane.send(from, bytes)};
    };
    const std::string large(16'384, 'y');
    CHECK(house.echoes(large));
    CHECK(sent == std::vector{false, false, true});
    CHECK(house.echoes("x"));
    CHECK(house.counters().dropped == 0);
  }

  TEST_CASE("several records in one datagram are so many, in order") {
    OpenHouse house;
    house.client->socket().send(house.client->seal("one") + house.client->seal("two") + house.client->seal("three"));
    for (const char* text : {"one", "two", "three"}) CHECK(house.client->read() == text);
    CHECK(house.handler->seen().size() == 3);
  }

  TEST_CASE("late records are taken, repeated ones and those outside the window are not (RFC 6347 4.1.2.6)") {
    OpenHouse house;
    std::vector<std::string> records;
    for (int i = 0; i < 100; ++i) records.push_back(house.client->seal(std::to_string(i)));
    for (const int i : {1, 0, 1, 0, 99, 40, 40, 99, 2})
      house.client->socket().send(records[static_cast<std::size_t>(i)]);
    for (const char* text : {"1", "0", "99", "40"}) CHECK(house.client->read() == text);
    CHECK(house.echoes("on"));
    CHECK(house.handler->seen().size() == 5);
  }

  TEST_CASE("what is not the peer's is dropped without a word, and the session goes on") {
    OpenHouse house;
    std::mt19937 random(1);
    const std::string real = house.client->seal("never");
    for (int i = 0; i < 2000; ++i) {
      std::string bad = real;
      switch (i % 4) {
        case 0:
          bad[random() % bad.size()] ^= static_cast<char>(1 + random() % 255);
          break;
        case 1:
          bad.resize(random() % bad.size());
          break;
        case 2:
          for (std::size_t at = 13; at < bad.size(); ++at) bad[at] = static_cast<char>(random());
          break;
        default:
          bad.assign(random() % 300, static_cast<char>(random()));
      }
      if (bad != real) house.client->socket().send(bad);
    }
    CHECK(house.echoes("still here"));
    const UdpClient stranger(house.port());
    for (int i = 0; i < 500; ++i) stranger.send(std::string(random() % 200, static_cast<char>(random())));
    stranger.send(house.client->seal("not from here"));
    stranger.send("");
    CHECK(house.echoes("and here"));
    CHECK_FALSE(stranger.receive_now());
    CHECK(house.handler->seen().size() == 2);
    CHECK(house.counters().sessions == 1);
    CHECK(house.counters().dtls_failures == 0);
  }

  TEST_CASE("the rate of an address is that of its datagrams inside of DTLS") {
    OpenHouse house([](UdpServerOptions& options) { options.max_message_rate = 2; });
    for (int i = 0; i < 3; ++i) house.client->write("x");
    CHECK(house.becomes(house.counters().rate_limited, 1));
    CHECK(house.counters().received == 2);
    house.pass(1000);
    house.client->write("y");
    CHECK(house.becomes(house.counters().received, 3));
  }

  TEST_CASE("peers on both threads, many at once") {
    DtlsHouse house(2);
    house.start();
    std::vector<std::unique_ptr<DtlsClient>> clients;
    for (int i = 0; i < 40; ++i) clients.push_back(std::make_unique<DtlsClient>(house.port()));
    CHECK(eventually([&] {
      bool done = true;
      for (auto& client : clients) {
        client->step();
        done &= client->done();
      }
      return done;
    }));
    for (std::size_t i = 0; i < clients.size(); ++i) clients[i]->write(std::to_string(i));
    for (std::size_t i = 0; i < clients.size(); ++i) CHECK(clients[i]->read() == std::to_string(i));
    std::set<std::size_t> used;
    for (const auto& seen : house.handler->seen()) used.insert(seen.thread);
    CHECK(used.size() == 2);
    CHECK(house.counters().sessions == 40);
    house.server->stop();
    for (auto& client : clients) CHECK(client->wait_closed());
    CHECK(house.counters().sessions == 0);
    CHECK(house.handler->gone().empty());
  }

  TEST_CASE("a commit that failed takes the answers with it, and the session goes on") {
    OpenHouse house;
    house.handler->take = [&](UdpLane& lane, const PeerAddress& from, std::string_view bytes) {
      house.commit.fails = bytes == "lost";
      CHECK(lane.send(from, bytes));
    };
    house.client->write("lost");
    CHECK(house.becomes(house.counters().dropped, 1));
    CHECK(house.echoes("found"));
    CHECK(house.counters().sent == 1);
  }
}

TEST_SUITE("network.dtls.end") {
  TEST_CASE("a peer that closes is answered in kind, and the handler told") {
    OpenHouse house;
    CHECK(house.echoes("x"));
    house.client->close();
    CHECK(house.client->wait_closed());
    CHECK(house.handler->wait_gone(1) == std::vector{house.client->socket().address()});
    CHECK(house.counters().sessions == 0);
    UdpLane& lane = house.handler->last_lane();
    const PeerAddress peer = house.client->socket().address();
    CHECK_FALSE(run_on(lane.thread(), [&] { return lane.send(peer, "x"); }));
    run_on(lane.thread(), [&] { lane.close(peer); });
    house.client->begin();
    REQUIRE(house.client->shake());
    CHECK(house.echoes("again"));
  }

  TEST_CASE("the handler may close a session in the middle of its datagrams, and is not told of it") {
    OpenHouse house;
    house.handler->take = [](UdpLane& lane, const PeerAddress& from, std::string_view bytes) {
      CHECK(lane.send(from, bytes));
      lane.close(from);
      CHECK_FALSE(lane.send(from, "too late"));
    };
    house.client->socket().send(house.client->seal("one") + house.client->seal("two"));
    CHECK(house.client->read() == "one");
    CHECK(house.client->wait_closed());
    CHECK(house.counters().sessions == 0);
    settle(house.threads.at(0));
    CHECK(house.handler->seen().size() == 1);
    CHECK(house.handler->gone().empty());
    CHECK(house.becomes(house.counters().sent, 1));
  }

  TEST_CASE("a peer that is silent for too long is closed; garbage from its address does not count as a word") {
    OpenHouse house([](UdpServerOptions& options) { options.session_timeout = std::chrono::seconds(60); });
    house.pass(59'000);
    CHECK(house.echoes("alive"));
    house.pass(59'000);
    house.client->socket().send(std::string("\x17\xfe\xfd\0\1\0\0\0\0\0\x09\0\1x", 14));
    house.client->socket().send(client_hello());
    CHECK(house.becomes(house.counters().cookies, 2));
    CHECK(house.counters().sessions == 1);
    CHECK(house.handler->gone().empty());
    house.pass(1'000 + TimerWheel::kResolution);
    CHECK(house.handler->wait_gone(1).size() == 1);
    CHECK(house.counters().sessions == 0);
    CHECK(house.client->wait_closed());
  }

  TEST_CASE("new limits are for sessions that begin after them") {
    OpenHouse house([](UdpServerOptions& options) { options.session_timeout = std::chrono::seconds(60); });
    house.options.session_timeout = std::chrono::seconds(10);
    house.server->update(house.options);
    DtlsClient second(house.port());
    REQUIRE(second.shake());
    CHECK(house.becomes(house.counters().dtls_handshakes, 2));
    house.pass(11'000);
    CHECK(house.handler->gone() == std::vector{second.socket().address()});
    CHECK(house.echoes("still here"));
  }

  TEST_CASE(
      "a forged ClientHello does not touch the session; a client that started anew replaces it (RFC 6347 4.2.8)") {
    OpenHouse house;
    for (int i = 0; i < 5; ++i) house.client->socket().send(client_hello());
    CHECK(house.becomes(house.counters().cookies, 6));
    CHECK(house.echoes("unmoved"));
    CHECK(house.handler->gone().empty());
    house.client->begin();
    REQUIRE(house.client->shake());
    CHECK(house.echoes("anew"));
    CHECK(house.handler->gone() == std::vector{house.client->socket().address()});
    CHECK(house.counters().sessions == 1);
    CHECK(house.counters().dtls_handshakes == 2);
    CHECK(house.counters().dtls_failures == 0);
  }

  TEST_CASE("a client that starts anew in the middle of a handshake is not kept waiting for the old one") {
    DtlsHouse house;
    house.start();
    DtlsClient client(house.port());
    int flights = 0;
    client.outwards = [&](DtlsClient::Datagrams all) { return ++flights <= 2 ? all : DtlsClient::Datagrams(); };
    CHECK(eventually([&] {
      client.step();
      return house.counters().sessions == 1;
    }));
    client.outwards = [](DtlsClient::Datagrams all) { return all; };
    house.settle_all();  // the answer to the old one has come, and is thrown away
    client.begin();
    REQUIRE(client.shake());
    CHECK(house.becomes(house.counters().dtls_handshakes, 1));
    CHECK(house.counters().sessions == 1);
    CHECK(house.counters().dtls_failures == 1);
    CHECK(house.handler->gone().empty());
  }

  TEST_CASE("late copies of the session's own handshake change nothing") {
    DtlsHouse house;
    house.start();
    DtlsClient client(house.port());
    DtlsClient::Datagrams all_sent;
    client.outwards = [&](DtlsClient::Datagrams all) {
      all_sent.insert(all_sent.end(), all.begin(), all.end());
      return all;
    };
    REQUIRE(client.shake());
    REQUIRE(all_sent.size() >= 4);
    for (int i = 0; i < 3; ++i) {
      for (const std::string& datagram : all_sent) client.socket().send(datagram);
    }
    client.write("unmoved");
    CHECK(client.read() == "unmoved");
    CHECK(house.handler->gone().empty());
    CHECK(house.counters().sessions == 1);
    CHECK(house.counters().cookies == 1);
    CHECK(house.counters().dtls_handshakes == 1);
  }

  TEST_CASE("renegotiation is refused; a client that does not bear that ends the session with an alert") {
    OpenHouse house;
    bool is_cut = true;
    DtlsClient::Datagrams alerts;
    SSL_renegotiate(house.client->ssl());
    SSL_do_handshake(house.client->ssl());
    house.client->flush();
    house.client->outwards = [&](DtlsClient::Datagrams all) {
      if (!is_cut) return all;
      alerts.insert(alerts.end(), all.begin(), all.end());
      return DtlsClient::Datagrams();
    };
    CHECK(eventually([&] {
      house.client->step();
      return house.client->alert() != 0;
    }));
    CHECK(house.client->reason() == SSL_R_NO_RENEGOTIATION);
    settle(house.threads.at(0));
    CHECK(house.counters().sessions == 1);
    CHECK(house.handler->gone().empty());
    REQUIRE_FALSE(alerts.empty());
    house.client->socket().send(alerts.back());
    CHECK(house.handler->wait_gone(1).size() == 1);
    CHECK(house.counters().sessions == 0);
    CHECK(house.counters().dtls_handshakes == 1);
    CHECK(house.counters().dtls_failures == 0);
  }

  TEST_CASE("once stop() has begun the handler is not told of ends either") {
    OpenHouse house([](UdpServerOptions& options) { options.session_timeout = std::chrono::seconds(60); });
    house.handler->take = [&](UdpLane&, const PeerAddress&, std::string_view) { house.commit.holds = true; };
    house.client->write("hold");
    REQUIRE(eventually([&] { return house.is_held(); }));
    UdpLane& lane = house.handler->last_lane();
    std::thread stopping([&] { house.server->stop(); });
    const PeerAddress peer = house.client->socket().address();
    CHECK(eventually([&] { return run_on(lane.thread(), [&] { return !lane.send(peer, "x"); }); }));
    house.pass(61'000);
    house.release(true);
    stopping.join();
    CHECK(house.handler->gone().empty());
    CHECK(house.counters().sessions == 0);
  }

  TEST_CASE("stop() in the middle of handshakes and sessions leaves nothing") {
    OpenHouse house;
    DtlsClient half(house.port());
    int flights = 0;
    half.outwards = [&](DtlsClient::Datagrams all) { return ++flights <= 2 ? all : DtlsClient::Datagrams(); };
    CHECK(eventually([&] {
      half.step();
      return house.counters().sessions == 2;
    }));
    house.client->write("answered");
    CHECK(house.handler->wait_seen(1).size() == 1);
    house.server->stop();
    CHECK(house.client->read() == "answered");
    CHECK(house.client->wait_closed());
    CHECK(house.counters().sessions == 0);
    CHECK(house.handler->gone().empty());
  }
}

}  // namespace
}  // namespace jl::network
