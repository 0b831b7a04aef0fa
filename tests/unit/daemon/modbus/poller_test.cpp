#include "slave_support.hpp"

namespace jl::modbus {
namespace {

using slave_support::Bench;
using slave_support::make_point;
using slave_support::share;
using Shared = std::vector<std::shared_ptr<const Point>>;

Shared row_of(std::uint16_t begin, std::size_t count, Millis interval, std::uint8_t unit = 1, std::uint16_t step = 1) {
  Shared points;
  for (std::size_t i = 0; i < count; ++i) {
    const auto address = static_cast<std::uint16_t>(begin + i * step);
    points.push_back(
        share(make_point("u" + std::to_string(unit) + "-" + std::to_string(address), address, interval, unit)));
  }
  return points;
}

Shared together(Shared a, const Shared& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

/// Cycles that have begun, or were left out, so far.
std::uint64_t accounted(const Bench& bench) {
  const PollerStats& stats = bench.poller.stats();
  return stats.cycles + stats.overruns + stats.skipped + bench.line.waiting() + bench.line.in_flight();
}

}  // namespace

TEST_SUITE("modbus.poller") {
  TEST_CASE("300 contiguous registers at 1 s cost 3 requests per second") {
    Bench bench;
    for (std::uint16_t i = 0; i < 300; ++i) bench.slaves.units[1].registers[i] = static_cast<std::uint16_t>(i * 7);
    bench.poller.set_points(bench.now, row_of(0, 300, 1'000), {});
    CHECK(bench.asked.empty());
    bench.open();
    bench.run(9'999);
    CHECK(bench.asked.size() == 30);
    CHECK(bench.poller.stats().cycles == 30);
    CHECK(bench.poller.stats().overruns == 0);
    CHECK(bench.poller.stats().values == 3'000);
    CHECK(bench.calls == 30);
    for (std::uint16_t i = 0; i < 300; ++i) {
      const Sample& sample = bench.sample("u1-" + std::to_string(i));
      CHECK(sample.quality == Quality::good);
      CHECK(sample.value == i * 7);
    }
  }

  TEST_CASE("bits of one block reach their points") {
    Bench bench;
    bench.slaves.units[1].coils = {3, 5, 17};
    Shared points;
    for (std::uint16_t i = 0; i < 20; ++i) {
      Point point = make_point("c" + std::to_string(i), i);
      point.format.area = model::ModbusArea::coils;
      point.format.type = model::ModbusType::boolean;
      points.push_back(share(point));
    }
    bench.poller.set_points(bench.now, points, {});
    bench.open();
    bench.run(10);
    CHECK(bench.asked.size() == 1);
    for (std::uint16_t i = 0; i < 20; ++i) {
      CHECK(bench.sample("c" + std::to_string(i)).value == (i == 3 || i == 5 || i == 17));
    }
  }

  TEST_CASE("points without interval, of unit 0, disabled or write only cost no traffic") {
    Bench bench;
    Point idle = make_point("idle", 1, 0);
    Point all = make_point("all", 2, 1'000, 0);
    Point disabled = make_point("disabled", 3);
    disabled.enabled = false;
    Point written = make_point("written", 4);
    written.access = model::ModbusAccess::write;
    bench.poller.set_points(bench.now, {share(idle), share(all), share(disabled), share(written)}, {});
    bench.open();
    CHECK(bench.poller.plan().empty());
    CHECK(bench.poller.next_time() == Line::kNever);
    bench.run(100'000);
    CHECK(bench.asked.empty());
    CHECK(bench.sample("idle").quality == Quality::pending);
    CHECK(bench.sample("all").quality == Quality::pending);
    CHECK(bench.sample("disabled").quality == Quality::stopped);
  }

  TEST_CASE("deadlines do not drift over an hour of late wake-ups") {
    Bench bench;
    std::mt19937 random(3);
    bench.is_late = [&random] { return static_cast<Millis>(random() % 40); };
    bench.records = false;
    bench.poller.set_points(bench.now, row_of(0, 1, 1'000), {});
    bench.open();
    const Millis start = bench.now;
    bench.run(3'600'000);
    CHECK(bench.asked.size() >= 3'600);
    CHECK(bench.asked.size() <= 3'601);
    for (const auto& asked : bench.asked) {
      const Millis late = (asked.at - start) % 1'000;
      CHECK(late < 40);
    }
    CHECK(bench.poller.stats().overruns == 0);
    CHECK(bench.poller.stats().worst_lateness < 40);
    CHECK(bench.poller.stats().worst_lateness > 0);
  }

  TEST_CASE("a cycle that is due while the one before is not done is an overrun") {
    LineOptions options;
    options.request_timeout = 10'000;
    Bench bench(options);
    bench.slaves.units[1].delay = 2'500;
    bench.poller.set_points(bench.now, row_of(0, 1, 1'000), {});
    bench.open();
    const Millis start = bench.now;
    bench.run(29'900);
    // Read at 0, 3, 6 ... 27 s; each time two deadlines pass in the meantime.
    REQUIRE(bench.asked.size() == 10);
    for (std::size_t i = 0; i < 10; ++i) CHECK(bench.asked[i].at == start + static_cast<Millis>(i) * 3'000);
    CHECK(bench.poller.stats().cycles == 10);
    CHECK(bench.poller.stats().overruns == 20);
    CHECK(bench.poller.stats().skipped == 0);
  }

  TEST_CASE("of the deadlines that one late wake-up finds only the last is read, the others are overruns") {
    Bench bench;
    bench.poller.set_points(bench.now, row_of(0, 1, 1'000), {});
    bench.open();
    bench.run(500);
    bench.now += 4'000;  // nobody calls
    bench.run(100);
    CHECK(bench.asked.size() == 2);
    CHECK(bench.poller.stats().cycles == 2);
    CHECK(bench.poller.stats().overruns == 3);
    CHECK(bench.poller.stats().worst_lateness == 500);
    bench.run_until(6'001);
    CHECK(bench.asked.size() == 3);
    CHECK(bench.asked.back().at == 6'000);
  }

  TEST_CASE("10,000 points that cannot share requests: each cycle is read or counted") {
    LineOptions options;
    options.max_in_flight = 1;
    Bench bench(options);
    bench.records = false;
    Shared points;
    for (std::uint8_t unit = 1; unit <= 4; ++unit) points = together(points, row_of(0, 2'500, 4'000, unit, 20));
    bench.poller.set_points(bench.now, points, {});
    CHECK(bench.poller.plan().size() == 10'000);
    bench.open();
    bench.run(39'999);  // room for 4 requests per ms and deadline: 40,000 of 100,000
    CHECK(accounted(bench) == 100'000);
    CHECK(bench.poller.stats().cycles > 35'000);
    CHECK(bench.poller.stats().overruns > 40'000);
    bench.close("cable out");
    CHECK(accounted(bench) == 100'000);
    bench.run(8'000);
    CHECK(accounted(bench) == 120'000);
  }

  TEST_CASE("over TCP a dead unit does not slow a live one on the same connection") {
    Bench bench;
    bench.slaves.units[2].alive = false;
    bench.poller.set_points(bench.now, together(row_of(0, 5, 100, 1), row_of(0, 300, 100, 2)), {});
    bench.open();
    bench.run(10'000);
    const std::size_t before = bench.count_asked(1);
    bench.run(60'000);
    CHECK(bench.count_asked(1) - before == 600);
    CHECK(bench.sample("u1-0").quality == Quality::good);
    CHECK(bench.sample("u2-0").quality == Quality::bad);
    CHECK(bench.poller.stats().skipped > 500);
    CHECK(bench.count_asked(2) < 60);
  }

  TEST_CASE("over RTU a dead unit costs a live one at most a tenth of its rate") {
    LineOptions options;
    options.rtu = true;
    Bench bench(options);
    bench.slaves.units[1].delay = 5;
    bench.slaves.units[2].alive = false;
    bench.poller.set_points(bench.now, together(row_of(0, 5, 100, 1), row_of(0, 300, 100, 2)), {});
    bench.open();
    bench.run(60'000);
    const std::size_t before = bench.count_asked(1);
    bench.run(600'000);
    CHECK(bench.count_asked(1) - before >= 5'400);
    CHECK(bench.sample("u1-0").quality == Quality::good);
  }

  TEST_CASE("that a unit does not answer is told once of each point, and its answers heal them") {
    Bench bench;
    bench.poller.set_points(bench.now, together(row_of(0, 2, 1'000, 1), row_of(0, 2, 1'000, 2)), {});
    bench.open();
    bench.run(1'500);
    bench.slaves.units[2].alive = false;
    bench.told.clear();
    bench.run(60'000);
    auto told = bench.told_of("u2-1");
    REQUIRE(told.size() == 1);
    CHECK(told[0].quality == Quality::bad);
    CHECK(told[0].quality_changed);
    CHECK(!told[0].report);
    CHECK(bench.sample("u2-1").error == "unit 2 does not answer");
    CHECK(bench.told_of("u1-1").size() >= 58);  // the line was busy with the first try that failed
    bench.slaves.units[2].alive = true;
    bench.told.clear();
    bench.run(130'000);
    told = bench.told_of("u2-1");
    REQUIRE(told.size() > 2);
    CHECK(told[0].quality == Quality::good);
    CHECK(told[0].quality_changed);
    CHECK(told[0].report);
    CHECK(!told[1].quality_changed);
    CHECK(bench.sample("u2-1").error.empty());
  }

  TEST_CASE("a lost connection is told once in one call, cycles until the next one are skipped, then values resume") {
    Bench bench;
    bench.slaves.units[1].registers[0] = 5;
    bench.poller.set_points(bench.now, row_of(0, 50, 1'000), {});
    bench.open();
    bench.run(2'500);
    const std::size_t calls = bench.calls;
    bench.told.clear();
    bench.close("reset by peer");
    CHECK(bench.calls == calls + 1);
    CHECK(bench.told.size() == 50);
    CHECK(bench.sample("u1-0").quality == Quality::bad);
    CHECK(bench.sample("u1-0").error == "reset by peer");
    CHECK(bench.sample("u1-0").value == 5);
    bench.run(10'000);
    bench.close("refused");  // another attempt that failed
    CHECK(bench.told.size() == 50);
    CHECK(bench.sample("u1-0").error == "refused");
    CHECK(bench.asked.size() == 3);
    CHECK(bench.poller.stats().skipped == 10);
    bench.open();
    const Millis opened = bench.now;
    bench.run(2'500);
    REQUIRE(bench.asked.size() == 6);
    CHECK(bench.asked[3].at == opened);
    CHECK(bench.asked[4].at == opened + 1'000);
    CHECK(bench.sample("u1-0").quality == Quality::good);
    CHECK(bench.told_of("u1-0").size() == 4);
  }

  TEST_CASE("other exceptions and timeouts make the points of a block bad, with the reason and without bisection") {
    Bench bench;
    bench.poller.set_points(bench.now, row_of(0, 10, 1'000), {});
    bench.slaves.units[1].exception = 4;
    bench.open();
    bench.run(1'500);
    CHECK(bench.asked.size() == 2);
    CHECK(bench.sample("u1-3").exception == 4);
    CHECK(bench.sample("u1-3").quality == Quality::bad);
    CHECK(bench.told.size() == 10);
    bench.slaves.units[1].exception = 0;
    bench.run(1'000);
    CHECK(bench.sample("u1-3").quality == Quality::good);
  }
}

}  // namespace jl::modbus
