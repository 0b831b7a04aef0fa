#include "daemon/access/kept_sessions.hpp"

#include "tests/support/manual_clock.hpp"

#include <doctest/doctest.h>
#include <future>
#include <memory>
#include <string>

namespace jl::access {
namespace {

std::shared_ptr<const Session> session(const std::string& device) {
  auto out = std::make_shared<Session>();
  out->device_id = device;
  return out;
}

/// A thread whose timers move with the test's clock.
struct Bench {
  Bench() { threads.start(true); }
  ~Bench() { threads.stop(); }
  template <class Work>
  void run(Work work) {
    std::promise<void> done;
    threads.at(0).post([&] {
      work();
      done.set_value();
    });
    done.get_future().wait();
  }
  void pass(Millis time) {
    clock.advance(time);
    threads.advance_timers();
  }
  test::ManualClock clock;
  network::IoThreads threads{1, clock};
  KeptSessions kept{threads.at(0)};
};

}  // namespace

TEST_SUITE("access.kept_sessions") {
  TEST_CASE("a kept session expires after its time and not before [access 5.1 keepOnline]") {
    Bench b;
    std::string expired;
    b.run([&] { b.kept.keep(session("d"), 60'000, [&](const Session& s) { expired = s.device_id; }); });
    b.pass(59'000);
    b.run([&] { CHECK(expired.empty()); });
    b.pass(1'500);
    b.run([&] {
      CHECK(expired == "d");
      CHECK(b.kept.size() == 0);
    });
  }

  TEST_CASE("a device that comes and goes is kept once") {
    Bench b;
    int expired = 0;
    b.run([&] {
      for (int i = 0; i < 100; ++i) b.kept.keep(session("d"), 60'000, [&](const Session&) { ++expired; });
      CHECK(b.kept.size() == 1);
    });
    b.pass(61'000);
    b.run([&] { CHECK(expired == 1); });
  }
}

}  // namespace jl::access
