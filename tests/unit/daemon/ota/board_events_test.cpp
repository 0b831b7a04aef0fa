// Which record a message is about, and what it does to it (operations.md 1.3, wire.md 6).
#include "board_support.hpp"

namespace jl::ota {
namespace {

/// Two tasks of one device, of firmware 1.2.0 and 2.0; the named ones are processing.
struct TwoTasks : Desk {
  TwoTasks(bool first, bool second) {
    put(test::make_plan("t1"), Names{"a"});
    put(test::with_version(test::make_plan("t2"), "2.0", 20), {test::make_record("a", 0, test::kStart + 5)});
    if (first) begin("t1");
    if (second) begin("t2");
  }
  void begin(const std::string& task_id) {
    REQUIRE(board.find(task_id)->apply(
        "a", Event::dispatched, {.text = "m-" + task_id, .response_timeout = 60'000, .timeout = 3'600'000}, now));
  }
  bool says(ProgressReport report) { return board.on_progress("a", report, now); }
};

}  // namespace

TEST_SUITE("ota.board_events") {
  TEST_CASE("progress is about the firmware that it names, and about nothing when it names another") {
    struct Row {
      const char *firmware_id, *version;
      const char* task;  // "" = nothing
    };
    const Row table[] = {
        {"fw", "", "t1"},  {"fw", "1.2.0", "t1"},   {"", "1.2.0", "t1"}, {"fw-2.0", "2.0", "t2"}, {"", "2.0", "t2"},
        {"fw", "2.0", ""}, {"fw-2.0", "1.2.0", ""}, {"fw-9", "", ""},    {"fw-9", "1.2.0", ""},   {"", "9.9", ""},
        {"", "", ""},
    };
    for (const Row& row : table) {
      CAPTURE(row.firmware_id);
      CAPTURE(row.version);
      TwoTasks desk(true, true);
      CHECK(desk.says({.firmware_id = row.firmware_id, .version = row.version, .progress = 40}) == (*row.task != 0));
      for (const char* task : {"t1", "t2"})
        CHECK(desk.record(task, "a").progress == (std::string_view(row.task) == task ? 40 : 0));
    }
  }

  TEST_CASE("who names nothing can only mean the one that is processing [wire 6]") {
    TwoTasks one(false, true);
    CHECK(one.says({.progress = 40}));
    CHECK(one.record("t2", "a").progress == 40);
    TwoTasks none(false, false);
    CHECK(!none.says({.progress = 40, .complete = true, .success = true}));
    CHECK(none.state("t1", "a") == State::waiting);
  }

  TEST_CASE("of records of one firmware it is the one that is processing, else the newest that is not over") {
    Desk desk;
    desk.put(test::make_plan("t1"), {test::make_record("a", 0, 10)});
    desk.put(test::make_plan("t2"), {test::make_record("a", 0, 20)});
    desk.put(test::make_plan("t3"), {test::make_record("a", 0, 5)});
    const ProgressReport done{.version = "1.2.0", .complete = true, .success = true};
    REQUIRE(desk.board.find("t3")->apply("a", Event::dispatched, {.timeout = 1000}, desk.now));
    CHECK(desk.board.on_progress("a", done, desk.now));
    CHECK(desk.state("t3", "a") == State::success);
    CHECK(desk.board.on_progress("a", done, desk.now));
    CHECK(desk.state("t2", "a") == State::success);
    CHECK(desk.board.on_progress("a", done, desk.now));
    CHECK(desk.state("t1", "a") == State::success);
    CHECK(!desk.board.on_progress("a", done, desk.now));
  }

  TEST_CASE("progress of what only waits changes nothing") {
    TwoTasks desk(false, false);
    CHECK(!desk.says({.version = "1.2.0", .progress = 40}));
    CHECK(!desk.says({.version = "1.2.0", .complete = true, .reason = "bad crc"}));
    CHECK(desk.state("t1", "a") == State::waiting);
  }

  TEST_CASE("what success, complete and a reason mean together [rows 7 to 9, wire 6]") {
    struct Row {
      bool complete, success;
      const char* reason;
      State state;
    };
    const Row table[] = {
        {false, false, "", State::processing}, {false, false, "bad crc", State::failed},
        {false, true, "", State::processing},  {false, true, "all well", State::processing},
        {true, false, "", State::failed},      {true, false, "bad crc", State::failed},
        {true, true, "", State::success},      {true, true, "all well", State::success},
    };
    for (const Row& row : table) {
      CAPTURE(row.complete);
      CAPTURE(row.success);
      CAPTURE(row.reason);
      TwoTasks desk(true, false);
      CHECK(desk.says({.version = "1.2.0",
                       .progress = 63,
                       .complete = row.complete,
                       .success = row.success,
                       .reason = row.reason}));
      CHECK(desk.state("t1", "a") == row.state);
      const std::string reason = *row.reason ? row.reason : "failed on the device";
      if (row.state == State::failed) CHECK(desk.record("t1", "a").error_reason == reason);
      if (row.state == State::processing) CHECK(desk.record("t1", "a").progress == 63);
    }
  }

  TEST_CASE("numbers beyond all bounds are percentages") {
    TwoTasks desk(true, false);
    CHECK(desk.says({.version = "1.2.0", .progress = INT64_MAX}));
    CHECK(desk.record("t1", "a").progress == 100);
    CHECK(desk.says({.version = "1.2.0", .progress = INT64_MIN}));
    CHECK(desk.record("t1", "a").progress == 0);
  }

  TEST_CASE("duplicates of progress and of the end change nothing [operations 1.7]") {
    TwoTasks desk(true, false);
    CHECK(desk.says({.version = "1.2.0", .progress = 40}));
    CHECK(!desk.says({.version = "1.2.0", .progress = 40}));
    CHECK(desk.says({.version = "1.2.0", .complete = true, .success = true}));
    (void)desk.board.take_changes();
    CHECK(!desk.says({.version = "1.2.0", .complete = true, .success = true}));
    CHECK(!desk.says({.version = "1.2.0", .complete = true, .reason = "bad crc"}));
    CHECK(desk.board.take_changes().empty());
  }

  TEST_CASE("a success after the time limit counts, late [row 16]") {
    TwoTasks desk(true, false);
    desk.now += 60'000;
    CHECK(desk.due().empty());
    REQUIRE(desk.state("t1", "a") == State::failed);
    CHECK(desk.board.knows("a"));
    CHECK(!desk.says({.version = "1.2.0", .progress = 80}));
    CHECK(!desk.says({.complete = true, .success = true}));
    CHECK(!desk.says({.version = "2.1", .complete = true, .success = true}));
    CHECK(desk.says({.firmware_id = "fw", .complete = true, .success = true}));
    CHECK(desk.state("t1", "a") == State::success);
    CHECK(desk.record("t1", "a").note == "late");
  }

  TEST_CASE("a success after a failure that the device told itself does not count") {
    TwoTasks desk(true, false);
    CHECK(desk.says({.version = "1.2.0", .complete = true, .reason = "bad crc"}));
    CHECK(!desk.says({.version = "1.2.0", .complete = true, .success = true}));
    CHECK(desk.state("t1", "a") == State::failed);
  }

  TEST_CASE("a reply is about what its message id told [rows 4, 5]") {
    TwoTasks desk(true, true);
    CHECK(!desk.board.on_reply("a", "m-t9", true, "", desk.now));
    CHECK(!desk.board.on_reply("b", "m-t1", true, "", desk.now));
    CHECK(desk.board.on_reply("a", "m-t2", true, "", desk.now));
    CHECK(desk.record("t2", "a").ack_time == desk.now);
    CHECK(desk.record("t1", "a").ack_time == 0);
    CHECK(desk.board.on_reply("a", "m-t1", false, "battery low", desk.now));
    CHECK(desk.record("t1", "a").error_reason == "battery low");
    CHECK(!desk.board.on_reply("a", "m-t1", true, "", desk.now));
  }

  TEST_CASE("a reply without a message id can only mean the one that awaits it") {
    TwoTasks two(true, true);
    CHECK(!two.board.on_reply("a", "", true, "", two.now));
    CHECK(two.board.on_reply("a", "m-t2", true, "", two.now));
    CHECK(two.board.on_reply("a", "", false, "no", two.now));
    CHECK(two.state("t1", "a") == State::failed);
    CHECK(two.state("t2", "a") == State::processing);
    CHECK(!two.board.on_reply("a", "", false, "no", two.now));
  }

  TEST_CASE("the version that a device reports settles every record of it [row 15]") {
    Desk desk;
    desk.put(test::make_plan("t1"), Names{"a"});
    desk.put(test::make_plan("t2"), Names{"a"});
    desk.put(test::with_version(test::make_plan("t3"), "2.0", 20), Names{"a"});
    REQUIRE(desk.board.find("t1")->apply("a", Event::dispatched, {.timeout = 1000}, desk.now));
    CHECK(!desk.board.on_version("a", "", desk.now));
    CHECK(!desk.board.on_version("a", "1.1", desk.now));
    CHECK(desk.board.on_version("a", "1.2.0", desk.now));
    CHECK(desk.state("t1", "a") == State::success);
    CHECK(desk.state("t2", "a") == State::success);
    CHECK(desk.state("t3", "a") == State::waiting);
    CHECK(!desk.board.on_version("a", "1.2.0", desk.now));
  }

  TEST_CASE("a device that had the version before proves nothing by naming it") {
    Desk desk;
    Record record = test::make_record("a");
    record.old_version = "1.2.0";
    Plan plan = test::make_plan();
    plan.task.force = true;
    desk.put(plan, {record});
    CHECK(!desk.board.on_version("a", "1.2.0", desk.now));
    desk.come("a");
    CHECK(desk.due().size() == 1);
    CHECK(!desk.board.on_version("a", "1.2.0", desk.now));
    CHECK(desk.board.on_progress("a", {.version = "1.2.0", .complete = true, .success = true}, desk.now));
  }

  TEST_CASE("a device that is gone is canceled everywhere [row 17]") {
    TwoTasks desk(true, false);
    desk.board.on_gone("a", "device removed", desk.now);
    for (const char* task : {"t1", "t2"}) {
      CHECK(desk.state(task, "a") == State::canceled);
      CHECK(desk.record(task, "a").error_reason == "device removed");
    }
    CHECK(!desk.board.knows("a"));
    desk.board.on_gone("nobody", "", desk.now);
  }

  TEST_CASE("what is active is found by device and firmware, except in one task") {
    TwoTasks desk(true, false);
    CHECK(desk.board.active("a", "fw") == desk.board.find("t1"));
    CHECK(desk.board.active("a", "fw-2.0") == desk.board.find("t2"));
    CHECK(desk.board.active("a", "fw", "t1") == nullptr);
    CHECK(desk.board.active("b", "fw") == nullptr);
    CHECK(desk.says({.version = "1.2.0", .complete = true, .success = true}));
    CHECK(desk.board.active("a", "fw") == nullptr);
  }

  TEST_CASE("bytes that were sent for a task that is not there are nobody's") {
    TwoTasks desk(true, false);
    desk.board.served("t9", "a", 5, desk.now);
    desk.board.served("t1", "b", 5, desk.now);
    desk.board.served("t1", "a", 500, desk.now);
    CHECK(desk.record("t1", "a").progress == 50);
  }
}
}  // namespace jl::ota
