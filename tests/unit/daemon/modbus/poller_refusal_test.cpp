// Illegal addresses: what a server refuses spoils nothing else.
#include "slave_support.hpp"

namespace jl::modbus {
namespace {

using slave_support::Bench;
using slave_support::make_point;
using slave_support::share;
using Shared = std::vector<std::shared_ptr<const Point>>;

Shared at_addresses(const std::vector<std::uint16_t>& addresses, Millis interval = 1'000) {
  Shared points;
  for (const std::uint16_t address : addresses) {
    points.push_back(share(make_point("p" + std::to_string(address), address, interval)));
  }
  return points;
}

std::vector<std::uint16_t> up_to(std::uint16_t end) {
  std::vector<std::uint16_t> addresses(end);
  for (std::uint16_t i = 0; i < end; ++i) addresses[i] = i;
  return addresses;
}

/// Requests of the next `cycles` seconds.
std::size_t requests_of(Bench& bench, int cycles) {
  const std::size_t before = bench.asked.size();
  bench.run(cycles * 1'000);
  return bench.asked.size() - before;
}

/// Fewest requests that read all legal points once: greedy from left to right, never across an illegal address.
std::size_t fewest(const std::set<std::uint16_t>& points, const std::set<std::uint32_t>& illegal,
                   const PlanLimits& limits) {
  std::size_t blocks = 0;
  std::uint32_t begin = 0, last = 0;
  for (const std::uint32_t point : points) {
    if (illegal.contains(point)) continue;
    const auto bad = illegal.lower_bound(last);
    const bool is_across = bad != illegal.end() && *bad < point;
    const bool fits = point - last - 1 <= limits.max_gap && point + 1 - begin <= limits.max_block;
    if (blocks == 0 || is_across || !fits) {
      ++blocks;
      begin = point;
    }
    last = point;
  }
  return blocks;
}

}  // namespace

TEST_SUITE("modbus.poller_refusal") {
  TEST_CASE("a refused point that is disabled and enabled again is tried at once") {
    Bench bench;
    bench.slaves.units[1].illegal = {3};
    bench.poller.set_points(bench.now, at_addresses({3}), {});
    bench.open();
    bench.run(500);
    REQUIRE(bench.sample("p3").exception == 2);
    bench.slaves.units[1].illegal.clear();
    Point off = make_point("p3", 3);
    off.enabled = false;
    bench.poller.set_points(bench.now, {share(off)}, {});
    bench.poller.set_points(bench.now, at_addresses({3}), {});
    bench.run(500);
    CHECK(bench.sample("p3").quality == Quality::good);
  }

  TEST_CASE("one illegal address spoils only its own point, before the next deadline") {
    Bench bench;
    bench.slaves.units[1].illegal = {37};
    bench.poller.set_points(bench.now, at_addresses(up_to(100)), {});
    bench.open();
    bench.run(999);
    for (std::uint16_t i = 0; i < 100; ++i) {
      CAPTURE(i);
      const Sample& sample = bench.sample("p" + std::to_string(i));
      CHECK(sample.quality == (i == 37 ? Quality::bad : Quality::good));
      const auto told = bench.told_of("p" + std::to_string(i));
      REQUIRE(told.size() == 1);
      CHECK(told[0].quality_changed);
    }
    CHECK(bench.sample("p37").exception == 2);
    CHECK(bench.asked.size() <= 15);
    CHECK(bench.poller.stats().cycles == 1);

    // From now on: what is before it and what is behind it.
    CHECK(requests_of(bench, 10) == 20);
    const auto& plan = bench.poller.plan();
    REQUIRE(plan.size() == 3);
    CHECK(plan[0].count == 37);
    CHECK(plan[1].count == 1);
    CHECK(bench.poller.point_id_of(plan[1].points[0]) == "p37");
    CHECK(bench.poller.is_bad(plan[1].points[0]));
    CHECK(!bench.poller.is_bad(plan[0].points[0]));
    CHECK(plan[2].count == 62);
    CHECK(bench.told_of("p37").size() == 1);
  }

  TEST_CASE("a refused point is tried after 1 minute, doubled up to 10, and a good answer heals it") {
    Bench bench;
    bench.slaves.units[1].illegal = {5};
    bench.poller.set_points(bench.now, at_addresses(up_to(10)), {});
    bench.open();
    bench.run(100);
    bench.asked.clear();
    bench.run(60 * 60'000);
    std::vector<Millis> tries;
    for (const auto& asked : bench.asked) {
      if (asked.address == 5) tries.push_back(asked.at);
    }
    // Minutes 1, 3, 7, 15, 25, 35, 45, 55.
    REQUIRE(tries.size() == 8);
    const Millis gaps[] = {2, 4, 8, 10, 10, 10, 10};
    for (std::size_t i = 0; i < 7; ++i) {
      CAPTURE(i);
      const Millis gap = tries[i + 1] - tries[i];
      CHECK(gap >= gaps[i] * 60'000);
      CHECK(gap <= gaps[i] * 60'000 + 1'000);
    }
    bench.slaves.units[1].illegal.clear();
    bench.told.clear();
    bench.run(10 * 60'000);
    CHECK(bench.sample("p5").quality == Quality::good);
    CHECK(bench.poller.plan().size() == 1);
    CHECK(requests_of(bench, 10) == 10);
  }

  TEST_CASE("a point that is read less often than refused ones are tried keeps to its interval") {
    Bench bench;
    bench.slaves.units[1].illegal = {5};
    bench.poller.set_points(bench.now, at_addresses({5}, 1'800'000), {});
    bench.open();
    bench.run(3 * 1'800'000 + 10'000);
    CHECK(bench.asked.size() == 4);
  }

  TEST_CASE("a gap that the server refuses is not read across any more") {
    Bench bench;
    bench.slaves.units[1].illegal = {14};
    bench.poller.set_points(bench.now, at_addresses({10, 11, 12, 16, 17, 18}), {});
    bench.open();
    bench.run(999);
    for (const char* id : {"p10", "p12", "p16", "p18"}) CHECK(bench.sample(id).quality == Quality::good);
    CHECK(requests_of(bench, 10) == 20);
    CHECK(bench.poller.plan().size() == 2);
    CHECK(bench.poller.stats().overruns == 0);
  }

  TEST_CASE("a server that takes fewer at once gets smaller requests") {
    Bench bench;
    bench.slaves.units[1].most_at_once = 32;
    bench.poller.set_points(bench.now, at_addresses(up_to(120)), {});
    bench.open();
    bench.run(5'000);
    for (std::uint16_t i = 0; i < 120; ++i) {
      CHECK(bench.sample("p" + std::to_string(i)).quality == Quality::good);
    }
    CHECK(requests_of(bench, 10) == 40);
  }

  TEST_CASE("what is found of one block leaves others and their deadlines alone") {
    Bench bench;
    bench.slaves.units[1].illegal = {3};
    auto points = at_addresses(up_to(10));
    points.push_back(share(make_point("far", 1'000, 1'000)));
    points.push_back(share(make_point("slow", 2'000, 5'000)));
    bench.poller.set_points(bench.now, points, {});
    bench.open();
    const Millis start = bench.now;
    bench.run(20'500);
    CHECK(bench.told_of("far").size() == 21);
    CHECK(bench.told_of("slow").size() == 5);
    for (const auto& asked : bench.asked) {
      if (asked.address != 1'000) continue;
      CHECK((asked.at - start) % 1'000 < 10);
    }
  }

  TEST_CASE("points of one address are refused one by one") {
    Bench bench;
    bench.slaves.units[1].illegal = {101};
    Point wide = make_point("wide", 100);
    wide.format.type = model::ModbusType::uint32;
    wide.format.count = 2;
    bench.poller.set_points(
        bench.now, {share(make_point("a", 100)), share(wide), share(make_point("b", 100)), share(make_point("c", 99))},
        {});
    bench.open();
    bench.run(2'500);
    CHECK(bench.sample("wide").quality == Quality::bad);
    for (const char* id : {"a", "b", "c"}) CHECK(bench.sample(id).quality == Quality::good);
  }

  TEST_CASE("a connection that goes in the middle of bisection leaves nothing behind") {
    Bench bench;
    bench.slaves.units[1].illegal = {40};
    bench.poller.set_points(bench.now, at_addresses(up_to(100)), {});
    bench.open();
    bench.run(4);
    bench.close("gone");
    bench.run(5'000);
    bench.open();
    bench.run(2'999);
    CHECK(bench.sample("p40").quality == Quality::bad);
    CHECK(bench.sample("p39").quality == Quality::good);
    CHECK(requests_of(bench, 10) == 20);
  }

  TEST_CASE("whatever is illegal, it settles: legal points good, illegal ones bad, no request too many") {
    std::mt19937 random(2024);
    for (int round = 0; round < 60; ++round) {
      CAPTURE(round);
      Bench bench;
      bench.records = false;
      PlanLimits limits;
      limits.max_gap = static_cast<std::uint16_t>(random() % 12);
      limits.max_block = static_cast<std::uint16_t>(1 + random() % 125);
      std::set<std::uint16_t> points;
      const std::size_t many = 1 + random() % 120;
      while (points.size() < many) points.insert(static_cast<std::uint16_t>(random() % 400));
      auto& illegal = bench.slaves.units[1].illegal;
      for (auto n = random() % 40; n > 0; --n) illegal.insert(static_cast<std::uint32_t>(random() % 400));
      bench.poller.set_points(bench.now, at_addresses({points.begin(), points.end()}), limits);
      bench.open();
      bench.run(40'500);
      for (const std::uint16_t point : points) {
        CAPTURE(point);
        CHECK(bench.sample("p" + std::to_string(point)).quality ==
              (illegal.contains(point) ? Quality::bad : Quality::good));
      }
      const std::uint64_t cycles = bench.poller.stats().cycles;
      CHECK(requests_of(bench, 10) <= 10 * fewest(points, illegal, limits));
      CHECK(bench.poller.stats().cycles - cycles == 10 * fewest(points, illegal, limits));

      // All of it becomes legal, and heals.
      illegal.clear();
      bench.run(11 * 60'000);
      for (const std::uint16_t point : points) {
        CHECK(bench.sample("p" + std::to_string(point)).quality == Quality::good);
      }
    }
  }
}

}  // namespace jl::modbus
