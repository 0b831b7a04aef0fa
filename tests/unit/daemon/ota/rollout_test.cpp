// Groups, the error threshold, the rate and the window (operations.md 1.5).
#include "daemon/ota/rollout.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <set>

namespace jl::ota {

namespace {

constexpr Millis kNow = 1'700'000'000'000;
constexpr Millis kMinute = 60'000;
constexpr auto kWaiting = State::waiting, kProcessing = State::processing, kSuccess = State::success,
               kFailed = State::failed, kCanceled = State::canceled;

int utc_minute(Millis at) { return static_cast<int>(at / kMinute % 1440); }

Plan plan_of(std::vector<std::string> groups = {}, int success = 90, std::string threshold = {}) {
  Plan plan;
  plan.task_id = "t1";
  plan.task.groups = std::move(groups);
  plan.task.group_success = success;
  plan.task.error_threshold = std::move(threshold);
  return plan;
}

void fill(Rollout& rollout, std::uint32_t group, std::size_t count, State state = State::waiting) {
  for (std::size_t i = 0; i < count; ++i) CHECK(!rollout.moved(group, std::nullopt, state));
}

void end(Rollout& rollout, std::uint32_t group, std::size_t count, State state) {
  for (std::size_t i = 0; i < count; ++i) {
    (void)rollout.moved(group, kWaiting, kProcessing);
    (void)rollout.moved(group, kProcessing, state);
  }
}

}  // namespace

TEST_SUITE("ota.rollout") {
  TEST_CASE("groups are cumulative shares, rounded up") {
    struct Row {
      std::size_t count;
      std::vector<int> percents;
      std::vector<std::size_t> sizes;
    };
    const Row table[] = {
        {100, {1, 10, 100}, {1, 9, 90}},
        {1000, {1, 10, 100}, {10, 90, 900}},
        {3, {1, 10, 100}, {1, 0, 2}},
        {1, {1, 10, 100}, {1, 0, 0}},
        {7, {100}, {7}},
        {7, {50, 100}, {4, 3}},
        {0, {1, 100}, {0, 0}},
    };
    for (const Row& row : table) {
      CAPTURE(row.count);
      const auto groups = groups_of(row.count, row.percents);
      REQUIRE(groups.size() == row.count);
      CHECK(std::ranges::is_sorted(groups));
      for (std::size_t i = 0; i < row.sizes.size(); ++i)
        CHECK(static_cast<std::size_t>(std::ranges::count(groups, i)) == row.sizes[i]);
    }
  }

  TEST_CASE("turns are scattered, the same for the same task, and others for another") {
    std::vector<std::string> devices;
    for (int i = 0; i < 1000; ++i) devices.push_back("dev-" + std::to_string(10'000 + i));
    const auto order = order_of(devices, "t1");
    CHECK(order != devices);
    CHECK(order == order_of({devices.rbegin(), devices.rend()}, "t1"));
    CHECK(order != order_of(devices, "t2"));
    CHECK(std::set<std::string>(order.begin(), order.end()) == std::set<std::string>(devices.begin(), devices.end()));
    // Of the first 100 about half come from either half of the ids.
    const auto low = std::count_if(order.begin(), order.begin() + 100, [](const auto& id) { return id < "dev-10500"; });
    CHECK(low > 25);
    CHECK(low < 75);
  }

  TEST_CASE("the next group begins when enough of all devices before it are upgraded") {
    const Plan plan = plan_of({"10%", "50%", "100%"}, 90);
    Rollout rollout(plan, {});
    fill(rollout, 0, 10);
    fill(rollout, 1, 40);
    fill(rollout, 2, 50);
    CHECK(!rollout.advance());
    end(rollout, 0, 8, kSuccess);
    CHECK(!rollout.advance());
    CHECK(!rollout.is_open(1));
    end(rollout, 0, 1, kSuccess);
    CHECK(rollout.advance());
    CHECK(rollout.is_open(1));
    CHECK(!rollout.is_open(2));
    end(rollout, 0, 1, kFailed);
    end(rollout, 1, 35, kSuccess);  // 44 of 50
    CHECK(!rollout.advance());
    end(rollout, 1, 1, kSuccess);
    CHECK(rollout.advance());
    CHECK(rollout.is_open(2));
    CHECK(!rollout.advance());
  }

  TEST_CASE("several groups may begin at once, past those that are empty or canceled") {
    const Plan plan = plan_of({"1%", "2%", "3%", "100%"});
    Rollout rollout(plan, {});
    fill(rollout, 0, 1, kSuccess);
    fill(rollout, 2, 4, kCanceled);
    fill(rollout, 3, 5);
    CHECK(rollout.advance());
    CHECK(rollout.state().group == 3);
  }

  TEST_CASE("of a stopped task no group begins, because nobody waits for it") {
    const Plan plan = plan_of({"50%", "100%"});
    Rollout rollout(plan, {});
    fill(rollout, 0, 2);
    fill(rollout, 1, 2);
    for (std::uint32_t group = 0; group < 2; ++group) {
      for (int i = 0; i < 2; ++i) (void)rollout.moved(group, kWaiting, kCanceled);
    }
    CHECK(!rollout.advance());
    for (std::uint32_t group = 0; group < 2; ++group) {
      for (int i = 0; i < 2; ++i) (void)rollout.moved(group, kCanceled, kWaiting);
    }
    CHECK(!rollout.advance());
    CHECK(!rollout.is_open(1));
  }

  TEST_CASE("too many failures stop it, once, and it says so") {
    struct Row {
      const char* threshold;
      std::size_t devices, enough;
      std::string reason;
    };
    const Row table[] = {
        {"3", 20, 3, "error threshold: 3 of 20 devices failed"},
        {"10%", 20, 2, "error threshold: 2 of 20 devices failed"},
        {"1%", 20, 1, "error threshold: 1 of 20 devices failed"},
        {"100%", 5, 5, "error threshold: 5 of 5 devices failed"},
        {"15%", 20, 3, "error threshold: 3 of 20 devices failed"},
    };
    for (const Row& row : table) {
      CAPTURE(row.threshold);
      const Plan plan = plan_of({}, 90, row.threshold);
      Rollout rollout(plan, {});
      fill(rollout, 0, row.devices);
      CHECK(!rollout.has_had_enough());
      end(rollout, 0, row.enough - 1, kFailed);
      CHECK(!rollout.has_had_enough());
      end(rollout, 0, 1, kFailed);
      CHECK(rollout.has_had_enough());
      CHECK(rollout.state().stop_reason == row.reason);
      CHECK(!rollout.has_had_enough());
    }
  }

  TEST_CASE("a percentage of failures is of the devices whose group has begun") {
    const Plan plan = plan_of({"10%", "100%"}, 90, "20%");
    Rollout rollout(plan, {});
    fill(rollout, 0, 10);
    fill(rollout, 1, 90);
    end(rollout, 0, 1, kFailed);
    CHECK(!rollout.has_had_enough());
    end(rollout, 0, 1, kFailed);
    CHECK(rollout.has_had_enough());
  }

  TEST_CASE("without a threshold no number of failures stops it") {
    const Plan plan = plan_of();
    Rollout rollout(plan, {});
    fill(rollout, 0, 5);
    end(rollout, 0, 5, kFailed);
    CHECK(!rollout.has_had_enough());
  }

  TEST_CASE("failures that an operator went on after do not count, nor do they count as others") {
    const Plan plan = plan_of({}, 90, "2");
    Rollout rollout(plan, {});
    fill(rollout, 0, 20);
    end(rollout, 0, 2, kFailed);
    REQUIRE(rollout.has_had_enough());
    rollout.forgive();
    CHECK(rollout.state().stop_reason.empty());
    CHECK(rollout.state().failures_before == 2);
    end(rollout, 0, 1, kFailed);
    CHECK(!rollout.has_had_enough());
    // The three are retried: what is forgiven is not credit for new failures.
    for (int i = 0; i < 2; ++i) (void)rollout.moved(0, kFailed, kWaiting);
    CHECK(rollout.state().failures_before == 1);
    CHECK(rollout.moved(0, kFailed, kWaiting));
    CHECK(rollout.state().failures_before == 0);
    end(rollout, 0, 2, kFailed);
    CHECK(rollout.has_had_enough());
  }

  TEST_CASE("no more begin at once than may be in flight") {
    Plan plan = plan_of();
    plan.task.max_in_flight = 3;
    Rollout rollout(plan, {});
    fill(rollout, 0, 5);
    CHECK(rollout.room(kNow, utc_minute) == 3);
    (void)rollout.moved(0, kWaiting, kProcessing);
    (void)rollout.moved(0, kWaiting, kProcessing);
    CHECK(rollout.room(kNow, utc_minute) == 1);
    (void)rollout.moved(0, kWaiting, kProcessing);
    CHECK(rollout.in_flight() == 3);
    CHECK(rollout.room(kNow, utc_minute) == 0);
    CHECK(rollout.next_time(kNow, utc_minute) == 0);
    (void)rollout.moved(0, kProcessing, kSuccess);
    CHECK(rollout.room(kNow, utc_minute) == 1);
  }

  TEST_CASE("the rate is a bucket of tokens that holds a second's worth, at least one") {
    Plan plan = plan_of();
    plan.task.rate = 6;  // one in ten seconds
    Rollout slow(plan, {});
    CHECK(slow.room(kNow, utc_minute) == 1);
    CHECK(slow.next_time(kNow, utc_minute) == 0);
    slow.began(kNow);
    CHECK(slow.room(kNow, utc_minute) == 0);
    CHECK(slow.next_time(kNow, utc_minute) == kNow + 10'000);
    CHECK(slow.room(kNow + 9999, utc_minute) == 0);
    CHECK(slow.room(kNow + 10'000, utc_minute) == 1);
    CHECK(slow.room(kNow + 600'000, utc_minute) == 1);

    plan.task.rate = 601;  // ten and a bit in a second
    Rollout fast(plan, {});
    CHECK(fast.room(kNow, utc_minute) == 11);
    for (int i = 0; i < 11; ++i) fast.began(kNow);
    CHECK(fast.room(kNow, utc_minute) == 0);
    CHECK(fast.room(kNow + 500, utc_minute) == 5);
    CHECK(fast.next_time(kNow, utc_minute) == kNow + 100);
  }

  TEST_CASE("over an hour the rate is kept to") {
    Plan plan = plan_of();
    plan.task.rate = 7;
    Rollout rollout(plan, {});
    std::size_t begun = 0;
    for (Millis now = kNow; now < kNow + 60 * kMinute;) {
      for (std::size_t room = rollout.room(now, utc_minute); room != 0; --room, ++begun) rollout.began(now);
      const Millis next = rollout.next_time(now, utc_minute);
      REQUIRE(next > now);
      REQUIRE(rollout.room(next, utc_minute) >= 1);
      now = next;
    }
    CHECK(begun == 7 * 60);
  }

  TEST_CASE("a clock that was set back holds nobody up") {
    Plan plan = plan_of();
    plan.task.rate = 1;
    Rollout rollout(plan, {});
    rollout.began(kNow);
    CHECK(rollout.room(kNow - 86'400'000, utc_minute) == 1);
  }

  TEST_CASE("nothing begins outside the window, and it is known when it opens") {
    Plan plan = plan_of();
    plan.task.window = "22:00-04:00";
    const Rollout rollout(plan, {});
    const Millis midnight = kNow / 86'400'000 * 86'400'000;
    struct Row {
      int minute;
      bool open;
      int next;
    };
    const Row table[] = {{21 * 60 + 59, false, 22 * 60}, {22 * 60, true, 0},
                         {23 * 60 + 59, true, 0},        {0, true, 0},
                         {3 * 60 + 59, true, 0},         {4 * 60, false, 22 * 60},
                         {4 * 60 + 1, false, 22 * 60},   {12 * 60 + 7, false, 22 * 60}};
    for (const Row& row : table) {
      CAPTURE(row.minute);
      const Millis now = midnight + row.minute * kMinute + 30'001;
      CHECK(rollout.is_in_window(now, utc_minute) == row.open);
      CHECK((rollout.room(now, utc_minute) != 0) == row.open);
      CHECK(rollout.next_time(now, utc_minute) == (row.open ? 0 : midnight + row.next * kMinute));
    }
  }

  TEST_CASE("a window begins when the clock says so, also when it is put forward or back meanwhile") {
    Plan plan = plan_of();
    plan.task.window = "02:30-05:00";
    const Rollout rollout(plan, {});
    const Millis midnight = kNow / 86'400'000 * 86'400'000, two = midnight + 120 * kMinute;
    // At two it becomes three: half past two never is, and three is in the window.
    const MinuteOfDay forward = [&](Millis at) { return utc_minute(at >= two ? at + 60 * kMinute : at); };
    CHECK(rollout.next_time(midnight, forward) == two);
    // At two it becomes one.
    const MinuteOfDay back = [&](Millis at) { return utc_minute(at >= two ? at - 60 * kMinute : at); };
    CHECK(rollout.next_time(midnight, back) == two + 90 * kMinute);
    // A clock that is never in it must not keep anybody.
    CHECK(rollout.next_time(midnight, [](Millis) { return 600; }) > midnight);
  }

  TEST_CASE("what of a rollout is stored comes back, and what makes no sense is refused") {
    const Plan rated = [] {
      Plan plan = plan_of({"10%", "100%"}, 90, "2");
      plan.task.rate = 7;
      return plan;
    }();
    Rollout rollout(rated, {});
    fill(rollout, 0, 4);
    end(rollout, 0, 2, kFailed);
    REQUIRE(rollout.has_had_enough());
    rollout.began(kNow);
    rollout.began(kNow + 3333);
    const RolloutState& before = rollout.state();
    const auto after = rollout_from_stored(to_stored(before));
    REQUIRE(after.has_value());
    CHECK(after->group == before.group);
    CHECK(after->stop_reason == before.stop_reason);
    CHECK(after->failures_before == before.failures_before);
    CHECK(after->tokens == before.tokens);
    CHECK(after->tokens_at == before.tokens_at);
    RolloutState plain;
    plain.group = 1;
    plain.failures_before = 2;
    CHECK(to_stored(plain) == R"({"group":1,"failuresBefore":2})");
    for (const char* text :
         {"", "[]", R"({"group":-1})", R"({"group":64})", R"({"group":"1"})", R"({"tokens":-1})", R"({"tokens":1e400})",
          R"({"stopReason":1})", R"({"failuresBefore":0.5})", R"({"tokensAt":-5})"}) {
      CAPTURE(text);
      const auto read = rollout_from_stored(text);
      REQUIRE(!read.has_value());
      CHECK(read.error().code == Errc::corrupt);
    }
  }
}

}  // namespace jl::ota
