#include "daemon/broker/retained.hpp"

#include "daemon/broker/records.hpp"
#include "tests/support/fake_store.hpp"
#include "tests/support/manual_clock.hpp"

#include <doctest/doctest.h>

namespace jl::broker {
namespace {

struct Shelf {
  test::ManualClock clock;
  test::FakeStore store;
  network::IoThreads threads{1, clock};
  device::TurnLog log{store, nullptr, threads.at(0)};
  Retained retained;

  explicit Shelf(Retained::Limits limits = {}) : retained("net", limits) {}
  bool set(std::string topic, std::string payload, Millis expires_at = 0) {
    auto message = std::make_shared<wire::mqtt::Message>();
    message->topic = std::move(topic);
    message->payload = std::move(payload);
    message->expires_at = expires_at;
    message->retain = true;
    return retained.set(message, log);
  }
  void commit() {
    log.commit([](bool ok) { CHECK(ok); });
  }
  std::string match(std::string_view filter) const {
    std::string out;
    for (const auto& each : retained.match(filter, clock.now())) {
      out += (out.empty() ? "" : " ") + each->topic + "=" + each->payload;
    }
    return out;
  }
  std::vector<std::string> stored() const {
    std::vector<std::string> out;
    const std::string from = records::prefix("net", records::Kind::retained);
    CHECK(store.snapshot()
              ->scan(store::Family::sessions, from, store::prefix_end(from), false,
                     [&](std::string_view key, std::string_view value, store::Revision) {
                       const auto message = records::decode_message(value);
                       REQUIRE(message.has_value());
                       CHECK(records::name_of(key, "net", records::Kind::retained)->client == message->topic);
                       out.push_back(message->topic + "=" + message->payload);
                       return true;
                     })
              .has_value());
    return out;
  }
};

TEST_CASE("the last retained message of a topic is kept, in memory and in the store [MQTT-3.3.1-5]") {
  Shelf s;
  CHECK(s.set("a/b", "1"));
  CHECK(s.set("a/b", "2"));
  CHECK(s.retained.size() == 1);
  CHECK(s.match("a/b") == "a/b=2");
  s.commit();
  CHECK(s.stored() == std::vector<std::string>{"a/b=2"});
}

TEST_CASE("an empty payload forgets the topic's message [MQTT-3.3.1-6]") {
  Shelf s;
  CHECK(s.set("a", "1"));
  CHECK(s.set("b", "1"));
  CHECK(s.set("a", ""));
  CHECK(s.set("never/there", ""));
  CHECK(s.retained.size() == 1);
  s.commit();
  CHECK(s.stored() == std::vector<std::string>{"b=1"});
}

TEST_CASE("filters find retained messages by the rules of topics, in their order") {
  Shelf s;
  for (const char* topic : {"a", "a/b", "a/b/c", "a/", "ab", "b", "$sys/x", "/a", "a-b"}) CHECK(s.set(topic, "x"));
  CHECK(s.match("a/#") == "a=x a/=x a/b=x a/b/c=x");
  CHECK(s.match("a/+") == "a/=x a/b=x");
  CHECK(s.match("+") == "a=x a-b=x ab=x b=x");
  CHECK(s.match("#") == "/a=x a=x a-b=x a/=x a/b=x a/b/c=x ab=x b=x");
  CHECK(s.match("$sys/#") == "$sys/x=x");
  CHECK(s.match("$sys/+") == "$sys/x=x");
  CHECK(s.match("+/x").empty());
  CHECK(s.match("a/b") == "a/b=x");
  CHECK(s.match("/+") == "/a=x");
  CHECK(s.match("a/b/c/#") == "a/b/c=x");
  CHECK(s.match("c").empty());
}

TEST_CASE("over the limit of messages a new topic is refused and nothing changes") {
  Shelf s({.messages = 2, .bytes = 10'000});
  CHECK(s.set("a", "1"));
  CHECK(s.set("b", "1"));
  CHECK_FALSE(s.set("c", "1"));
  CHECK(s.set("a", "2"));
  CHECK(s.match("#") == "a=2 b=1");
  s.commit();
  CHECK(s.stored().size() == 2);
  CHECK(s.set("a", ""));
  CHECK(s.set("c", "1"));
}

TEST_CASE("over the limit of bytes a message is refused and the one before stays") {
  Shelf s({.messages = 10, .bytes = 1000});
  CHECK(s.set("a", std::string(500, 'x')));
  CHECK_FALSE(s.set("b", std::string(500, 'x')));
  CHECK_FALSE(s.set("a", std::string(1000, 'y')));
  CHECK(s.retained.match("a", 0).at(0)->payload.size() == 500);
  // A replacement frees what it replaces, however often.
  for (int i = 0; i < 10; ++i) CHECK(s.set("a", std::string(800, 'z')));
  CHECK(s.set("a", ""));
  CHECK(s.set("b", std::string(800, 'x')));
}

TEST_CASE("new limits hold for what comes then") {
  Shelf s;
  CHECK(s.set("a", "1"));
  CHECK(s.set("b", "1"));
  s.retained.set_limits({.messages = 1, .bytes = 10'000});
  CHECK(s.retained.size() == 2);
  CHECK_FALSE(s.set("c", "1"));
  CHECK(s.set("b", "2"));
}

TEST_CASE("an expired message is not found, and forgotten when it is tidied away [MQTT-3.3.2-5]") {
  Shelf s;
  CHECK(s.set("a", "1", s.clock.now() + 1000));
  CHECK(s.set("b", "1"));
  CHECK(s.match("#") == "a=1 b=1");
  s.clock.advance(1000);
  CHECK(s.match("#") == "b=1");
  CHECK(s.match("a").empty());
  CHECK(s.retained.size() == 2);
  s.retained.forget_expired(s.clock.now(), s.log);
  CHECK(s.retained.size() == 1);
  s.commit();
  CHECK(s.stored() == std::vector<std::string>{"b=1"});
}

TEST_CASE("what is loaded counts towards the limits") {
  Shelf s({.messages = 1, .bytes = 1000});
  s.retained.load({.topic = "a", .payload = "1", .properties = {}, .qos = 1, .retain = true});
  CHECK(s.match("a") == "a=1");
  CHECK_FALSE(s.set("b", "1"));
}

}  // namespace
}  // namespace jl::broker
