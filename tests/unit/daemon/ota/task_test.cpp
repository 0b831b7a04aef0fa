// One task: counts, turns, pauses, time limits, and what it does by itself (operations.md 1.3, 1.5).
#include "daemon/ota/task.hpp"

#include "tests/support/ota_machines.hpp"

#include <doctest/doctest.h>

namespace jl::ota {

namespace {

using test::kStart, test::make_plan, test::make_record, test::make_records, test::utc_minute;
using Ids = std::vector<std::string>;

constexpr Facts kTold{.text = "m1", .response_timeout = 60'000, .timeout = 3'600'000};

bool anyone(const Record&) { return true; }

Ids devices(std::size_t count) {
  Ids out;
  for (std::size_t i = 0; i < count; ++i) out.push_back("d" + std::to_string(i));
  return out;
}

/// Every device that may begin now is told; how many those were.
std::size_t tell_all(Task& task, Millis now) {
  const Ids next = task.next(now, utc_minute, anyone);
  for (const auto& id : next) CHECK(task.apply(id, Event::dispatched, kTold, now));
  return next.size();
}

}  // namespace

TEST_SUITE("ota.task") {
  TEST_CASE("counts, state and progress are those of the records [operations 1.3, task view numbers]") {
    struct Row {
      std::array<std::size_t, kStates> of;  // waiting, processing, success, failed, canceled
      State state;
      int progress;
    };
    const Row table[] = {
        {{0, 0, 0, 0, 0}, State::success, 0},   {{1, 1, 1, 1, 1}, State::processing, 20},
        {{1, 0, 1, 1, 1}, State::waiting, 25},  {{0, 0, 2, 1, 1}, State::canceled, 50},
        {{0, 0, 2, 1, 0}, State::failed, 66},   {{0, 0, 3, 0, 0}, State::success, 100},
        {{0, 0, 199, 1, 0}, State::failed, 99},
    };
    for (const Row& row : table) {
      const Counts counts{row.of};
      CHECK(counts.state() == row.state);
      CHECK(counts.progress() == row.progress);
      CHECK(counts.is_over() == (row.of[0] == 0 && row.of[1] == 0));
    }
  }

  TEST_CASE("devices are told in the order of their turn, at most as many as may be in flight") {
    Plan plan = make_plan();
    plan.task.max_in_flight = 3;
    Task task(plan, {}, make_records(devices(10)));
    const Ids order = order_of(devices(10), "t1");
    CHECK(task.next(kStart, utc_minute, anyone) == Ids(order.begin(), order.begin() + 3));
    CHECK(task.next(kStart, utc_minute, anyone, 2) == Ids(order.begin(), order.begin() + 2));
    CHECK(tell_all(task, kStart) == 3);
    CHECK(task.next(kStart, utc_minute, anyone).empty());
    REQUIRE(task.apply(order[1], Event::completed, {}, kStart + 1));
    CHECK(task.next(kStart, utc_minute, anyone) == Ids{order[3]});
  }

  TEST_CASE("a device that is not there is passed over until it is revived [row 3]") {
    Task task(make_plan(), {}, make_records({"a", "b"}));
    int asked = 0;
    const auto nobody = [&](const Record&) { return ++asked, false; };
    CHECK(task.next(kStart, utc_minute, nobody).empty());
    CHECK(asked == 2);
    CHECK(task.next(kStart, utc_minute, nobody).empty());
    CHECK(asked == 2);
    CHECK(task.next_time(kStart, utc_minute) == 0);
    task.revive("a");
    CHECK(task.next_time(kStart, utc_minute) == kStart);
    CHECK(task.next(kStart, utc_minute, anyone) == Ids{"a"});
    task.revive("nobody");
  }

  TEST_CASE("a device that could not be reached is passed over as well") {
    Task task(make_plan(), {}, make_records({"a"}));
    CHECK(tell_all(task, kStart) == 1);
    REQUIRE(task.apply("a", Event::undelivered, {}, kStart));
    CHECK(task.next(kStart, utc_minute, anyone).empty());
    task.revive("a");
    CHECK(tell_all(task, kStart) == 1);
    CHECK(task.find("a")->attempt == 1);
  }

  TEST_CASE("time limits become failures, the one of the answer first [rows 6, 10]") {
    Task task(make_plan(), {}, make_records({"a", "b"}));
    CHECK(tell_all(task, kStart) == 2);
    REQUIRE(task.apply("b", Event::acknowledged, {}, kStart + 1));
    CHECK(task.next_time(kStart, utc_minute) == kStart + 60'000);
    task.expire(kStart + 59'999);
    CHECK(task.counts().at(State::processing) == 2);
    task.expire(kStart + 60'000);
    CHECK(task.find("a")->error_reason == "response timeout");
    CHECK(task.find("b")->state == State::processing);
    CHECK(task.next_time(kStart, utc_minute) == kStart + 3'600'000);
    task.expire(kStart + 3'600'000);
    CHECK(task.find("b")->error_reason == "upgrade timeout (last progress 0%)");
    CHECK(task.next_time(kStart, utc_minute) == 0);
  }

  TEST_CASE("a failure with retries left waits again, each time twice as long, up to a day") {
    Plan plan = make_plan();
    plan.task.auto_retry = 12;
    plan.task.retry_backoff_seconds = 60;
    Task task(plan, {}, make_records({"a"}));
    Millis now = kStart, pause = 60'000;
    for (int i = 0; i < 12; ++i) {
      CHECK(tell_all(task, now) == 1);
      REQUIRE(task.apply("a", Event::broke, {.text = "bad crc"}, now));
      CHECK(task.find("a")->state == State::waiting);
      CHECK(task.find("a")->not_before == now + pause);
      CHECK(task.next_time(now, utc_minute) == now + pause);
      CHECK(!task.may_begin(*task.find("a"), now + pause - 1, utc_minute));
      CHECK(task.next(now + pause - 1, utc_minute, anyone).empty());
      task.revive("a");
      CHECK(task.next(now + pause - 1, utc_minute, anyone).empty());
      now += pause;
      pause = std::min<Millis>(2 * pause, 86'400'000);
      CHECK(task.may_begin(*task.find("a"), now, utc_minute));
    }
    CHECK(tell_all(task, now) == 1);
    REQUIRE(task.apply("a", Event::broke, {.text = "bad crc"}, now));
    CHECK(task.find("a")->state == State::failed);
    CHECK(task.find("a")->auto_retries == 12);
    CHECK(task.apply_all(State::failed, {}, Event::retried, now) == 1);
    CHECK(task.find("a")->auto_retries == 0);
  }

  TEST_CASE("failures that are retried by themselves do not count against the threshold") {
    Plan plan = make_plan();
    plan.task.auto_retry = 1;
    plan.task.error_threshold = "1";
    Task task(plan, {}, make_records({"a", "b"}));
    CHECK(tell_all(task, kStart) == 2);
    REQUIRE(task.apply("a", Event::broke, {}, kStart));
    CHECK(task.rollout().state().stop_reason.empty());
    CHECK(task.counts().at(State::waiting) == 1);
  }

  TEST_CASE("too many failures cancel who waits, leave who is at it, and a resume goes on") {
    Plan plan = make_plan();
    plan.task.max_in_flight = 4;
    plan.task.auto_retry = 0;
    plan.task.error_threshold = "2";
    Task task(plan, {}, make_records(devices(10)));
    CHECK(tell_all(task, kStart) == 4);
    const Ids at_it = order_of(devices(10), "t1");
    REQUIRE(task.apply(at_it[0], Event::broke, {}, kStart));
    CHECK(task.counts().at(State::waiting) == 6);
    REQUIRE(task.apply(at_it[1], Event::broke, {}, kStart));
    CHECK(task.counts().at(State::waiting) == 0);
    CHECK(task.counts().at(State::canceled) == 6);
    CHECK(task.counts().at(State::processing) == 2);
    CHECK(task.rollout().state().stop_reason == "error threshold: 2 of 10 devices failed");
    CHECK(task.find(at_it[9])->error_reason == "error threshold: 2 of 10 devices failed");
    CHECK(task.take_rollout_changed());
    // What comes back or joins meanwhile is canceled, too.
    REQUIRE(task.apply(at_it[2], Event::undelivered, {}, kStart));
    CHECK(task.find(at_it[2])->state == State::canceled);
    task.join(make_record("late"));
    CHECK(task.find("late")->state == State::canceled);

    CHECK(task.apply_all(State::canceled, {}, Event::resumed, kStart) == 8);
    CHECK(task.rollout().state().stop_reason.empty());
    CHECK(task.rollout().state().failures_before == 2);
    REQUIRE(task.apply(at_it[3], Event::broke, {}, kStart));
    CHECK(task.rollout().state().stop_reason.empty());
    CHECK(test::fault_of(task).empty());
  }

  TEST_CASE("groups wait for those before them, and stopping and resuming a task opens none") {
    Plan plan = make_plan();
    plan.task.groups = {"20%", "100%"};
    plan.task.group_success = 100;
    std::vector<Record> records;
    for (int i = 0; i < 10; ++i) records.push_back(make_record("d" + std::to_string(i), i < 2 ? 0 : 1));
    Task task(plan, {}, std::move(records));
    CHECK(tell_all(task, kStart) == 2);
    REQUIRE(task.apply("d0", Event::completed, {}, kStart));
    CHECK(task.apply_all(State::waiting, {}, Event::stopped, kStart) == 8);
    CHECK(task.rollout().state().group == 0);
    CHECK(task.apply_all(State::canceled, {}, Event::resumed, kStart) == 8);
    CHECK(task.rollout().state().group == 0);
    CHECK(task.next(kStart, utc_minute, anyone).empty());
    CHECK(!task.may_begin(*task.find("d5"), kStart, utc_minute));
    (void)task.take_rollout_changed();
    REQUIRE(task.apply("d1", Event::completed, {}, kStart));
    CHECK(task.take_rollout_changed());
    CHECK(tell_all(task, kStart) == 8);
  }

  TEST_CASE("operators may name devices; the others are left alone [operations 1.3, stop one, retry one]") {
    Task task(make_plan(), {}, make_records({"a", "b", "c"}));
    CHECK(task.apply_all(State::waiting, {"a", "b", "a", "nobody"}, Event::stopped, kStart) == 2);
    CHECK(task.find("c")->state == State::waiting);
    CHECK(task.apply_all(State::waiting, {"a"}, Event::stopped, kStart) == 0);
    CHECK(task.apply_all(State::canceled, {"a"}, Event::resumed, kStart) == 1);
    CHECK(task.counts().at(State::canceled) == 1);
    CHECK(task.apply_all(State::failed, {}, Event::retried, kStart) == 0);
  }

  TEST_CASE("bytes that were sent are a sign of life, and progress while the device tells none [row 6]") {
    Task task(make_plan(), {}, make_records({"a", "b"}));
    task.served("a", 500, kStart);
    CHECK(task.find("a")->bytes_served == 0);
    CHECK(tell_all(task, kStart) == 2);
    task.served("a", 300, kStart + 1);
    CHECK(task.find("a")->progress == 30);
    CHECK(task.find("a")->ack_time == kStart + 1);
    CHECK(task.find("a")->ack_deadline == 0);
    task.served("a", 700, kStart + 2);
    CHECK(task.find("a")->progress == 99);
    CHECK(task.find("a")->bytes_served == 1000);
    REQUIRE(task.apply("a", Event::progressed, {.progress = 5}, kStart + 3));
    (void)task.take_changed();
    task.served("a", 10, kStart + 4);
    CHECK(task.find("a")->progress == 5);
    CHECK(task.take_changed() == Ids{"a"});
    task.served("a", UINT64_MAX, kStart + 5);
    task.served("a", UINT64_MAX, kStart + 6);
    CHECK(task.find("a")->bytes_served == INT64_MAX);
    task.served("b", 0, kStart + 5);
    CHECK(task.find("b")->ack_time == kStart + 5);
    CHECK(test::fault_of(task).empty());
  }

  TEST_CASE("changed records are told once each, forgotten ones among them") {
    Task task(make_plan(), {}, make_records({"a", "b", "c"}));
    CHECK(task.take_changed().empty());
    CHECK(tell_all(task, kStart) == 3);
    REQUIRE(task.apply("a", Event::acknowledged, {}, kStart));
    CHECK(task.take_changed() == Ids{"a", "b", "c"});
    CHECK(task.take_changed().empty());
    CHECK(!task.apply("a", Event::acknowledged, {}, kStart));
    CHECK(!task.apply("nobody", Event::acknowledged, {}, kStart));
    CHECK(task.take_changed().empty());
    REQUIRE(task.apply("b", Event::completed, {}, kStart));
    task.forget("b");
    task.forget("c");
    CHECK(task.find("b") == nullptr);
    CHECK(task.find("c") != nullptr);
    CHECK(task.take_changed() == Ids{"b"});
    CHECK(task.counts().total() == 2);
    task.join(make_record("d"));
    task.join(make_record("d", 3));
    CHECK(task.find("d")->group == 0);
    CHECK(task.take_changed() == Ids{"d"});
    CHECK(test::fault_of(task).empty());
  }

  TEST_CASE("a task made of what was stored goes on where it was [row 18]") {
    Plan plan = make_plan();
    plan.task.max_in_flight = 3;
    plan.task.rate = 60;
    Task before(plan, {}, make_records(devices(5)));
    CHECK(tell_all(before, kStart) == 1);
    std::vector<Record> records;
    for (const auto& [id, record] : before.records()) records.push_back(*record_from_stored(id, to_stored(record)));
    Task after(plan, *rollout_from_stored(to_stored(before.rollout().state())), std::move(records));
    CHECK(after.counts().of == before.counts().of);
    CHECK(after.rollout().in_flight() == 1);
    CHECK(after.next(kStart, utc_minute, anyone).empty());
    CHECK(after.next_time(kStart, utc_minute) == kStart + 1000);
    CHECK(after.next(kStart + 1000, utc_minute, anyone) == before.next(kStart + 1000, utc_minute, anyone));
    after.expire(kStart + 60'000);
    CHECK(after.counts().at(State::failed) == 1);
  }

  TEST_CASE("a task of devices that pull looks for nobody") {
    Task task(make_plan("t1", model::UpgradeMode::pull), {}, make_records({"a"}));
    CHECK(task.next(kStart, utc_minute, anyone).empty());
    CHECK(task.next_time(kStart, utc_minute) == 0);
    CHECK(task.may_begin(*task.find("a"), kStart, utc_minute));
    task.revive("a");
    CHECK(task.next(kStart, utc_minute, anyone).empty());
  }

  TEST_CASE("a hundred thousand devices are looked at once each, not at every step") {
    constexpr std::size_t kCount = 100'000;
    Plan plan = make_plan();
    plan.task.max_in_flight = 100;
    Task task(plan, {}, make_records(devices(kCount)));
    std::size_t asked = 0, done = 0;
    const auto every_second = [&](const Record&) { return ++asked % 2 == 0; };
    for (Millis now = kStart; task.counts().at(State::waiting) != kCount / 2; ++now) {
      const Ids next = task.next(now, utc_minute, every_second, 1);
      REQUIRE(next.size() == 1);
      REQUIRE(task.apply(next[0], Event::dispatched, kTold, now));
      REQUIRE(task.apply(next[0], Event::completed, {}, now));
      done += task.take_changed().size();
    }
    CHECK(done == kCount / 2);
    CHECK(asked == kCount);
  }
}

}  // namespace jl::ota
