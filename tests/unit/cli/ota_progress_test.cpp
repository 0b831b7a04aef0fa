// The line of an upgrade task, its pace, and what its end means.
#include "cli/ota_progress.hpp"
#include "cli/output/width.hpp"

#include <doctest/doctest.h>

using namespace jl;
using namespace jl::cli;
using namespace std::chrono_literals;

namespace {

TaskProgress halfway() {
  TaskProgress out;
  out.id = "roll-1", out.state = "processing", out.percent = 41;
  out.success = 412, out.failed = 3, out.processing = 50, out.waiting = 535, out.total = 1000;
  out.group = 2, out.groups = 3;
  return out;
}

TaskProgress ended(std::int64_t success, std::int64_t failed, std::int64_t canceled) {
  TaskProgress out;
  out.id = "roll-1", out.state = failed > 0 ? "failed" : canceled > 0 ? "canceled" : "success", out.over = true;
  out.success = success, out.failed = failed, out.canceled = canceled, out.total = success + failed + canceled;
  out.percent = out.total > 0 ? 100 * success / out.total : 0;
  return out;
}

}  // namespace

TEST_SUITE("cli.ota_progress") {
  TEST_CASE("a line of the stream is read; remarks and nonsense are none") {
    const auto line = task_progress(boost::json::parse(
        R"({"id":"roll-1","state":"processing","progress":41,"waiting":535,"processing":50,"success":412,"failed":3,
            "canceled":0,"total":1000,"over":false,"group":{"number":2,"of":3},"reason":"too many"})"));
    REQUIRE(line.has_value());
    CHECK(line->id == "roll-1");
    CHECK(counts_text(*line) == counts_text(halfway()));
    CHECK(line->reason == "too many");
    CHECK(!line->over);
    CHECK(line->done() == 415);
    for (const char* text : {"{\"dropped\":3}", "{}", "null", "[1]", "{\"state\":7}"}) {
      CAPTURE(text);
      CHECK(!task_progress(boost::json::parse(text)).has_value());
    }
    const auto odd =
        task_progress(boost::json::parse(R"({"state":"waiting","waiting":-4,"total":"x","progress":900,"over":1})"));
    REQUIRE(odd.has_value());
    CHECK(odd->waiting == 0);
    CHECK(odd->total == 0);
    CHECK(odd->percent == 100);
    CHECK(!odd->over);
  }

  TEST_CASE("counts that are 0 are left out, but never that of success") {
    CHECK(counts_text(halfway()) == "success 412, failed 3, processing 50, waiting 535 of 1000, group 2 of 3");
    CHECK(counts_text(ended(7, 0, 0)) == "success 7 of 7");
    CHECK(counts_text(ended(0, 1, 2)) == "success 0, failed 1, canceled 2 of 3");
    CHECK(plain_line(ended(7, 0, 0)) == "roll-1: success 100%, success 7 of 7");
    auto stopped = ended(5, 5, 0);
    stopped.reason = "5 devices failed";
    CHECK(plain_line(stopped) == "roll-1: failed 50%, success 5, failed 5 of 10, stopped: 5 devices failed");
  }

  TEST_CASE("the bar fills with what is over, and its parts are told apart without colour [cli.md 17]") {
    auto task = ended(5, 2, 0);
    task.over = false, task.processing = 1, task.waiting = 2, task.total = 10, task.percent = 50;
    CHECK(bar_line(task, "", 200) ==
          "roll-1 [===============xxxxxx>>>      ]  50% success 5, failed 2, processing 1, waiting 2 of 10");
    CHECK(bar_line(ended(7, 0, 0), "", 200) == "roll-1 [==============================] 100% success 7 of 7: success");
    CHECK(bar_line(ended(0, 0, 0), "", 200).find("[                              ]") != std::string::npos);
    // One of very many is not yet a column; a bar is full only when nobody is left.
    auto nearly = ended(99'999, 0, 0);
    nearly.over = false, nearly.waiting = 1, nearly.total = 100'000;
    CHECK(bar_line(nearly, "", 200).find("= ]") != std::string::npos);
  }

  TEST_CASE("the bar gets what the line leaves of the terminal, and gives way") {
    const std::string pace = "34/min, about 16m left";
    constexpr std::size_t kLeastBar = 8;
    const std::size_t without = display_width(bar_line(halfway(), pace, 1));
    for (std::size_t columns = 1; columns < 200; ++columns) {
      CAPTURE(columns);
      const std::string line = bar_line(halfway(), pace, columns);
      const bool has_bar = line.find('[') != std::string::npos;
      const bool fits = display_width(line) <= columns;
      CHECK((fits || !has_bar));
      CHECK(has_bar == (columns >= without + 3 + kLeastBar));
      CHECK(line.find(" 41% success 412") != std::string::npos);
    }
  }

  TEST_CASE("a pace is told once there is one: after a while, and two devices") {
    const SteadyTime start{};
    TaskPace pace;
    CHECK(!pace.per_minute(start).has_value());
    pace.add(start, 10);
    pace.add(start + 4s, 20);
    CHECK(!pace.per_minute(start + 4s).has_value());
    CHECK(pace.per_minute(start + 10s).value() == doctest::Approx(60));
    CHECK(pace.per_minute(start + 60s).value() == doctest::Approx(10));
    TaskPace slow;
    slow.add(start, 10);
    slow.add(start + 60s, 11);
    CHECK(!slow.per_minute(start + 60s).has_value());
  }

  TEST_CASE("a pace forgets what was minutes ago, and what was before devices were tried again") {
    const SteadyTime start{};
    TaskPace pace;
    std::int64_t done = 0;
    for (int i = 0; i < 600; ++i) pace.add(start + std::chrono::seconds(i), done += 10);
    for (int i = 600; i < 900; ++i) pace.add(start + std::chrono::seconds(i), done += 1);
    CHECK(pace.per_minute(start + 899s).value() == doctest::Approx(60));
    pace.add(start + 900s, 4);
    CHECK(!pace.per_minute(start + 930s).has_value());
    pace.add(start + 910s, 14);
    CHECK(pace.per_minute(start + 910s).value() == doctest::Approx(60));
  }

  TEST_CASE("pace and time left are said when they can be") {
    CHECK(pace_text(halfway(), 34.2) == "34/min, about 17m left");
    CHECK(pace_text(halfway(), 2.5) == "2.5/min, about 3h54m left");
    CHECK(pace_text(halfway(), 0.001) == "0.0/min");
    CHECK(pace_text(halfway(), std::nullopt).empty());
    CHECK(pace_text(halfway(), 0).empty());
    CHECK(pace_text(ended(7, 0, 0), 34).empty());
    const std::vector<std::pair<std::chrono::seconds, std::string>> rows{
        {-3s, "0s"},    {0s, "0s"},       {89s, "89s"},   {90s, "2m"},  {16min, "16m"},
        {89min, "89m"}, {90min, "1h30m"}, {47h, "47h0m"}, {76h, "3d4h"}};
    for (const auto& [time, text] : rows) {
      CAPTURE(text);
      CHECK(rough_duration(time) == text);
    }
  }

  TEST_CASE("a task is done well when every device was upgraded; all else is a failed job [cli.md 43]") {
    struct Row {
      TaskProgress end;
      std::string message, hint;
    };
    const std::vector<Row> rows{
        {ended(995, 3, 2), "3 of 1000 devices failed, 2 were canceled", "jlctl ota task devices roll-1 --state failed"},
        {ended(999, 1, 0), "1 of 1000 devices failed", "jlctl ota task devices roll-1 --state failed"},
        {ended(0, 1, 0), "1 of 1 device failed", "jlctl ota task devices roll-1 --state failed"},
        {ended(8, 1, 1), "1 of 10 devices failed, 1 was canceled", "jlctl ota task devices roll-1 --state failed"},
        {ended(8, 0, 1), "1 of 9 devices was canceled", "jlctl ota task resume roll-1"},
        {ended(8, 0, 2), "2 of 10 devices were canceled", "jlctl ota task resume roll-1"}};
    for (const Row& row : rows) {
      CAPTURE(row.message);
      const auto error = task_failure(row.end);
      REQUIRE(error.has_value());
      CHECK(error->code == Errc::job_failed);
      CHECK(info(error->code).exit_code == 10);
      CHECK(error->message == row.message);
      CHECK(error->hint == row.hint);
    }
    CHECK(!task_failure(ended(1000, 0, 0)).has_value());
    auto stopped = ended(1, 5, 4);
    stopped.reason = "5 of 10 devices failed";
    CHECK(task_failure(stopped)->message ==
          "5 of 10 devices failed, 4 were canceled; the task stopped itself: 5 of 10 devices failed");
  }
}
