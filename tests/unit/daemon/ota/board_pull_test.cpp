// Devices that ask (operations.md 1.4, "Pull").
#include "board_support.hpp"

namespace jl::ota {
namespace {

using model::UpgradeMode;

/// Pull tasks of 1.1, 1.2 and 2.0 with orders 11, 12 and 20, named after their versions.
struct PullDesk : Desk {
  PullDesk() {
    for (const auto& [version, order] : std::map<std::string, int>{{"1.1", 11}, {"1.2", 12}, {"2.0", 20}})
      put(test::with_version(test::make_plan(version, UpgradeMode::pull), version, order), Names{"a"});
  }
  std::string ask(PullRequest request) {
    const PullAnswer answer = board.pull("a", request, now);
    CHECK(test::fault_of(board) == "");
    CHECK(answer.task_id.empty() == !answer.code.empty());
    CHECK(answer.task_id.empty() == !answer.message.empty());
    return answer.task_id.empty() ? std::string(answer.code) : answer.task_id;
  }
};

}  // namespace

TEST_SUITE("ota.board_pull") {
  TEST_CASE("the next version up, the latest, or the one that is asked for") {
    struct Row {
      PullRequest request;
      const char* answer;
    };
    const Row table[] = {
        {{}, "1.1"},
        {{.current_version = "1.1"}, "1.2"},
        {{.current_version = "1.2"}, "2.0"},
        {{.current_version = "2.0"}, "NO_UPDATE"},
        {{.current_version = "0.7"}, "1.1"},
        {{.latest = true}, "2.0"},
        {{.current_version = "1.1", .latest = true}, "2.0"},
        {{.current_version = "2.0", .latest = true}, "1.2"},
        {{.requested_version = "1.2"}, "1.2"},
        {{.current_version = "2.0", .requested_version = "1.1"}, "1.1"},
        {{.current_version = "1.2", .requested_version = "1.2"}, "NO_UPDATE"},
        {{.requested_version = "1.2", .latest = true}, "1.2"},
        {{.requested_version = "9"}, "NO_UPDATE"},
    };
    for (const Row& row : table) {
      CAPTURE(row.answer);
      CAPTURE(row.request.current_version);
      CAPTURE(row.request.latest);
      PullDesk desk;
      CHECK(desk.ask(row.request) == row.answer);
    }
  }

  TEST_CASE("what it is given begins, without an answer being awaited [row 11]") {
    PullDesk desk;
    CHECK(desk.ask({.message_id = "q1"}) == "1.1");
    const Record& record = desk.record("1.1", "a");
    CHECK(record.state == State::processing);
    CHECK(record.ack_deadline == 0);
    CHECK(record.deadline == desk.now + 3'600'000);
    CHECK(record.message_id == "q1");
  }

  TEST_CASE("where the version of a device is not told, it is what the record knows") {
    Desk desk;
    Record record = test::make_record("a");
    record.old_version = "1.2";
    desk.put(test::with_version(test::make_plan("low", UpgradeMode::pull), "1.1", 11), {record});
    desk.put(test::with_version(test::make_plan("same", UpgradeMode::push), "1.2", 12), Names{"b"});
    CHECK(desk.board.pull("a", {}, desk.now).code == "NO_UPDATE");
    CHECK(desk.board.pull("a", {.current_version = "1.0"}, desk.now).task_id == "low");
  }

  TEST_CASE("the same question has the same answer, and begins nothing new") {
    PullDesk desk;
    CHECK(desk.ask({.message_id = "q1"}) == "1.1");
    const std::string before = to_stored(desk.record("1.1", "a"));
    desk.now += 5;
    CHECK(desk.ask({.message_id = "q1"}) == "1.1");
    CHECK(to_stored(desk.record("1.1", "a")) == before);
    CHECK(desk.ask({.message_id = "q2"}) == "1.2");
    CHECK(desk.ask({.message_id = "q1"}) == "1.1");
    // Once it is over the question is a new one.
    CHECK(desk.board.on_version("a", "1.1", desk.now));
    CHECK(desk.ask({.message_id = "q1", .current_version = "1.1"}) == "2.0");
  }

  TEST_CASE("a question without an id is a new one each time") {
    PullDesk desk;
    CHECK(desk.ask({}) == "1.1");
    CHECK(desk.ask({}) == "1.2");
    CHECK(desk.ask({}) == "2.0");
    CHECK(desk.ask({}) == "NO_UPDATE");
  }

  TEST_CASE("tasks that push, other devices and canceled records have nothing for who asks") {
    Desk desk;
    desk.put(test::make_plan("push"), Names{"a"});
    Task& pull = desk.put(test::make_plan("pull", UpgradeMode::pull), Names{"a", "b"});
    CHECK(pull.apply_all(State::waiting, {"a"}, Event::stopped, desk.now) == 1);
    CHECK(desk.board.pull("a", {.force = true}, desk.now).code == "NO_UPDATE");
    CHECK(desk.board.pull("c", {}, desk.now).code == "NO_UPDATE");
    CHECK(desk.board.pull("b", {}, desk.now).task_id == "pull");
  }

  TEST_CASE("with force what is being processed or has failed is given again [operations 1.4]") {
    Desk desk;
    desk.put(test::make_plan("t1", UpgradeMode::pull), Names{"a"});
    CHECK(desk.board.pull("a", {.message_id = "q1"}, desk.now).task_id == "t1");
    CHECK(desk.board.pull("a", {.message_id = "q2"}, desk.now).code == "NO_UPDATE");
    CHECK(desk.board.pull("a", {.message_id = "q3", .force = true}, desk.now).task_id == "t1");
    CHECK(desk.record("t1", "a").attempt == 1);
    desk.now += 3'600'000;
    CHECK(desk.due().empty());
    CHECK(desk.state("t1", "a") == State::failed);
    CHECK(desk.board.pull("a", {.message_id = "q4"}, desk.now).code == "NO_UPDATE");
    CHECK(desk.board.pull("a", {.message_id = "q5", .force = true}, desk.now).task_id == "t1");
    CHECK(desk.state("t1", "a") == State::processing);
    CHECK(desk.record("t1", "a").attempt == 2);
    CHECK(desk.board.on_version("a", "1.2.0", desk.now));
    CHECK(desk.board.pull("a", {.message_id = "q6", .force = true}, desk.now).code == "NO_UPDATE");
  }

  TEST_CASE("a device that forces its way does not undo that its task has stopped itself") {
    Desk desk;
    Plan plan = test::make_plan("t1", UpgradeMode::pull);
    plan.task.error_threshold = "1";
    desk.put(plan, Names{"a", "b"});
    CHECK(desk.board.pull("a", {.message_id = "q1"}, desk.now).task_id == "t1");
    CHECK(desk.board.on_progress("a", {.version = "1.2.0", .complete = true, .reason = "bad"}, desk.now));
    CHECK(desk.state("t1", "b") == State::canceled);
    CHECK(desk.board.pull("a", {.message_id = "q2", .force = true}, desk.now).code == "NO_UPDATE");
  }

  TEST_CASE("too many at once: come back later; a group that has not begun: nothing yet") {
    Desk desk;
    Plan plan = test::make_plan("t1", UpgradeMode::pull);
    plan.task.max_in_flight = 1;
    plan.task.groups = {"50%", "100%"};
    plan.task.group_success = 100;
    desk.put(plan, {test::make_record("a", 0), test::make_record("b", 0), test::make_record("c", 1)});
    CHECK(desk.board.pull("a", {}, desk.now).task_id == "t1");
    CHECK(desk.board.pull("b", {}, desk.now).code == "SYSTEM_BUSY");
    CHECK(desk.board.pull("c", {}, desk.now).code == "NO_UPDATE");
    CHECK(desk.board.on_version("a", "1.2.0", desk.now));
    CHECK(desk.board.pull("b", {}, desk.now).task_id == "t1");
    CHECK(desk.board.on_version("b", "1.2.0", desk.now));
    CHECK(desk.board.pull("c", {}, desk.now).task_id == "t1");
  }

  TEST_CASE("outside the window, and in a pause before a retry, there is nothing") {
    Desk desk;
    Plan plan = test::make_plan("t1", UpgradeMode::pull);
    plan.task.window = "22:00-04:00";
    plan.task.auto_retry = 1;
    plan.task.retry_backoff_seconds = 60;
    desk.put(plan, Names{"a"});
    const Millis midnight = test::kStart / 86'400'000 * 86'400'000;
    CHECK(desk.board.pull("a", {}, midnight + 12 * 3'600'000).code == "NO_UPDATE");
    CHECK(desk.board.pull("a", {}, midnight).task_id == "t1");
    CHECK(desk.board.on_progress("a", {.complete = true, .reason = "bad"}, midnight));
    CHECK(desk.board.pull("a", {}, midnight + 59'999).code == "NO_UPDATE");
    CHECK(desk.board.pull("a", {}, midnight + 60'000).task_id == "t1");
  }

  TEST_CASE("a task with force has something for a device that has its version already") {
    Desk desk;
    Plan plan = test::make_plan("t1", UpgradeMode::pull);
    plan.task.force = true;
    Record record = test::make_record("a");
    record.old_version = "1.2.0";
    desk.put(plan, {record});
    CHECK(desk.board.pull("a", {.current_version = "1.2.0"}, desk.now).task_id == "t1");
  }
}
}  // namespace jl::ota
