#include "cli/ota_progress.hpp"

#include "cli/output/json_text.hpp"
#include "cli/output/paths.hpp"

#include <fmt/format.h>
#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

namespace jl::cli {
namespace {

using std::chrono::seconds;

constexpr seconds kWindow{120};
constexpr seconds kSpacing{1};
constexpr seconds kLeastSpan{5};  // before that a rate would jump about
constexpr std::int64_t kLeastDone = 2;
constexpr std::size_t kMaxBar = 30;
constexpr std::size_t kMinBar = 8;

std::int64_t number_at(const json::value& from, std::string_view path) {
  const auto* value = find_path(from, path);
  return value && value->is_int64() ? std::max<std::int64_t>(value->get_int64(), 0) : 0;
}

std::string text_at(const json::value& from, std::string_view path) {
  const auto* value = find_path(from, path);
  return value ? plain_text(*value) : std::string();
}

std::string bar(const TaskProgress& progress, std::size_t width) {
  const double total = static_cast<double>(std::max<std::int64_t>(progress.total, 1));
  // Where each part ends, so that rounding neither loses nor adds a column. Only what is over fills the bar.
  const auto end_of = [&](std::int64_t devices) {
    const auto share = static_cast<std::size_t>(static_cast<double>(width) * static_cast<double>(devices) / total);
    return std::min(share, width);
  };
  const std::size_t success = end_of(progress.success);
  const std::size_t done = end_of(progress.done());
  const std::size_t begun = end_of(progress.done() + progress.processing);
  std::string out(success, '=');
  out.resize(done, 'x');
  out.resize(begun, '>');
  out.resize(width, ' ');
  return out;
}

std::string reason_text(const TaskProgress& progress) {
  return progress.reason.empty() ? std::string() : ", stopped: " + progress.reason;
}

std::string devices_text(std::int64_t count, std::int64_t total) {
  return fmt::format("{} of {} device{}", count, total, total == 1 ? "" : "s");
}

}  // namespace

std::optional<TaskProgress> task_progress(const json::value& line) {
  const auto* state = find_path(line, "state");
  if (!state || !state->is_string()) return std::nullopt;
  TaskProgress out;
  out.id = text_at(line, "id"), out.state = plain_text(*state), out.reason = text_at(line, "reason");
  out.percent = std::min<std::int64_t>(number_at(line, "progress"), 100);
  out.waiting = number_at(line, "waiting"), out.processing = number_at(line, "processing");
  out.success = number_at(line, "success"), out.failed = number_at(line, "failed");
  out.canceled = number_at(line, "canceled"), out.total = number_at(line, "total");
  out.group = number_at(line, "group.number"), out.groups = number_at(line, "group.of");
  const auto* over = find_path(line, "over");
  out.over = over && *over == json::value(true);
  return out;
}

void TaskPace::add(SteadyTime now, std::int64_t done) {
  if (done < done_) samples_.clear();
  done_ = done;
  if (samples_.empty() || now - samples_.back().at >= kSpacing) samples_.push_back({now, done});
  while (samples_.size() > 1 && now - samples_.front().at > kWindow) samples_.pop_front();
}

std::optional<double> TaskPace::per_minute(SteadyTime now) const {
  if (samples_.empty()) return std::nullopt;
  const auto span = now - samples_.front().at;
  const std::int64_t done = done_ - samples_.front().done;
  if (span < kLeastSpan || done < kLeastDone) return std::nullopt;
  return static_cast<double>(done) / std::chrono::duration<double, std::ratio<60>>(span).count();
}

std::string counts_text(const TaskProgress& progress) {
  std::string out = fmt::format("success {}", progress.success);
  const std::array<std::pair<const char*, std::int64_t>, 4> others{{{"failed", progress.failed},
                                                                    {"canceled", progress.canceled},
                                                                    {"processing", progress.processing},
                                                                    {"waiting", progress.waiting}}};
  for (const auto& [word, count] : others) {
    if (count > 0) out += fmt::format(", {} {}", word, count);
  }
  out += fmt::format(" of {}", progress.total);
  if (progress.groups > 0) out += fmt::format(", group {} of {}", progress.group, progress.groups);
  return out;
}

std::string plain_line(const TaskProgress& progress) {
  return fmt::format("{}: {} {}%, {}{}", progress.id, progress.state, progress.percent, counts_text(progress),
                     reason_text(progress));
}

std::string rough_duration(seconds time) {
  const std::int64_t total = std::max<std::int64_t>(time.count(), 0);
  if (total < 90) return fmt::format("{}s", total);
  const std::int64_t minutes = (total + 30) / 60;
  if (minutes < 90) return fmt::format("{}m", minutes);
  if (minutes < 48 * 60) return fmt::format("{}h{}m", minutes / 60, minutes % 60);
  return fmt::format("{}d{}h", minutes / (24 * 60), minutes / 60 % 24);
}

std::string pace_text(const TaskProgress& progress, std::optional<double> per_minute) {
  if (progress.over || !per_minute || *per_minute <= 0) return {};
  std::string out = *per_minute < 10 ? fmt::format("{:.1f}/min", *per_minute) : fmt::format("{:.0f}/min", *per_minute);
  constexpr double kMost = 99.0 * 24 * 60;  // minutes; beyond that it is no estimate
  const double minutes = static_cast<double>(progress.waiting + progress.processing) / *per_minute;
  if (minutes < kMost) {
    out += fmt::format(", about {} left", rough_duration(seconds(static_cast<std::int64_t>(std::ceil(minutes * 60)))));
  }
  return out;
}

std::string bar_line(const TaskProgress& progress, const std::string& pace, std::size_t columns) {
  std::string text = fmt::format("{:>3}% {}", progress.percent, counts_text(progress));
  if (!pace.empty()) text += ", " + pace;
  text += reason_text(progress);
  if (progress.over) text += ": " + progress.state;
  const std::size_t taken = progress.id.size() + 1 + 3 + text.size();  // "ID [bar] text"; ids and counts are ASCII
  const std::size_t room = columns > taken ? columns - taken : 0;
  if (room < kMinBar) return progress.id + " " + text;
  return progress.id + " [" + bar(progress, std::min(room, kMaxBar)) + "] " + text;
}

std::optional<Error> task_failure(const TaskProgress& progress) {
  if (progress.failed == 0 && progress.canceled == 0) return std::nullopt;
  std::string message;
  std::string hint;
  if (progress.failed > 0) {
    message = devices_text(progress.failed, progress.total) + " failed";
    if (progress.canceled > 0)
      message += fmt::format(", {} {} canceled", progress.canceled, progress.canceled == 1 ? "was" : "were");
    hint = "jlctl ota task devices " + progress.id + " --state failed";
  } else {
    message =
        devices_text(progress.canceled, progress.total) + (progress.canceled == 1 ? " was" : " were") + " canceled";
    hint = "jlctl ota task resume " + progress.id;
  }
  if (!progress.reason.empty()) message += "; the task stopped itself: " + progress.reason;
  return Error(Errc::job_failed, std::move(message), std::move(hint));
}

}  // namespace jl::cli
