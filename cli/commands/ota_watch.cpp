// ota task watch, and --wait of the verbs that set a task going.
#include "cli/commands/ota_follow.hpp"
#include "cli/output/json_text.hpp"
#include "cli/output/paths.hpp"
#include "cli/output/width.hpp"
#include "cli/signals.hpp"

#include <utility>

namespace jl::cli {
namespace {

constexpr std::chrono::seconds kBetweenLines{1};  // in logs [cli.md 19]
constexpr std::chrono::milliseconds kNoLimit{0};

const control::Command& watch_command() { return *control::find_command("ota task", "watch"); }

std::string again(const std::string& task) { return "jlctl ota task watch " + task + " --wait"; }

std::string text_at(const json::value& from, std::string_view path) {
  const auto* value = find_path(from, path);
  return value ? plain_text(*value) : std::string();
}

// One document holds all of these formats, so it has to wait for the end.
bool waits_for_end(const Context& context) {
  const OutputOptions& options = context.out.options();
  return !for_people(context) && !options.quiet && options.format != Format::name && options.format != Format::jsonl;
}

}  // namespace

TaskFollower::TaskFollower(Context& context, std::string task, Lines lines)
    : context_(context),
      task_(std::move(task)),
      lines_(lines),
      until_(duration_or(context.args.value("wait-timeout").value_or("0"), kNoLimit)) {
  if (!for_people(context)) return;
  draws_ = context.env.err_is_tty;
  const bool seen_anyway = draws_ && (lines == Lines::remarks || context.env.out_is_tty);
  prints_ = !seen_anyway;
  if (draws_) say_on_signal(context.env.err, "\nthe task goes on: " + again(task_) + "\n");
}

TaskFollower::~TaskFollower() { forget_words(); }

Status TaskFollower::run() {
  Request request;
  request.path = path_for(watch_command(), task_);
  request.lines = request.endless = true;
  request.until = until_;
  request.idle = [this] {
    draw();
    print_if_due(false);
  };
  // Of a reader that was stopped for a while lines are left out, the last one perhaps: then it asks once more.
  for (int round = 0; round < 2 && !progress_.over; ++round) {
    const Status status =
        context_.client.stream(request, [this](json::value&& value) { return take(std::move(value)); });
    if (context_.out.sink().failed()) return {};
    if (status) continue;
    print_if_due(true);
    context_.console.end_progress();
    if (status.error().code == Errc::timeout && until_.passed()) return out_of_time();
    Error error = status.error();
    if (error.code == Errc::unavailable && error.hint.empty()) error.hint = again(task_) + " --connect-retry 1m";
    return error;
  }
  finish();
  if (progress_.over) return {};
  return Error(Errc::unavailable, "the daemon stopped telling about the task before it was over", again(task_));
}

// For programs. As remarks only where lines are what was asked for, and whole ones: fields were named of the result.
bool TaskFollower::shows_each() const {
  const OutputOptions& options = context_.out.options();
  if (lines_ == Lines::results) return !for_people(context_);
  return options.format == Format::jsonl && !options.quiet && options.fields.empty();
}

Result<bool> TaskFollower::take(json::value&& value) {
  auto progress = task_progress(value);
  if (progress) {
    progress_ = std::move(*progress);
    if (progress_.id.empty()) progress_.id = task_;
    pace_.add(std::chrono::steady_clock::now(), progress_.done());
    draw();
    print_if_due(false);
    if (shows_each()) JL_CHECK(context_.out.item(view_of(watch_command()), value));
    last_ = std::move(value);
  }
  if (!progress_.over && until_.passed()) return Error(Errc::timeout, "");
  return !context_.out.sink().failed();
}

std::string TaskFollower::bar_now() const {
  const std::string pace = pace_text(progress_, pace_.per_minute(std::chrono::steady_clock::now()));
  const std::size_t columns = context_.env.columns > 1 ? context_.env.columns - 1 : 79;
  return bar_line(progress_, pace, columns);
}

void TaskFollower::draw() {
  if (draws_ && !progress_.state.empty()) context_.console.progress(bar_now());
}

void TaskFollower::print_if_due(bool at_end) {
  if (!prints_ || progress_.state.empty()) return;
  std::string line = plain_line(progress_);
  const auto now = std::chrono::steady_clock::now();
  const bool due = printed_.empty() || at_end || progress_.over || now - printed_at_ >= kBetweenLines;
  if (!due || line == printed_) return;
  if (lines_ == Lines::results) {
    context_.out.sink().write(printable(line) + "\n");
    context_.out.sink().flush();
  } else {
    context_.console.line(printable(line));
  }
  printed_ = std::move(line);
  printed_at_ = now;
}

// The last picture stays.
void TaskFollower::finish() {
  print_if_due(true);
  if (draws_ && !progress_.state.empty()) context_.console.note(bar_now());
}

Error TaskFollower::out_of_time() const {
  std::string message = "\"" + task_ + "\" is not over yet";
  if (!progress_.state.empty()) message += ": " + counts_text(progress_);
  return {Errc::timeout, message + "; the task goes on", again(task_)};
}

Status check_wait_flags(const Context& context) {
  if (!context.args.has("wait-timeout") || context.args.has("wait")) return {};
  return Error(Errc::usage, "--wait-timeout says how long to wait, and --wait is not given",
               "jlctl " + context.args.command().label() + " ... --wait --wait-timeout " +
                   context.args.value("wait-timeout").value_or("1h"));
}

Result<int> show_task_change(Context& context, json::value reply, ShowOne show) {
  const int code = exit_after(context, text_at(reply, "result"));
  if (!context.args.has("wait")) {
    JL_CHECK(show(context, reply));
    return code;
  }
  const bool at_end = waits_for_end(context);
  if (at_end) {
    show_warnings(context, reply);
  } else {
    JL_CHECK(show(context, reply));
    context.out.sink().flush();
  }
  TaskFollower follower(context, text_at(reply, "id"), Lines::remarks);
  const Status followed = follower.run();
  if (at_end) {
    // The deed was done, whatever became of waiting.
    if (auto* document = reply.if_object(); document && follower.last()) (*document)["status"] = *follower.last();
    JL_CHECK(context.out.one(view_of(context.args.command()), reply));
  }
  if (!followed) return followed.error();
  if (auto failure = task_failure(follower.progress())) return std::move(*failure);
  return code;
}

Result<int> run_ota_task_watch(Context& context) {
  JL_CHECK(check_wait_flags(context));
  TaskFollower follower(context, context.args.words().front(), Lines::results);
  JL_CHECK(follower.run());
  if (!context.args.has("wait")) return kExitOk;
  if (auto failure = task_failure(follower.progress())) return std::move(*failure);
  return kExitOk;
}

}  // namespace jl::cli
