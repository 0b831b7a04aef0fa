// Points that change while they are polled.
#include "slave_support.hpp"

namespace jl::modbus {
namespace {

using slave_support::Bench;
using slave_support::make_point;
using slave_support::share;
using Shared = std::vector<std::shared_ptr<const Point>>;

std::vector<Millis> times_of(const Bench& bench, std::uint16_t address) {
  std::vector<Millis> times;
  for (const auto& asked : bench.asked) {
    if (asked.address == address) times.push_back(asked.at);
  }
  return times;
}

}  // namespace

TEST_SUITE("modbus.poller_change") {
  TEST_CASE("points that stay keep sample and deadlines, whatever comes and goes around them") {
    Bench bench;
    bench.slaves.units[1].registers[10] = 4;
    const Point stays = make_point("stays", 10, 10'000);
    bench.poller.set_points(bench.now, {share(stays), share(make_point("goes", 200, 10'000))}, {});
    bench.open();
    bench.run(3'000);
    bench.poller.set_points(bench.now, {share(make_point("comes", 300, 10'000)), share(stays)}, {});
    CHECK(bench.sample("stays").value == 4);
    CHECK(bench.poller.sample_of("goes") == nullptr);
    bench.run(20'000);
    CHECK(times_of(bench, 10) == std::vector<Millis>{1'000, 11'000, 21'000});
    CHECK(times_of(bench, 200) == std::vector<Millis>{1'001});  // after the other's answer
    CHECK(times_of(bench, 300) == std::vector<Millis>{4'000, 14'000, 24'000});
    CHECK(bench.poller.stats().overruns == 0);
  }

  TEST_CASE("the same points again cost nothing") {
    Bench bench;
    const Shared points{share(make_point("a", 10, 10'000)), share(make_point("b", 11, 10'000))};
    bench.poller.set_points(bench.now, points, {});
    bench.open();
    bench.run(500);
    const std::size_t calls = bench.calls;
    for (int i = 0; i < 5; ++i) bench.poller.set_points(bench.now, points, {});
    bench.run(9'000);
    CHECK(bench.asked.size() == 1);
    CHECK(bench.calls == calls);
  }

  TEST_CASE("a point that joins a block is read at once, and from then on at the block's deadlines") {
    Bench bench;
    bench.slaves.units[1].registers[11] = 8;
    const Point first = make_point("first", 10, 60'000);
    bench.poller.set_points(bench.now, {share(first)}, {});
    bench.open();
    bench.run(5'000);
    bench.poller.set_points(bench.now, {share(first), share(make_point("second", 11, 60'000))}, {});
    bench.run(100);
    CHECK(bench.sample("second").value == 8);
    bench.run(60'000);
    CHECK(times_of(bench, 10) == std::vector<Millis>{1'000, 6'000, 61'000});
    CHECK(bench.poller.stats().cycles == 2);
  }

  TEST_CASE("an answer that comes after its points changed reaches those that stay, and no others") {
    Bench bench;
    bench.slaves.units[1].delay = 100;
    for (std::uint16_t i = 0; i < 4; ++i) bench.slaves.units[1].registers[i] = 9;
    const Point stays = make_point("stays", 0, 10'000);
    bench.poller.set_points(bench.now, {share(stays), share(make_point("goes", 1, 10'000))}, {});
    bench.open();
    bench.run(50);
    bench.poller.set_points(bench.now, {share(stays)}, {});
    bench.run(51);
    CHECK(bench.sample("stays").value == 9);
    CHECK(bench.told_of("goes").empty());
  }

  TEST_CASE("another interval begins another grid") {
    Bench bench;
    bench.poller.set_points(bench.now, {share(make_point("p", 10, 10'000))}, {});
    bench.open();
    bench.run(2'000);
    bench.poller.set_points(bench.now, {share(make_point("p", 10, 1'000))}, {});
    bench.run(2'500);
    CHECK(times_of(bench, 10) == std::vector<Millis>{1'000, 3'000, 4'000, 5'000});
  }

  TEST_CASE("a point that is disabled stops, and begins anew when it is enabled") {
    Bench bench;
    Point point = make_point("p", 10);
    bench.poller.set_points(bench.now, {share(point)}, {});
    bench.open();
    bench.run(1'500);
    point.enabled = false;
    bench.poller.set_points(bench.now, {share(point)}, {});
    CHECK(bench.sample("p").quality == Quality::stopped);
    CHECK(bench.told.back().quality == Quality::stopped);
    bench.run(5'000);
    CHECK(bench.asked.size() == 2);
    point.enabled = true;
    bench.poller.set_points(bench.now, {share(point)}, {});
    bench.run(10);
    CHECK(bench.asked.size() == 3);
    CHECK(bench.sample("p").quality == Quality::good);
  }

  TEST_CASE("a channel that stops has no deadlines and stopped points, and begins anew when it is open") {
    Bench bench;
    bench.poller.set_points(bench.now, {share(make_point("a", 10)), share(make_point("b", 500))}, {});
    bench.open();
    bench.run(1'500);
    bench.line.on_closed(bench.now, "stopped");
    bench.poller.stop(bench.now);
    CHECK(bench.poller.next_time() == Line::kNever);
    CHECK(bench.poller.plan().empty());
    CHECK(bench.sample("a").quality == Quality::stopped);
    bench.close("again");
    CHECK(bench.sample("a").quality == Quality::stopped);
    bench.open();
    CHECK(bench.poller.plan().size() == 2);
    CHECK(bench.sample("a").quality == Quality::pending);
    bench.run(10);
    CHECK(bench.sample("a").quality == Quality::good);
  }

  TEST_CASE("10,000 points that a restarting server refuses one by one all come back") {
    Bench bench;
    bench.records = false;
    Shared points;
    for (std::uint32_t i = 0; i < 10'000; ++i) {
      const auto unit = static_cast<std::uint8_t>(1 + i / 2'500);
      points.push_back(
          share(make_point("p" + std::to_string(i), static_cast<std::uint16_t>(i % 2'500 * 20), 30'000, unit)));
    }
    for (std::uint8_t unit = 1; unit <= 4; ++unit) bench.slaves.units[unit].exception = 2;
    bench.poller.set_points(bench.now, points, {});
    bench.open();
    bench.run(25'000);
    std::size_t bad = 0, good = 0;
    bench.poller.for_each([&](const Point&, const Sample& sample) { bad += sample.quality == Quality::bad ? 1 : 0; });
    CHECK(bad == 10'000);
    for (std::uint8_t unit = 1; unit <= 4; ++unit) bench.slaves.units[unit].exception = 0;
    bench.run(120'000);
    bench.poller.for_each([&](const Point&, const Sample& sample) { good += sample.quality == Quality::good ? 1 : 0; });
    CHECK(good == 10'000);
    const std::uint64_t cycles = bench.poller.stats().cycles;
    bench.run(300'000);
    CHECK(bench.poller.stats().cycles - cycles >= 99'000);
  }
}

}  // namespace jl::modbus
