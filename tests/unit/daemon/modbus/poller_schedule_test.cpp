#include "daemon/modbus/poller_schedule.hpp"

#include <doctest/doctest.h>

namespace jl::modbus {

TEST_SUITE("modbus.poller_schedule") {
  TEST_CASE("deadlines are start plus whole intervals, however late they are taken") {
    Schedule schedule;
    const auto id = schedule.begin(100, 1'000);
    schedule.assign(id, 4);
    CHECK(schedule.next_time() == 1'000);
    CHECK(!schedule.take(999));
    struct Row {
      Millis now;
      std::uint64_t deadlines;
      Millis latest, next;
    };
    const Row rows[] = {{1'000, 1, 1'000, 1'100}, {1'150, 1, 1'100, 1'200}, {1'499, 3, 1'400, 1'500},
                        {1'500, 1, 1'500, 1'600}, {1'601, 1, 1'600, 1'700}, {9'999, 83, 9'900, 10'000}};
    for (const Row& row : rows) {
      CAPTURE(row.now);
      const auto due = schedule.take(row.now);
      REQUIRE(due);
      CHECK(*due->blocks == std::vector<std::size_t>{4});
      CHECK(due->deadlines == row.deadlines);
      CHECK(due->latest == row.latest);
      CHECK(schedule.next_time() == row.next);
      CHECK(!schedule.take(row.now));
    }
  }

  TEST_CASE("grids come in the order of their deadlines") {
    Schedule schedule;
    schedule.assign(schedule.begin(1'000, 30), 1);
    schedule.assign(schedule.begin(10, 20), 2);
    CHECK(schedule.take(20)->blocks->front() == 2);
    CHECK(schedule.next_time() == 30);
    CHECK(schedule.take(30)->blocks->front() == 1);
    CHECK(schedule.take(30)->blocks->front() == 2);
    CHECK(!schedule.take(30));
  }

  TEST_CASE("a restart begins all grids anew, and grids nobody uses end") {
    Schedule schedule;
    const auto a = schedule.begin(1'000, 0);
    const auto b = schedule.begin(500, 300);
    CHECK(schedule.has(a, 1'000));
    CHECK(!schedule.has(a, 500));
    schedule.restart(700);
    CHECK(schedule.next_of(a) == 700);
    CHECK(schedule.next_of(b) == 700);
    schedule.keep_only({b});
    CHECK(!schedule.has(a, 1'000));
    CHECK(schedule.take(700)->deadlines == 1);
    CHECK(schedule.next_time() == 1'200);
    schedule.clear();
    CHECK(schedule.next_time() == Schedule::kNever);
  }
}

}  // namespace jl::modbus
