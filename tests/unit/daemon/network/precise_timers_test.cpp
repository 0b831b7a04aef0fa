#include "daemon/network/precise_timers.hpp"

#include "tests/support/manual_clock.hpp"
#include "tests/unit/daemon/network/thread_support.hpp"

#include <doctest/doctest.h>
#include <chrono>
#include <future>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <stdexcept>
#include <vector>

namespace jl::network {
namespace {

using namespace test;

// Timers on a thread of their own whose time the test moves. Everything with a timer runs through on().
class TimerHouse {
 public:
  template <class Work>
  auto on(Work work) {
    return run_on(threads.at(0), std::move(work));
  }
  TimerHouse() {
    threads.start(true);
    on([this] { timers.emplace(threads.at(0), true); });
  }
  ~TimerHouse() {
    on([this] { timers.reset(); });
    threads.stop();
  }
  void pass(Millis time) {
    clock.advance(time);
    timers->advance();
  }
  jl::test::ManualClock clock;
  IoThreads threads{1, clock};
  std::optional<PreciseTimers> timers;
};

TEST_SUITE("network.precise_timers") {
  TEST_CASE("a timer fires once, at its millisecond and not before") {
    TimerHouse house;
    const auto fired = house.on([&] {
      std::vector<int> counts;
      int count = 0;
      PreciseTimer timer(*house.timers, [&] { ++count; });
      timer.set_at(house.clock.steady() + 10);
      CHECK(timer.is_set());
      for (const Millis step : {Millis{0}, Millis{9}, Millis{1}, Millis{1}, Millis{1000}}) {
        house.pass(step);
        counts.push_back(count);
      }
      CHECK_FALSE(timer.is_set());
      return counts;
    });
    CHECK(fired == std::vector<int>{0, 0, 1, 1, 1});
  }

  TEST_CASE("timers fire in the order of their deadlines, those of the past at once") {
    TimerHouse house;
    const auto order = house.on([&] {
      std::vector<Millis> fired;
      std::vector<std::unique_ptr<PreciseTimer>> timers;
      for (const Millis due : {Millis{30}, Millis{-5000}, Millis{10}, Millis{0}, Millis{20}, INT64_MAX, INT64_MIN}) {
        timers.push_back(std::make_unique<PreciseTimer>(*house.timers, [&fired, due] { fired.push_back(due); }));
        timers.back()->set_at(due == INT64_MAX || due == INT64_MIN ? due : house.clock.steady() + due);
      }
      CHECK(house.timers->size() == 7);
      house.pass(30);
      CHECK(house.timers->size() == 1);
      return fired;
    });
    CHECK(order == std::vector<Millis>{INT64_MIN, -5000, 0, 10, 20, 30});
  }

  TEST_CASE("whatever is set, moved, cancelled and destroyed, exactly what is due fires") {
    TimerHouse house;
    house.on([&] {
      std::mt19937 random(7);
      constexpr std::size_t kTimers = 60;
      std::vector<std::unique_ptr<PreciseTimer>> timers(kTimers);
      std::vector<int> fired(kTimers);
      std::map<std::size_t, Millis> due;  // as it should be
      const auto make = [&](std::size_t i) {
        timers[i] = std::make_unique<PreciseTimer>(*house.timers, [&fired, i] { ++fired[i]; });
      };
      for (std::size_t i = 0; i < kTimers; ++i) make(i);
      for (int step = 0; step < 20'000; ++step) {
        const std::size_t i = random() % kTimers;
        switch (random() % 8) {
          case 0:
            timers[i]->cancel();
            due.erase(i);
            break;
          case 1:
            make(i);
            due.erase(i);
            break;
          case 2: {
            house.clock.advance(static_cast<Millis>(random() % 20));
            std::vector<int> expected = fired;
            std::erase_if(due, [&](const auto& each) {
              const bool fires = each.second <= house.clock.steady();
              expected[each.first] += fires ? 1 : 0;
              return fires;
            });
            house.timers->advance();
            REQUIRE(fired == expected);
            break;
          }
          default:
            due[i] = house.clock.steady() + static_cast<Millis>(random() % 100);
            timers[i]->set_at(due[i]);
        }
        REQUIRE(house.timers->size() == due.size());
        REQUIRE(timers[i]->is_set() == due.contains(i));
      }
    });
  }

  TEST_CASE("a callback may cancel, move and destroy others that are due as well") {
    TimerHouse house;
    house.on([&] {
      int fired = 0;
      const auto count = [&] { ++fired; };
      PreciseTimer cancelled(*house.timers, count), moved(*house.timers, count);
      auto destroyed = std::make_unique<PreciseTimer>(*house.timers, count);
      PreciseTimer later(*house.timers, count);
      PreciseTimer first(*house.timers, [&] {
        cancelled.cancel();
        moved.set_at(house.clock.steady() + 5);
        destroyed.reset();
        CHECK(house.timers->size() == 2);
      });
      Millis at = house.clock.steady();
      for (PreciseTimer* each : {&first, &cancelled, &moved, destroyed.get(), &later}) each->set_at(++at);
      house.pass(10);
      CHECK(fired == 1);
      CHECK_FALSE(cancelled.is_set());
      CHECK(moved.is_set());
      house.pass(5);
      CHECK(fired == 2);
    });
  }

  TEST_CASE("a callback may destroy its own timer and still use what it captured") {
    TimerHouse house;
    house.on([&] {
      std::string seen;
      std::unique_ptr<PreciseTimer> timer;
      const std::string text(100, 'x');  // too long to live within the function object
      timer = std::make_unique<PreciseTimer>(*house.timers, [&timer, &seen, text] {
        timer.reset();
        seen = text;
      });
      timer->set_at(0);
      house.pass(1);
      CHECK(seen == text);
      CHECK(house.timers->size() == 0);
    });
  }

  TEST_CASE("a callback that sets its timer again is called in a later round, with what it remembers") {
    TimerHouse house;
    house.on([&] {
      std::vector<int> seen;
      std::optional<PreciseTimer> timer;
      timer.emplace(*house.timers, [&, count = 0]() mutable {
        seen.push_back(++count);
        timer->set_at(0);
      });
      timer->set_at(0);
      house.pass(1);
      CHECK(seen == std::vector<int>{1});
      CHECK(timer->is_set());
      house.pass(0);
      CHECK(seen == std::vector<int>{1, 2});
    });
  }

  TEST_CASE("a callback that throws does not keep the others from firing, nor itself from firing again") {
    TimerHouse house;
    house.on([&] {
      int thrown = 0, fired = 0;
      PreciseTimer bad(*house.timers, [&] {
        ++thrown;
        throw std::runtime_error("bad");
      });
      PreciseTimer worse(*house.timers, [&] {
        ++thrown;
        throw 1;
      });
      PreciseTimer good(*house.timers, [&] { ++fired; });
      for (int round = 1; round <= 2; ++round) {
        bad.set_at(1);
        worse.set_at(2);
        good.set_at(3);
        house.pass(10);
        CHECK(thrown == 2 * round);
        CHECK(fired == round);
      }
    });
  }

  TEST_CASE("timers may outlive what they were set in") {
    TimerHouse house;
    house.on([&] {
      std::optional<PreciseTimer> waiting, due;
      {
        PreciseTimers timers(house.threads.at(0));
        waiting.emplace(timers, [] {});
        due.emplace(timers, [] {});
        waiting->set_at(INT64_MAX);
        due->set_at(0);
      }
      CHECK_FALSE(waiting->is_set());
      CHECK_FALSE(due->is_set());
      due->cancel();
    });
  }

  TEST_CASE("the kernel wakes the thread: at the time, after a move to an earlier one, after a cancelled one") {
    using std::chrono::steady_clock;
    IoThreads threads(1, system_clock());
    threads.start();
    IoThread& thread = threads.at(0);
    struct Row {
      Millis first, then;  // < 0: cancelled
    };
    for (const Row row : {Row{0, 0}, Row{3, 3}, Row{60'000, 5}, Row{2, 12}}) {
      CAPTURE(row.then);
      std::promise<Millis> fired;
      std::optional<PreciseTimers> timers;
      std::optional<PreciseTimer> timer, other;
      const Millis start = run_on(thread, [&] {
        timers.emplace(thread);
        timer.emplace(*timers, [&] { fired.set_value(system_clock().steady()); });
        other.emplace(*timers, [] {});
        const Millis now = system_clock().steady();
        other->set_at(now + 1);
        timer->set_at(now + row.first);
        timer->set_at(now + row.then);
        other->cancel();
        return now;
      });
      auto future = fired.get_future();
      const bool is_fired = future.wait_for(kCeiling) == std::future_status::ready;
      CHECK(is_fired);
      if (is_fired) CHECK(future.get() >= start + row.then);
      run_on(thread, [&] { other.reset(), timer.reset(), timers.reset(); });
    }
    threads.stop();
  }

  TEST_CASE("with a clock that is not the machine's the thread asks it again instead of spinning") {
    TimerHouse house;
    std::promise<void> fired;
    std::optional<PreciseTimers> timers;
    std::optional<PreciseTimer> timer;
    house.on([&] {
      timers.emplace(house.threads.at(0));
      timer.emplace(*timers, [&] { fired.set_value(); });
      timer->set_at(house.clock.steady() + 2);
    });
    auto future = fired.get_future();
    house.clock.advance(2);
    CHECK(future.wait_for(kCeiling) == std::future_status::ready);
    house.on([&] { timer.reset(), timers.reset(); });
  }
}

}  // namespace
}  // namespace jl::network
