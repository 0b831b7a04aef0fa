#include "tests/unit/daemon/broker/broker_support.hpp"

namespace jl::broker::test {
namespace {

using records::Kind;

TEST_CASE("a client id is taken over on the same thread and on another one [MQTT-3.1.4-3]") {
  for (const std::size_t second : {0u, 1u}) {
    Bench b;
    const auto old = b.connect(0, durable("c"));
    const auto fresh = b.connect(second, durable("c"));
    CHECK(b.get(old, &FakeConnection::cause) == CloseCause::taken_over);
    CHECK(b.get(old, &FakeConnection::reason) == ReasonCode::session_taken_over);
    CHECK(b.is_connected(fresh));
    CHECK(b.is_present(fresh));
    CHECK(b.list().size() == 1);
    CHECK(b.broker->counters().clients == 1);
    CHECK(b.broker->counters().sessions == 1);
  }
}

TEST_CASE("a take-over with clean start ends the session, without it goes on [MQTT-3.1.2-4]") {
  for (const bool clean : {false, true}) {
    Bench b;
    const auto old = b.connect(0, durable("c"));
    b.subscribe(old, "t");
    const auto fresh = b.connect(1, durable("c", clean));
    CHECK(b.is_present(fresh) == !clean);
    b.publish(0, "t", "m");
    CHECK(b.got(fresh) == (clean ? "" : "m/1"));
    CHECK(b.stored(Kind::session) == 1);
  }
}

TEST_CASE("a session that ends with its connection is not taken over [3.1.2.11.2]") {
  Bench b;
  const auto first = b.connect(0, durable("c"));
  b.subscribe(first, "t");
  b.with(first, [](FakeConnection& c) { c.leave(); });
  const auto second = b.connect(0, durable("c", false, 0));
  CHECK(b.is_present(second));
  const auto third = b.connect(1, durable("c"));
  CHECK_FALSE(b.is_present(third));
  b.publish(0, "t", "m");
  CHECK(b.got(third).empty());
}

TEST_CASE("of two connections that claim one client at once, one gets it and the other is closed") {
  // Both come from thread 1 while the client is on thread 0, and one of thread 0 as well.
  for (const bool clean : {false, true}) {
    Bench b(3);
    const auto first = b.connect(0, durable("c"));
    b.subscribe(first, "t");
    std::vector<Connection> rivals;
    {
      network::test::Hold hold(b.threads.at(0));
      rivals.push_back(b.dial(1, durable("c", clean)));
      rivals.push_back(b.dial(2, durable("c", clean)));
      rivals.push_back(b.dial(1, durable("c", clean)));
    }
    rivals.push_back(b.dial(0, durable("c", clean)));
    b.quiet();
    b.quiet();
    std::size_t connected = 0;
    for (const auto& each : rivals) {
      const bool is_connected = b.is_connected(each);
      connected += is_connected ? 1 : 0;
      if (!is_connected) CHECK(b.get(each, &FakeConnection::cause) == CloseCause::taken_over);
    }
    CHECK(connected == 1);
    CHECK(b.list().size() == 1);
    b.publish(2, "t", "m");
    for (const auto& each : rivals) {
      if (b.is_connected(each)) CHECK(b.got(each) == (clean ? "" : "m/1"));
    }
  }
}

TEST_CASE("a connection that comes on the thread to which the client is moving gets all of it") {
  Bench b;
  const auto first = b.connect(0, durable("c"));
  b.subscribe(first, "t");
  Connection one, two;
  {
    network::test::Hold hold(b.threads.at(1));
    // Its owner is thread 1 already when the second comes there, before the first is let in.
    one = std::make_shared<FakeConnection>(b.broker, b.threads.at(1), 3600);
    two = std::make_shared<FakeConnection>(b.broker, b.threads.at(1), 3600);
    b.threads.at(1).post([&] {
      b.dial_here(one, durable("c"));
      network::test::settle(b.threads.at(0));
      b.dial_here(two, durable("c"));
    });
  }
  b.quiet();
  CHECK(b.is_connected(one) != b.is_connected(two));
  CHECK(b.list().size() == 1);
  b.publish(0, "t", "m");
  CHECK(b.got(b.is_connected(one) ? one : two) == "m/1");
  for (const auto& each : {one, two}) b.with(each, [](FakeConnection& c) { c.leave(); });
  CHECK(b.list().at(0).connected == false);
}

TEST_CASE("a connection that is gone before it gets its client leaves the session waiting") {
  Bench b;
  const auto first = b.connect(0, durable("c", false, 10));
  b.subscribe(first, "t");
  Connection late;
  {
    network::test::Hold hold(b.threads.at(0));
    late = b.dial(1, durable("c", false, 10));
    run_on(b.threads.at(1), [&] { late->vanish(); });
  }
  b.quiet();
  CHECK_FALSE(b.is_connected(late));
  CHECK(b.list().at(0).connected == false);
  b.publish(0, "t", "m");
  const auto back = b.connect(0, durable("c", false, 10));
  CHECK(b.got(back) == "m/1");
  // Its time runs as if the gone one had not been there.
  b.with(back, [](FakeConnection& c) { c.vanish(); });
  b.advance(11'000);
  CHECK(b.list().empty());
}

TEST_CASE("a new client whose connection is gone at once leaves nothing behind") {
  Bench b;
  auto gone = std::make_shared<FakeConnection>(b.broker, b.threads.at(0), 100);
  run_on(b.threads.at(0), [&] {
    gone->vanish();
    b.dial_here(gone, durable("c"));
  });
  b.quiet();
  CHECK(b.list().empty());
  CHECK(b.broker->counters().clients == 0);
  CHECK(b.stored() == 0);
}

TEST_CASE("another user gets neither the client id nor its session") {
  Bench b;
  const auto owner = b.connect(0, {"c", "alice", false, 100});
  const auto thief = b.connect(1, {"c", "bob", true, 100});
  CHECK_FALSE(b.get(thief, &FakeConnection::refused).empty());
  CHECK(b.is_connected(owner));
  const auto device = b.connect(0, durable("c"));
  CHECK_FALSE(b.get(device, &FakeConnection::refused).empty());
  CHECK(b.is_connected(b.connect(1, {"c", "alice", false, 100})));
}

TEST_CASE("sessions beyond the limit are refused; what has one, or needs none, comes in") {
  Bench b(2, {.network_id = {}, .max_sessions = 1});
  const auto first = b.connect(0, durable("a"));
  CHECK_FALSE(b.get(b.connect(0, durable("b")), &FakeConnection::refused).empty());
  CHECK(b.is_connected(b.connect(0, brief("b"))));
  CHECK(b.is_connected(b.connect(1, durable("a"))));
  CHECK(b.list().size() == 2);
  CHECK(b.kick("a", true));
  CHECK(b.is_connected(b.connect(0, durable("c"))));
}

TEST_CASE("a session's life is cut to the longest allowed, and the client is told [3.2.2.3.2]") {
  Bench b(2, {.network_id = {}, .max_session_expiry = 60});
  const auto c = b.connect(0, durable("c", false, kNeverExpires));
  CHECK(b.get(c, &FakeConnection::expiry) == 60);
  b.with(c, [](FakeConnection& f) {
    f.expiry = kNeverExpires;  // as its DISCONNECT may say
    f.leave();
  });
  b.advance(61'000);
  CHECK(b.list().empty());
}

TEST_CASE("a session without a connection ends when its time is over, and not before [MQTT-3.1.2-23]") {
  Bench b;
  const auto c = b.connect(0, durable("c", false, 10));
  b.subscribe(c, "t");
  b.publish(1, "t", "m1");
  b.with(c, [](FakeConnection& f) { f.vanish(); });
  b.publish(1, "t", "m2");
  b.advance(9000);
  CHECK(b.list().size() == 1);
  CHECK(b.stored(Kind::queued) == 2);
  b.advance(1500);
  CHECK(b.list().empty());
  CHECK(b.broker->counters().sessions == 0);
  CHECK(b.broker->counters().clients == 0);
  CHECK(b.stored() == 0);
  CHECK(b.publish(0, "t", "m3") == ReasonCode::no_matching_subscribers);
}

TEST_CASE("a client that is back has all the time again, and DISCONNECT may end its session [3.14.2.2.2]") {
  Bench b;
  auto c = b.connect(0, durable("c", false, 10));
  b.with(c, [](FakeConnection& f) { f.vanish(); });
  b.advance(9000);
  c = b.connect(1, durable("c", false, 10));
  b.advance(20'000);
  CHECK(b.is_connected(c));
  b.with(c, [](FakeConnection& f) {
    f.expiry = 0;
    f.leave();
  });
  CHECK(b.list().empty());
  CHECK(b.stored() == 0);
}

TEST_CASE("what ended on one thread does not erase what the next one writes on another") {
  Bench b;
  const auto c = b.connect(0, durable("c"));
  b.subscribe(c, "old");
  // The first thread's log hangs while the client moves with clean start.
  run_on(b.threads.at(0), [&] { b.commits[0]->holds = true; });
  const auto fresh = b.dial(1, durable("c", true));
  b.quiet();
  CHECK_FALSE(b.is_connected(fresh));
  b.threads.at(0).post([&] { b.commits[0]->release(); });
  b.quiet();
  CHECK(b.is_connected(fresh));
  b.subscribe(fresh, "new");
  b.crash();
  const auto all = b.list();
  REQUIRE(all.size() == 1);
  CHECK(all[0].filters == std::vector<std::string>{"new"});
}

TEST_CASE("a client that was forgotten on one thread and comes on another keeps what it writes there") {
  Bench b;
  const auto c = b.connect(0, durable("c"));
  run_on(b.threads.at(0), [&] {
    b.commits[0]->holds = true;
    c->expiry = 0;
    c->leave();
  });
  const auto fresh = b.dial(1, durable("c"));
  b.quiet();
  b.threads.at(0).post([&] { b.commits[0]->release(); });
  b.quiet();
  CHECK(b.is_connected(fresh));
  CHECK_FALSE(b.is_present(fresh));
  CHECK(b.stored(Kind::session) == 1);
  CHECK(b.list().size() == 1);
  CHECK(b.broker->counters().clients == 1);
}

// ---- wills

struct Wills {
  Bench b;
  Connection watcher = b.connect(1, brief("watcher"));
  Wills() { b.subscribe(watcher, "will", {.qos = 2}); }
  Connection dying(std::uint32_t delay, std::uint32_t expiry) {
    auto c = b.connect(0, durable("c", true, expiry));
    run_on(c->thread(), [&] {
      c->will_message = message("will", "w");
      c->will_delay = delay;
    });
    return c;
  }
};

TEST_CASE("a will without delay is published when the connection is lost, not after DISCONNECT [MQTT-3.1.2-8]") {
  for (const bool lost : {true, false}) {
    Wills w;
    w.b.with(w.dying(0, 100), [&](FakeConnection& f) { lost ? f.vanish() : f.leave(); });
    CHECK(w.b.got(w.watcher) == (lost ? "w/1" : ""));
  }
}

TEST_CASE("a delayed will is published after its delay, once [3.1.3.2.2]") {
  Wills w;
  w.b.with(w.dying(5, 100), [](FakeConnection& f) { f.vanish(); });
  w.b.advance(4000);
  CHECK(w.b.got(w.watcher).empty());
  w.b.advance(1500);
  CHECK(w.b.got(w.watcher) == "w/1");
  w.b.advance(200'000);
  CHECK(w.b.got(w.watcher) == "w/1");
}

TEST_CASE("a delayed will is not published when the client is back in time [MQTT-3.1.3-9]") {
  for (const std::size_t thread : {0u, 1u}) {
    Wills w;
    w.b.with(w.dying(5, 100), [](FakeConnection& f) { f.vanish(); });
    const auto back = w.b.connect(thread, durable("c"));
    CHECK(w.b.is_present(back));
    w.b.advance(200'000);
    CHECK(w.b.got(w.watcher).empty());
  }
}

TEST_CASE("a delayed will is published when the session ends first [3.1.3.2.2]") {
  SUBCASE("by its time") {
    Wills w;
    w.b.with(w.dying(100, 5), [](FakeConnection& f) { f.vanish(); });
    w.b.advance(6000);
    CHECK(w.b.got(w.watcher) == "w/1");
  }
  SUBCASE("with its connection") {
    Wills w;
    w.b.with(w.dying(100, 0), [](FakeConnection& f) { f.vanish(); });
    CHECK(w.b.got(w.watcher) == "w/1");
  }
  SUBCASE("by a clean start") {
    Wills w;
    w.b.with(w.dying(100, 100), [](FakeConnection& f) { f.vanish(); });
    w.b.connect(1, durable("c", true));
    CHECK(w.b.got(w.watcher) == "w/1");
  }
  SUBCASE("by an administrator") {
    Wills w;
    w.b.with(w.dying(100, 100), [](FakeConnection& f) { f.vanish(); });
    CHECK(w.b.kick("c", true));
    CHECK(w.b.got(w.watcher) == "w/1");
  }
}

TEST_CASE("a will without delay is published when the client is taken over [MQTT-3.1.2-8]") {
  Wills w;
  w.dying(0, 100);
  w.b.connect(1, durable("c"));
  CHECK(w.b.got(w.watcher) == "w/1");
}

TEST_CASE("a client that is subscribed to its own will and dies for ever leaves nothing") {
  Wills w;
  const auto c = w.dying(5, 5);
  w.b.subscribe(c, "will");
  w.b.with(c, [](FakeConnection& f) { f.vanish(); });
  w.b.advance(10'000);
  CHECK(w.b.got(w.watcher) == "w/1");
  CHECK(w.b.stored() == 0);
}

TEST_CASE("a broker is stopped with everything alive: timers, wills, connections that are moving") {
  Bench b;
  auto will = b.connect(0, durable("will", true, 100));
  run_on(will->thread(), [&] {
    will->will_message = message("w", "w");
    will->will_delay = 50;
    will->vanish();
  });
  for (int i = 0; i < 20; ++i) {
    const auto each = b.connect(static_cast<std::size_t>(i) % 2, durable(fmt::format("c{}", i), false, 5));
    b.subscribe(each, "t");
    if (i % 3 == 0) b.with(each, [](FakeConnection& f) { f.vanish(); });
  }
  const auto tap = b.broker->tap("#", [](const wire::mqtt::Message&, bool) {});
  for (int i = 0; i < 20; ++i)
    (void)b.dial(static_cast<std::size_t>(i + 1) % 2, durable(fmt::format("c{}", i), false, 5));
  b.broker->stop();
  b.advance(1'000'000);
  CHECK(b.stored(Kind::session) == 21);
}

}  // namespace
}  // namespace jl::broker::test
