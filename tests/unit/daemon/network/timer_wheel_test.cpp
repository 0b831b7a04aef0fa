#include "daemon/network/timer_wheel.hpp"

#include <doctest/doctest.h>
#include <functional>
#include <memory>
#include <vector>

namespace jl::network {
namespace {

// A timer that counts how often it fired and can do something then.
struct Probe {
  explicit Probe(std::function<void()> then = {}) : action(std::move(then)) {}
  static void fire(void* self) {
    auto& probe = *static_cast<Probe*>(self);
    ++probe.fired;
    // Moved to the stack first, because the action may destroy the probe.
    if (const auto run = probe.action) run();
  }
  std::function<void()> action;
  int fired = 0;
  Timer timer{&Probe::fire, this};
};

constexpr Millis kStart = 10'000;

TEST_SUITE("network.timer_wheel") {
  TEST_CASE("a timer fires once, not before its delay and at most one resolution later") {
    for (const Millis start : {kStart, kStart + 1, kStart + 249}) {
      for (const Millis delay : {Millis{1}, Millis{249}, Millis{250}, Millis{251}, Millis{1000}, Millis{12'345}}) {
        CAPTURE(start);
        CAPTURE(delay);
        TimerWheel wheel(start);
        Probe probe;
        wheel.set(probe.timer, delay);
        CHECK(probe.timer.is_set());
        Millis now = start;
        while (probe.fired == 0 && now < start + delay + 2 * TimerWheel::kResolution) wheel.advance(++now);
        CHECK(probe.fired == 1);
        CHECK_FALSE(probe.timer.is_set());
        CHECK(now >= start + delay);
        CHECK(now <= start + delay + TimerWheel::kResolution);
        wheel.advance(now + 1'000'000);
        CHECK(probe.fired == 1);
      }
    }
  }

  TEST_CASE("a delay of zero or less fires with the next tick, not at once") {
    TimerWheel wheel(kStart);
    Probe zero;
    Probe negative;
    wheel.set(zero.timer, 0);
    wheel.set(negative.timer, -5000);
    wheel.advance(kStart);
    CHECK(zero.fired + negative.fired == 0);
    wheel.advance(kStart + TimerWheel::kResolution);
    CHECK(zero.fired == 1);
    CHECK(negative.fired == 1);
  }

  TEST_CASE("a delay of many rounds of the wheel does not fire in an earlier round") {
    TimerWheel wheel(kStart);
    Probe day;
    constexpr Millis kDay = 24 * 3600 * 1000;
    wheel.set(day.timer, kDay);
    for (Millis now = kStart; now < kStart + kDay; now += TimerWheel::kResolution) wheel.advance(now);
    CHECK(day.fired == 0);
    wheel.advance(kStart + kDay);
    CHECK(day.fired == 1);
  }

  TEST_CASE("one advance over many rounds fires everything that is due and nothing else") {
    TimerWheel wheel(kStart);
    std::vector<std::unique_ptr<Probe>> probes;
    for (int i = 0; i < 2000; ++i) {
      probes.push_back(std::make_unique<Probe>());
      wheel.set(probes.back()->timer, i * 1000);
    }
    wheel.advance(kStart + 1'000'000);
    for (int i = 0; i < 2000; ++i) {
      CAPTURE(i);
      CHECK(probes[static_cast<std::size_t>(i)]->fired == (i <= 1000 ? 1 : 0));
    }
  }

  TEST_CASE("setting a timer again moves it") {
    TimerWheel wheel(kStart);
    Probe probe;
    wheel.set(probe.timer, 1000);
    wheel.set(probe.timer, 5000);
    wheel.advance(kStart + 4000);
    CHECK(probe.fired == 0);
    wheel.set(probe.timer, 250);
    wheel.advance(kStart + 4250);
    CHECK(probe.fired == 1);
    wheel.advance(kStart + 10'000);
    CHECK(probe.fired == 1);
  }

  TEST_CASE("a timer that is cancelled or goes out of scope does not fire") {
    TimerWheel wheel(kStart);
    Probe cancelled;
    Probe kept;
    wheel.set(kept.timer, 500);
    wheel.set(cancelled.timer, 500);
    {
      Probe gone;
      wheel.set(gone.timer, 500);
    }
    cancelled.timer.cancel();
    cancelled.timer.cancel();
    wheel.advance(kStart + 1000);
    CHECK(cancelled.fired == 0);
    CHECK(kept.fired == 1);
  }

  TEST_CASE("a callback may destroy its own timer") {
    TimerWheel wheel(kStart);
    int fired = 0;
    std::unique_ptr<Probe> probe;
    probe = std::make_unique<Probe>([&] { ++fired, probe.reset(); });
    wheel.set(probe->timer, 250);
    wheel.advance(kStart + 250);
    CHECK(fired == 1);
    CHECK(probe == nullptr);
  }

  TEST_CASE("a callback may cancel and destroy others that are due in the same advance") {
    TimerWheel wheel(kStart);
    std::vector<std::unique_ptr<Probe>> others;
    int total = 0;
    for (int i = 0; i < 10; ++i) {
      others.push_back(std::make_unique<Probe>([&] {
        ++total;
        // Whoever is first takes all the others with it: some destroyed, some cancelled.
        for (std::size_t k = 0; k < others.size(); ++k) {
          if (k % 2 == 0) {
            others[k]->timer.cancel();
          } else {
            others[k] = std::make_unique<Probe>();
          }
        }
      }));
      wheel.set(others.back()->timer, 1000);
    }
    wheel.advance(kStart + 1000);
    CHECK(total == 1);
  }

  TEST_CASE("a timer that sets itself again in its callback fires in a later advance, counted from now") {
    TimerWheel wheel(kStart);
    std::unique_ptr<Probe> probe;
    probe = std::make_unique<Probe>([&] { wheel.set(probe->timer, 0); });
    wheel.set(probe->timer, 250);
    wheel.advance(kStart + 100'000);
    CHECK(probe->fired == 1);
    wheel.advance(kStart + 100'000 + TimerWheel::kResolution);
    CHECK(probe->fired == 2);
    CHECK(wheel.now() == kStart + 100'000 + TimerWheel::kResolution);
  }

  TEST_CASE("time that goes backwards changes nothing") {
    TimerWheel wheel(kStart);
    Probe probe;
    wheel.set(probe.timer, 1000);
    wheel.advance(kStart - 5000);
    CHECK(wheel.now() == kStart);
    wheel.advance(kStart + 1000);
    CHECK(probe.fired == 1);
  }

  TEST_CASE("the timers behind a callback that throws fire with the next advance") {
    TimerWheel wheel(kStart);
    int fired = 0;
    Probe first([&] { ++fired, throw 1; });
    Probe second([&] { ++fired, throw 2; });
    wheel.set(first.timer, 250);
    wheel.set(second.timer, 250);
    CHECK_THROWS(wheel.advance(kStart + 250));
    CHECK(fired == 1);
    CHECK_THROWS(wheel.advance(kStart + 250));
    CHECK(fired == 2);
  }

  TEST_CASE("a wheel that goes leaves its timers unset") {
    Probe probe;
    {
      TimerWheel wheel(kStart);
      wheel.set(probe.timer, 1000);
    }
    CHECK_FALSE(probe.timer.is_set());
  }
}

}  // namespace
}  // namespace jl::network
