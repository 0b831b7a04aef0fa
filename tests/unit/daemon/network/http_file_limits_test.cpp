// Files as bodies when things do not go well: slow and dead peers, rates, files that change, commits that fail, the
// end of the server.
#include "daemon/network/http_connection.hpp"
#include "tests/unit/daemon/network/http_file_support.hpp"

#include <doctest/doctest.h>
#include <algorithm>
#include <future>
#include <string>

namespace jl::network {
namespace {

using namespace test;

constexpr std::size_t kHuge = std::size_t{24} << 20u;  // more than the kernel holds for a peer that does not read
constexpr Millis kTick = TimerWheel::kResolution;

/// What comes of a body that is held to a rate before the clock moves.
std::string begin_slowly(FileHouse& house, const HttpClient& client) {
  client.send(get("/a"));
  std::string got = client.read(house.head().size() + house.rate / 4);
  settle(house.threads.at(0));
  CHECK((got == house.whole().substr(0, got.size())));
  CHECK(client.is_quiet());
  return got;
}

TEST_SUITE("network.http_file_limits") {
  TEST_CASE("a client may take its time as long as it takes something; no other time limit counts meanwhile") {
    for (const bool secure : {false, true}) {
      CAPTURE(secure);
      FileHouse house(kHuge, secure);
      house.options.request_timeout = std::chrono::seconds(5);
      house.options.idle_timeout = std::chrono::seconds(5);
      house.options.max_send_bytes = 1000;
      house.start();
      std::unique_ptr<HttpClient> plain;
      std::unique_ptr<TlsClient> tls;
      if (secure) {
        tls = std::make_unique<TlsClient>(house.port(), lax_client());
        tls->send(get("/a"));
      } else {
        plain = std::make_unique<HttpClient>();
        plain->set_receive_buffer(65'536);
        REQUIRE(plain->open(house.port()));
        plain->send(get("/a"));
      }
      const std::string whole = house.whole();
      std::string got;
      while (got.size() < whole.size()) {
        const std::size_t next = std::min<std::size_t>(whole.size() - got.size(), 2u << 20u);
        const std::string piece = secure ? tls->read(next) : plain->read(next);
        REQUIRE(piece.size() == next);
        got += piece;
        house.pass(15'000);
      }
      CHECK((got == whole));
      CHECK(house.counters().slow_consumers == 0);
      CHECK(house.progress->bytes == kHuge);
      CHECK(house.progress->ends == 1);
    }
  }

  TEST_CASE("a client that takes nothing for a minute is closed, and not before") {
    for (const bool secure : {false, true}) {
      CAPTURE(secure);
      const Warnings warnings;
      FileHouse house(kHuge, secure);
      house.start();
      std::unique_ptr<TlsClient> tls;
      if (secure) tls = std::make_unique<TlsClient>(house.port(), lax_client());
      const HttpClient plain(house.port());
      secure ? tls->send(get("/a")) : plain.send(get("/a"));
      REQUIRE(eventually([&] { return house.progress->bytes > 0; }));
      house.pass(59'000);
      settle(house.threads.at(0));
      CHECK(house.counters().slow_consumers == 0);
      CHECK(house.progress->ends == 0);
      CHECK(eventually([&] {
        house.pass(1000);
        return house.counters().slow_consumers == 1;
      }));
      CHECK(eventually([&] { return house.progress->ends == 1; }));
      CHECK(eventually([&] { return house.handler->count("close") == 1; }));
      CHECK(house.is_closed());
      CHECK(house.progress->bytes < kHuge);
      CHECK(warnings.has("peer does not take what it is sent component=test"));
    }
  }

  TEST_CASE("a client that vanishes under way leaves nothing behind: progress hears the end, the file is closed") {
    for (const bool secure : {false, true}) {
      CAPTURE(secure);
      FileHouse house(kHuge, secure);
      house.start();
      std::unique_ptr<TlsClient> tls;
      HttpClient plain;
      if (secure) {
        tls = std::make_unique<TlsClient>(house.port(), lax_client());
        tls->send(get("/a"));
        CHECK(tls->read(100'000).size() == 100'000);
        tls.reset();
      } else {
        REQUIRE(plain.open(house.port()));
        plain.send(get("/a"));
        CHECK(plain.read(100'000).size() == 100'000);
        plain.reset();
      }
      house.wait_open(0);
      CHECK(house.progress->ends == 1);
      CHECK(house.progress->late == 0);
      CHECK(house.progress->bytes < kHuge);
      CHECK(house.is_closed());
      CHECK(house.handler->log() == std::vector<std::string>{"GET /a", "close"});
    }
  }

  TEST_CASE("one that vanishes while its rate is used up is noticed without waiting for the next byte") {
    FileHouse house(1'000'000);
    house.rate = 4000;
    house.start();
    HttpClient client(house.port());
    begin_slowly(house, client);
    client.reset();
    house.wait_open(0);
    CHECK(house.progress->ends == 1);
    CHECK(house.progress->bytes == 1000);
  }

  TEST_CASE("a body is held to its rate, a quarter of a second at once") {
    for (const bool secure : {false, true}) {
      CAPTURE(secure);
      FileHouse house(200'000, secure);
      house.rate = 40'000;
      house.start();
      std::string got;
      if (secure) {
        const TlsClient client(house.port(), lax_client());
        client.send(get("/a"));
        got = client.read(house.head().size() + 10'000);
        for (int i = 1; i < 20; ++i) {
          settle(house.threads.at(0));
          CHECK(house.counters().sent_bytes == got.size());
          house.pass(kTick);
          got += client.read(10'000);
        }
      } else {
        const HttpClient client(house.port());
        got = begin_slowly(house, client);
        for (int i = 1; i < 20; ++i) {
          house.pass(kTick);
          got += client.read(10'000);
          settle(house.threads.at(0));
          CHECK(client.is_quiet());
        }
      }
      CHECK((got == house.whole()));
      CHECK(eventually([&] { return house.progress->ends == 1; }));
      CHECK(house.counters().slow_consumers == 0);
    }
  }

  TEST_CASE("a budget is shared by all bodies, and what one does not take is the others'") {
    FileHouse house(1'000'000);
    house.budget = std::make_shared<ByteBudget>(400'000, house.clock.steady());
    house.start();
    const HttpClient first(house.port());
    const HttpClient second(house.port());
    first.send(get("/a"));
    second.send(get("/a"));
    REQUIRE(eventually([&] { return house.handler->count("GET /a") == 2; }));
    std::uint64_t before = 0;
    for (int i = 0; i < 20; ++i) {
      settle(house.threads.at(0));
      house.pass(kTick);
      settle(house.threads.at(0));
      CHECK(house.counters().sent_bytes <= 2 * house.head().size() + 100'000 * (static_cast<std::uint64_t>(i) + 2));
      before = house.counters().sent_bytes;
    }
    CHECK(before > 1'800'000);
    while (house.progress->ends < 2) house.pass(kTick);
    CHECK((first.read(house.whole().size()) == house.whole()));
    CHECK((second.read(house.whole().size()) == house.whole()));
    CHECK(house.progress->bytes == 2'000'000);
  }

  TEST_CASE("a file that turns out shorter ends the connection: what came is right, and too little [RFC 9112 8]") {
    for (const bool secure : {false, true}) {
      CAPTURE(secure);
      const Warnings warnings;
      FileHouse house(1'000'000, secure);
      house.rate = 40'000;
      house.start();
      const std::size_t begin = house.head().size() + 10'000;
      const auto cut = [&] { REQUIRE(::truncate(house.path.c_str(), 15'000) == 0); };
      std::string got;
      if (secure) {
        const TlsClient client(house.port(), lax_client());
        client.send(get("/a"));
        got = client.read(begin);
        cut();
        house.pass(kTick);
        got += client.read(house.content.size());
      } else {
        const HttpClient client(house.port());
        got = begin_slowly(house, client);
        cut();
        house.pass(kTick);
        got += client.read_all();
      }
      CHECK(got.size() >= begin);
      CHECK(got.size() <= begin + 5000);
      CHECK((got == house.whole().substr(0, got.size())));
      house.wait_open(0);
      CHECK(house.progress->ends == 1);
      CHECK(warnings.has("file not sent to its end component=test"));
    }
  }

  TEST_CASE("a part that is not in the file ends the connection after the head") {
    FileHouse house(1000);
    house.handler->answer = [&](HttpConnection& connection, const HttpRequest& request) {
      HttpResponse response = house.response_to(request);
      auto file = std::make_shared<HttpFile>(*response.file);
      if (request.path == "/behind") file->offset = UINT64_MAX - 5;
      if (request.path == "/over") file->offset = 1000;
      if (request.path == "/none") file->file = nullptr;
      response.file = file;
      connection.respond(response);
    };
    house.start();
    for (const std::string path : {"/behind", "/over", "/none"}) {
      CAPTURE(path);
      const HttpClient client(house.port());
      client.send(get(path));
      CHECK(client.read_all() == house.head());
    }
    CHECK(eventually([&] { return house.progress->ends == 3; }));
    CHECK(house.progress->bytes == 0);
  }

  TEST_CASE("no word gets into a body when a commit fails under way; before its head there is a 503") {
    FileHouse house(1'000'000);
    house.rate = 40'000;
    house.start();
    const HttpClient client(house.port());
    std::string got = begin_slowly(house, client);
    run_on(house.threads.at(0), [&] { house.commit.fails = true; });
    house.pass(kTick);
    got += client.read_all();
    CHECK((got == house.whole().substr(0, got.size())));
    CHECK(got.size() < house.whole().size());
    CHECK(eventually([&] { return house.progress->ends == 1; }));
    run_on(house.threads.at(0), [&] { house.commit.fails = false; });
    const auto answer = house.handler->answer;
    house.handler->answer = [&](HttpConnection& connection, const HttpRequest& request) {
      house.commit.holds = true;
      answer(connection, request);
    };
    const HttpClient other(house.port());
    other.send(get("/b"));
    REQUIRE(eventually([&] { return house.is_held(); }));
    run_on(house.threads.at(0), [&] { house.commit.holds = false; });
    house.release(false);
    CHECK(other.read_status() == 503);
    CHECK(other.at_end());
    CHECK(eventually([&] { return house.progress->ends == 2; }));
    CHECK(house.is_closed());
  }

  TEST_CASE("a server that stops lets a body go on, and closes after it") {
    FileHouse house(40'000);
    house.rate = 40'000;
    house.start();
    HttpClient client(house.port());
    std::string got = begin_slowly(house, client);
    auto stopped = std::async(std::launch::async, [&] { house.server->stop(kCeiling); });
    CHECK(eventually([&] { return !TcpClient().open(house.port()); }));
    for (int i = 0; i < 3; ++i) {
      settle(house.threads.at(0));
      house.pass(kTick);
      got += client.read(10'000);
    }
    CHECK((got == house.whole()));
    CHECK(client.at_end());
    client.close();
    stopped.get();
    CHECK(house.progress->ends == 1);
    CHECK(house.progress->bytes == 40'000);
  }

  TEST_CASE("what is still on its way when the time to stop is over is cut") {
    FileHouse house(40'000);
    house.rate = 40'000;
    house.start();
    const HttpClient client(house.port());
    const std::string got = begin_slowly(house, client);
    house.stop_server();
    CHECK(client.at_end());
    CHECK(house.progress->ends == 1);
    CHECK(house.progress->bytes == 10'000);
    CHECK(house.opened_file.expired());
  }
}

}  // namespace
}  // namespace jl::network
