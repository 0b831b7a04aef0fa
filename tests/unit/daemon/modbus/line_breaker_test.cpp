#include "tests/unit/daemon/modbus/line_support.hpp"

namespace jl::modbus {
namespace {
using namespace line_test;
using model::ModbusBreaker;

LineOptions with_breaker(ModbusBreaker breaker, bool rtu = false) {
  LineOptions options;
  options.breaker = breaker;
  options.rtu = rtu;
  return options;
}

/// Whether `wait` is a delay with its jitter of 20 percent.
bool is_about(Millis wait, Millis delay) { return wait >= delay * 8 / 10 && wait <= delay * 12 / 10; }

/// Waits for the probe of unit 1, lets it time out, and tells how long the next one is put off.
Millis next_wait(LineBench& bench) {
  bench.pass(std::max<Millis>(bench.state(1).next_try - bench.now, 0));
  REQUIRE(bench.poll("probe", 1).has_value());
  REQUIRE(bench.line.in_flight() == 1);
  bench.pass(2'000);
  REQUIRE(bench.ended.back() == "probe timeout");
  bench.bytes(bench.frame(0, 200, "\x03\x02xx"));
  return bench.state(1).next_try - bench.now;
}

}  // namespace

TEST_SUITE("modbus.line.breaker") {
  TEST_CASE("after breaker_threshold unanswered requests in a row polls of the unit are skipped (operations.md 2.2)") {
    LineBench bench;
    bench.lose(1, 2);
    CHECK(bench.line.answers(1));
    REQUIRE(bench.poll("good", 1).has_value());
    bench.answer_well();
    bench.lose(1, 3);
    CHECK_FALSE(bench.line.answers(1));
    CHECK(bench.line.answers(2));
    const UnitState state = bench.state(1);
    CHECK(state.unanswered == 3);
    CHECK(state.next_try > state.since);
    LineBench other;
    for (int i = 0; i < 3; ++i) REQUIRE(other.read("r", 1).has_value());
    REQUIRE(other.poll("waiting", 1).has_value());
    other.bytes("");
    other.pass(4'000);
    other.bytes(other.frame(0, 200, "\x03\x02xx"));
    other.pass(2'000);
    CHECK(other.ended == Words{"r timeout", "r timeout", "r timeout", "waiting skipped"});
    CHECK(other.last.problem == "unit 1 does not answer");
    REQUIRE(other.poll("more", 1).has_value());
    CHECK(other.ended.back() == "more skipped");
    CHECK(other.line.stats().skipped == 2);
    CHECK(other.state(1).stats.skipped == 2);
    CHECK(other.house.sent.size() == 3);
  }

  TEST_CASE("probes are put off for 1 s, doubled up to 60 s, each 20 % more or less") {
    LineBench bench;
    for (int i = 0; i < 3; ++i) {
      REQUIRE(bench.poll("p", 1).has_value());
      bench.pass(2'000);
      bench.bytes(bench.frame(0, 200, "\x03\x02xx"));
    }
    CHECK(is_about(bench.state(1).next_try - bench.now, 1'000));
    std::vector<Millis> last;
    for (const Millis delay : {2, 4, 8, 16, 32, 60, 60, 60, 60}) {
      const Millis wait = next_wait(bench);
      CAPTURE(wait);
      CHECK(is_about(wait, delay * 1'000));
      if (delay == 60) last.push_back(wait);
    }
    CHECK(std::adjacent_find(last.begin(), last.end(), std::not_equal_to<>()) != last.end());
  }

  TEST_CASE("one probe is under way at a time, and the first good answer closes the breaker") {
    LineBench bench;
    bench.lose(1, 3);
    bench.pass(2'000);
    bench.ended.clear();
    REQUIRE(bench.poll("probe", 1).has_value());
    REQUIRE(bench.poll("second", 1).has_value());
    CHECK(bench.ended == Words{"second skipped"});
    CHECK_FALSE(bench.line.answers(1));
    SUBCASE("data") { bench.answer("03 02 0001"); }
    SUBCASE("an exception of the unit itself") { bench.answer("83 02"); }
    CHECK(bench.line.answers(1));
    CHECK(bench.state(1).unanswered == 0);
    CHECK(bench.state(1).since == bench.now);
    REQUIRE(bench.poll("third", 1).has_value());
    CHECK(bench.line.in_flight() == 1);
  }

  TEST_CASE("a probe that is answered with nonsense, or not at all, puts the next one off; one that is lost does not") {
    LineBench bench;
    bench.lose(1, 3);
    bench.pass(2'000);
    REQUIRE(bench.poll("probe", 1).has_value());
    SUBCASE("malformed") {
      bench.answer("03 04 0000 0000");
      CHECK(bench.ended.back() == "probe malformed");
      CHECK_FALSE(bench.line.answers(1));
      CHECK(is_about(bench.state(1).next_try - bench.now, 2'000));
    }
    SUBCASE("cancelled") {
      bench.line.clear();
      REQUIRE(bench.poll("probe", 1).has_value());
      CHECK(bench.line.in_flight() == 1);
    }
    SUBCASE("closed") {
      bench.line.on_closed(bench.now, "gone");
      bench.line.on_open(bench.now);
      CHECK_FALSE(bench.line.answers(1));
      REQUIRE(bench.poll("probe", 1).has_value());
      CHECK(bench.line.in_flight() == 1);
    }
  }

  TEST_CASE("what people ask for is tried whatever the breaker, and closes it") {
    LineBench bench;
    bench.lose(1, 3);
    const Millis next_try = bench.state(1).next_try;
    REQUIRE(bench.read("r", 1).has_value());
    bench.pass(2'000);
    CHECK(bench.ended.back() == "r timeout");
    CHECK(bench.state(1).next_try == next_try);
    REQUIRE(bench.write("w", 1).has_value());
    bench.answer_well();
    CHECK(bench.ended.back() == "w ok");
    CHECK(bench.line.answers(1));
  }

  TEST_CASE("a gateway's exceptions 10 and 11 are no answer of the unit") {
    LineBench bench;
    for (const auto* exception : {"83 0A", "83 0B", "83 0B"}) {
      CHECK(bench.line.answers(1));
      REQUIRE(bench.poll("p", 1).has_value());
      bench.answer(exception);
      CHECK(bench.ended.back() == "p exception");
    }
    CHECK_FALSE(bench.line.answers(1));
    CHECK(bench.state(1).unanswered == 3);
    CHECK(bench.line.stats().exceptions[11] == 2);
  }

  TEST_CASE("Break gives a unit up after 10 minutes, until resume() or an answer to a person") {
    LineBench bench(with_breaker(ModbusBreaker::break_));
    bench.lose(1, 3);
    const Millis from = bench.state(1).since;
    while (bench.now < from + Line::kGiveUp - 60'000) {
      (void)next_wait(bench);
      CHECK_FALSE(bench.state(1).stopped);
    }
    bench.pass(from + Line::kGiveUp - bench.now);
    REQUIRE(bench.poll("p", 1).has_value());
    CHECK(bench.ended.back() == "p skipped");
    CHECK(bench.last.problem == "unit 1 was given up: it did not answer for 10 minutes");
    CHECK(bench.state(1).stopped);
    bench.pass(1'000'000);
    REQUIRE(bench.poll("p", 1).has_value());
    CHECK(bench.ended.back() == "p skipped");
    SUBCASE("resume") {
      bench.line.resume(bench.now);
      CHECK_FALSE(bench.state(1).stopped);
      CHECK(is_about(next_wait(bench), 1'000));
      CHECK_FALSE(bench.state(1).stopped);
    }
    SUBCASE("an answer to a person") {
      REQUIRE(bench.read("r", 1).has_value());
      bench.answer_well();
      CHECK_FALSE(bench.state(1).stopped);
      CHECK(bench.line.answers(1));
    }
    SUBCASE("another policy") {
      bench.line.configure(with_breaker(ModbusBreaker::lower_frequency));
      CHECK_FALSE(bench.state(1).stopped);
      CHECK(is_about(next_wait(bench), 1'000));
    }
  }

  TEST_CASE("LowerFrequency never gives up, and resume() changes nothing there") {
    LineBench bench;
    bench.lose(1, 3);
    for (int i = 0; i < 30; ++i) (void)next_wait(bench);
    CHECK(bench.now > 2 * Line::kGiveUp);
    CHECK_FALSE(bench.state(1).stopped);
    const Millis next_try = bench.state(1).next_try;
    bench.line.resume(bench.now);
    CHECK(bench.state(1).next_try == next_try);
  }

  TEST_CASE("Ignore keeps polling, and closes what another policy had opened") {
    LineBench bench(with_breaker(ModbusBreaker::ignore));
    bench.lose(1, 10);
    CHECK(bench.line.answers(1));
    LineBench other;
    other.lose(1, 3);
    other.line.configure(with_breaker(ModbusBreaker::ignore));
    CHECK(other.line.answers(1));
    other.lose(1, 3);
  }

  TEST_CASE("RTU: tries of a unit that does not answer take at most a tenth of the line's time") {
    LineBench bench(with_breaker(ModbusBreaker::lower_frequency, true));
    bench.lose(1, 2);
    REQUIRE(bench.poll("p", 1).has_value());
    bench.pass(2'000);
    bench.bytes(bench.frame(0, 200, "\x03\x02xx"));
    REQUIRE_FALSE(bench.line.answers(1));
    CHECK(bench.state(1).next_try - bench.now == 20'000);
    CHECK(next_wait(bench) == 20'000);
    for (int i = 0; i < 5; ++i) CHECK(next_wait(bench) >= 20'000);
    CHECK(is_about(next_wait(bench), 60'000));
  }
}

}  // namespace jl::modbus
