// An answer leaves only after what its request has led to is committed.
#include "daemon/network/coap_server.hpp"

#include "tests/unit/daemon/network/coap_support.hpp"

#include <doctest/doctest.h>
#include <map>
#include <string>
#include <vector>

namespace jl::network {
namespace {

using namespace test;

// Commits at once when asked to, or only at the end of the turn.
class PromptCommit final : public TurnCommit {
 public:
  void commit(std::function<void(bool)> done) override { done(!fails); }
  bool commit_now() override {
    ++asked;
    return is_prompt;
  }
  std::atomic<int> asked{0};
  std::atomic<bool> is_prompt{true}, fails{false};
};

// Holds the next commit, with one request in it.
struct HeldHouse : CoapHouse {
  HeldHouse() : CoapHouse(true) {
    handler->take = [this](const CoapRequest& r, const CoapRespond& respond) {
      if (r.path == "/hold") commit.holds = true;
      respond({.code = 204, .payload = {}});
    };
    start();
  }
  bool is_held() {
    return run_on(thread(), [this] { return commit.held != nullptr; });
  }
  void release(bool ok = true) {
    thread().post([this, ok] {
      commit.holds = false;
      if (commit.held) std::exchange(commit.held, nullptr)(ok);
    });
  }
};

TEST_SUITE("network.coap_commit") {
  TEST_CASE("what can be committed at once is answered at once") {
    PromptCommit commit;
    CoapHouse house;
    house.threads.at(0).set_commit(&commit);
    house.start();
    CoapClient client(house.port());
    CHECK(client.ask(coap_post("a", "x", 1)).code == 204);
    CHECK(commit.asked == 1);
    SUBCASE("and what cannot, after the turn") {
      commit.is_prompt = false;
      const CoapPdu answer = client.ask(coap_post("a", "x", 2));
      CHECK(answer.type == kAck);
      CHECK(answer.code == 204);
      CHECK(answer.id == 2);
    }
    SUBCASE("and when the commit fails the answer is 5.03") {
      commit.is_prompt = false;
      commit.fails = true;
      CHECK(client.ask(coap_post("a", "x", 2)).code == 503);
      CHECK(client.ask(coap_post("a", "x", 2)).code == 503);
      CHECK(house.handler->count() == 2);
    }
  }

  TEST_CASE("the acknowledgement waits for the commit, and still carries the answer [RFC 7252 5.2.1]") {
    HeldHouse house;
    CoapClient client(house.port());
    client.send(coap_post("hold", "x", 5));
    REQUIRE(comes_true([&] { return house.is_held(); }));
    // More work of the thread changes nothing about that.
    settle(house.thread());
    house.pass(750);
    house.release();
    const CoapPdu answer = client.receive();
    CHECK(answer.type == kAck);
    CHECK(answer.code == 204);
    CHECK(answer.id == 5);
  }

  TEST_CASE("repeated while the commit is on its way it is neither answered nor handled again") {
    HeldHouse house;
    CoapClient client(house.port());
    client.send(coap_post("hold", "x", 5));
    REQUIRE(comes_true([&] { return house.is_held(); }));
    client.send(coap_post("hold", "x", 5));
    house.release();
    CHECK(client.receive().code == 204);
    // The repetition was read after the commit and got the same answer.
    CHECK(client.receive().code == 204);
    CHECK(client.is_quiet());
    CHECK(house.handler->count() == 1);
  }

  TEST_CASE("a commit that takes long is acknowledged first and answered in a message of its own [RFC 7252 5.2.2]") {
    HeldHouse house;
    CoapClient client(house.port());
    client.send(coap_post("hold", "x", 5));
    REQUIRE(comes_true([&] { return house.is_held(); }));
    house.pass(1000);
    CHECK(client.receive() == CoapPdu{.type = kAck, .id = 5});
    SUBCASE("when it is done") {
      house.release();
      const CoapPdu answer = client.receive();
      CHECK(answer.type == kCon);
      CHECK(answer.code == 204);
      CHECK(answer.token == "t");
      client.acknowledge(answer);
      // The same request again is only acknowledged.
      CHECK(client.ask(coap_post("hold", "x", 5)) == CoapPdu{.type = kAck, .id = 5});
    }
    SUBCASE("when it failed") {
      house.release(false);
      const CoapPdu answer = client.receive();
      CHECK(answer.type == kCon);
      CHECK(answer.code == 503);
      client.acknowledge(answer);
    }
    CHECK(client.is_quiet());
    CHECK(house.handler->count() == 1);
  }

  TEST_CASE("a handler may answer later, from another event of its thread") {
    CoapHouse house;
    std::map<std::string, CoapRespond> kept;
    house.handler->take = [&](const CoapRequest& r, CoapRespond respond) {
      kept[std::string(r.payload)] = std::move(respond);
    };
    house.start();
    CoapClient client(house.port());
    const auto respond = [&](const std::string& which, int code) {
      run_on(house.thread(), [&] { kept.at(which)({.code = code, .payload = which}); });
    };
    client.send(coap_post("a", "soon", 1));
    client.send(coap_post("a", "late", 2));
    client.send(coap_post("a", "non", 3, kNon));
    REQUIRE(comes_true([&] { return house.handler->count() == 3; }));
    respond("soon", 205);
    const CoapPdu soon = client.receive();
    CHECK(soon.type == kAck);
    CHECK(soon.id == 1);
    CHECK(soon.payload == "soon");
    house.pass(1000);
    CHECK(client.receive() == CoapPdu{.type = kAck, .id = 2});
    respond("non", 205);
    const CoapPdu non = client.receive();
    CHECK(non.type == kNon);
    CHECK(non.payload == "non");
    respond("late", 205);
    const CoapPdu late = client.receive();
    CHECK(late.type == kCon);
    CHECK(late.payload == "late");
    client.acknowledge(late);
    respond("late", 404);
    respond("soon", 404);
    CHECK(client.is_quiet());
  }

  TEST_CASE("a handler that never answers is given up with 5.04, and too many of these with 5.03") {
    CoapHouse house;
    house.handler->take = [](const CoapRequest&, const CoapRespond&) {};
    house.start();
    CoapClient client(house.port());
    for (unsigned id = 1; id <= 16; ++id) client.send(coap_post("a", "x", id, kNon));
    CHECK(client.ask(coap_post("a", "x", 17, kNon)).code == 503);
    house.pass(247'000);
    for (unsigned id = 1; id <= 16; ++id) CHECK(client.receive().code == 504);
    client.send(coap_post("a", "x", 18, kNon));
    CHECK(client.is_quiet());
  }

  TEST_CASE("a peer that lets late answers wait gets the next ones non-confirmable") {
    CoapHouse house;
    std::vector<CoapRespond> kept;
    house.handler->take = [&](const CoapRequest&, CoapRespond respond) { kept.push_back(std::move(respond)); };
    house.start();
    CoapClient client(house.port());
    std::vector<unsigned> types;
    for (unsigned id = 1; id <= 20; ++id) {
      client.send(coap_post("a", "x", id));
      REQUIRE(comes_true([&] { return house.handler->count() == id; }));
      house.pass(1000);
      CHECK(client.receive() == CoapPdu{.type = kAck, .id = id});
      run_on(house.thread(), [&] { kept.back()({.code = 204, .payload = {}}); });
      const bool comes = id == 1 || id > 16;  // the others queue behind the first
      if (comes) types.push_back(client.receive().type);
    }
    CHECK(types == std::vector<unsigned>{kCon, kNon, kNon, kNon, kNon});
    // A request that comes again was acknowledged, whatever its answer was.
    CHECK(client.ask(coap_post("a", "x", 20)) == CoapPdu{.type = kAck, .id = 20});
  }

  TEST_CASE("an unacknowledged answer is sent again by itself [RFC 7252 4.2]") {
    HeldHouse house;
    CoapClient client(house.port());
    client.send(coap_post("hold", "x", 5));
    REQUIRE(comes_true([&] { return house.is_held(); }));
    house.pass(1000);
    CHECK(client.receive().code == 0);
    house.release();
    const CoapPdu first = client.receive();
    CHECK(client.receive() == first);  // after two to three seconds
    client.acknowledge(first);
  }
}

}  // namespace
}  // namespace jl::network
