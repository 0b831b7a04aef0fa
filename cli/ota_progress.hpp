#pragma once
// How far an upgrade task is, for people: one line, how fast it goes, and what its end means for scripts. Pure: the
// time is passed in.
#include "cli/http.hpp"
#include "common/base/error.hpp"

#include <boost/json.hpp>
#include <chrono>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>

namespace jl::cli {

/// A line of GET /v1/ota-tasks/{id}/watch.
struct TaskProgress {
  std::string id{}, state{}, reason{};
  std::int64_t percent = 0;  ///< devices that have the new version, of all
  std::int64_t waiting = 0, processing = 0, success = 0, failed = 0, canceled = 0, total = 0;
  std::int64_t group = 0, groups = 0;  ///< 0 = all at once
  bool over = false;                   ///< nobody waits or is being upgraded

  /// Devices of which nothing more is expected.
  [[nodiscard]] std::int64_t done() const { return success + failed + canceled; }
};

/// Reads one; nothing when it is something else, such as a remark that lines were left out.
[[nodiscard]] std::optional<TaskProgress> task_progress(const boost::json::value& line);

/// How many devices come to their end per minute, by the last two minutes.
class TaskPace {
 public:
  /// `done` devices have come to their end by now. Fewer than before (some are tried again) begins anew.
  void add(SteadyTime now, std::int64_t done);
  /// Nothing when too little was seen to say.
  [[nodiscard]] std::optional<double> per_minute(SteadyTime now) const;

 private:
  struct Sample {
    SteadyTime at;
    std::int64_t done;
  };
  std::deque<Sample> samples_;  // a second apart
  std::int64_t done_ = 0;
};

/// "success 412, failed 3, processing 50, waiting 535 of 1000, group 2 of 3"; those that are 0 are left out.
[[nodiscard]] std::string counts_text(const TaskProgress& progress);
/// "roll-1: processing 41%, " and the counts, and why it stopped itself.
[[nodiscard]] std::string plain_line(const TaskProgress& progress);
/// "34/min, about 16m left", or "" when that cannot be said.
[[nodiscard]] std::string pace_text(const TaskProgress& progress, std::optional<double> per_minute);
/// "roll-1 [====x>>     ]  41% " and counts and pace. The bar gets what the line leaves of that many columns, and is
/// left out where that is too little. '=' = success, 'x' = failed or canceled, '>' = being upgraded.
[[nodiscard]] std::string bar_line(const TaskProgress& progress, const std::string& pace, std::size_t columns);
/// "45s", "16m", "2h10m", "3d4h": about so long.
[[nodiscard]] std::string rough_duration(std::chrono::seconds time);

/// What --wait ends with: nothing when every device was upgraded, else job_failed with how many were not.
[[nodiscard]] std::optional<Error> task_failure(const TaskProgress& progress);

}  // namespace jl::cli
