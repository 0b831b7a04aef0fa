#include "tests/unit/daemon/broker/broker_support.hpp"

namespace jl::broker::test {
namespace {

using records::Kind;

TEST_CASE("clients are listed in order, from every thread, with what they have") {
  Bench b;
  const auto z = b.connect(0, {"z", "alice", true, 0});
  const auto a = b.connect(1, durable("a", false, 100));
  b.subscribe(a, "t");
  run_on(a->thread(), [&] { a->window = 2; });
  for (int i = 0; i < 5; ++i) b.publish(0, "t", "m");
  auto all = b.list();
  REQUIRE(all.size() == 2);
  CHECK(all[0].id == "a");
  CHECK(all[0].connected);
  CHECK(all[0].version == 5);
  CHECK(all[0].user.empty());
  CHECK(all[0].address == "192.0.2.1:1");
  CHECK(all[0].session_expiry == 100);
  CHECK(all[0].keep_alive == 60);
  CHECK(all[0].subscriptions == 1);
  CHECK(all[0].filters == std::vector<std::string>{"t"});
  CHECK(all[0].in_flight == 2);
  CHECK(all[0].queued == 3);
  CHECK(all[1].id == "z");
  CHECK(all[1].user == "alice");
  CHECK(all[1].since == b.clock.now());
  b.clock.advance(500);
  b.with(a, [](FakeConnection& f) { f.vanish(); });
  b.with(z, [](FakeConnection& f) { f.vanish(); });
  all = b.list();
  REQUIRE(all.size() == 1);
  CHECK_FALSE(all[0].connected);
  CHECK(all[0].since == b.clock.now());
  CHECK(all[0].version == 0);
  CHECK(all[0].in_flight == 2);
  CHECK(b.list("a").size() == 1);
  CHECK(b.list("z").empty());
}

TEST_CASE("a client that moves while all are listed is there once") {
  Bench b;
  (void)b.connect(0, durable("c"));
  auto promise = std::make_shared<std::promise<std::vector<ClientInfo>>>();
  auto future = promise->get_future();
  {
    network::test::Hold zero(b.threads.at(0));
    (void)b.dial(1, durable("c"));
    network::test::Hold one(b.threads.at(1));
    b.broker->list([promise](std::vector<ClientInfo> all) { promise->set_value(std::move(all)); });
    zero.release();
    network::test::settle(b.threads.at(0));
  }
  REQUIRE(future.wait_for(network::test::kCeiling) == std::future_status::ready);
  CHECK(future.get().size() == 1);
}

TEST_CASE("a kicked client loses its connection; with forget its session too") {
  Bench b;
  const auto c = b.connect(0, durable("c"));
  b.subscribe(c, "t");
  CHECK(b.kick("c", false));
  CHECK(b.get(c, &FakeConnection::cause) == CloseCause::administrative);
  CHECK(b.list().size() == 1);
  b.publish(1, "t", "m");
  CHECK(b.kick("c", false));
  CHECK(b.kick("c", true));
  CHECK(b.list().empty());
  CHECK(b.stored() == 0);
  CHECK_FALSE(b.kick("c", true));
  CHECK_FALSE(b.kick("nobody", false));
  const auto again = b.connect(1, durable("c"));
  CHECK_FALSE(b.is_present(again));
  CHECK(b.kick("c", true));
  CHECK_FALSE(b.is_connected(again));
  CHECK(b.stored() == 0);
}

TEST_CASE("a kicked client that is moving is kicked where it arrives") {
  Bench b;
  (void)b.connect(0, durable("c"));
  Connection fresh;
  {
    network::test::Hold hold(b.threads.at(0));
    fresh = b.dial(1, durable("c"));
    b.broker->kick("c", true, [](bool) {});
  }
  b.quiet();
  b.quiet();
  // Either the kick came first and it is a new session, or it was closed with the old one.
  CHECK(b.list().size() == (b.is_connected(fresh) ? 1u : 0u));
  CHECK(b.stored(Kind::session) == (b.is_connected(fresh) ? 1u : 0u));
  CHECK(b.broker->counters().sessions == (b.is_connected(fresh) ? 1u : 0u));
}

TEST_CASE("closing a user closes its connections and no others, on every thread") {
  Bench b;
  std::vector<Connection> alice, others;
  for (std::size_t i = 0; i < 4; ++i) alice.push_back(b.connect(i % 2, {fmt::format("a{}", i), "alice", false, 100}));
  others.push_back(b.connect(0, {"b", "bob", false, 100}));
  others.push_back(b.connect(1, durable("d")));
  b.broker->close_user("alice", false);
  b.quiet();
  for (const auto& each : alice) CHECK_FALSE(b.is_connected(each));
  for (const auto& each : others) CHECK(b.is_connected(each));
  CHECK(b.list().size() == 6);
  b.broker->close_user("alice", true);
  b.quiet();
  CHECK(b.list().size() == 2);
  CHECK(b.stored(Kind::session) == 2);
}

TEST_CASE("a user's client that moves while the user is closed is not missed") {
  Bench b;
  (void)b.connect(1, {"c", "alice", false, 100});
  {
    network::test::Hold one(b.threads.at(1));
    network::test::Hold zero(b.threads.at(0));
    b.broker->close_user("alice", true);
    b.threads.at(1).post([] {});
  }
  b.quiet();
  CHECK(b.list().empty());
}

TEST_CASE("who listens in hears messages of every thread, retained ones first, until the handle is given up") {
  Bench b;
  b.publish(0, "t/1", "kept", 1, true);
  std::mutex mutex;
  std::vector<std::string> heard;
  auto handle = b.broker->tap("t/#", [&](const wire::mqtt::Message& each, bool retained) {
    const std::lock_guard lock(mutex);
    heard.push_back(each.payload + (retained ? "r" : ""));
  });
  b.quiet();
  CHECK(b.broker->has_listeners());
  for (std::size_t i = 0; i < 2; ++i) b.publish(i, "t/2", fmt::format("m{}", i), 2);
  b.publish(0, "u", "other");
  handle.reset();
  b.quiet();
  b.publish(0, "t/2", "late");
  CHECK(heard == std::vector<std::string>{"keptr", "m0", "m1"});
  CHECK_FALSE(b.broker->has_listeners());
  CHECK(b.list().empty());
  CHECK(b.publish(0, "t/2", "x") == ReasonCode::no_matching_subscribers);
}

TEST_CASE("a tap may be given up from within itself, and at once") {
  Bench b;
  std::shared_ptr<void> handle;
  std::atomic<int> calls{0};
  handle = b.broker->tap("t", [&](const wire::mqtt::Message&, bool) {
    ++calls;
    handle.reset();
  });
  b.quiet();
  b.publish(0, "t", "m");
  b.publish(0, "t", "m");
  CHECK(calls == 1);
  b.broker->tap("t", [&](const wire::mqtt::Message&, bool) { ++calls; }).reset();
  b.quiet();
  b.publish(0, "t", "m");
  CHECK(calls == 1);
  CHECK_FALSE(b.broker->has_listeners());
}

TEST_CASE("only subscriptions of applications count as listeners, each once, over restarts too") {
  Bench b;
  const auto device = b.connect(0, durable("device"));
  b.subscribe(device, "t");
  CHECK_FALSE(b.broker->has_listeners());
  auto app = b.connect(1, {"app", "alice", false, 100});
  b.subscribe(app, "t");
  b.subscribe(app, "t");
  b.with(app, [](FakeConnection& f) { f.unsubscribe("t"); });
  CHECK_FALSE(b.broker->has_listeners());
  b.subscribe(app, "t");
  b.with(app, [](FakeConnection& f) { f.vanish(); });
  CHECK(b.broker->has_listeners());
  b.crash();
  CHECK(b.broker->has_listeners());
  app = b.connect(0, {"app", "alice", true, 0});
  CHECK_FALSE(b.broker->has_listeners());
  b.subscribe(app, "t");
  CHECK(b.broker->has_listeners());
  b.with(app, [](FakeConnection& f) { f.vanish(); });
  CHECK_FALSE(b.broker->has_listeners());
}

}  // namespace
}  // namespace jl::broker::test
