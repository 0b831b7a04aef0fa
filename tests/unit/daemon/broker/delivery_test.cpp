#include "tests/unit/daemon/broker/broker_support.hpp"

namespace jl::broker::test {
namespace {

using records::Kind;

TEST_CASE("a message reaches the subscribers of every thread with the lower QoS of the two [MQTT-3.8.4-8]") {
  Bench b(3);
  std::vector<Connection> all;
  for (std::size_t i = 0; i < 3; ++i) {
    all.push_back(b.connect(i, brief(fmt::format("c{}", i))));
    b.subscribe(all.back(), "t/+", {.qos = static_cast<std::uint8_t>(i)});
  }
  CHECK(b.publish(1, "t/1", "m", 1) == ReasonCode::success);
  CHECK(b.publish(1, "u/1", "n", 1) == ReasonCode::no_matching_subscribers);
  CHECK(b.got(all[0]) == "m/0");
  CHECK(b.got(all[1]) == "m/1");
  CHECK(b.got(all[2]) == "m/1");
  CHECK(b.broker->counters().published == 2);
  CHECK(b.broker->counters().delivered == 3);
}

TEST_CASE("a client with no local does not get what it publishes, others do [MQTT-3.8.3-3]") {
  Bench b;
  const auto c = b.connect(0, brief("c"));
  const auto other = b.connect(1, brief("other"));
  b.subscribe(c, "t", {.qos = 1, .no_local = true});
  b.subscribe(other, "t", {.qos = 1, .no_local = true});
  b.publish(0, message("t", "mine"), false, c->client.get());
  b.publish(0, message("t", "theirs"), false, other->client.get());
  CHECK(b.got(c) == "theirs/1");
  CHECK(b.got(other) == "mine/1");
  // A filter without it still brings the message, but not that subscription's identifier.
  b.subscribe(c, "+", {.qos = 0, .subscription_id = 5});
  b.publish(0, message("t", "both"), false, c->client.get());
  CHECK(b.got(c) == "theirs/1 both/0");
}

TEST_CASE("filters that overlap make one message with the highest QoS and all identifiers [MQTT-3.3.4-2]") {
  Bench b;
  const auto c = b.connect(0, brief("c"));
  b.subscribe(c, "a/+", {.qos = 0, .subscription_id = 1});
  b.subscribe(c, "a/b", {.qos = 2, .subscription_id = 200});
  b.subscribe(c, "#", {.qos = 1, .retain_as_published = true});
  b.publish(1, "a/b", "m", 2, true);
  CHECK(b.got(c) == "m/2r");
  std::string ids = run_on(c->thread(), [&] { return c->got.at(0).subscription_ids; });
  std::string one("\x0B\x01", 2), two("\x0B\xC8\x01", 3);
  CHECK((ids == one + two || ids == two + one));
}

TEST_CASE("the retain flag goes on only to subscriptions that want it as published [MQTT-3.3.1-12]") {
  Bench b;
  const auto plain = b.connect(0, brief("plain"));
  const auto as_published = b.connect(1, brief("as"));
  b.subscribe(plain, "t");
  b.subscribe(as_published, "t", {.qos = 1, .retain_as_published = true});
  b.publish(0, "t", "m", 1, true);
  b.publish(0, "t", "n", 1, false);
  CHECK(b.got(plain) == "m/1 n/1");
  CHECK(b.got(as_published) == "m/1r n/1");
}

TEST_CASE("one member of a shared group gets each message, a connected one when there is one [4.8.2]") {
  Bench b;
  std::vector<Connection> all;
  for (std::size_t i = 0; i < 3; ++i) {
    all.push_back(b.connect(i % 2, durable(fmt::format("c{}", i))));
    b.subscribe(all.back(), "$share/g/t");
  }
  for (int i = 0; i < 6; ++i) b.publish(0, "t", "m");
  for (const auto& each : all) CHECK(b.got(each) == "m/1 m/1");
  b.with(all[1], [](FakeConnection& f) { f.vanish(); });
  for (int i = 0; i < 4; ++i) b.publish(0, "t", "n");
  CHECK(b.got(all[0]) == "m/1 m/1 n/1 n/1");
  CHECK(b.got(all[2]) == "m/1 m/1 n/1 n/1");
  // With nobody there it waits for one of them.
  for (const auto& each : {all[0], all[2]}) b.with(each, [](FakeConnection& f) { f.vanish(); });
  const auto before = b.stored(Kind::queued);
  b.publish(0, "t", "late");
  CHECK(b.stored(Kind::queued) == before + 1);
}

TEST_CASE("messages for a client that is away wait, up to the limit, without those of QoS 0 [4.1.0]") {
  Bench b(2, {.network_id = {}, .max_queued = 3});
  const auto c = b.connect(0, durable("c"));
  b.subscribe(c, "t", {.qos = 2});
  b.with(c, [](FakeConnection& f) { f.vanish(); });
  b.publish(0, "t", "zero", 0);
  for (int i = 0; i < 5; ++i) b.publish(static_cast<std::size_t>(i) % 2, "t", fmt::format("m{}", i));
  CHECK(b.broker->counters().dropped == 3);
  CHECK(b.stored(Kind::queued) == 3);
  CHECK(b.list().at(0).queued == 3);
  b.update({.network_id = {}, .max_queued = 4});
  b.publish(0, "t", "m5");
  CHECK(b.got(b.connect(1, durable("c"))) == "m0/1 m1/1 m2/1 m5/1");
}

TEST_CASE("what a connection drops because its own queue is full leaves the store") {
  Bench b;
  const auto c = b.connect(0, durable("c"));
  b.subscribe(c, "t");
  run_on(c->thread(), [&] { c->window = 1, c->queue_limit = 1; });
  for (int i = 0; i < 4; ++i) b.publish(1, "t", fmt::format("m{}", i));
  CHECK(b.stored(Kind::queued) == 2);
  b.with(c, [](FakeConnection& f) { f.acknowledge(); });
  CHECK(b.got(c) == "m0/1 m1/1");
  CHECK(b.stored(Kind::queued) == 1);
}

TEST_CASE("a message that closes a slow client waits in its session") {
  Bench b;
  const auto c = b.connect(0, durable("c"));
  b.subscribe(c, "t");
  run_on(c->thread(), [&] {
    c->slow = true;
    c->will_message = message("t", "will");
  });
  b.publish(0, "t", "m");
  CHECK_FALSE(b.is_connected(c));
  const auto back = b.connect(1, durable("c"));
  const std::string got = b.got(back);
  CHECK((got == "m/1 will/1" || got == "will/1 m/1"));
  CHECK(b.stored(Kind::queued) == 2);
}

TEST_CASE("clients that are closed for being slow in the middle of a message do not disturb it") {
  // Each one's will changes who is subscribed, and is a message itself.
  Bench b;
  std::vector<Connection> all;
  for (int i = 0; i < 20; ++i) {
    all.push_back(b.connect(0, brief(fmt::format("c{}", i))));
    b.subscribe(all.back(), "t");
    run_on(all.back()->thread(), [&] {
      all.back()->slow = i % 2 == 0;
      all.back()->will_message = message("t", "w");
    });
  }
  b.publish(0, "t", "m");
  for (int i = 1; i < 20; i += 2) {
    const std::string got = b.got(all[static_cast<std::size_t>(i)]);
    CHECK(std::ranges::count(got, 'm') == 1);
    CHECK(std::ranges::count(got, 'w') == 10);
  }
  CHECK(b.list().size() == 10);
}

TEST_CASE("a message on its way to a client that moves to another thread follows it") {
  Bench b(3);
  const auto old = b.connect(0, durable("c"));
  b.subscribe(old, "t");
  Connection fresh;
  {
    network::test::Hold hold(b.threads.at(0));
    fresh = b.dial(1, durable("c"));
    // Handed to thread 0, where the client still is, behind the claim that takes it away.
    run_on(b.threads.at(2), [&] {
      auto own = std::make_shared<StoredMessage>();
      static_cast<wire::mqtt::Message&>(*own) = *message("t", "m");
      (void)b.broker->publish(own, nullptr, b.threads.at(2));
    });
    network::test::settle(b.threads.at(2));
  }
  b.quiet();
  CHECK(b.got(old).empty());
  CHECK(b.got(fresh) == "m/1");
  b.with(fresh, [](FakeConnection& f) { f.acknowledge(); });
  CHECK(b.stored(Kind::queued) == 0);
}

TEST_CASE("a message that a client's old thread brings while it moves is in the store before the new one has it") {
  Bench b;
  const auto old = b.connect(0, durable("c"));
  b.subscribe(old, "t");
  run_on(b.threads.at(0), [&] { b.commits[0]->holds = true; });
  const auto fresh = b.dial(1, durable("c"));
  network::test::settle(b.threads.at(0));
  run_on(b.threads.at(0), [&] {
    auto own = std::make_shared<StoredMessage>();
    static_cast<wire::mqtt::Message&>(*own) = *message("t", "m");
    (void)b.broker->publish(own, nullptr, b.threads.at(0));
  });
  b.threads.at(0).post([&] { b.commits[0]->release(); });
  b.quiet();
  CHECK(b.got(fresh) == "m/1");
  b.with(fresh, [](FakeConnection& f) { f.acknowledge(); });
  CHECK(b.stored(Kind::queued) == 0);
  CHECK(b.stored(Kind::in_flight) == 0);
}

TEST_CASE("a message that could not be written reaches nobody on other threads") {
  Bench b;
  const auto c = b.connect(1, durable("c"));
  b.subscribe(c, "t");
  b.store.fail_appends(true);
  b.publish(0, "t", "m");
  b.store.fail_appends(false);
  CHECK(b.got(c).empty());
  b.publish(0, "t", "n");
  CHECK(b.got(c) == "n/1");
}

TEST_CASE("a message reaches other threads only once it is written, unless nobody needs it kept") {
  Bench b;
  const auto kept = b.connect(1, durable("kept"));
  const auto plain = b.connect(1, brief("plain"));
  b.subscribe(kept, "kept");
  b.subscribe(plain, "plain");
  run_on(b.threads.at(0), [&] { b.commits[0]->holds = true; });
  b.publish(0, "kept", "m");
  b.publish(0, "plain", "m");
  CHECK(b.got(kept).empty());
  CHECK(b.got(plain) == "m/1");
  b.threads.at(0).post([&] { b.commits[0]->release(); });
  b.quiet();
  CHECK(b.got(kept) == "m/1");
}

TEST_CASE("a message on its way to a session that ends leaves nothing in the store") {
  Bench b;
  const auto c = b.connect(1, durable("c"));
  const auto d = b.connect(0, durable("d"));
  b.subscribe(c, "t");
  b.subscribe(d, "t");
  {
    network::test::Hold hold(b.threads.at(1));
    b.threads.at(1).post([&] {
      c->expiry = 0;
      c->leave();
    });
    run_on(b.threads.at(0), [&] {
      auto own = std::make_shared<StoredMessage>();
      static_cast<wire::mqtt::Message&>(*own) = *message("t", "m");
      (void)b.broker->publish(own, nullptr, b.threads.at(0));
    });
    network::test::settle(b.threads.at(0));
  }
  b.quiet();
  CHECK(b.stored(Kind::queued) == 1);
  CHECK(b.stored(Kind::body) == 1);
  b.with(d, [](FakeConnection& f) { f.acknowledge(); });
  CHECK(b.stored(Kind::queued) == 0);
  CHECK(b.stored(Kind::body) == 0);
}

// ---- retained

TEST_CASE("a new subscription gets the retained messages with the flag, by its retain handling [3.3.1.3]") {
  Bench b;
  b.publish(0, "a", "1", 2, true);
  b.publish(0, "b", "2", 0, true);
  const auto c = b.connect(1, durable("c"));
  b.subscribe(c, "+", {.qos = 1, .retain_handling = 0, .subscription_id = 4});
  CHECK(b.got(c) == "1/1r 2/0r");
  b.subscribe(c, "+", {.qos = 1, .retain_handling = 1});
  CHECK(b.got(c) == "1/1r 2/0r");
  b.subscribe(c, "+", {.qos = 1, .retain_handling = 0});
  CHECK(b.got(c) == "1/1r 2/0r 1/1r 2/0r");
  b.subscribe(c, "a", {.qos = 1, .retain_handling = 2});
  b.subscribe(c, "$share/g/a", {.qos = 1, .retain_handling = 0});
  CHECK(b.got(c) == "1/1r 2/0r 1/1r 2/0r");
  b.subscribe(c, "b", {.qos = 1, .retain_handling = 1});
  CHECK(b.got(c) == "1/1r 2/0r 1/1r 2/0r 2/0r");
  CHECK(run_on(c->thread(), [&] { return c->got.at(0).subscription_ids; }) == std::string("\x0B\x04", 2));
  CHECK(b.stored(Kind::queued) == 2);
  b.with(c, [](FakeConnection& f) {
    f.acknowledge();
    f.acknowledge();
  });
  CHECK(b.stored(Kind::queued) == 0);
}

TEST_CASE("a retained message over the limit is refused and reaches nobody") {
  Bench b(2, {.network_id = {}, .retained = {.messages = 1, .bytes = 10'000}});
  const auto c = b.connect(0, brief("c"));
  b.subscribe(c, "#");
  CHECK(b.publish(0, "a", "1", 1, true) == ReasonCode::success);
  CHECK(b.publish(0, "b", "1", 1, true) == ReasonCode::quota_exceeded);
  CHECK(b.got(c) == "1/1");
  CHECK(b.broker->counters().retained_refused == 1);
}

TEST_CASE("more retained messages than the client's window and queue hold all arrive, none is dropped") {
  for (const bool keeps : {false, true}) {
    Bench b;
    run_on(b.threads.at(0), [&] {
      for (int i = 0; i < 1000; ++i) {
        auto each = std::make_shared<StoredMessage>();
        static_cast<wire::mqtt::Message&>(*each) = *message(fmt::format("t/{:04}", i), "m");
        each->retain = true;
        (void)b.broker->publish(each, nullptr, b.threads.at(0));
      }
    });
    const auto c = b.connect(1, keeps ? durable("c") : brief("c"));
    run_on(c->thread(), [&] { c->window = 4; });
    b.subscribe(c, "#");
    run_on(c->thread(), [&] {
      CHECK(c->state->queue.size() <= RetainedRun::kWindow);
      while (!c->state->outbound.empty()) c->acknowledge();
      CHECK(c->got.size() == 1000);
    });
    b.quiet();
    CHECK(b.broker->counters().dropped == 0);
    CHECK(b.stored(Kind::queued) == 0);
  }
}

TEST_CASE("retained messages that are all dropped at once end the run without a deep stack") {
  Bench b;
  run_on(b.threads.at(0), [&] {
    for (int i = 0; i < 10'000; ++i) {
      auto each = std::make_shared<StoredMessage>();
      static_cast<wire::mqtt::Message&>(*each) = *message(fmt::format("t/{}", i), "m");
      each->retain = true;
      (void)b.broker->publish(each, nullptr, b.threads.at(0));
    }
  });
  const auto c = b.connect(0, durable("c"));
  run_on(c->thread(), [&] { c->window = 0, c->queue_limit = 0; });
  b.subscribe(c, "#");
  CHECK(b.broker->counters().dropped == 10'000);
  CHECK(b.stored(Kind::queued) == 0);
}

TEST_CASE("retained messages wait while the connection has no room, and go on when it is drained") {
  Bench b;
  for (int i = 0; i < 5; ++i) b.publish(0, fmt::format("t{}", i), fmt::format("{}", i), 0, true);
  const auto c = b.connect(0, brief("c"));
  run_on(c->thread(), [&] { c->room = false; });
  b.subscribe(c, "+");
  b.subscribe(c, "t1");
  CHECK(b.got(c).empty());
  CHECK(b.get(c, &FakeConnection::wants_drained));
  b.with(c, [&](FakeConnection& f) {
    f.room = true;
    b.broker->drained(*f.client);
  });
  CHECK(b.got(c) == "0/0r 1/0r 2/0r 3/0r 4/0r 1/0r");
}

TEST_CASE("subscribing over and over to what is not sent yet makes it wait once, unsubscribing not at all") {
  Bench b;
  b.publish(0, "a", "1", 0, true);
  b.publish(0, "b", "2", 0, true);
  const auto c = b.connect(0, brief("c"));
  run_on(c->thread(), [&] { c->room = false; });
  b.subscribe(c, "b");
  for (int i = 0; i < 3; ++i) b.subscribe(c, "a");
  for (int i = 0; i < 3; ++i) {
    b.subscribe(c, "+");
    b.with(c, [](FakeConnection& f) { f.unsubscribe("+"); });
  }
  b.with(c, [&](FakeConnection& f) {
    f.unsubscribe("b");
    f.room = true;
    b.broker->drained(*f.client);
  });
  CHECK(b.got(c) == "1/0r");
}

TEST_CASE("expired retained messages are tidied away") {
  Bench b;
  auto short_lived = std::make_shared<wire::mqtt::Message>(*message("c", "x"));
  short_lived->expires_at = b.clock.now() + 5000;
  b.publish(0, short_lived, true);
  CHECK(b.stored(Kind::retained) == 1);
  b.advance(6000);
  b.broker->tidy();
  b.quiet();
  CHECK(b.broker->retained_count() == 0);
  CHECK(b.stored(Kind::retained) == 0);
}

}  // namespace
}  // namespace jl::broker::test
