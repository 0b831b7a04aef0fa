#include "daemon/network/tcp_server.hpp"

#include "tests/unit/daemon/network/tcp_support.hpp"

#include <doctest/doctest.h>
#include <chrono>
#include <string>
#include <vector>

namespace jl::network {
namespace {

using namespace test;
using namespace std::chrono_literals;

TEST_SUITE("network.tcp_server") {
  TEST_CASE("frames come in order, however the stream is cut [network 2.3]") {
    TcpHouse house;
    house.start();
    const TcpClient client(house.port());
    const std::string stream = tcp_frame("one") + tcp_frame("two") + tcp_frame("three");
    for (const char byte : stream) client.send({&byte, 1});
    CHECK(client.read(stream.size()) == stream);
    client.send(stream + stream);
    CHECK(client.read(2 * stream.size()) == stream + stream);
    CHECK(house.handler->frames().size() == 9);
    CHECK(house.counters().received_messages == 9);
    CHECK(house.counters().sent_messages == 9);
    CHECK(house.counters().received_bytes == 3 * stream.size());
  }

  TEST_CASE("a connection that nobody identifies ends after connect_timeout, whatever it sends [access 5.4]") {
    TcpHouse house;
    house.options.connect_timeout = 10s;
    house.start();
    const TcpClient silent(house.port());
    const TcpClient chatty(house.port());
    const TcpClient known(house.port());
    house.echo(chatty, "hello");
    house.echo(known, "login known");
    REQUIRE(house.has_connections(3));
    settle(house.threads.at(0));
    house.pass(9'900);
    house.echo(chatty, "still here");
    CHECK(house.counters().connections == 3);
    house.pass(400);
    CHECK(silent.at_end());
    CHECK(chatty.at_end());
    house.echo(known, "x");
    CHECK(house.counters().rejected == 2);
    CHECK(house.counters().connected == 1);
    CHECK(house.handler->wait_closed(2) == std::vector<bool>{true, true});
  }

  TEST_CASE("silence both ways ends an identified connection; bytes of either side keep it [access 5.4]") {
    TcpHouse house;
    house.options.idle_timeout = 60s;
    house.start();
    const TcpClient client(house.port());
    house.echo(client, "login c");
    const auto connection = house.handler->last();
    house.pass(50'000);
    client.send("\x05");  // half a frame is a sign of life
    REQUIRE(eventually([&] { return house.counters().received_bytes == tcp_frame("login c").size() + 1; }));
    house.pass(50'000);
    CHECK(run_on(connection->thread(), [&] { return connection->send(tcp_frame("down")); }));
    CHECK(client.read(5) == tcp_frame("down"));
    house.pass(59'000);
    CHECK(client.is_quiet());
    CHECK(house.handler->closed().empty());
    house.pass(1'000 + 2 * TimerWheel::kResolution);
    CHECK(client.at_end());
    CHECK(house.handler->wait_closed(1) == std::vector<bool>{true});
    CHECK(house.counters().disconnected == 1);
  }

  TEST_CASE("an idle timeout of -1 means for ever [network 1.4]") {
    TcpHouse house;
    house.options.idle_timeout = std::chrono::milliseconds(-1);
    house.start();
    const TcpClient client(house.port());
    house.echo(client, "login c");
    house.pass(Millis{365} * 24 * 3600 * 1000);
    house.echo(client, "x");
  }

  TEST_CASE("without a consumer a connection is closed, and the next one may be taken [network 4.7]") {
    TcpHouse house;
    house.handler->refuses = true;
    house.start();
    const TcpClient refused(house.port());
    refused.send(tcp_frame("login c"));
    CHECK(refused.at_end());
    CHECK(house.handler->frames().empty());
    CHECK(house.handler->closed().empty());
    CHECK(house.counters().rejected == 1);
    house.handler->refuses = false;
    const TcpClient taken(house.port());
    house.echo(taken, "login c");
  }

  TEST_CASE("a stream that cannot be cut closes its own connection only [network 2.6]") {
    TcpHouse house;
    house.start();
    const TcpClient good(house.port());
    house.echo(good, "login good");
    const TcpClient bad(house.port());
    house.echo(bad, "login bad");
    bad.send("\xFFtoo much");  // 255 bytes are more than the frame limit of 100
    CHECK(bad.at_end());
    CHECK(house.handler->wait_closed(1) == std::vector<bool>{true});
    CHECK(house.counters().protocol_errors == 1);
    house.echo(good, "x");
  }

  TEST_CASE("a handler that closes inside of a frame gets no more of that read") {
    TcpHouse house;
    house.handler->take = [](TcpConnection& connection, std::string_view frame) {
      CHECK(connection.send(frame));
      connection.close();
      CHECK_FALSE(connection.send("late"));
    };
    house.start();
    const TcpClient client(house.port());
    client.send(tcp_frame("a") + tcp_frame("b"));
    CHECK(client.read(2) == tcp_frame("a"));
    CHECK(client.at_end());
    CHECK(house.handler->wait_closed(1) == std::vector<bool>{true});
    CHECK(house.handler->frames() == std::vector<std::string>{"a"});
    client.half_close();
    CHECK(house.has_connections(0));
    CHECK(house.handler->attachments == 0);
  }

  TEST_CASE("a client that goes is told to the handler once, as its own doing") {
    TcpHouse house;
    house.start();
    TcpClient polite(house.port());
    house.echo(polite, "login polite");
    polite.close();
    CHECK(house.handler->wait_closed(1) == std::vector<bool>{false});
    TcpClient rude(house.port());
    house.echo(rude, "login rude");
    rude.reset();
    CHECK(house.handler->wait_closed(2) == std::vector<bool>{false, false});
    CHECK(house.has_connections(0));
    CHECK(house.handler->attachments == 0);
    CHECK(house.counters().disconnected == 2);
  }

  TEST_CASE("reset_framing drops what the rule holds back [network 2.6]") {
    TcpHouse house;
    house.options.framing = wire::framing::fixed_length(4);
    house.handler->take = [](TcpConnection& connection, std::string_view frame) {
      if (frame.substr(1) == "bad") return connection.reset_framing();
      CHECK(connection.send(frame));
    };
    house.start();
    const TcpClient client(house.port());
    client.send(tcp_frame("bad") + "ru");
    REQUIRE(eventually([&] { return house.handler->frames().size() == 1; }));
    settle(house.threads.at(0));
    house.echo(client, "abc");
  }

  TEST_CASE("connections over the limit are closed and counted, and make room for nobody [network 1.3]") {
    TcpHouse house;
    house.options.max_connections = 2;
    house.start();
    TcpClient first(house.port());
    const TcpClient second(house.port());
    house.echo(first, "login 1");
    house.echo(second, "login 2");
    const TcpClient third(house.port());
    third.send(tcp_frame("login 3"));
    CHECK(third.at_end());
    CHECK(house.counters().over_limit == 1);
    CHECK(house.handler->frames() == std::vector<std::string>{"login 1", "login 2"});
    first.close();
    third.half_close();
    REQUIRE(house.has_connections(1));
    const TcpClient fourth(house.port());
    house.echo(fourth, "login 4");
  }

  TEST_CASE("more connections in one second than maxConnectRate are dropped [network 1.3]") {
    TcpHouse house;
    house.options.max_connect_rate = 2;
    house.start();
    const TcpClient first(house.port());
    const TcpClient second(house.port());
    house.echo(first, "login 1");
    house.echo(second, "login 2");
    const TcpClient third(house.port());
    CHECK(third.read(1).empty());
    CHECK(house.counters().rate_limited == 1);
    CHECK(house.counters().rejected == 1);
    house.pass(1000);
    const TcpClient fourth(house.port());
    house.echo(fourth, "login 4");
  }

  TEST_CASE("over maxMessageRate a connection is not read until its second is over; nothing is lost [network 1.3]") {
    TcpHouse house;
    house.options.max_message_rate = 3;
    house.start();
    const TcpClient busy(house.port());
    const TcpClient other(house.port());
    for (const char* const body : {"login b", "1", "2"}) house.echo(busy, body);
    CHECK(house.counters().rate_limited == 1);
    busy.send(tcp_frame("3"));
    house.echo(other, "login o");  // others go on
    settle(house.threads.at(0));
    CHECK(busy.is_quiet());
    house.pass(1000 + TimerWheel::kResolution);
    CHECK(busy.read(2) == tcp_frame("3"));
    house.echo(busy, "4");
  }

  TEST_CASE("a client that does not read what it is sent is closed as a slow consumer") {
    TcpHouse house;
    house.options.max_send_bytes = 64 * 1024;
    house.start();
    const TcpClient client(house.port());
    house.echo(client, "login c");
    const auto connection = house.handler->last();
    const std::string much(32 * 1024, 'x');
    CHECK(eventually([&] { return run_on(connection->thread(), [&] { return !connection->send(much); }); }));
    CHECK(house.handler->wait_closed(1) == std::vector<bool>{true});
    CHECK(house.counters().slow_consumers == 1);
    CHECK_FALSE(run_on(connection->thread(), [&] { return connection->send("late"); }));
  }

  TEST_CASE("an answer leaves only after the commit of its turn") {
    TcpHouse house;
    house.start();
    const TcpClient client(house.port());
    house.echo(client, "login c");
    run_on(house.threads.at(0), [&] {
      house.handler->take = [&](TcpConnection& connection, std::string_view frame) {
        house.commit.holds = true;
        CHECK(connection.send(frame));
      };
    });
    client.send(tcp_frame("x"));
    REQUIRE(eventually([&] { return run_on(house.threads.at(0), [&] { return house.commit.held != nullptr; }); }));
    house.pass(1000);
    CHECK(client.is_quiet());
    house.release();
    CHECK(client.read(2) == tcp_frame("x"));
  }

  TEST_CASE("when the commit fails nothing is sent and the connection ends") {
    TcpHouse house;
    house.start();
    const TcpClient client(house.port());
    house.echo(client, "login c");
    settle(house.threads.at(0));
    run_on(house.threads.at(0), [&] {
      house.handler->take = [&](TcpConnection& connection, std::string_view frame) {
        house.commit.fails = true;
        CHECK(connection.send(frame));
      };
    });
    client.send(tcp_frame("x"));
    CHECK(client.read(1).empty());
    CHECK(house.handler->wait_closed(1) == std::vector<bool>{true});
    run_on(house.threads.at(0), [&] { house.commit.fails = false; });
  }

  TEST_CASE("stop() tells every handler, lets what was sent leave, and accepts nobody") {
    TcpHouse house(2);
    house.start();
    const TcpClient known(house.port());
    house.echo(known, "login k");
    const TcpClient stranger(house.port());
    house.echo(stranger, "x");
    const auto connection = house.handler->last();
    const TcpClient silent(house.port());
    REQUIRE(house.has_connections(3));
    CHECK(run_on(connection->thread(), [&] { return connection->send("bye"); }));
    const std::uint16_t port = house.port();
    known.half_close();
    stranger.half_close();
    silent.half_close();
    house.server->stop(5s);
    CHECK(stranger.read(3) == "bye");
    CHECK(stranger.at_end());
    CHECK(known.at_end());
    CHECK(house.handler->wait_closed(3).size() == 3);
    CHECK(house.counters().connections == 0);
    CHECK(house.handler->attachments == 0);
    const TcpClient late;
    CHECK_FALSE(late.open(port));
  }

  TEST_CASE("list() tells who is there, since when and how quiet") {
    TcpHouse house(2);
    house.start();
    const TcpClient known(house.port());
    house.echo(known, "login k");
    house.pass(3000);
    const TcpClient stranger(house.port());
    house.echo(stranger, "x");
    auto all = house.list();
    REQUIRE(all.size() == 2);
    if (all[0].client.empty()) std::swap(all[0], all[1]);
    CHECK(all[0].client == "k");
    CHECK(all[0].peer.starts_with("127.0.0.1:"));
    CHECK(all[0].connected_for == 3000);
    CHECK(all[0].silent_for == 3000);
    CHECK(all[0].tls_version.empty());
    CHECK(all[1].client.empty());
    CHECK(all[1].connected_for == 0);
  }

  TEST_CASE("update() reaches connections accepted from then on, those before keep their rule [network 4.3]") {
    TcpHouse house;
    house.start();
    const TcpClient before(house.port());
    house.echo(before, "login b");
    house.options.framing = wire::framing::delimited("\n", 100);
    house.server->update(house.options);
    const TcpClient after(house.port());
    after.send("line\nhalf");
    CHECK(after.read(4) == "line");
    house.echo(before, "x");
  }

  TEST_CASE("a port in foreign hands is an error of start()") {
    TcpHouse house;
    house.start();
    TcpServerOptions second = house.options;
    second.port = house.port();
    const auto started = TcpServer::start(second, house.threads, house.handler);
    REQUIRE_FALSE(started.has_value());
    CHECK(started.error().code == Errc::address_in_use);
  }
}

}  // namespace
}  // namespace jl::network
