#include "cli/console.hpp"

#include "cli/output/colour.hpp"
#include "cli/output/json_text.hpp"
#include "cli/output/sink.hpp"
#include "cli/output/width.hpp"
#include "common/control/problem.hpp"

#include <algorithm>

namespace jl::cli {
namespace {

constexpr std::size_t kMaxProblemsShown = 100;

std::string problem_line(const Problem& problem) {
  std::string out = "  ";
  if (problem.position) {
    out += problem.position->file + ":" + std::to_string(problem.position->line) + ":";
    if (problem.position->column > 0) out += std::to_string(problem.position->column) + ":";
    out += " ";
  }
  if (!problem.object.empty()) out += problem.object + ": ";
  if (!problem.field.empty()) out += problem.field + ": ";
  return printable(out + problem.message) + "\n";
}

}  // namespace

json::object error_document(const Error& error, std::string_view object, std::string_view request_id) {
  const ErrcInfo& row = info(error.code);
  json::object out{
      {"code", row.word}, {"message", error.message}, {"exitCode", row.exit_code}, {"retryable", row.retryable}};
  if (!error.hint.empty()) out["hint"] = error.hint;
  if (!error.field.empty()) out["field"] = error.field;
  if (!object.empty()) out["object"] = object;
  if (!request_id.empty()) out["requestId"] = request_id;
  if (!error.problems.empty()) out["problems"] = control::problem_list(error.problems);
  for (const auto& [name, value] : error.members) {
    if (!out.contains(name)) out[name] = value;
  }
  return out;
}

void Console::line(std::string_view text) { write_all(env_.err, std::string(text) + "\n"); }

void Console::error(const Error& error, std::string_view object, std::string_view request_id) {
  end_progress();
  if (json_) {
    line(compact_json(json::object{{"error", error_document(error, object, request_id)}}));
    return;
  }
  const bool listed = error.problems.size() > 1 || (error.problems.size() == 1 && error.problems[0].position);
  std::string out = "jlctl: " + styled("error[" + std::string(error.word()) + "]", Style::bad, colour_) + ": ";
  out += listed && error.problems.size() > 1 ? std::to_string(error.problems.size()) + " problems"
                                             : printable(error.message);
  if (!object.empty() && error.message.find(object) == std::string::npos) out += " (" + printable(object) + ")";
  out += "\n";
  if (listed) {
    const std::size_t shown = std::min(error.problems.size(), kMaxProblemsShown);
    for (std::size_t i = 0; i < shown; ++i) out += problem_line(error.problems[i]);
    if (shown < error.problems.size()) out += "  ... and " + std::to_string(error.problems.size() - shown) + " more\n";
  }
  if (!error.hint.empty()) out += "hint: " + printable(error.hint) + "\n";
  write_all(env_.err, out);
}

void Console::warning(std::string_view text) {
  end_progress();
  if (json_) {
    line(compact_json(json::object{{"warning", json::object{{"message", text}}}}));
  } else {
    line("jlctl: " + styled("warning", Style::warn, colour_) + ": " + printable(text));
  }
}

void Console::note(std::string_view text) {
  if (!env_.err_is_tty || quiet_ || json_) return;
  end_progress();
  line(printable(text));
}

void Console::progress(std::string_view text) {
  if (!env_.err_is_tty || quiet_ || json_) return;
  const auto now = std::chrono::steady_clock::now();
  if (in_progress_ && now - last_progress_ < std::chrono::milliseconds(100)) return;
  if (in_progress_ && text == in_sight_) return;
  last_progress_ = now;
  in_progress_ = true;
  in_sight_ = text;
  write_all(env_.err, "\r\x1b[K" + cut_to_width(printable(text), env_.columns > 1 ? env_.columns - 1 : 79));
}

void Console::end_progress() {
  if (!in_progress_) return;
  in_progress_ = false;
  write_all(env_.err, "\r\x1b[K");
}

}  // namespace jl::cli
