#include "daemon/network/io_thread.hpp"

#include "tests/support/manual_clock.hpp"
#include "tests/unit/daemon/network/thread_support.hpp"

#include <doctest/doctest.h>
#include <atomic>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace jl::network {
namespace {

using namespace test;
using Events = std::vector<std::string>;

// A member on one end of a socket pair that writes down what happens to it.
struct Member final : TurnMember {
  Member(IoThread& t, Events& e, std::string n) : thread(t), events(e), name(std::move(n)) {}
  void on_readable() override {
    const auto buffer = thread.read_buffer();
    const auto got = ::read(pair.ours(), buffer.data(), buffer.size());
    events.push_back(name + (got > 0 ? " read" : " end"));
    if (flushes) thread.request_flush(*this);
    if (then) then();
  }
  void on_writable() override {
    events.push_back(name + " writable");
    thread.want_write(pair.ours(), *this, false);
  }
  void on_flush(bool committed) override {
    events.push_back(name + (committed ? " flush" : " flush failed"));
    if (at_flush) at_flush();
  }
  void watch() { REQUIRE(thread.watch(pair.ours(), *this).has_value()); }
  void forget() { thread.forget(pair.ours(), *this); }

  IoThread& thread;
  Events& events;
  std::string name;
  SocketPair pair;
  bool flushes = true;
  std::function<void()> then;
  std::function<void()> at_flush;
};

// One thread with manual timers and a steered commit.
struct House {
  House() { thread.set_commit(&commit), threads.start(true); }
  ~House() {
    run_on(thread, [this] { thread.set_commit(nullptr); });
    threads.stop();
  }
  Events seen() {
    settle(thread);
    return run_on(thread, [this] { return events; });
  }
  jl::test::ManualClock clock;
  IoThreads threads{1, clock};
  IoThread& thread = threads.at(0);
  SteeredCommit commit;
  Events events;
};

TEST_SUITE("network.io_thread") {
  TEST_CASE("posted work runs in order, on its thread, and the threads take turns") {
    const jl::test::ManualClock clock;
    IoThreads threads(3, clock);
    threads.start(true);
    CHECK(threads.size() == 3);
    for (std::size_t i = 0; i < 3; ++i) {
      CHECK(threads.at(i).index() == i);
      CHECK_FALSE(threads.at(i).is_current());
      CHECK(run_on(threads.at(i), [&] { return threads.at(i).is_current() && !threads.at((i + 1) % 3).is_current(); }));
    }
    std::vector<std::size_t> turns;
    for (int i = 0; i < 6; ++i) turns.push_back(threads.next().index());
    CHECK(turns == std::vector<std::size_t>{0, 1, 2, 0, 1, 2});

    std::vector<int> order;
    for (int i = 0; i < 100; ++i) threads.at(1).post([&order, i] { order.push_back(i); });
    const auto got = run_on(threads.at(1), [&] { return order; });
    REQUIRE(got.size() == 100);
    CHECK(std::is_sorted(got.begin(), got.end()));
  }

  TEST_CASE("posts from many threads all run") {
    House house;
    int count = 0;
    {
      std::vector<std::jthread> posters;
      for (int i = 0; i < 4; ++i) {
        posters.emplace_back([&] {
          for (int k = 0; k < 1000; ++k) house.thread.post([&count] { ++count; });
        });
      }
    }
    CHECK(run_on(house.thread, [&] { return count; }) == 4000);
  }

  TEST_CASE("zero threads means one per core") {
    const jl::test::ManualClock clock;
    CHECK(IoThreads(0, clock).size() >= 1);
  }

  TEST_CASE("work that is runnable together shares one commit") {
    House house;
    settle(house.thread);
    int before = 0;
    {
      Hold hold(house.thread);
      house.thread.post([&] { before = house.commit.commits; });
      for (int i = 0; i < 100; ++i) house.thread.post([] {});
    }
    settle(house.thread);
    // The 101 above, and what settle() itself posts twice; the turn of the last one may still be open.
    CHECK(run_on(house.thread, [&] { return house.commit.commits; }) <= before + 4);
  }

  TEST_CASE("stop runs what was posted before and drops what comes after") {
    const jl::test::ManualClock clock;
    IoThreads threads(1, clock);
    threads.start(true);
    int ran = 0;
    for (int i = 0; i < 50; ++i) threads.at(0).post([&] { ++ran; });
    threads.stop();
    CHECK(ran == 50);
    auto token = std::make_shared<int>(1);
    threads.at(0).post([&ran, token] { ++ran; });
    CHECK(token.use_count() == 1);
    threads.stop();
    threads.advance_timers();
    CHECK(ran == 50);
  }

  TEST_CASE("threads that never started drop their work") {
    const jl::test::ManualClock clock;
    auto token = std::make_shared<int>(1);
    {
      IoThreads threads(1, clock);
      threads.at(0).post([token] {});
      CHECK(token.use_count() == 2);
    }
    CHECK(token.use_count() == 1);
  }

  TEST_CASE("a turn reads, then commits, then flushes those that asked") {
    House house;
    Member asks(house.thread, house.events, "asks");
    Member quiet(house.thread, house.events, "quiet");
    quiet.flushes = false;
    run_on(house.thread, [&] { asks.watch(), quiet.watch(); });
    {
      const Hold hold(house.thread);
      asks.pair.say(), quiet.pair.say();
    }
    const Events events = house.seen();
    REQUIRE(events.size() == 3);
    CHECK(events[2] == "asks flush");
    run_on(house.thread, [&] { asks.forget(), quiet.forget(); });
  }

  TEST_CASE("while a commit is on its way no socket is served, and later requests wait for the next commit") {
    House house;
    Member first(house.thread, house.events, "first");
    Member second(house.thread, house.events, "second");
    run_on(house.thread, [&] { first.watch(), second.watch(); });
    settle(house.thread);
    run_on(house.thread, [&] { house.commit.holds = true; });
    // The turn of the line above is held now.
    const auto number = run_on(house.thread, [&] {
      house.thread.request_flush(first);
      return house.thread.commit_number();
    });
    second.pair.say();
    CHECK(house.seen().empty());
    run_on(house.thread, [&] { std::exchange(house.commit.held, nullptr)(true); });
    // That released the first commit and began the second; what came meanwhile waits for this one.
    CHECK(house.seen().empty());
    run_on(house.thread, [&] { house.commit.holds = false, std::exchange(house.commit.held, nullptr)(true); });
    house.seen();
    CHECK(house.seen() == Events{"first flush", "second read", "second flush"});
    CHECK(run_on(house.thread, [&] { return house.thread.commit_number(); }) > number);
    run_on(house.thread, [&] { first.forget(), second.forget(); });
  }

  TEST_CASE("a failed or throwing commit is told to those that wait for it") {
    House house;
    Member member(house.thread, house.events, "m");
    run_on(house.thread, [&] { member.watch(); });
    run_on(house.thread, [&] { house.commit.fails = true, house.thread.request_flush(member); });
    CHECK(house.seen() == Events{"m flush failed"});
    run_on(house.thread, [&] {
      house.events.clear(), house.commit.fails = false, house.commit.throws = true;
      house.thread.request_flush(member);
    });
    CHECK(house.seen() == Events{"m flush failed"});
    run_on(house.thread, [&] {
      house.events.clear(), house.commit.throws = false;
      house.thread.request_flush(member);
    });
    CHECK(house.seen() == Events{"m flush"});
    run_on(house.thread, [&] { member.forget(); });
  }

  TEST_CASE("work for after the commit runs once, after the flushes, and learns how it went") {
    House house;
    Member member(house.thread, house.events, "m");
    const auto later = [&](const char* name) {
      house.thread.after_commit([&, name](bool committed) {
        house.events.push_back(std::string(name) + (committed ? " committed" : " failed"));
      });
    };
    run_on(house.thread, [&] { member.watch(), later("first"), house.thread.request_flush(member); });
    CHECK(house.seen() == Events{"m flush", "first committed"});
    run_on(house.thread, [&] { house.events.clear(), house.commit.fails = true, later("second"); });
    CHECK(house.seen() == Events{"second failed"});
    run_on(house.thread, [&] { house.events.clear(), house.commit.fails = false; });
    CHECK(house.seen().empty());
    run_on(house.thread, [&] { member.forget(); });
  }

  TEST_CASE("what work after a commit asks for waits for the next commit") {
    House house;
    run_on(house.thread, [&] {
      house.thread.after_commit([&](bool) {
        const auto number = house.thread.commit_number();
        house.thread.after_commit(
            [&, number](bool) { house.events.push_back(house.thread.commit_number() > number ? "later" : "same"); });
      });
    });
    CHECK(house.seen() == Events{"later"});
  }

  TEST_CASE("ending a commit does not by itself lead to the next one") {
    House house;
    run_on(house.thread, [&] { house.commit.holds = true; });
    const int after_first = run_on(house.thread, [&] {
      house.commit.holds = false;
      std::exchange(house.commit.held, nullptr)(true);
      return house.commit.commits;
    });
    CHECK(run_on(house.thread, [&] { return house.commit.commits; }) == after_first);
  }

  TEST_CASE("a second call of done changes nothing") {
    House house;
    Member member(house.thread, house.events, "m");
    run_on(house.thread, [&] { member.watch(), house.commit.holds = true, house.thread.request_flush(member); });
    settle(house.thread);
    run_on(house.thread, [&] {
      const auto done = std::exchange(house.commit.held, nullptr);
      done(true);
      done(false);
      house.commit.holds = false;
      if (house.commit.held) std::exchange(house.commit.held, nullptr)(true);
      done(false);
    });
    CHECK(house.seen() == Events{"m flush"});
    run_on(house.thread, [&] { member.forget(); });
  }

  TEST_CASE("an event already fetched does not reach a member that was forgotten meanwhile") {
    House house;
    Member a(house.thread, house.events, "a");
    Member b(house.thread, house.events, "b");
    a.then = [&] { b.forget(); };
    b.then = [&] { a.forget(); };
    run_on(house.thread, [&] { a.watch(), b.watch(); });
    {
      const Hold hold(house.thread);
      a.pair.say(), b.pair.say();
    }
    // Whichever is served first takes the other one away.
    const Events events = house.seen();
    REQUIRE(events.size() == 2);
    CHECK(events[0].substr(1) == " read");
    CHECK(events[1] == events[0].substr(0, 1) + " flush");
    run_on(house.thread, [&] { a.forget(), b.forget(); });
  }

  TEST_CASE("an event already fetched does not reach the next user of the slot") {
    House house;
    Member a(house.thread, house.events, "a");
    Member b(house.thread, house.events, "b");
    Member heir(house.thread, house.events, "heir");
    const auto replace = [&](Member& other) {
      other.forget();
      heir.watch();
    };
    a.then = [&] { replace(b); };
    b.then = [&] { replace(a); };
    run_on(house.thread, [&] { a.watch(), b.watch(); });
    {
      const Hold hold(house.thread);
      a.pair.say(), b.pair.say();
    }
    CHECK(house.seen().size() == 2);
    run_on(house.thread, [&] { a.forget(), b.forget(), heir.forget(); });
  }

  TEST_CASE("a member may forget itself and others during the flush") {
    House house;
    Member a(house.thread, house.events, "a");
    Member b(house.thread, house.events, "b");
    a.at_flush = b.at_flush = [&] { a.forget(), b.forget(); };
    run_on(house.thread, [&] {
      a.watch(), b.watch();
      house.thread.request_flush(a), house.thread.request_flush(b), house.thread.request_flush(a);
    });
    CHECK(house.seen() == Events{"a flush"});
  }

  TEST_CASE("back-pressure: want_read(false) holds readability back, and a hang-up comes through") {
    House house;
    Member member(house.thread, house.events, "m");
    member.flushes = false;
    run_on(house.thread, [&] {
      member.watch();
      house.thread.want_read(member.pair.ours(), member, false);
    });
    member.pair.say();
    CHECK(house.seen().empty());
    run_on(house.thread, [&] { house.thread.want_read(member.pair.ours(), member, true); });
    CHECK(house.seen() == Events{"m read"});
    run_on(house.thread, [&] {
      member.then = [&] { member.forget(); };
      house.thread.want_read(member.pair.ours(), member, false);
    });
    member.pair.close_theirs();
    CHECK(house.seen() == Events{"m read", "m end"});
  }

  TEST_CASE("writability is reported only while it is wanted") {
    House house;
    Member member(house.thread, house.events, "m");
    run_on(house.thread, [&] { member.watch(); });
    CHECK(house.seen().empty());
    run_on(house.thread, [&] { house.thread.want_write(member.pair.ours(), member, true); });
    CHECK(house.seen() == Events{"m writable"});
    run_on(house.thread, [&] { member.forget(); });
  }

  TEST_CASE("watching a descriptor that cannot be watched is an error, not a member") {
    House house;
    Member member(house.thread, house.events, "m");
    run_on(house.thread, [&] {
      const Status status = house.thread.watch(-1, member);
      REQUIRE(status.has_error());
      CHECK(status.error().code == Errc::network);
      member.forget();
      house.thread.request_flush(member);
    });
    CHECK(house.seen().empty());
  }

  TEST_CASE("an exception in a callback ends there, and the others are served on") {
    House house;
    Member bad(house.thread, house.events, "bad");
    Member good(house.thread, house.events, "good");
    good.flushes = false;
    bad.then = [&] { throw std::runtime_error("member"); };
    run_on(house.thread, [&] { bad.watch(), good.watch(); });
    house.thread.post([] { throw std::runtime_error("posted"); });
    {
      const Hold hold(house.thread);
      bad.pair.say(), good.pair.say();
    }
    CHECK(house.seen().size() == 3);
    run_on(house.thread, [&] { bad.forget(), good.forget(); });
  }

  TEST_CASE("a timer fires on its thread and its output is committed and flushed") {
    House house;
    Member member(house.thread, house.events, "m");
    struct Alarm {
      Member& member;
      Timer timer{[](void* self) {
                    auto& m = static_cast<Alarm*>(self)->member;
                    m.events.push_back(m.thread.is_current() ? "alarm" : "alarm elsewhere");
                    m.thread.request_flush(m);
                  },
                  this};
    } alarm{member};
    run_on(house.thread, [&] { member.watch(), house.thread.timers().set(alarm.timer, 10'000); });
    house.clock.advance(9'999);
    house.threads.advance_timers();
    CHECK(house.seen().empty());
    house.clock.advance(1 + TimerWheel::kResolution);
    house.threads.advance_timers();
    CHECK(house.seen() == Events{"alarm", "m flush"});
    run_on(house.thread, [&] { member.forget(); });
  }

  TEST_CASE("without manual timers the wheel advances by itself") {
    IoThreads threads(1, system_clock());
    threads.start();
    std::promise<void> fired;
    Timer timer([](void* promise) { static_cast<std::promise<void>*>(promise)->set_value(); }, &fired);
    run_on(threads.at(0), [&] { threads.at(0).timers().set(timer, 1); });
    CHECK(fired.get_future().wait_for(kCeiling) == std::future_status::ready);
    threads.stop();
  }

  TEST_CASE("stop waits for the commit that is on its way") {
    const jl::test::ManualClock clock;
    IoThreads threads(1, clock);
    IoThread& thread = threads.at(0);
    // Ends its commit from another thread, as a store does.
    struct Elsewhere final : TurnCommit {
      explicit Elsewhere(IoThread& t) : thread(t) {}
      void commit(std::function<void(bool)> done) override {
        other = std::jthread([this, done] { thread.post([done] { done(true); }); });
      }
      IoThread& thread;
      std::jthread other;
    } commit{thread};
    Events events;
    Member member(thread, events, "m");
    thread.set_commit(&commit);
    thread.post([&] { member.watch(), thread.request_flush(member), thread.set_commit(&commit); });
    threads.start(true);
    threads.stop();
    CHECK(events == Events{"m flush"});
  }
}

}  // namespace
}  // namespace jl::network
