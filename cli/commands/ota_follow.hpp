#pragma once
// Following an upgrade task to its end: on a terminal in one line that is drawn again and again, elsewhere in a line
// for each change, for programs as JSON lines.
#include "cli/commands/handlers.hpp"
#include "cli/ota_progress.hpp"

#include <optional>
#include <string>

namespace jl::cli {

/// What the lines are to the caller: all that was asked for, or remarks besides the result of a change.
enum class Lines : std::uint8_t { results, remarks };

class TaskFollower {
 public:
  TaskFollower(Context& context, std::string task, Lines lines);
  ~TaskFollower();
  TaskFollower(const TaskFollower&) = delete;
  TaskFollower& operator=(const TaskFollower&) = delete;

  /// Until the task is over. Errors: timeout (--wait-timeout passed; the task goes on), unavailable (the daemon went
  /// away), not_found (it was deleted), those of asking.
  [[nodiscard]] Status run();
  /// What was seen last, as the daemon told it.
  [[nodiscard]] const std::optional<json::value>& last() const { return last_; }
  /// The same as numbers; without any before something came.
  [[nodiscard]] const TaskProgress& progress() const { return progress_; }

 private:
  Result<bool> take(json::value&& value);
  [[nodiscard]] bool shows_each() const;
  void draw();
  void print_if_due(bool at_end);
  void finish();
  [[nodiscard]] Error out_of_time() const;
  [[nodiscard]] std::string bar_now() const;

  Context& context_;
  const std::string task_;
  const Lines lines_;
  const Deadline until_;
  bool draws_ = false;   ///< on the terminal that standard error is
  bool prints_ = false;  ///< a line for each change, for people
  TaskProgress progress_{};
  TaskPace pace_;
  std::optional<json::value> last_;
  std::string printed_;
  SteadyTime printed_at_{};
};

/// --wait-timeout says how long to wait, so it needs --wait. Errors: usage.
[[nodiscard]] Status check_wait_flags(const Context& context);

/// Shows what a change of a task answered, and with --wait follows the task to its end first or afterwards, whichever
/// the output format needs. Errors: those of following, job_failed when devices were not upgraded.
[[nodiscard]] Result<int> show_task_change(Context& context, json::value reply, ShowOne show);

}  // namespace jl::cli
