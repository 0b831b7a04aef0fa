// The table of operations.md 1.3, row by row, and what each transition does.
#include "daemon/ota/record.hpp"

#include "common/base/words.hpp"

#include <doctest/doctest.h>

namespace jl::ota {

namespace {

constexpr Millis kNow = 1'700'000'000'000;
constexpr Facts kTold{.text = "m1", .response_timeout = 60'000, .timeout = 3'600'000};

Record waiting() {
  Record record;
  record.device_id = "d1";
  record.create_time = kNow - 1000;
  return record;
}

Record processing() {
  Record record = waiting();
  REQUIRE(apply(record, Event::dispatched, kTold, kNow));
  return record;
}

Record failed(bool timed_out) {
  Record record = processing();
  REQUIRE(apply(record, timed_out ? Event::overdue : Event::broke, {.text = "bad crc"}, kNow + 1));
  return record;
}

Record in(State state, bool timed_out = false) {
  Record record = processing();
  switch (state) {
    case State::waiting:
      return waiting();
    case State::processing:
      return record;
    case State::success:
      REQUIRE(apply(record, Event::completed, {}, kNow + 1));
      return record;
    case State::failed:
      return failed(timed_out);
    case State::canceled:
      record = waiting();
      REQUIRE(apply(record, Event::stopped, {}, kNow + 1));
  }
  return record;
}

std::vector<std::string> words(const Record& record) {
  std::vector<std::string> out;
  for (const Step& step : record.steps) out.push_back(step.event + (step.detail.empty() ? "" : " " + step.detail));
  return out;
}

}  // namespace

TEST_SUITE("ota.record") {
  TEST_CASE("every event in every state does what the table says, and nothing anywhere else [operations 1.3]") {
    using S = State;
    constexpr auto none = std::nullopt;
    using To = std::optional<State>;
    struct Row {
      Event event;
      To waiting, processing, success, failed, failed_by_time, canceled;
    };
    const Row table[] = {
        {Event::dispatched, S::processing, none, none, none, none, none},
        {Event::undelivered, none, S::waiting, none, none, none, none},
        {Event::acknowledged, none, S::processing, none, none, none, none},
        {Event::refused, none, S::failed, none, none, none, none},
        {Event::progressed, none, S::processing, none, none, none, none},
        {Event::completed, S::success, S::success, none, none, S::success, none},
        {Event::broke, none, S::failed, none, none, none, none},
        {Event::version_seen, S::success, S::success, none, none, S::success, none},
        {Event::ack_overdue, none, S::failed, none, none, none, none},
        {Event::overdue, none, S::failed, none, none, none, none},
        {Event::stopped, S::canceled, none, none, none, none, none},
        {Event::resumed, none, none, none, none, none, S::waiting},
        {Event::retried, none, none, none, S::waiting, S::waiting, none},
        {Event::device_gone, S::canceled, S::canceled, none, none, none, none},
        {Event::replaced, S::canceled, none, none, none, none, none},
    };
    REQUIRE(std::size(table) == kEvents);
    for (const Row& row : table) {
      struct Cell {
        State from;
        bool timed_out;
        To to;
      };
      const Cell cells[] = {{S::waiting, false, row.waiting},      {S::processing, false, row.processing},
                            {S::success, false, row.success},      {S::failed, false, row.failed},
                            {S::failed, true, row.failed_by_time}, {S::canceled, false, row.canceled}};
      for (const Cell& cell : cells) {
        CAPTURE(to_string(row.event));
        CAPTURE(to_string(cell.from));
        CAPTURE(cell.timed_out);
        Record record = in(cell.from, cell.timed_out);
        const std::string before = to_stored(record);
        CHECK(allows(record, row.event) == cell.to.has_value());
        CHECK(apply(record, row.event, {.text = "x", .progress = 5, .timeout = 1}, kNow + 5) == cell.to.has_value());
        CHECK(record.state == cell.to.value_or(cell.from));
        if (!cell.to) CHECK(to_stored(record) == before);
        if (cell.to) CHECK(to_stored(record) != before);
      }
    }
  }

  TEST_CASE("telling a device begins an attempt and both time limits [row 2]") {
    const Record record = processing();
    CHECK(record.attempt == 1);
    CHECK(record.upgrade_time == kNow);
    CHECK(record.ack_deadline == kNow + 60'000);
    CHECK(record.deadline == kNow + 3'600'000);
    CHECK(record.next_deadline() == record.ack_deadline);
    CHECK(record.message_id == "m1");
    CHECK(words(record) == std::vector<std::string>{"dispatched attempt 1"});
  }

  TEST_CASE("a device that pulls owes no answer [row 11]") {
    Record record = waiting();
    REQUIRE(apply(record, Event::dispatched, {.text = "q1", .timeout = 5000}, kNow));
    CHECK(record.ack_deadline == 0);
    CHECK(record.next_deadline() == kNow + 5000);
    CHECK(!apply(record, Event::ack_overdue, {}, kNow + 9999));
  }

  TEST_CASE("a message id that cannot be kept as it is, is not kept") {
    for (const std::string& id : {std::string(65, 'x'), std::string("a\nb"), std::string("\xFF")}) {
      Record record = waiting();
      REQUIRE(apply(record, Event::dispatched, {.text = id, .timeout = 5000}, kNow));
      CHECK(record.message_id.empty());
    }
  }

  TEST_CASE("what did not leave is as if it never had been told [row 3]") {
    Record record = waiting();
    const std::string before = to_stored(record);
    for (int i = 0; i < 100; ++i) {
      REQUIRE(apply(record, Event::dispatched, kTold, kNow));
      REQUIRE(apply(record, Event::undelivered, {}, kNow + 1));
    }
    CHECK(to_stored(record) == before);
  }

  TEST_CASE("what a device has given a sign of did leave") {
    for (const Event sign : {Event::acknowledged, Event::progressed}) {
      Record record = processing();
      REQUIRE(apply(record, sign, {}, kNow + 1));
      CHECK(!apply(record, Event::undelivered, {}, kNow + 2));
      CHECK(record.state == State::processing);
    }
  }

  TEST_CASE("an answer ends the wait for one, and a second answer is no news [row 4]") {
    Record record = processing();
    CHECK(apply(record, Event::acknowledged, {}, kNow + 7));
    CHECK(record.ack_time == kNow + 7);
    CHECK(record.ack_deadline == 0);
    CHECK(record.next_deadline() == record.deadline);
    const std::string before = to_stored(record);
    CHECK(!apply(record, Event::acknowledged, {}, kNow + 8));
    CHECK(to_stored(record) == before);
  }

  TEST_CASE("progress counts as an answer and never moves the overall time limit [row 7]") {
    Record record = processing();
    const Millis deadline = record.deadline;
    CHECK(apply(record, Event::progressed, {.progress = 30}, kNow + 7));
    CHECK(record.ack_time == kNow + 7);
    CHECK(record.ack_deadline == 0);
    CHECK(record.deadline == deadline);
    CHECK(record.progress == 30);
    CHECK(!apply(record, Event::progressed, {.progress = 30}, kNow + 8));
    CHECK(record.ack_time == kNow + 7);
  }

  TEST_CASE("progress is kept between 0 and 100, and may fall when a download begins anew") {
    struct Row {
      int said, shown;
    };
    Record record = processing();
    for (const Row& row : {Row{40, 40}, {-5, 0}, {900, 100}, {20, 20}}) {
      CHECK(apply(record, Event::progressed, {.progress = row.said}, kNow + 1));
      CHECK(record.progress == row.shown);
    }
  }

  TEST_CASE("progress concluded from bytes is at most 99 and yields to what the device says") {
    Record record = processing();
    CHECK(apply(record, Event::progressed, {.progress = 100, .from_device = false}, kNow + 1));
    CHECK(record.progress == 99);
    CHECK(!record.reported);
    CHECK(apply(record, Event::progressed, {.progress = 10}, kNow + 2));
    CHECK(record.progress == 10);
    CHECK(!apply(record, Event::progressed, {.progress = 50, .from_device = false}, kNow + 3));
    CHECK(record.progress == 10);
  }

  TEST_CASE("steps tell the first sign and each quarter once, however much a device talks") {
    Record record = processing();
    for (int round = 0; round < 10; ++round) {
      for (int i = 1; i <= 100; ++i) (void)apply(record, Event::progressed, {.progress = i}, kNow + i);
    }
    CHECK(words(record) == std::vector<std::string>{"dispatched attempt 1", "progressed 1%", "progressed 25%",
                                                    "progressed 50%", "progressed 75%", "progressed 100%"});
  }

  TEST_CASE("of many steps the first and the newest are kept") {
    Record record = waiting();
    for (int i = 0; i < 40; ++i) {
      REQUIRE(apply(record, Event::dispatched, kTold, kNow + i));
      REQUIRE(apply(record, Event::refused, {.text = "busy"}, kNow + i));
      REQUIRE(apply(record, Event::retried, {}, kNow + i));
      CHECK(record.steps.size() <= Record::kMaxSteps);
    }
    CHECK(record.steps.front().detail == "attempt 1");
    CHECK(record.steps[1].at > kNow + 30);
    CHECK(record.steps.back().event == "retried");
    CHECK(record.steps.size() == Record::kMaxSteps);
    CHECK(record.attempt == 40);
  }

  TEST_CASE("failures have the reason that people read [rows 5, 6, 9, 10]") {
    struct Row {
      Event event;
      const char* text;
      std::string reason;
      bool timed_out;
    };
    const Row table[] = {
        {Event::refused, "battery low", "battery low", false},
        {Event::refused, "", "refused by the device", false},
        {Event::broke, "bad crc", "bad crc", false},
        {Event::broke, "", "failed on the device", false},
        {Event::ack_overdue, "ignored", "response timeout", true},
        {Event::overdue, "ignored", "upgrade timeout (last progress 0%)", true},
    };
    for (const Row& row : table) {
      CAPTURE(row.reason);
      Record record = processing();
      REQUIRE(apply(record, row.event, {.text = row.text}, kNow + 9));
      CHECK(record.error_reason == row.reason);
      CHECK(record.timed_out == row.timed_out);
      CHECK(record.complete_time == kNow + 9);
      CHECK(record.next_deadline() == 0);
    }
    Record record = processing();
    REQUIRE(apply(record, Event::progressed, {.progress = 63}, kNow + 1));
    REQUIRE(apply(record, Event::overdue, {}, kNow + 2));
    CHECK(record.error_reason == "upgrade timeout (last progress 63%)");
  }

  TEST_CASE("nobody fails for want of an answer who has given a sign [row 6]") {
    Record record = processing();
    REQUIRE(apply(record, Event::progressed, {.from_device = false}, kNow + 1));
    CHECK(!apply(record, Event::ack_overdue, {}, kNow + 60'000));
  }

  TEST_CASE("a success is whole, and a late one says so [rows 8, 15, 16]") {
    for (const Event event : {Event::completed, Event::version_seen}) {
      Record record = processing();
      REQUIRE(apply(record, event, {}, kNow + 5));
      CHECK(record.progress == 100);
      CHECK(record.complete_time == kNow + 5);
      CHECK(record.note.empty());

      Record late = failed(true);
      REQUIRE(apply(late, event, {}, kNow + 8));
      CHECK(late.note == "late");
      CHECK(late.error_reason.empty());
      CHECK(!late.timed_out);
      CHECK(late.complete_time == kNow + 8);
    }
  }

  TEST_CASE("a retry clears what was, keeps the attempts and begins to count automatic ones anew [row 14]") {
    Record record = failed(true);
    record.auto_retries = 3;
    record.bytes_served = 77;
    REQUIRE(apply(record, Event::retried, {}, kNow + 9));
    CHECK(record.progress == 0);
    CHECK(record.bytes_served == 0);
    CHECK(record.error_reason.empty());
    CHECK(record.complete_time == 0);
    CHECK(record.upgrade_time == 0);
    CHECK(record.ack_time == 0);
    CHECK(record.deadline == 0);
    CHECK(!record.timed_out);
    CHECK(record.attempt == 1);
    CHECK(record.auto_retries == 0);
    CHECK(record.not_before == 0);
  }

  TEST_CASE("an automatic retry waits, counts, and keeps the reason among the steps") {
    Record record = failed(false);
    REQUIRE(apply(record, Event::retried, {.not_before = kNow + 60'000}, kNow + 9));
    CHECK(record.not_before == kNow + 60'000);
    CHECK(record.auto_retries == 1);
    CHECK(record.error_reason.empty());
    CHECK(words(record).back() == "retried bad crc");
    REQUIRE(apply(record, Event::dispatched, kTold, kNow + 60'000));
    CHECK(record.not_before == 0);
    CHECK(record.attempt == 2);
  }

  TEST_CASE("canceled records say why and can be resumed as new [rows 12, 13, 17]") {
    struct Row {
      Event event;
      const char* text;
      std::string reason;
    };
    const Row table[] = {
        {Event::stopped, "", ""},
        {Event::stopped, "error threshold: 1 of 2 devices failed", "error threshold: 1 of 2 devices failed"},
        {Event::replaced, "taken over by task t2", "taken over by task t2"},
        {Event::device_gone, "", "device removed"},
        {Event::device_gone, "device disabled", "device disabled"}};
    for (const Row& row : table) {
      Record record = waiting();
      REQUIRE(apply(record, row.event, {.text = row.text}, kNow));
      CHECK(record.error_reason == row.reason);
      REQUIRE(apply(record, Event::resumed, {}, kNow));
      CHECK(record.error_reason.empty());
      CHECK(record.state == State::waiting);
    }
    Record record = processing();
    REQUIRE(apply(record, Event::progressed, {.progress = 40}, kNow));
    REQUIRE(apply(record, Event::device_gone, {}, kNow));
    CHECK(record.next_deadline() == 0);
    REQUIRE(apply(record, Event::resumed, {}, kNow));
    CHECK(record.progress == 0);
  }

  TEST_CASE("texts of devices are cut at a character and hold nothing that harms") {
    struct Row {
      std::string said, kept;
    };
    const Row table[] = {
        {"bad crc", "bad crc"},
        {"two\nlines\x1b[31m", "two lines [31m"},
        {"\xC3\x28", "\xEF\xBF\xBD("},
        {"\xED\xA0\x80", "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD"},
        {"a\xC2\x85z", "a z"},
        {std::string("nul\0here", 8), "nul here"},
        {std::string(255, 'x') + "é", std::string(255, 'x')},
        {std::string(254, 'x') + "é", std::string(254, 'x') + "é"},
        {std::string(300, 'y'), std::string(256, 'y')},
        {"电池电量低", "电池电量低"},
    };
    for (const Row& row : table) {
      Record record = processing();
      REQUIRE(apply(record, Event::refused, {.text = row.said}, kNow));
      CHECK(record.error_reason == row.kept);
      CHECK(is_printable_utf8(record.error_reason));
    }
  }

  TEST_CASE("words of states are JetLinks' own, and back") {
    for (std::size_t i = 0; i < kStates; ++i) {
      const auto state = static_cast<State>(i);
      CHECK(state_from(to_string(state)) == state);
    }
    CHECK(to_string(State::canceled) == "canceled");
    CHECK(!state_from("queued"));
  }
}

}  // namespace jl::ota
