#pragma once
// What jlctl says besides its results: errors, warnings, remarks and progress, all on standard error.
#include "cli/environment.hpp"
#include "common/base/error.hpp"

#include <boost/json.hpp>
#include <chrono>
#include <string>
#include <string_view>

namespace jl::cli {

class Console {
 public:
  explicit Console(const Environment& env) : env_(env) {}
  ~Console() { end_progress(); }
  Console(const Console&) = delete;
  Console& operator=(const Console&) = delete;

  /// Errors and warnings as JSON lines.
  void set_json(bool json) { json_ = json; }
  void set_colour(bool colour) { colour_ = colour; }
  void set_quiet(bool quiet) { quiet_ = quiet; }

  /// "jlctl: error[CODE]: what (object)", every problem, and a hint; or {"error":{...}}.
  void error(const Error& error, std::string_view object = {}, std::string_view request_id = {});
  void warning(std::string_view text);
  /// A remark for a person: only on a terminal.
  void note(std::string_view text);
  /// A line that the next one replaces: only on a terminal, at most ten a second.
  void progress(std::string_view text);
  void end_progress();
  /// As it is.
  void line(std::string_view text);

 private:
  const Environment& env_;
  bool json_ = false;
  bool colour_ = false;
  bool quiet_ = false;
  bool in_progress_ = false;
  std::chrono::steady_clock::time_point last_progress_{};
  std::string in_sight_{};  ///< the line of progress that is there
};

/// {"code","message","exitCode","retryable","hint"?,"field"?,"object"?,"requestId"?,"problems"?} and the error's own
/// members
[[nodiscard]] boost::json::object error_document(const Error& error, std::string_view object = {},
                                                 std::string_view request_id = {});

}  // namespace jl::cli
