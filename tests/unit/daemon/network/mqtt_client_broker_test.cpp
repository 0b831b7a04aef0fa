// The MQTT client component against Debian's mosquitto: versions, credentials, TLS, every QoS, and a broker that dies.
#include "tests/unit/daemon/network/mqtt_client_support.hpp"
#include "tests/unit/daemon/network/mqtt_client_tls_support.hpp"

#include <algorithm>
#include <thread>

using namespace jl;
using namespace jl::network;
using namespace jl::network::test;

namespace {

using State = network::MqttClient::Status::State;

/// Accepts one TLS connection and says which name the client announced.
std::string announced_name(const LoopbackListener& listener, const Certificates& certificates) {
  SSL_CTX* const context = SSL_CTX_new(TLS_server_method());
  SSL_CTX_use_certificate_file(context, certificates.pem("server").c_str(), SSL_FILETYPE_PEM);
  SSL_CTX_use_PrivateKey_file(context, certificates.key("server").c_str(), SSL_FILETYPE_PEM);
  const int peer = listener.accept();
  SSL* const ssl = SSL_new(context);
  SSL_set_fd(ssl, peer);
  const bool accepted = SSL_accept(ssl) == 1;
  const char* const name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
  const std::string text = !accepted ? "(failed)" : name == nullptr ? "(none)" : name;
  SSL_free(ssl);
  SSL_CTX_free(context);
  ::close(peer);
  return text;
}

}  // namespace

TEST_SUITE("network.mqtt_client.mosquitto") {
  TEST_CASE("messages of every QoS come and go, with 3.1.1 and with 5") {
    if (no_mosquitto()) return;
    for (const bool v5 : {false, true}) {
      CAPTURE(v5);
      const Mosquitto broker;
      ClientBench bench(broker.port());
      bench.options.v5 = v5;
      bench.start_with({{"in/+", 2}});
      // Its SUBSCRIBE is before what it publishes.
      REQUIRE(bench.publish("in/self", "ready", 1));
      CHECK(bench.handler->wait_messages(1)[0].payload == "ready");
      for (int qos = 0; qos <= 2; ++qos) {
        REQUIRE(broker.publish("in/x", "uplink", qos));
        const auto got = bench.handler->wait_messages(static_cast<std::size_t>(qos) + 2);
        CHECK(got.back() == RecordingClientHandler::Message{"in/x", "uplink", std::min(qos, 1), false});
        REQUIRE(bench.publish("out/" + std::to_string(qos), "downlink", qos, true));
      }
      CHECK(bench.until([&] { return bench.client->counters().sent_messages == 4; }));
      const std::string kept = output_of(fmt::format(
          "mosquitto_sub -h 127.0.0.1 -p {} -t 'out/#' -q 2 -C 3 -W 5 -v -F '%q %t %p' | sort", broker.port()));
      CHECK(kept == "0 out/0 downlink\n1 out/1 downlink\n2 out/2 downlink\n");
      CHECK(bench.client->counters().received_messages == 4);
      CHECK(bench.client->counters().connects == 1);
    }
  }

  TEST_CASE("user name and password are presented; a wrong one is said and tried again") {
    if (no_mosquitto()) return;
    const TempFolder folder;
    REQUIRE(shell(fmt::format("mosquitto_passwd -c -b {0} gateway right && chmod 644 {0}", folder / "users")));
    const Mosquitto broker(fmt::format("allow_anonymous false\npassword_file {}", folder / "users"));
    for (const bool v5 : {false, true}) {
      CAPTURE(v5);
      ClientBench bench(broker.port());
      bench.options.v5 = v5;
      bench.options.username = "gateway";
      bench.options.password = Secret("wrong");
      bench.start();
      CHECK(bench.failure() == "not authorised (bad user name or password)");
      bench.pass(1500);
      CHECK(bench.until([&] { return bench.client->counters().failures == 2; }));
      auto corrected = bench.options;
      corrected.password = Secret("right");
      bench.client->update(corrected);
      CHECK(bench.handler->wait_connected(1));
      CHECK(bench.client->status().state == State::running);
      CHECK(bench.client->status().reason.empty());
    }
  }

  TEST_CASE("nobody listening is connection refused") {
    ClientBench bench(free_port());
    bench.start();
    CHECK(bench.failure() == "connection refused");
  }

  TEST_CASE("TLS: the chain and the name decide [network.md 5.5]") {
    if (no_mosquitto()) return;
    const Certificates certificates;
    const Mosquitto broker(certificates.listener_config());
    ClientBench bench(broker.port());
    bench.options.host = "localhost";
    SUBCASE("right") {
      bench.options.tls = client_tls(certificates, "ca", "localhost");
      bench.start_with({{"in/+", 1}});
      REQUIRE(bench.publish("in/self", std::string(8000, 'x'), 1));
      CHECK(bench.handler->wait_messages(1)[0].payload.size() == 8000);
    }
    SUBCASE("another authority") {
      bench.options.tls = client_tls(certificates, "other", "localhost");
      bench.start();
      CHECK(bench.failure() == "certificate verify failed: unable to get local issuer certificate");
    }
    SUBCASE("another name") {
      bench.options.tls = client_tls(certificates, "ca", "broker.example");
      bench.start();
      CHECK(bench.failure() == "certificate verify failed: hostname mismatch");
    }
    SUBCASE("any name") {
      bench.options.tls = client_tls(certificates, "ca", "");
      bench.start();
      CHECK(bench.handler->wait_connected(1));
    }
    SUBCASE("a plain client") {
      bench.start();
      CHECK(bench.failure() == "closed by the broker");
    }
  }

  TEST_CASE("TLS to a listener without TLS is said") {
    if (no_mosquitto()) return;
    const Certificates certificates;
    const Mosquitto broker;
    ClientBench bench(broker.port());
    bench.options.tls = client_tls(certificates, "ca", "localhost");
    bench.start();
    CHECK(bench.failure() == "TLS handshake failed: closed by the broker");
  }

  TEST_CASE("mutual TLS: the client's certificate is asked for and taken [network.md 5.5]") {
    if (no_mosquitto()) return;
    const Certificates certificates;
    const Mosquitto broker(certificates.listener_config() +
                           fmt::format("require_certificate true\ncafile {}\n", certificates.pem("ca")));
    ClientBench bench(broker.port());
    bench.options.host = "localhost";
    SUBCASE("with") {
      bench.options.tls = client_tls(certificates, "ca", "localhost", "client");
      bench.start();
      CHECK(bench.handler->wait_connected(1));
    }
    SUBCASE("without") {
      bench.options.tls = client_tls(certificates, "ca", "localhost");
      bench.start();
      const std::string failure = bench.failure();
      CAPTURE(failure);
      // In TLS 1.3 the broker refuses after the client is done: an alert, or a reset that overtakes it.
      CHECK(failure.find("closed by the broker") != std::string::npos);
    }
  }

  TEST_CASE("the name that was dialled is announced, an address is not [RFC 6066 3]") {
    const Certificates certificates;
    struct Row {
      const char* host;
      const char* announced;
    };
    for (const Row& row : {Row{"localhost", "localhost"}, Row{"127.0.0.1", "(none)"}}) {
      CAPTURE(row.host);
      const LoopbackListener listener;
      ClientBench bench(listener.port());
      bench.options.host = row.host;
      bench.options.tls = client_tls(certificates, "ca", "");
      bench.start();
      CHECK(announced_name(listener, certificates) == row.announced);
    }
  }

  TEST_CASE("a peer that takes the connection and says nothing to the handshake is given up after 10 s") {
    const Certificates certificates;
    const LoopbackListener listener;
    ClientBench bench(listener.port());
    bench.options.tls = client_tls(certificates, "ca", "");
    bench.start();
    const BrokerSide silent(listener);
    REQUIRE(bench.until([&] { return silent.has_something(); }));
    bench.pass(11'000);
    CHECK(bench.failure() == "no answer in 10 s");
  }

  TEST_CASE("a broker killed and started again loses no QoS 1 message and gets its subscriptions again") {
    if (no_mosquitto()) return;
    Mosquitto broker;
    ClientBench bench(broker.port());
    bench.start_with({{"in/+", 1}});
    REQUIRE(bench.publish("in/self", "ready", 1));
    REQUIRE(bench.handler->wait_messages(1).size() == 1);
    broker.save();
    broker.kill();
    REQUIRE(bench.handler->wait_disconnected(1));
    CHECK(bench.failure() == "closed by the broker");
    bench.pass(1500);
    CHECK(bench.until([&] { return bench.client->status().reason == "connection refused"; }));
    broker.start();
    REQUIRE(broker.publish("in/x", "meanwhile", 1));
    bench.pass(3000);
    REQUIRE(bench.handler->wait_connected(2));
    // At least once: the broker may have died before it wrote down that "ready" was taken.
    const auto heard = [&](const char* payload) {
      return bench.until([&] {
        const auto messages = bench.handler->wait_messages(1);
        return std::ranges::find(messages, payload, [](const auto& each) { return each.payload; }) != messages.end();
      });
    };
    CHECK(heard("meanwhile"));
    REQUIRE(broker.publish("in/x", "after", 0));
    CHECK(heard("after"));
  }

  TEST_CASE("a broker that forgot the session is subscribed to again") {
    if (no_mosquitto()) return;
    Mosquitto broker;
    ClientBench bench(broker.port());
    bench.options.clean_session = true;
    bench.start_with({{"in/+", 1}});
    broker.kill();
    REQUIRE(bench.handler->wait_disconnected(1));
    broker.start();
    bench.pass(1500);
    REQUIRE(bench.handler->wait_connected(2));
    REQUIRE(bench.publish("in/self", "again", 1));
    CHECK(bench.handler->wait_messages(1)[0].payload == "again");
  }

  TEST_CASE("a message whose commit failed is delivered again") {
    if (no_mosquitto()) return;
    const Mosquitto broker;
    ClientBench bench(broker.port());
    bench.handler->on_each = [&, times = 0]() mutable { bench.commit.fails = times++ == 0; };
    bench.start_with({{"in/+", 1}});
    REQUIRE(bench.publish("in/self", "twice", 1));
    REQUIRE(bench.handler->wait_disconnected(1));
    bench.set_commit([](SteeredCommit& commit) { commit.fails = false; });
    bench.pass(1500);
    const auto got = bench.handler->wait_messages(2);
    CHECK(got[0].payload == "twice");
    CHECK(got[1].payload == "twice");
  }

  TEST_CASE("a shared subscription takes what one of its group gets [network.md 1.4]") {
    if (no_mosquitto()) return;
    const Mosquitto broker;
    ClientBench one(broker.port());
    ClientBench two(broker.port());
    two.options.client_id = "gateway-2";
    for (ClientBench* bench : {&one, &two}) {
      bench->options.topic_prefix = "$share/g1/";
      bench->start_with({{"in/+", 1}});
      REQUIRE(bench->publish("unrelated", "x", 1));
      REQUIRE(bench->until([&] { return bench->client->counters().sent_messages == 1; }));
    }
    for (int i = 0; i < 4; ++i) REQUIRE(broker.publish("in/x", std::to_string(i), 1));
    const auto total = [&] {
      return one.client->counters().received_messages + two.client->counters().received_messages;
    };
    CHECK(one.until([&] { return total() >= 4; }));
    CHECK(total() == 4);
    CHECK(one.handler->wait_messages(1)[0].topic == "in/x");
    CHECK(two.handler->wait_messages(1)[0].topic == "in/x");
  }

  TEST_CASE("many messages at once arrive in order") {
    if (no_mosquitto()) return;
    const Mosquitto broker;
    ClientBench bench(broker.port());
    bench.start_with({{"in/+", 1}});
    REQUIRE(bench.publish("in/self", "ready", 1));
    REQUIRE(bench.handler->wait_messages(1).size() == 1);
    REQUIRE(shell(fmt::format("seq 1 2000 | mosquitto_pub -h 127.0.0.1 -p {} -t in/x -l -q 0", broker.port())));
    const auto got = bench.handler->wait_messages(2001);
    REQUIRE(got.size() == 2001);
    for (std::size_t i = 1; i < got.size(); ++i) REQUIRE(got[i].payload == std::to_string(i));
  }
}
