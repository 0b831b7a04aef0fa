// The MQTT client component against a broker that the test plays: what it sends when, and what it bears.
#include "daemon/network/mqtt_client.hpp"

#include "daemon/network/backoff.hpp"
#include "daemon/network/mqtt_client_publications.hpp"
#include "tests/unit/daemon/network/mqtt_client_support.hpp"

#include <chrono>
#include <string>

using namespace jl;
using namespace jl::network;
using namespace jl::network::test;

namespace {

using State = network::MqttClient::Status::State;

/// A connection that the broker has accepted, with its one subscription.
struct Accepted {
  explicit Accepted(const LoopbackListener& listener) : broker(listener) {
    connect = broker.receive();
    broker.send(kConnackOk);
  }
  BrokerSide broker;
  std::string connect;
};

std::string suback(const std::string& subscribe, int code) {
  return packet(0x90, subscribe.substr(2, 2) + static_cast<char>(code));
}

}  // namespace

TEST_SUITE("network.mqtt_client") {
  TEST_CASE("filters lose what only the broker understands before they are matched [network.md 1.4]") {
    struct Row {
      const char* filter;
      const char* local;
    };
    constexpr Row kRows[] = {{"/p/+/up", "/p/+/up"},
                             {"p/+/up", "p/+/up"},
                             {"$share/g1/p/+/up", "/p/+/up"},
                             {"$share/g1//p/+/up", "/p/+/up"},
                             {"$share/g1", "$share/g1"},
                             {"$queue/p/#", "/p/#"},
                             {"$queue//p/#", "/p/#"},
                             {"//p/#", "/p/#"},
                             {"#", "#"},
                             {"", ""}};
    for (const Row& row : kRows) {
      CAPTURE(row.filter);
      CHECK(local_filter(row.filter) == row.local);
    }
  }

  TEST_CASE("attempts wait 1 s, then twice that up to 60 s, within 20 % and from the start after a success") {
    Backoff backoff;
    for (const Millis base : {1000, 2000, 4000, 8000, 16'000, 32'000, 60'000, 60'000}) {
      CAPTURE(base);
      Backoff low = backoff;
      Backoff high = backoff;
      CHECK(low.next(0) == base * 8 / 10);
      CHECK(high.next(0.999) >= base * 119 / 100);
      CHECK(backoff.next(0.5) == base);
    }
    backoff.reset();
    CHECK(backoff.next(0.5) == 1000);
  }

  TEST_CASE("publications are bounded in number and bytes, and only QoS 0 goes with the connection") {
    Publications waiting;
    for (std::size_t i = 0; i < Publications::kMost; ++i) {
      REQUIRE(waiting.add({"t", "x", static_cast<int>(i % 2), false, 1}));
    }
    CHECK_FALSE(waiting.add({"t", "x", 1, false, 1}));
    waiting.connection_lost();
    CHECK(waiting.bytes() == Publications::kMost);
    Publications large;
    REQUIRE(large.add({"t", std::string(Publications::kMostBytes - 1, 'x'), 1, false, 1}));
    CHECK_FALSE(large.add({"t", "", 1, false, 1}));
    int id = 0;
    large.hand_over(1, [&](const Publication&) { return ++id; });
    CHECK(id == 0);  // its commit is not done
    large.hand_over(2, [&](const Publication&) { return ++id; });
    CHECK(large.done(7) == 0);
    CHECK(large.done(1) == Publications::kMostBytes);
    CHECK(large.empty());
  }

  TEST_CASE("options that cannot work are refused with the field") {
    ClientBench bench(1);
    const auto refused = [&](auto change) {
      auto options = bench.options;
      change(options);
      const auto started = network::MqttClient::start(options, bench.threads.at(0), bench.handler);
      return started.has_error() && started.error().code == Errc::invalid;
    };
    CHECK(refused([](auto& o) { o.host = ""; }));
    CHECK(refused([](auto& o) { o.host = std::string(256, 'h'); }));
    CHECK(refused([](auto& o) { o.port = 0; }));
    CHECK(refused([](auto& o) { o.client_id = "\xff"; }));
    CHECK(refused([](auto& o) { o.client_id = std::string(257, 'c'); }));
    CHECK(refused([](auto& o) { o.id = o.client_id = ""; }));
    CHECK(refused([](auto& o) { o.username = "\xff"; }));
    CHECK(refused([](auto& o) { o.password = Secret("without a user"); }));
    CHECK(refused([](auto& o) { o.username = std::string("a\0b", 3); }));
    CHECK(refused([](auto& o) { o.keep_alive = 4; }));
    CHECK(refused([](auto& o) { o.max_message_size = 0; }));
  }

  TEST_CASE("a PUBACK leaves when its message is in the log, not before") {
    const LoopbackListener listener;
    ClientBench bench(listener.port());
    bench.handler->on_each = [&] { bench.commit.holds = true; };
    bench.start();
    const Accepted peer(listener);
    peer.broker.send(publish("up", "one", 1, 7));
    REQUIRE(bench.handler->wait_messages(1).size() == 1);
    settle(bench.threads.at(0));
    CHECK_FALSE(peer.broker.has_something());
    bench.release_commit();
    CHECK(peer.broker.receive() == puback(7));
  }

  TEST_CASE("when the log cannot be written the connection ends without a PUBACK") {
    const LoopbackListener listener;
    ClientBench bench(listener.port());
    bench.handler->on_each = [&, times = 0]() mutable { bench.commit.fails = times++ == 0; };
    bench.start();
    {
      const Accepted peer(listener);
      peer.broker.send(publish("up", "one", 1, 7));
      CHECK(bench.handler->wait_disconnected(1));
      CHECK(peer.broker.receive().empty());
    }
    CHECK(bench.failure() == "what the broker sent could not be written to the log");
    bench.set_commit([](SteeredCommit& commit) { commit.fails = false; });
    bench.pass(1500);
    const Accepted again(listener);
    again.broker.send(publish("up", "one", 1, 7));
    CHECK(again.broker.receive() == puback(7));
    CHECK(bench.handler->wait_messages(2).size() == 2);
  }

  TEST_CASE("every connection subscribes again, with the prefix verbatim and QoS 1 at most [network.md 1.4]") {
    const LoopbackListener listener;
    ClientBench bench(listener.port());
    bench.options.topic_prefix = "$share/g1";
    bench.start();
    bench.client->subscribe({{"/a/+", 2}});
    for (int time = 1; time <= 2; ++time) {
      if (time == 2) {
        REQUIRE(bench.handler->wait_disconnected(1));
        bench.pass(1500);
      }
      const Accepted peer(listener);
      const std::string request = peer.broker.receive();
      CHECK(request == subscribe("$share/g1/a/+", 1, static_cast<std::size_t>(static_cast<unsigned char>(request[3]))));
      peer.broker.send(suback(request, 1));
      if (time == 1) {
        REQUIRE(bench.handler->wait_connected(1));
        bench.client->subscribe({{"/a/+", 1}, {"/b", 0}});
        CHECK(peer.broker.receive().find("$share/g1/b") != std::string::npos);
        bench.client->subscribe({{"/a/+", 0}});
        const std::string unsubscribe = peer.broker.receive();
        CHECK(unsubscribe[0] == static_cast<char>(0xA2));
        CHECK(unsubscribe.ends_with("$share/g1/b"));
        CHECK(peer.broker.receive().ends_with(std::string("$share/g1/a/+") + '\0'));
        bench.client->subscribe({{"/a/+", 2}});
        CHECK(peer.broker.receive().ends_with("$share/g1/a/+\1"));
      }
    }
  }

  TEST_CASE("a refused subscription is in the status") {
    const LoopbackListener listener;
    ClientBench bench(listener.port());
    bench.start();
    bench.client->subscribe({{"secret/#", 1}});
    const Accepted peer(listener);
    peer.broker.send(suback(peer.broker.receive(), 0x80));
    CHECK(bench.until(
        [&] { return bench.client->status().reason == "the broker refused the subscription to \"secret/#\""; }));
    CHECK(bench.client->status().state == State::running);
  }

  TEST_CASE("a message over the limit is dropped, acknowledged and counted") {
    const LoopbackListener listener;
    ClientBench bench(listener.port());
    bench.options.max_message_size = 100;
    bench.start();
    const Accepted peer(listener);
    const std::string fits = publish("up", std::string(94 - 2, 'x'), 1, 1);
    REQUIRE(fits.size() == 100);
    peer.broker.send(fits);
    peer.broker.send(publish("up", std::string(94 - 1, 'x'), 1, 2));
    CHECK(peer.broker.receive() == puback(1));
    CHECK(peer.broker.receive() == puback(2));
    CHECK(bench.handler->wait_messages(1).size() == 1);
    CHECK(bench.client->counters().over_limit == 1);
    CHECK(bench.client->counters().received_messages == 1);
  }

  TEST_CASE("an MQTT 5 broker is told the largest packet and to keep the session [MQTT-3.1.2-24]") {
    const LoopbackListener listener;
    ClientBench bench(listener.port());
    bench.options.v5 = true;
    bench.options.max_message_size = 0x01020304;
    bench.start();
    const BrokerSide broker(listener);
    const std::string connect = broker.receive();
    CHECK(connect[8] == 5);
    CHECK(connect.find(std::string("\x27\x01\x02\x03\x04", 5)) != std::string::npos);
    CHECK(connect.find("\x11\xff\xff\xff\xff") != std::string::npos);
  }

  TEST_CASE("a broker that sends QoS 2, which was never granted, is left") {
    const LoopbackListener listener;
    ClientBench bench(listener.port());
    bench.start();
    const Accepted peer(listener);
    REQUIRE(bench.handler->wait_connected(1));
    peer.broker.send(publish("up", "x", 2, 1));
    CHECK(bench.failure() == "the broker sent QoS 2, which was not granted");
  }

  TEST_CASE("what a broker answers CONNECT with is said in plain words") {
    struct Row {
      bool v5;
      int code;
      const char* reason;
    };
    constexpr Row kRows[] = {{false, 1, "the broker does not speak this protocol version"},
                             {false, 2, "the broker refused the client id"},
                             {false, 3, "the broker is not available"},
                             {false, 4, "not authorised (bad user name or password)"},
                             {false, 5, "not authorised (bad user name or password)"},
                             {false, 6, "refused by the broker with code 6"},
                             {true, 0x86, "not authorised (bad user name or password)"},
                             {true, 0x88, "the broker is not available"},
                             {true, 0x8A, "refused by the broker: banned"}};
    for (const Row& row : kRows) {
      CAPTURE(row.reason);
      const LoopbackListener listener;
      ClientBench bench(listener.port());
      bench.options.v5 = row.v5;
      bench.start();
      const BrokerSide broker(listener);
      REQUIRE_FALSE(broker.receive().empty());
      std::string answer{'\0', static_cast<char>(row.code)};
      if (row.v5) answer.push_back('\0');
      broker.send(packet(0x20, answer));
      CHECK(bench.failure() == row.reason);
      CHECK(bench.client->counters().failures == 1);
      CHECK(bench.client->counters().connects == 0);
    }
  }

  TEST_CASE("bytes that are not MQTT end the connection") {
    const LoopbackListener listener;
    ClientBench bench(listener.port());
    bench.start();
    const BrokerSide broker(listener);
    broker.send("HTTP/1.1 400 Bad Request\r\n" + std::string(200, '.'));
    CHECK(bench.failure() == "the broker broke the protocol");
  }

  TEST_CASE("a broker that never answers is given up after 10 s, and stop() does not wait for it") {
    const LoopbackListener listener;
    ClientBench bench(listener.port());
    bench.start();
    const BrokerSide first(listener);
    REQUIRE_FALSE(first.receive().empty());
    bench.pass(9000);
    CHECK(bench.client->status().state == State::connecting);
    bench.pass(2000);
    CHECK(bench.failure() == "no answer in 10 s");
    CHECK_FALSE(listener.has_visitor());  // the next attempt waits
    bench.pass(700);
    CHECK_FALSE(listener.has_visitor());
    bench.pass(1000);
    const BrokerSide second(listener);
    const auto before = std::chrono::steady_clock::now();
    bench.client->stop();
    CHECK(std::chrono::steady_clock::now() - before < std::chrono::seconds(2));
    CHECK(bench.handler.use_count() == 1);
  }

  TEST_CASE("a name that does not resolve is said, and stop() does not wait for the resolver") {
    ClientBench bench(1);
    bench.options.host = "no-such-host.invalid";
    SUBCASE("failed") {
      bench.start();
      CHECK(bench.failure() == "cannot resolve host \"no-such-host.invalid\"");
    }
    SUBCASE("stopped") {
      bench.start();
      const auto before = std::chrono::steady_clock::now();
      bench.client->stop();
      CHECK(std::chrono::steady_clock::now() - before < std::chrono::seconds(2));
    }
  }

  TEST_CASE("a publication leaves with its commit, waits for its PUBACK over a reconnect, and is refused when away") {
    const LoopbackListener listener;
    ClientBench bench(listener.port());
    bench.start();
    CHECK_FALSE(bench.publish("down", "early", 1));
    {
      const Accepted peer(listener);
      REQUIRE(bench.handler->wait_connected(1));
      CHECK_FALSE(bench.publish("", "x", 1));
      CHECK_FALSE(bench.publish("down", "x", 3));
      bench.set_commit([](SteeredCommit& commit) { commit.holds = true; });
      REQUIRE(bench.publish("down", "one", 1));
      settle(bench.threads.at(0));
      CHECK_FALSE(peer.broker.has_something());
      bench.release_commit();
      CHECK(peer.broker.receive().ends_with("one"));
    }
    REQUIRE(bench.handler->wait_disconnected(1));
    CHECK(bench.failure() == "closed by the broker");
    CHECK_FALSE(bench.publish("down", "late", 1));
    bench.pass(1500);
    const Accepted again(listener);
    const std::string repeated = again.broker.receive();
    CHECK(repeated.ends_with("one"));
    CHECK(bench.client->counters().sent_messages == 0);
    again.broker.send(puback(static_cast<std::size_t>(static_cast<unsigned char>(repeated[9]))));
    CHECK(bench.until([&] { return bench.client->counters().sent_messages == 1; }));
    CHECK(bench.until([&] { return bench.client->counters().sent_bytes == 7; }));
  }

  TEST_CASE("new options reconnect at once when they change where or who, otherwise not") {
    const LoopbackListener one;
    const LoopbackListener two;
    ClientBench bench(one.port());
    bench.start();
    const Accepted first(one);
    REQUIRE(bench.handler->wait_connected(1));
    auto next = bench.options;
    next.max_message_size = 100'000;
    bench.client->update(next);
    settle(bench.threads.at(0));
    CHECK(bench.client->status().state == State::running);
    next.host = "";  // refused: changes nothing
    bench.client->update(next);
    settle(bench.threads.at(0));
    CHECK(bench.client->status().state == State::running);
    next.host = bench.options.host;
    next.port = two.port();
    bench.client->update(next);
    const Accepted second(two);
    CHECK(first.broker.receive() == kDisconnect);
    REQUIRE(bench.handler->wait_connected(2));
    CHECK(bench.client->counters().failures == 0);
    bench.client->stop();
    CHECK(second.broker.receive() == kDisconnect);
    CHECK(bench.handler->disconnected == 2);
  }
}
