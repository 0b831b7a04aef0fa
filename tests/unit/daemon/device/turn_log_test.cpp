#include "daemon/device/turn_log.hpp"

#include "tests/support/fake_store.hpp"
#include "tests/support/manual_clock.hpp"

#include <doctest/doctest.h>
#include <future>
#include <memory>
#include <vector>

namespace jl::device {
namespace {

struct Bench {
  [[nodiscard]] bool stored(std::string_view key) const { return store.get(store::Family::messages, key)->has_value(); }
  test::ManualClock clock;
  test::FakeStore store;
  network::IoThreads threads{1, clock};
};

}  // namespace

TEST_SUITE_BEGIN("device.turn_log");

TEST_CASE("what a turn produced is in the store when its commit is done") {
  Bench b;
  TurnLog log(b.store, nullptr, b.threads.at(0));
  log.put(store::Family::messages, "a", "1");
  log.put(store::Family::messages, "b", "2");
  CHECK_FALSE(b.stored("a"));
  bool ok = false;
  log.commit([&](bool done) { ok = done && b.stored("a") && b.stored("b"); });
  CHECK(ok);
  CHECK(b.store.syncs() == 0);
}

TEST_CASE("a write that fails is told, and is not tried again with the next turn") {
  Bench b;
  TurnLog log(b.store, nullptr, b.threads.at(0));
  b.store.fail_appends(true);
  log.put(store::Family::messages, "a", "1");
  bool ok = true;
  log.commit([&](bool done) { ok = done; });
  CHECK_FALSE(ok);
  b.store.fail_appends(false);
  log.put(store::Family::messages, "b", "2");
  log.commit([&](bool done) { ok = done; });
  CHECK(ok);
  CHECK_FALSE(b.stored("a"));
  CHECK(b.stored("b"));
}

TEST_CASE("with durability sync a commit is done after the disk, on its own thread, and an empty one at once") {
  Bench b;
  Syncer syncer(b.store);
  TurnLog log(b.store, &syncer, b.threads.at(0));
  b.threads.start(true);
  std::promise<bool> on_thread;
  b.threads.at(0).post([&] {
    log.put(store::Family::messages, "a", "1");
    log.commit([&](bool ok) { on_thread.set_value(ok && b.store.syncs() == 1 && b.threads.at(0).is_current()); });
  });
  CHECK(on_thread.get_future().get());
  std::promise<bool> empty;
  b.threads.at(0).post([&] { log.commit([&](bool ok) { empty.set_value(ok && b.store.syncs() == 1); }); });
  CHECK(empty.get_future().get());
  b.threads.stop();
}

TEST_CASE("those that wait for the disk together share a sync") {
  Bench b;
  Syncer syncer(b.store);
  std::promise<void> entered, release, last;
  syncer.wait_for_disk([&](bool) {
    entered.set_value();
    release.get_future().wait();
  });
  entered.get_future().wait();
  int answered = 0;
  for (int i = 0; i < 50; ++i) {
    syncer.wait_for_disk([&, i](bool ok) {
      answered += ok ? 1 : 0;
      if (i == 49) last.set_value();
    });
  }
  release.set_value();
  last.get_future().wait();
  CHECK(answered == 50);
  CHECK(b.store.syncs() == 2);
}

TEST_CASE("sequences grow within a thread") {
  Bench b;
  TurnLog log(b.store, nullptr, b.threads.at(0));
  const std::uint64_t first = log.next_sequence();
  CHECK(log.next_sequence() == first + 1);
}

TEST_SUITE_END();

}  // namespace jl::device
