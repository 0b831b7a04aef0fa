// Observations from beginning to end (RFC 7641).
#include "daemon/network/coap_server.hpp"

#include "tests/unit/daemon/network/coap_support.hpp"

#include <doctest/doctest.h>
#include <string>
#include <vector>

namespace jl::network {
namespace {

using namespace test;
using Log = std::vector<std::string>;

CoapPdu observe_request(std::string_view path, unsigned id, std::string token = "t", unsigned action = 0) {
  CoapPdu request = coap_get(path, id).with(kObserve, coap_number(action));
  request.token = std::move(token);
  return request;
}

// A house with GET answered 2.05.
struct ObserveHouse : CoapHouse {
  explicit ObserveHouse(bool with_commit = false) : CoapHouse(with_commit) {
    handler->take = [](const CoapRequest& r, const CoapRespond& respond) {
      if (r.path == "/missing") return respond({.code = 404, .payload = {}});
      respond({.code = 205, .payload = "now"});
    };
  }
  /// Begins one and returns its ID.
  ObserverId begin(const CoapClient& client, std::string_view path = "a", unsigned id = 1, std::string token = "t") {
    const std::size_t before = handler->observers().size();
    const CoapPdu answer = client.ask(observe_request(path, id, std::move(token)));
    CHECK(answer.code == 205);
    CHECK(answer.option(kObserve).has_value());
    settle(thread());
    const auto all = handler->observers();
    REQUIRE(all.size() == before + 1);
    return all.back();
  }
};

TEST_SUITE("network.coap_observe") {
  TEST_CASE("an observer hears of news, confirmably, in order, one at a time [RFC 7641 3.2, 4.5; RFC 7252 4.7]") {
    ObserveHouse house;
    house.start();
    CoapClient client(house.port());
    const ObserverId id = house.begin(client);
    CHECK(house.counters().observers == 1);
    CHECK(house.handler->log() == Log{"1 /a ", "observe /a 1"});
    for (int i = 0; i < 5; ++i) CHECK(house.notify(id, fmt::format("news {}", i)));
    unsigned last = 0;
    for (int i = 0; i < 5; ++i) {
      const CoapPdu news = client.receive();
      CHECK(news.type == kCon);
      CHECK(news.code == 205);
      CHECK(news.token == "t");
      CHECK(news.payload == fmt::format("news {}", i));
      CHECK(news.number(kContentFormat) == 50);
      CHECK(news.number(kObserve) > last);
      last = news.number(kObserve);
      // NSTART = 1: the next one waits for the acknowledgement.
      CHECK(client.is_quiet());
      client.acknowledge(news);
    }
    CHECK(client.is_quiet());
    CHECK(house.notify(id, "more"));
    const CoapPdu more = client.receive();
    CHECK(more.payload == "more");
    CHECK(more.number(kObserve) > last);
    client.acknowledge(more);
    CHECK(house.counters().notifications == 6);
  }

  TEST_CASE("at most sixteen wait") {
    ObserveHouse house;
    house.start();
    CoapClient client(house.port());
    const ObserverId id = house.begin(client);
    CHECK(house.notify(id, "first"));
    const CoapPdu first = client.receive();
    for (int i = 0; i < 16; ++i) CHECK(house.notify(id, fmt::format("{}", i)));
    CHECK_FALSE(house.notify(id, "too many"));
    client.acknowledge(first);
    for (int i = 0; i < 16; ++i) {
      const CoapPdu news = client.receive();
      CHECK(news.payload == fmt::format("{}", i));
      client.acknowledge(news);
    }
    CHECK(client.is_quiet());
    CHECK(house.notify(id, "again"));
    CHECK_FALSE(house.notify(id + 1, "nobody"));
  }

  TEST_CASE("a reset ends it [RFC 7641 3.6]") {
    ObserveHouse house;
    house.start();
    CoapClient client(house.port());
    const ObserverId id = house.begin(client);
    CHECK(house.notify(id, "1"));
    CHECK(house.notify(id, "2"));
    client.reset(client.receive());
    CHECK(client.is_quiet());
    CHECK(house.handler->last() == "end 1");
    CHECK(house.counters().observers == 0);
    CHECK_FALSE(house.notify(id, "3"));
    CHECK(house.begin(client, "a", 2) == id + 1);
    CHECK(house.notify(id + 1, "new"));
    CHECK(client.receive().payload == "new");
  }

  TEST_CASE("a GET that is not interested any more ends it [RFC 7641 3.6]") {
    ObserveHouse house;
    house.start();
    CoapClient client(house.port());
    const ObserverId id = house.begin(client);
    const CoapPdu answer = client.ask(observe_request("a", 2, "t", 1));
    CHECK(answer.code == 205);
    CHECK_FALSE(answer.option(kObserve).has_value());
    CHECK(house.handler->log() == Log{"1 /a ", "observe /a 1", "end 1", "1 /a "});
    CHECK_FALSE(house.notify(id, "x"));
    CHECK(client.is_quiet());
  }

  TEST_CASE("a refused request observes nothing, and one that is refused later ends it [RFC 7641 4.1]") {
    ObserveHouse house;
    house.start();
    CoapClient client(house.port());
    const CoapPdu refused = client.ask(observe_request("missing", 1));
    CHECK(refused.code == 404);
    CHECK_FALSE(refused.option(kObserve).has_value());
    CHECK(house.handler->observers().empty());
    CHECK(client.ask(coap_post("a", "x", 2).with(kObserve, "")).option(kObserve) == std::nullopt);
    CHECK(house.handler->observers().empty());
    const ObserverId id = house.begin(client, "a", 3);
    CHECK(client.ask(observe_request("missing", 4)).code == 404);
    CHECK(house.handler->last() == fmt::format("end {}", id));
  }

  TEST_CASE("asked for again with the same token it is the same; for another path it is another [RFC 7641 4.1]") {
    ObserveHouse house;
    house.start();
    CoapClient client(house.port());
    const ObserverId id = house.begin(client);
    CHECK(house.notify(id, "1"));
    const CoapPdu news = client.receive();
    client.acknowledge(news);
    const CoapPdu again = client.ask(observe_request("a", 2));
    CHECK(again.number(kObserve) >= news.number(kObserve));
    settle(house.thread());
    CHECK(house.handler->observers() == std::vector<ObserverId>{id});
    CHECK(house.begin(client, "b", 3) == id + 1);
    CHECK(house.handler->log() == Log{"1 /a ", "observe /a 1", "1 /a ", "1 /b ", "end 1", "observe /b 2"});
    CHECK(house.notify(id + 1, "of b"));
    CHECK(client.receive().payload == "of b");
    CHECK(house.counters().observers == 1);
  }

  TEST_CASE("eight observations of one peer, each with its own news; a ninth is only answered") {
    ObserveHouse house;
    house.start();
    CoapClient client(house.port());
    std::vector<ObserverId> ids;
    for (unsigned i = 0; i < 8; ++i) ids.push_back(house.begin(client, "a", 1 + i, fmt::format("t{}", i)));
    const CoapPdu ninth = client.ask(observe_request("a", 9, "t8"));
    CHECK(ninth.code == 205);
    CHECK_FALSE(ninth.option(kObserve).has_value());
    CHECK(house.counters().observers == 8);
    for (unsigned i = 0; i < 8; ++i) CHECK(house.notify(ids[i], fmt::format("to {}", i)));
    std::vector<std::string> got;
    for (unsigned i = 0; i < 8; ++i) {
      const CoapPdu news = client.receive();
      client.acknowledge(news);
      got.push_back(news.token + " " + news.payload);
    }
    std::sort(got.begin(), got.end());
    CHECK(got == Log{"t0 to 0", "t1 to 1", "t2 to 2", "t3 to 3", "t4 to 4", "t5 to 5", "t6 to 6", "t7 to 7"});
  }

  TEST_CASE("observations of all peers are bounded") {
    ObserveHouse house;
    house.options.max_sessions = 2;
    house.start();
    CoapClient one(house.port()), two(house.port()), three(house.port());
    house.begin(one);
    house.begin(two);
    CHECK_FALSE(three.ask(observe_request("a", 1)).option(kObserve).has_value());
  }

  TEST_CASE("news leave when they are committed, and not when that failed") {
    ObserveHouse house(true);
    house.start();
    CoapClient client(house.port());
    const ObserverId id = house.begin(client);
    run_on(house.thread(), [&] {
      house.commit.holds = true;
      CHECK(house.server->notify(id, "lost", 50));
      CHECK(house.server->notify(id, "lost too", 50));
    });
    REQUIRE(comes_true([&] { return run_on(house.thread(), [&] { return house.commit.held != nullptr; }); }));
    run_on(house.thread(), [&] {
      house.commit.holds = false;
      std::exchange(house.commit.held, nullptr)(false);
    });
    CHECK(client.is_quiet());
    CHECK(house.notify(id, "kept"));
    CHECK(client.receive().payload == "kept");
  }

  TEST_CASE("the server ends it with 4.04, after what waits [RFC 7641 4.2]") {
    ObserveHouse house;
    house.start();
    CoapClient client(house.port());
    const ObserverId id = house.begin(client);
    run_on(house.thread(), [&] {
      CHECK(house.server->notify(id, "1", 50));
      CHECK(house.server->notify(id, "2", 50));
      house.server->end_observation(id);
      CHECK_FALSE(house.server->notify(id, "3", 50));
      house.server->end_observation(id);
    });
    for (const char* want : {"1", "2"}) {
      const CoapPdu news = client.receive();
      CHECK(news.payload == want);
      client.acknowledge(news);
    }
    const CoapPdu end = client.receive();
    CHECK(end.type == kCon);
    CHECK(end.code == 404);
    CHECK(end.token == "t");
    CHECK_FALSE(end.option(kObserve).has_value());
    client.acknowledge(end);
    CHECK(client.is_quiet());
    CHECK(house.counters().observers == 0);
    CHECK(house.handler->log() == Log{"1 /a ", "observe /a 1"});
  }

  TEST_CASE("an idle one is ended at once") {
    ObserveHouse house;
    house.start();
    CoapClient client(house.port());
    const ObserverId id = house.begin(client);
    run_on(house.thread(), [&] { house.server->end_observation(id); });
    CHECK(client.receive().code == 404);
  }

  TEST_CASE("a long notification begins a body that is fetched [RFC 7959 2.6]") {
    ObserveHouse house;
    house.start();
    CoapClient client(house.port());
    const ObserverId id = house.begin(client);
    const std::string body = std::string(1024, 'a') + std::string(500, 'b');
    CHECK(house.notify(id, body));
    const CoapPdu first = client.receive();
    client.acknowledge(first);
    CHECK(first.payload == body.substr(0, 1024));
    CHECK(first.number(kBlock2) == (8u | 6u));
    const CoapPdu rest = client.ask(coap_get("a", 2).with(kBlock2, coap_block(1, false, 6)));
    CHECK(rest.payload == body.substr(1024));
    CHECK(rest.option(kEtag) == first.option(kEtag));
    CHECK(house.handler->count() == 2);
  }

  TEST_CASE("a silent observer is asked whether it lives; a reset says yes [RFC 7252 4.3]") {
    ObserveHouse house;
    house.options.session_timeout = std::chrono::seconds(60);
    house.start();
    CoapClient client(house.port());
    const ObserverId id = house.begin(client);
    house.pass(59'000);
    CHECK(client.is_quiet());
    house.pass(1000);
    const CoapPdu ping = client.receive();
    CHECK(ping.type == kCon);
    CHECK(ping.code == 0);
    client.reset(ping);
    CHECK(client.is_quiet());
    CHECK(house.counters().observers == 1);
    house.pass(59'000);
    CHECK(client.is_quiet());
    CHECK(house.notify(id, "x"));
    CHECK(client.receive().payload == "x");
  }

  TEST_CASE("the respond function and news may come from within the handler") {
    ObserveHouse house;
    Shared<ObserverId> known;
    Shared<bool> told;
    house.handler->take = [&](const CoapRequest& r, const CoapRespond& respond) {
      respond({.code = 205, .payload = "now"});
      if (r.method == 2) told = house.server->notify(known.get(), "from a request", 50);
      if (r.method == 4) house.server->end_observation(known.get());
    };
    house.start();
    CoapClient client(house.port()), other(house.port());
    known = house.begin(client);
    CHECK(other.ask(coap_post("b", "x")).code == 205);
    CHECK(told.get());
    const CoapPdu news = client.receive();
    CHECK(news.payload == "from a request");
    client.acknowledge(news);
    CHECK(other.ask(coap_request(4, "b", {}, 2)).code == 205);
    CHECK(client.receive().code == 404);
  }

  TEST_CASE("stop tells observers and the handler") {
    ObserveHouse house;
    house.start();
    CoapClient client(house.port());
    house.begin(client);
    house.server->stop();
    CHECK(house.handler->last() == "end 1");
    CHECK(client.receive().code == 404);
    CHECK(house.counters().observers == 0);
  }
}

}  // namespace
}  // namespace jl::network
