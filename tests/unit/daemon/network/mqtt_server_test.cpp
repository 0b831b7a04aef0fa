#include "daemon/network/mqtt_server.hpp"

#include "tests/unit/daemon/network/mqtt_support.hpp"

#include <doctest/doctest.h>
#include <netdb.h>
#include <string>
#include <thread>
#include <vector>

namespace jl::network {
namespace {

using namespace test;
using Lines = std::vector<std::string>;

TEST_SUITE("network.mqtt_server") {
  TEST_CASE("a client is announced, admitted, served and said goodbye to") {
    MqttHouse house;
    std::string peer;
    house.handler->decide = [&](MqttConnection& connection, const mqtt::ConnectView& view) {
      peer = connection.peer();
      CHECK(view.username == "user");
      CHECK(connection.thread().is_current());
      CHECK(connection.version() == mqtt::ProtocolVersion::v3_1_1);
      connection.accept({});
    };
    house.start();
    MqttClient client(house.port());
    client.send(connect({.client_id = "dev-1", .username = "user"}));
    CHECK(client.read_packet() == kConnackOk);
    client.send(publish("/a/b", "hello") + publish("/a/c", "again", 1, 7));
    CHECK(client.read_packet() == puback(7));
    client.send(kDisconnect);
    CHECK(client.at_end());
    const auto closed = house.handler->wait_closed(1);
    CHECK(closed[0].cause == CloseCause::client_disconnect);
    CHECK(house.is_empty());
    CHECK(house.handler->log() ==
          Lines{"connect dev-1", "publish dev-1 /a/b hello", "publish dev-1 /a/c again", "close dev-1"});
    CHECK(peer.rfind("127.0.0.1:", 0) == 0);
    CHECK(house.handler->attachments == 0);
    const auto& c = house.counters();
    CHECK(c.accepted == 1);
    CHECK(c.connected == 1);
    CHECK(c.disconnected == 1);
    CHECK(c.rejected == 0);
    CHECK(c.received_messages == 2);
    CHECK(c.sent_bytes == kConnackOk.size() + puback(7).size());
  }

  TEST_CASE("a refused client gets the CONNACK code of its version and then the end of the stream") {
    struct Row {
      int version;
      ReasonCode reason;
      int code;
    };
    MqttHouse house;
    std::atomic<ReasonCode> reason{};
    house.handler->decide = [&](MqttConnection& connection, const auto&) { connection.refuse(reason, "no"); };
    house.start();
    std::size_t count = 0;
    for (const Row row : {Row{4, ReasonCode::bad_user_name_or_password, 4}, Row{4, ReasonCode::not_authorized, 5},
                          Row{4, ReasonCode::client_identifier_not_valid, 2}, Row{5, ReasonCode::not_authorized, 0x87},
                          Row{5, ReasonCode::banned, 0x8A}}) {
      CAPTURE(row.version);
      CAPTURE(row.code);
      reason = row.reason;
      MqttClient client(house.port());
      // Input behind CONNECT that nobody reads must not turn the goodbye into a reset.
      client.send(connect({.version = row.version}) + std::string(20'000, 'x'));
      const std::string answer = client.read_packet();
      REQUIRE(answer.size() >= 4);
      CHECK(static_cast<unsigned char>(answer[3]) == row.code);
      CHECK(client.at_end());
      CHECK(house.handler->wait_closed(++count).back().cause == CloseCause::refused);
      client.close();
      CHECK(house.is_empty());
    }
    CHECK(house.counters().rejected == count);
    CHECK(house.counters().connected == 0);
    CHECK(house.handler->attachments == 0);
  }

  TEST_CASE("a decision may come later; what the client sent meanwhile waits for it [MQTT-3.1.4-6]") {
    MqttHouse house;
    house.handler->decide = [](MqttConnection&, const auto&) {};
    house.start();
    MqttClient client(house.port());
    client.send(connect({.client_id = "patient"}) + publish("/t", "early", 1, 1));
    CHECK(eventually([&] { return house.handler->find("patient") != nullptr; }));
    client.send(publish("/t", "still early", 1, 2));
    house.threads.at(0).post([connection = house.handler->find("patient")] { connection->accept({}); });
    CHECK(client.read_packet() == kConnackOk);
    CHECK(client.read_packet() == puback(1));
    CHECK(client.read_packet() == puback(2));
  }

  TEST_CASE("a message goes out to a subscriber, and its acknowledgement comes back with its tag") {
    MqttHouse house;
    house.start();
    MqttClient client(house.port(), {.client_id = "sub"});
    client.send(subscribe("/down/#", 1, 9));
    CHECK(client.read_packet() == packet(0x90, u16(9) + '\1'));
    const auto connection = house.handler->find("sub");
    REQUIRE(connection);
    run_on(connection->thread(), [&] {
      CHECK(connection->granted_qos("/down/x") == 1);
      CHECK(connection->granted_qos("/up/x") == -1);
      CHECK(connection->publish({.topic = "/down/x", .payload = "hi", .qos = 1, .tag = 77}));
    });
    const std::string got = client.read_packet();
    REQUIRE(got.size() > 4);
    CHECK(static_cast<unsigned char>(got[0]) == 0x32);
    client.send(packet(0x40, got.substr(2 + 2 + 7, 2)));
    house.settle(client);
    CHECK(house.handler->log().back() == "delivered sub 77");
    CHECK(house.counters().sent_messages == 1);
  }

  TEST_CASE("a packet over maxMessageSize closes with the protocol's own code [MQTT5 3.14.2.1]") {
    MqttHouse house;
    house.options.limits.max_packet = 100;
    house.start();
    MqttClient old(house.port(), {.client_id = "old"});
    old.send(publish("/t", std::string(200, 'x')));
    CHECK(old.at_end());
    MqttClient modern(house.port(), {.client_id = "modern", .version = 5});
    modern.send(publish("/t", std::string(200, 'x'), 0, 0, 5));
    const std::string goodbye = modern.read_packet();
    REQUIRE(goodbye.size() >= 3);
    CHECK(static_cast<unsigned char>(goodbye[0]) == 0xE0);
    CHECK(static_cast<unsigned char>(goodbye[2]) == 0x95);
    CHECK(modern.at_end());
    const auto closed = house.handler->wait_closed(2);
    CHECK(closed[0].cause == CloseCause::packet_too_large);
    CHECK(closed[1].cause == CloseCause::packet_too_large);
    CHECK(house.counters().protocol_errors == 2);
  }

  TEST_CASE("what is no MQTT is closed without an answer and without a word to the handler") {
    MqttHouse house;
    house.start();
    MqttClient client(house.port());
    client.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    CHECK(client.at_end());
    client.close();
    CHECK(house.is_empty());
    CHECK(house.handler->log().empty());
    CHECK(house.counters().protocol_errors == 1);
  }

  TEST_CASE("a newer connection takes over from another thread; the older hears why [MQTT-3.1.4-3]") {
    MqttHouse house(2);
    std::mutex mutex;
    std::weak_ptr<MqttConnection> holder;
    house.handler->decide = [&](MqttConnection& connection, const auto&) {
      const std::scoped_lock lock(mutex);
      if (const auto older = holder.lock()) {
        CHECK(&older->thread() != &connection.thread());
        older->thread().post([older] { older->close(CloseCause::taken_over, ReasonCode::session_taken_over); });
      }
      holder = connection.weak_from_this();
      connection.accept({});
    };
    house.start();
    MqttClient first(house.port(), {.client_id = "first", .version = 5});
    MqttClient second(house.port(), {.client_id = "second", .version = 5});
    const std::string goodbye = first.read_packet();
    REQUIRE(goodbye.size() >= 3);
    CHECK(static_cast<unsigned char>(goodbye[2]) == 0x8E);
    CHECK(first.at_end());
    const auto closed = house.handler->wait_closed(1);
    CHECK(closed[0].client == "first");
    CHECK(closed[0].cause == CloseCause::taken_over);
    house.settle(second);
  }

  TEST_CASE("a client that closes its half still gets its acknowledgements") {
    MqttHouse house;
    house.start();
    MqttClient client(house.port(), {});
    client.send(publish("/t", "last", 1, 3));
    client.half_close();
    CHECK(client.read_packet() == puback(3));
    CHECK(client.at_end());
    const auto closed = house.handler->wait_closed(1);
    CHECK(closed[0].cause == CloseCause::connection_lost);
    CHECK(house.is_empty());
  }

  TEST_CASE("a reset connection is lost once") {
    MqttHouse house;
    house.start();
    MqttClient client(house.port(), {.client_id = "r"});
    client.reset();
    CHECK(house.handler->wait_closed(1)[0].cause == CloseCause::connection_lost);
    CHECK(house.is_empty());
    CHECK(house.handler->closed().size() == 1);
  }

  TEST_CASE("a handler that throws loses that connection only, and hears of it once") {
    MqttHouse house;
    house.handler->take = [](MqttConnection&, const mqtt::PublishView& message) {
      if (message.payload == "bad") throw std::runtime_error("handler");
      return ReasonCode::success;
    };
    house.start();
    MqttClient good(house.port(), {.client_id = "good"});
    MqttClient bad(house.port(), {.client_id = "bad"});
    bad.send(publish("/t", "fine", 1, 1) + publish("/t", "bad", 1, 2) + publish("/t", "never", 1, 3));
    CHECK(house.handler->wait_closed(1)[0].client == "bad");
    CHECK(bad.read(1).empty());
    CHECK(eventually([&] { return house.counters().connections == 1; }));
    house.settle(good);
    CHECK(house.handler->closed().size() == 1);
  }

  TEST_CASE("stop closes every connection in its own way and calls on_close once for each") {
    MqttHouse house(2);
    house.handler->decide = [](MqttConnection& connection, const mqtt::ConnectView& view) {
      if (view.client_id != "undecided") connection.accept({});
    };
    house.start();
    const std::uint16_t port = house.port();
    std::vector<MqttClient> clients;
    for (int i = 0; i < 20; ++i)
      clients.emplace_back(port, Connect{.client_id = "c" + std::to_string(i), .version = 5});
    MqttClient silent(port);
    MqttClient undecided(port);
    undecided.send(connect({.client_id = "undecided", .version = 5}));
    CHECK(eventually([&] { return house.handler->find("undecided") != nullptr; }));
    std::jthread stopper([&] { house.server->stop(std::chrono::seconds(5)); });
    for (const MqttClient& client : clients) {
      const std::string goodbye = client.read_packet();
      REQUIRE(goodbye.size() >= 3);
      CHECK(static_cast<unsigned char>(goodbye[2]) == 0x8B);
      CHECK(client.at_end());
    }
    CHECK(silent.at_end());
    const std::string refusal = undecided.read_packet();
    REQUIRE(refusal.size() >= 4);
    CHECK(static_cast<unsigned char>(refusal[3]) == 0x88);  // CONNACK knows no "shutting down"
    clients.clear();
    silent.close(), undecided.close();
    stopper.join();
    CHECK(house.counters().connections == 0);
    CHECK(house.handler->closed().size() == 21);
    for (const auto& closed : house.handler->closed()) CHECK(closed.cause == CloseCause::server_shutdown);
    CHECK(house.handler->attachments == 0);
    CHECK_FALSE(MqttClient().open(port));
  }

  TEST_CASE("stop does not wait longer than it may for clients that stay") {
    MqttHouse house;
    house.start();
    MqttClient client(house.port(), {.client_id = "stays"});
    house.server->stop(std::chrono::milliseconds(0));
    CHECK(house.counters().connections == 0);
    CHECK(house.handler->closed().size() == 1);
    CHECK(house.handler->attachments == 0);
  }

  TEST_CASE("new limits hold for connections accepted from then on") {
    MqttHouse house;
    house.start();
    MqttClient before(house.port(), {.client_id = "before"});
    house.options.limits.max_packet = 100;
    house.server->update(house.options);
    MqttClient after(house.port(), {.client_id = "after"});
    const std::string big = publish("/t", std::string(1000, 'x'));
    before.send(big);
    house.settle(before);
    after.send(big);
    CHECK(after.at_end());
    CHECK(house.handler->wait_closed(1)[0].client == "after");
  }

  TEST_CASE("a thousand connections come and go and leave nothing behind") {
    MqttHouse house(2);
    house.start();
    constexpr int kClients = 4;
    constexpr int kRounds = 250;
    {
      std::vector<std::jthread> clients;
      for (int i = 0; i < kClients; ++i) {
        clients.emplace_back([&, i] {
          for (int k = 0; k < kRounds; ++k) {
            MqttClient client(house.port(), {.client_id = "c" + std::to_string(i)});
            client.send(publish("/t", "x", 1, 1));
            CHECK(client.read_packet() == puback(1));
            // A third each: in order, with a FIN, with a RST.
            if (k % 3 == 0) client.send(kDisconnect);
            if (k % 3 == 1) client.reset();
          }
        });
      }
    }
    CHECK(house.is_empty());
    constexpr std::size_t kTotal = std::size_t{kClients} * kRounds;
    CHECK(house.handler->closed().size() == kTotal);
    CHECK(house.handler->attachments == 0);
    CHECK(house.counters().accepted == kTotal);
    CHECK(house.counters().connected == kTotal);
    CHECK(house.counters().disconnected == kTotal);
    CHECK(house.counters().received_messages == kTotal);
  }
}

}  // namespace
}  // namespace jl::network
