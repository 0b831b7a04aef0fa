// How DTLS sessions of a UDP server begin: cookies, handshakes over a bad road, limits.
#include "daemon/network/dtls_cookie.hpp"
#include "daemon/network/dtls_hello.hpp"
#include "tests/unit/daemon/network/dtls_support.hpp"

#include <doctest/doctest.h>
#include <algorithm>
#include <random>

namespace jl::network {
namespace {

using namespace test;

TEST_SUITE("network.dtls_hello") {
  TEST_CASE("a ClientHello is known by its first fragment in the clear, and by nothing else") {
    const std::string hello = client_hello();
    const auto random = find_client_hello(hello);
    REQUIRE(random.has_value());
    CHECK(std::equal(random->begin(), random->end(), hello.begin() + 27,
                     [](unsigned char a, char b) { return a == static_cast<unsigned char>(b); }));
    CHECK(find_client_hello(hello + "more"));
    CHECK(find_client_hello(hello.substr(0, 59)));
    for (std::size_t size = 0; size < 59; ++size) CHECK_FALSE(find_client_hello(hello.substr(0, size)));
    // content type, major version, epoch, message type, fragment offset
    for (const std::size_t at : {0u, 1u, 3u, 4u, 13u, 19u, 20u, 21u}) {
      CAPTURE(at);
      std::string other = hello;
      other[at] = static_cast<char>(other[at] ^ 1);
      CHECK_FALSE(find_client_hello(other));
    }
  }
}

TEST_SUITE("network.dtls_cookie") {
  TEST_CASE("a cookie is good for one address, for one to two windows, and for one process (RFC 6347 4.2.1)") {
    const DtlsCookies cookies, others;
    const UdpClient one(9), two(9);
    const Millis now = 10 * DtlsCookies::kWindow;
    const auto cookie = cookies.make(one.address(), now);
    CHECK(cookies.check(one.address(), now, cookie));
    CHECK(cookies.check(one.address(), now + 2 * DtlsCookies::kWindow - 1, cookie));
    CHECK_FALSE(cookies.check(one.address(), now + 2 * DtlsCookies::kWindow, cookie));
    CHECK_FALSE(cookies.check(two.address(), now, cookie));
    CHECK_FALSE(others.check(one.address(), now, cookie));
    CHECK_FALSE(cookies.check(one.address(), now, std::span(cookie).first(31)));
    CHECK_FALSE(cookies.check(one.address(), now, {}));
  }

  TEST_CASE("ClientHellos without a good cookie are answered and leave nothing behind") {
    DtlsHouse house;
    house.start();
    const UdpClient flooder(house.port());
    const std::string hello = client_hello();
    for (int i = 0; i < 500; ++i) {
      flooder.send(hello);
      const auto answer = flooder.receive();
      REQUIRE(answer.has_value());
      REQUIRE(answer->size() > 30);
      CHECK((*answer)[13] == 3);              // HelloVerifyRequest
      CHECK(answer->size() <= hello.size());  // nothing to be gained by a forged address
    }
    // With a cookie that is somebody else's: the byte after the session id is the cookie's length.
    std::string forged = hello;
    forged.insert(61, 32, '\x55');
    forged[60] = 32;
    for (const std::size_t size_at : {11u, 14u, 22u}) {  // of the record, the message and the fragment
      const std::size_t low = size_at + (size_at == 11 ? 1 : 2);
      const int size = static_cast<unsigned char>(forged[low - 1]) * 256 + static_cast<unsigned char>(forged[low]) + 32;
      forged[low - 1] = static_cast<char>(size / 256);
      forged[low] = static_cast<char>(size % 256);
    }
    flooder.send(forged);
    const auto answer = flooder.receive();
    REQUIRE(answer.has_value());
    CHECK((*answer)[13] == 3);
    CHECK(house.counters().cookies == 501);
    CHECK(house.counters().sessions == 0);
    CHECK(house.counters().dtls_failures == 0);
  }

  TEST_CASE("an old cookie is answered with a new one") {
    DtlsHouse house;
    house.start();
    DtlsClient client(house.port());
    std::string with_cookie;
    client.outwards = [&](DtlsClient::Datagrams all) {
      if (all.front()[60] == 0) return all;
      with_cookie = all.front();
      return DtlsClient::Datagrams();
    };
    CHECK(eventually([&] {
      client.step();
      return !with_cookie.empty();
    }));
    house.pass(2 * DtlsCookies::kWindow);
    client.socket().send(with_cookie);
    const auto answer = client.socket().receive();
    REQUIRE(answer.has_value());
    CHECK((*answer)[13] == 3);
    CHECK(house.counters().sessions == 0);
  }
}

TEST_SUITE("network.dtls_handshake") {
  TEST_CASE("a client shakes hands, is heard and answered; sessions and bytes are counted") {
    DtlsHouse house;
    house.start();
    DtlsClient client(house.port());
    REQUIRE(client.shake());
    CHECK(SSL_version(client.ssl()) == DTLS1_2_VERSION);
    client.write("hello");
    CHECK(client.read() == "hello");
    client.write("x");
    CHECK(client.read() == "x");
    const auto seen = house.handler->seen();
    REQUIRE(seen.size() == 2);
    CHECK(seen[0].bytes == "hello");
    CHECK(seen[0].subject.empty());
    CHECK(seen[0].from == client.socket().address());
    const auto& counters = house.counters();
    CHECK(counters.cookies == 1);
    CHECK(counters.dtls_handshakes == 1);
    CHECK(counters.dtls_failures == 0);
    CHECK(counters.sessions == 1);
    CHECK(counters.received == 2);
    CHECK(counters.received_bytes == 6);
    CHECK(house.becomes(counters.sent, 2));
    CHECK(house.becomes(counters.sent_bytes, 6));
    CHECK(client.largest() <= 1200);
  }

  TEST_CASE("a chain of certificates larger than a datagram comes in fragments within the MTU (RFC 6347 4.2.3)") {
    const auto ca = make_ca();
    auto entry = make_leaf(ca, {.cn = "big", .sans = {}, .key = "RSA"});
    for (int i = 0; i < 3; ++i)
      entry.chain.push_back(make_leaf(ca, {.cn = "padding", .sans = {}, .key = "RSA"}).chain[0]);
    DtlsHouse house;
    house.options.dtls = dtls_context({.bundle = bundle({entry}), .alias = {}, .mutual = false});
    house.start();
    DtlsClient client(house.port());
    REQUIRE(client.shake());
    CHECK(client.largest() <= 1200);
    CHECK(client.largest() > 1000);
    CHECK(sk_X509_num(SSL_get_peer_cert_chain(client.ssl())) == 4);
  }

  TEST_CASE("whatever single datagram of the handshake is lost, it ends well (RFC 6347 4.2.4)") {
    DtlsHouse house;
    house.start();
    struct Traveller {
      std::unique_ptr<DtlsClient> client;
      int out = 0, in = 0;
    };
    std::vector<Traveller> all(16);
    for (std::size_t i = 0; i < all.size(); ++i) {
      auto& self = all[i];
      self.client = std::make_unique<DtlsClient>(house.port());
      const auto lose = [i](int& counter, std::size_t offset) {
        return [&counter, which = static_cast<int>(i) - static_cast<int>(offset)](DtlsClient::Datagrams datagrams) {
          DtlsClient::Datagrams left;
          for (auto& datagram : datagrams) {
            if (counter++ != which) left.push_back(std::move(datagram));
          }
          return left;
        };
      };
      self.client->outwards = lose(self.out, 0);
      self.client->inwards = lose(self.in, 8);
    }
    all[9].client->never_repeat();  // what it does not get is the server's first flight
    // The server waits a second before it sends a flight again.
    CHECK(eventually([&] {
      house.keep_up();
      bool all_done = true;
      for (auto& self : all) {
        self.client->step();
        all_done &= self.client->done();
      }
      return all_done;
    }));
    CHECK(house.becomes(house.counters().dtls_handshakes, all.size()));
    CHECK(house.counters().dtls_failures == 0);
    CHECK(house.counters().sessions == all.size());
    for (auto& self : all) {
      self.client->outwards = self.client->inwards = [](DtlsClient::Datagrams datagrams) { return datagrams; };
      self.client->write("made it");
      CHECK(self.client->read() == "made it");
    }
  }

  TEST_CASE("repeated and reordered datagrams of the handshake do no harm") {
    DtlsHouse house;
    house.start();
    const DtlsClient::Road twice = [](DtlsClient::Datagrams all) {
      DtlsClient::Datagrams out;
      for (auto& each : all) out.insert(out.end(), 2, each);
      return out;
    };
    const DtlsClient::Road backwards = [](DtlsClient::Datagrams all) {
      std::reverse(all.begin(), all.end());
      return all;
    };
    for (const auto& [outwards, inwards] : {std::pair(twice, twice), std::pair(backwards, backwards)}) {
      DtlsClient client(house.port());
      client.outwards = outwards;
      client.inwards = inwards;
      REQUIRE(client.shake([&] { house.keep_up(); }));
      client.outwards = client.inwards = [](DtlsClient::Datagrams all) { return all; };
      client.write("made it");
      CHECK(client.read() == "made it");
    }
    CHECK(house.counters().dtls_handshakes == 2);
    CHECK(house.counters().sessions == 2);
    CHECK(house.counters().dtls_failures == 0);
  }

  TEST_CASE("a handshake that is not finished in time is forgotten") {
    DtlsHouse house;
    house.options.handshake_timeout = std::chrono::seconds(5);
    house.start();
    DtlsClient client(house.port());
    int flights = 0;
    client.outwards = [&](DtlsClient::Datagrams all) { return ++flights <= 2 ? all : DtlsClient::Datagrams(); };
    CHECK(eventually([&] {
      client.step();
      return house.counters().sessions == 1;
    }));
    house.pass(4999);
    CHECK(house.counters().sessions == 1);
    house.pass(TimerWheel::kResolution);
    CHECK(house.counters().sessions == 0);
    CHECK(house.counters().dtls_failures == 1);
    CHECK(house.counters().dtls_handshakes == 0);
    CHECK(house.handler->gone().empty());
  }

  TEST_CASE("damaged handshakes leave nothing behind but what they counted") {
    DtlsHouse house;
    house.options.max_handshakes = 150;
    house.start();
    std::mt19937 random(7);
    for (int i = 0; i < 150; ++i) {
      DtlsClient client(house.port());
      client.outwards = [&](DtlsClient::Datagrams all) {
        std::string& victim = all[random() % all.size()];
        const auto at = random() % victim.size();
        if (random() % 3 == 0) victim[at] = static_cast<char>(victim[at] ^ static_cast<char>(1 + random() % 255));
        return all;
      };
      for (int step = 0; step < 6; ++step) {
        client.step();
        house.settle_all();
      }
    }
    house.pass(10'000 + TimerWheel::kResolution);
    const auto& counters = house.counters();
    CHECK(counters.dtls_failures > 10);
    CHECK(counters.dtls_handshakes > 10);
    CHECK(counters.sessions == counters.dtls_handshakes - house.handler->gone().size());
    house.pass(600'000);
    CHECK(counters.sessions == 0);
    CHECK(house.handler->gone().size() == counters.dtls_handshakes);
    std::vector<std::unique_ptr<DtlsClient>> halves;  // every place for a handshake is free again
    for (std::uint32_t i = 0; i < 150; ++i) {
      halves.push_back(std::make_unique<DtlsClient>(house.port()));
      halves.back()->outwards = [flights = 0](DtlsClient::Datagrams all) mutable {
        return ++flights <= 2 ? all : DtlsClient::Datagrams();
      };
      CHECK(eventually([&] {
        halves.back()->step();
        return counters.sessions == i + 1;
      }));
    }
    CHECK(counters.over_limit == 0);
    DtlsClient(house.port()).step();
    CHECK(house.becomes(counters.over_limit, 1));
  }

  TEST_CASE("sessions and handshakes over the limit are not answered, but counted") {
    DtlsHouse house;
    house.options.max_sessions = 2;
    house.options.max_handshakes = 1;
    house.start();
    DtlsClient first(house.port()), second(house.port()), third(house.port());
    bool is_cut = true;
    int flights = 0;
    first.outwards = [&](DtlsClient::Datagrams all) { return is_cut && ++flights > 2 ? DtlsClient::Datagrams() : all; };
    CHECK(eventually([&] {
      first.step();
      return house.counters().sessions == 1;
    }));
    second.step();  // there is a handshake on its way
    CHECK(house.becomes(house.counters().over_limit, 1));
    CHECK_FALSE(second.socket().receive_now());
    is_cut = false;
    REQUIRE(first.shake([&] { house.keep_up(); }));
    REQUIRE(second.shake());
    const auto refused = house.counters().over_limit.load();
    third.step();  // there are two sessions
    CHECK(eventually([&] { return house.counters().over_limit > refused; }));
    CHECK(house.counters().sessions == 2);
    first.close();
    CHECK(house.becomes(house.counters().sessions, 1));
    REQUIRE(third.shake());
    // One that starts anew takes its own place.
    second.begin();
    REQUIRE(second.shake());
    CHECK(house.counters().sessions == 2);
  }

  TEST_CASE("clients of other versions than DTLS 1.2 are refused") {
    DtlsHouse house;
    house.start();
    const auto old = dtls_client();
    SSL_CTX_set_min_proto_version(old.get(), DTLS1_VERSION);
    SSL_CTX_set_max_proto_version(old.get(), DTLS1_VERSION);
    SSL_CTX_set_cipher_list(old.get(), "ALL:@SECLEVEL=0");
    DtlsClient client(house.port(), old);
    CHECK_FALSE(client.shake());
    CHECK(client.alert() == SSL_AD_PROTOCOL_VERSION);
    CHECK(house.becomes(house.counters().dtls_failures, 1));
    CHECK(house.counters().sessions == 0);
  }

  TEST_CASE("a context that is not for datagrams is refused") {
    UdpHouse house;
    house.options.dtls =
        *TlsContext::server({.bundle = bundle({make_leaf(make_ca(), {})}), .alias = {}, .mutual = false});
    const auto started = UdpServer::start(house.options, house.threads, house.handler);
    REQUIRE(started.has_error());
    CHECK(started.error().code == Errc::invalid);
  }
}

}  // namespace
}  // namespace jl::network
