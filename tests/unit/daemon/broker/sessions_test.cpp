#include "tests/unit/daemon/broker/broker_support.hpp"

#include "daemon/wire/mqtt/properties.hpp"

namespace jl::broker::test {
namespace {

using records::Kind;

TEST_CASE("queued messages are there again after a restart, in their order") {
  Bench b;
  const auto c = b.connect(0, durable("c"));
  b.subscribe(c, "t/#", {.qos = 2, .subscription_id = 7});
  b.with(c, [](FakeConnection& f) { f.vanish(); });
  std::string expected;
  run_on(b.threads.at(1), [&] {
    for (int i = 0; i < 300; ++i) {
      const std::uint8_t qos = i % 2 == 0 ? 1 : 2;
      auto each = std::make_shared<StoredMessage>();
      static_cast<wire::mqtt::Message&>(*each) = *message(fmt::format("t/{}", i), fmt::format("m{}", i), qos);
      (void)b.broker->publish(each, nullptr, b.threads.at(1));
      expected += fmt::format("{}m{}/{}", i == 0 ? "" : " ", i, qos);
    }
  });
  b.crash();
  const auto back = b.connect(1, durable("c"));
  CHECK(b.is_present(back));
  CHECK(b.got(back) == expected);
  const auto first = run_on(back->thread(), [&] { return back->got.at(0); });
  CHECK(first.message->topic == "t/0");
  CHECK(first.subscription_ids == std::string("\x0B\x07", 2));
}

TEST_CASE("what a client has in flight keeps its packet id and phase over a restart [MQTT-4.4.0-1]") {
  Bench b;
  const auto c = b.connect(0, durable("c"));
  b.subscribe(c, "t", {.qos = 2});
  b.publish(1, "t", "one", 1);
  b.publish(1, "t", "two", 2);
  b.publish(1, "t", "three", 2);
  b.publish(1, "t", "four", 1);
  b.with(c, [](FakeConnection& f) {
    f.acknowledge();  // one is over
    f.receive();      // two has its PUBREC
  });
  b.crash();
  const auto back = b.connect(0, durable("c"));
  run_on(back->thread(), [&] {
    const auto& outbound = back->state->outbound;
    REQUIRE(outbound.size() == 3);
    std::map<std::uint16_t, Phase> phases;
    for (const auto& each : outbound) phases[each.packet_id] = each.phase;
    CHECK(phases == std::map<std::uint16_t, Phase>{
                        {2, Phase::await_pubcomp}, {3, Phase::await_pubrec}, {4, Phase::await_puback}});
    for (const auto& each : outbound) {
      if (each.packet_id == 3) CHECK(each.delivery.message->payload == "three");
      if (each.packet_id == 4) CHECK(each.delivery.message->payload == "four");
    }
    CHECK(back->state->queue.empty());
  });
  // Complete, each leaves the store.
  b.with(back, [](FakeConnection& f) {
    while (!f.state->outbound.empty()) f.acknowledge();
  });
  CHECK(b.stored(Kind::queued) == 0);
  CHECK(b.stored(Kind::in_flight) == 0);
  CHECK(b.stored(Kind::session) == 1);
}

TEST_CASE("a PUBREC after a restart is remembered over the next one") {
  Bench b;
  auto c = b.connect(0, durable("c"));
  b.subscribe(c, "t", {.qos = 2});
  b.publish(1, "t", "m", 2);
  b.crash();
  c = b.connect(0, durable("c"));
  b.with(c, [](FakeConnection& f) { f.receive(); });
  b.crash();
  c = b.connect(0, durable("c"));
  run_on(c->thread(), [&] {
    REQUIRE(c->state->outbound.size() == 1);
    CHECK(c->state->outbound[0].phase == Phase::await_pubcomp);
    CHECK(c->state->outbound[0].packet_id == 1);
  });
}

TEST_CASE("QoS 2 messages of a client between PUBLISH and PUBREL are remembered over a restart [MQTT-4.3.3-10]") {
  Bench b;
  const auto c = b.connect(0, durable("c"));
  b.with(c, [](FakeConnection& f) {
    f.hold(1);
    f.hold(65535);
    f.hold(7);
    f.release(1);
  });
  b.crash();
  const auto back = b.connect(0, durable("c"));
  run_on(back->thread(), [&] {
    CHECK_FALSE(back->state->awaits_pubrel(1));
    CHECK(back->state->awaits_pubrel(7));
    CHECK(back->state->awaits_pubrel(65535));
    CHECK(back->state->inbound_qos2.size() == 2);
  });
  b.with(back, [](FakeConnection& f) { f.release(7); });
  CHECK(b.stored(Kind::inbound) == 1);
  CHECK(b.kick("c", true));
  CHECK(b.stored() == 0);
}

TEST_CASE("subscriptions are there again after a restart, for messages of every thread") {
  Bench b;
  const auto c = b.connect(0, durable("c"));
  b.subscribe(c, "gone");
  b.subscribe(c, "a/+", {.qos = 1, .no_local = true, .retain_as_published = true, .subscription_id = 3});
  b.subscribe(c, "$share/g/s");
  b.with(c, [](FakeConnection& f) { f.unsubscribe("gone"); });
  b.crash();
  CHECK(b.list().at(0).filters == std::vector<std::string>{"a/+", "$share/g/s"});
  b.publish(0, "a/1", "m1");
  b.publish(1, "s", "m2");
  b.publish(1, "gone", "m3");
  b.publish(1, "a/1", "m4", 1, true);
  const auto back = b.connect(1, durable("c"));
  CHECK(b.got(back) == "m1/1 m2/1 m4/1r");
  run_on(back->thread(), [&] {
    const auto* found = back->state->find_subscription("a/+");
    REQUIRE(found);
    CHECK(found->options.no_local);
    CHECK(found->options.subscription_id == 3);
  });
}

TEST_CASE("a message for several sessions has one body, erased with the last of them") {
  Bench b;
  std::vector<Connection> all;
  for (int i = 0; i < 3; ++i) {
    all.push_back(b.connect(static_cast<std::size_t>(i) % 2, durable(fmt::format("c{}", i))));
    b.subscribe(all.back(), "t", {.qos = static_cast<std::uint8_t>(i == 2 ? 2 : 1)});
  }
  b.publish(0, "t", "m", 2);
  CHECK(b.stored(Kind::body) == 1);
  CHECK(b.stored(Kind::queued) == 3);
  b.with(all[0], [](FakeConnection& f) { f.acknowledge(); });
  b.crash();
  CHECK(b.stored(Kind::body) == 1);
  const auto one = b.connect(0, durable("c1"));
  b.with(one, [](FakeConnection& f) {
    CHECK(f.state->outbound.at(0).delivery.message->payload == "m");
    f.acknowledge();
  });
  CHECK(b.stored(Kind::body) == 1);
  CHECK(b.kick("c2", true));
  CHECK(b.stored(Kind::body) == 0);
  CHECK(b.stored(Kind::queued) == 0);
  CHECK(b.stored(Kind::in_flight) == 0);
}

TEST_CASE("a message for one session has its body in the session's record") {
  Bench b;
  const auto c = b.connect(0, durable("c"));
  b.subscribe(c, "t");
  b.subscribe(b.connect(1, brief("other")), "t");
  b.publish(1, "t", "m");
  CHECK(b.stored(Kind::body) == 0);
  CHECK(b.stored(Kind::queued) == 1);
  b.publish(1, "t", "m0", 0);
  CHECK(b.stored(Kind::queued) == 1);
}

TEST_CASE("sessions whose time is over are gone after a restart with everything of theirs") {
  Bench b;
  for (const auto& [id, expiry] :
       {std::pair("short", 10u), std::pair("long", 1000u), std::pair("ever", kNeverExpires)}) {
    const auto c = b.connect(0, durable(id, false, expiry));
    b.subscribe(c, "t");
    b.with(c, [](FakeConnection& f) {
      f.hold(5);
      f.vanish();
    });
  }
  b.update({.network_id = {}, .max_session_expiry = kNeverExpires});
  const auto ever = b.connect(0, durable("ever", false, kNeverExpires));
  b.with(ever, [](FakeConnection& f) { f.vanish(); });
  b.publish(0, "t", "m");
  CHECK(b.stored(Kind::body) == 1);
  b.broker->stop();
  b.advance(11'000);
  b.crash();
  CHECK(b.list().size() == 2);
  CHECK(b.stored(Kind::session) == 2);
  CHECK(b.stored(Kind::queued) == 2);
  CHECK(b.stored(Kind::inbound) == 2);
  // The time of the other runs on from when it left.
  b.advance(988'000);
  CHECK(b.list().size() == 2);
  b.advance(2000);
  CHECK(b.list().size() == 1);
  b.crash();
  CHECK(b.stored(Kind::queued) == 1);
  CHECK(b.stored(Kind::body) == 1);
}

TEST_CASE("a client that was connected when the daemon died has its time from the restart on") {
  Bench b;
  const auto c = b.connect(0, durable("c", false, 10));
  b.advance(3'600'000);
  b.crash();
  CHECK(b.list().size() == 1);
  b.advance(9000);
  CHECK(b.list().size() == 1);
  b.advance(2000);
  CHECK(b.list().empty());
}

TEST_CASE("records without a session, a body or a message, and those that nobody can read, are erased at the start") {
  Bench b;
  const auto c = b.connect(0, durable("c"));
  b.subscribe(c, "t");
  b.with(c, [](FakeConnection& f) { f.vanish(); });
  b.publish(0, "t", "m");
  const auto before = b.stored();
  const auto batch = b.store.make_batch();
  std::string key;
  const auto put = [&](const std::string& value) { batch->put(store::Family::sessions, key, value); };
  const auto body = *message("t", "x");
  const Delivery delivery{nullptr, 1, false, 0, {}};
  records::key(key, "net", Kind::queued, "nobody", 1000);
  put(records::encode_queued(delivery, &body));
  records::key(key, "net", Kind::queued, "c", 1001);  // refers to a body that is not there
  put(records::encode_queued(delivery, nullptr));
  records::key(key, "net", Kind::queued, "c", 1002);
  put("nonsense");
  records::key(key, "net", Kind::body, 1003);  // nobody waits for it
  put(records::encode(body));
  records::key(key, "net", Kind::body, 1004);
  put("");
  records::key(key, "net", Kind::in_flight, "nobody", 1005);
  put(records::encode(records::InFlightRecord{1, Phase::await_puback}));
  records::key(key, "net", Kind::in_flight, "c", 1006);  // without its message
  put(records::encode(records::InFlightRecord{1, Phase::await_puback}));
  records::key(key, "net", Kind::inbound, "nobody", 1);
  put("");
  records::key(key, "net", Kind::inbound, "c", 0);
  put("");
  records::key(key, "net", Kind::inbound, "c", 65536);
  put("");
  records::key(key, "net", Kind::session, "broken");
  put("\x01");
  records::key(key, "net", Kind::retained, "broken");
  put("\x02");
  REQUIRE(b.store.append(*batch).has_value());
  CHECK(b.stored() == before + 12);
  b.crash();
  CHECK(b.stored() == before);
  // New messages do not take the numbers of old ones.
  b.publish(0, "t", "m2");
  const auto back = b.connect(0, durable("c"));
  CHECK(b.got(back) == "m/1 m2/1");
}

TEST_CASE("an exchange that does not fit its message is sent as a new one") {
  Bench b;
  const auto c = b.connect(0, durable("c"));
  b.subscribe(c, "t");
  b.with(c, [](FakeConnection& f) { f.vanish(); });
  b.publish(0, "t", "m");  // number 1, QoS 1
  const auto batch = b.store.make_batch();
  std::string key;
  records::key(key, "net", Kind::in_flight, "c", 1);
  batch->put(store::Family::sessions, key, records::encode(records::InFlightRecord{9, Phase::await_pubrec}));
  REQUIRE(b.store.append(*batch).has_value());
  b.crash();
  const auto back = b.connect(0, durable("c"));
  CHECK(b.got(back) == "m/1");
  b.with(back, [](FakeConnection& f) { f.acknowledge(); });
  CHECK(b.stored() == 1);
}

TEST_CASE("retained messages are there again after a restart, but expired ones") {
  Bench b;
  b.publish(0, "a", "1", 1, true);
  b.publish(1, "b", "1", 1, true);
  b.publish(0, "b", "2", 2, true);
  auto short_lived = std::make_shared<wire::mqtt::Message>(*message("c", "x"));
  short_lived->expires_at = b.clock.now() + 5000;
  b.publish(0, short_lived, true);
  CHECK(b.broker->retained_count() == 3);
  b.clock.advance(6000);
  b.crash();
  CHECK(b.broker->retained_count() == 2);
  CHECK(b.stored(Kind::retained) == 2);
  const auto c = b.connect(1, brief("c"));
  b.subscribe(c, "#", {.qos = 2});
  CHECK(b.got(c) == "1/1r 2/2r");
}

TEST_CASE("erasing a component leaves nothing of it and everything of others") {
  Bench b;
  const auto c = b.connect(0, durable("c"));
  b.subscribe(c, "t");
  b.with(c, [](FakeConnection& f) { f.vanish(); });
  b.publish(0, "t", "m", 1, true);
  const auto batch = b.store.make_batch();
  std::string other;
  records::key(other, "net2", Kind::session, "c");
  batch->put(store::Family::sessions, other, "x");
  REQUIRE(b.store.append(*batch).has_value());
  CHECK(b.stored() == 3);
  b.broker->stop();
  REQUIRE(Broker::erase(b.store, "net").has_value());
  CHECK(b.stored() == 0);
  CHECK((*b.store.get(store::Family::sessions, other)).has_value());
}

TEST_CASE("stopping waits until what was written last is in the store") {
  Bench b;
  const auto c = b.connect(0, durable("c"));
  run_on(b.threads.at(0), [&] { b.commits[0]->holds = true; });
  run_on(b.threads.at(0), [&] { c->vanish(); });
  b.threads.at(1).post([&] { b.threads.at(0).post([&] { b.commits[0]->release(); }); });
  b.broker->stop();
  REQUIRE(Broker::erase(b.store, "net").has_value());
  b.quiet();
  CHECK(b.stored() == 0);
}

}  // namespace
}  // namespace jl::broker::test
