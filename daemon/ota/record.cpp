#include "daemon/ota/record.hpp"

#include "common/base/words.hpp"

#include <algorithm>
#include <array>

namespace jl::ota {
namespace {

constexpr std::array<std::string_view, kStates> kStateWords{"waiting", "processing", "success", "failed", "canceled"};
constexpr std::array<std::string_view, kEvents> kEventWords{
    "dispatched",  "undelivered", "acknowledged", "refused", "progressed", "completed",   "broke",   "version_seen",
    "ack_overdue", "overdue",     "stopped",      "resumed", "retried",    "device_gone", "replaced"};

constexpr int kMaxAttempt = 1'000'000'000;
constexpr std::size_t kMaxMessageId = 64;

/// What happens, as the effects see it.
struct Happening {
  Event event;
  const Facts& facts;
  Millis now;
};

void add_step(Record& record, const Happening& what, std::string detail = {}) {
  // The first step and the newest ones tell most.
  if (record.steps.size() >= Record::kMaxSteps) record.steps.erase(record.steps.begin() + 1);
  record.steps.push_back({what.now, std::string(to_string(what.event)), std::move(detail)});
}

std::string percent(int value) { return std::to_string(value) + "%"; }

std::string text_or(const Happening& what, const char* otherwise) {
  std::string text = clean_text(what.facts.text);
  return text.empty() ? otherwise : text;
}

void end_limits(Record& record) { record.ack_deadline = record.deadline = record.not_before = 0; }

// ---- effects: what a transition does besides changing the state. False: nothing is different.

bool begin(Record& record, const Happening& what) {
  const Facts& facts = what.facts;
  record.attempt = std::min(record.attempt + 1, kMaxAttempt);
  record.upgrade_time = what.now;
  record.ack_time = record.not_before = 0;
  record.ack_deadline = facts.response_timeout > 0 ? what.now + facts.response_timeout : 0;
  record.deadline = what.now + std::max<Millis>(facts.timeout, 1);
  // The id of a device that pulls is its own and only told apart from others: one that cannot be kept as it is, is
  // none.
  const bool is_plain = facts.text.size() <= kMaxMessageId && is_printable_utf8(facts.text);
  record.message_id = is_plain ? std::string(facts.text) : std::string();
  add_step(record, what, "attempt " + std::to_string(record.attempt));
  return true;
}

// As if it had never been told; not even a step is left, for a device whose connection comes and goes would fill them.
bool take_back(Record& record, const Happening&) {
  record.attempt = std::max(record.attempt - 1, 0);
  record.upgrade_time = 0;
  record.message_id.clear();
  end_limits(record);
  if (!record.steps.empty() && record.steps.back().event == to_string(Event::dispatched)) record.steps.pop_back();
  return true;
}

bool acknowledge(Record& record, const Happening& what) {
  if (record.ack_time != 0 && record.ack_deadline == 0) return false;
  if (record.ack_time == 0) record.ack_time = what.now;
  record.ack_deadline = 0;
  add_step(record, what);
  return true;
}

// A device that restarts its download begins anew, so progress may fall; the overall time limit stays where it is.
bool progress(Record& record, const Happening& what) {
  const bool first_sign = record.ack_time == 0, told = what.facts.from_device;
  const int before = record.progress;
  if (told || !record.reported) record.progress = std::clamp(what.facts.progress, 0, told ? 100 : 99);
  const int quarter = record.progress / 25 * 25;
  const bool is_step = first_sign || quarter > record.milestone;
  const bool is_news = is_step || record.ack_deadline != 0 || record.progress != before || (told && !record.reported);
  record.reported = record.reported || told;
  if (first_sign) record.ack_time = what.now;
  record.ack_deadline = 0;
  record.milestone = std::max(record.milestone, quarter);
  if (is_step) add_step(record, what, percent(record.progress));
  return is_news;
}

bool succeed(Record& record, const Happening& what) {
  const bool late = record.state == State::failed;
  record.progress = 100;
  record.complete_time = what.now;
  record.error_reason.clear();
  record.timed_out = false;
  if (late) record.note = "late";
  end_limits(record);
  add_step(record, what, late ? "late" : clean_text(what.facts.text));
  return true;
}

void fail(Record& record, const Happening& what, std::string reason) {
  record.complete_time = what.now;
  record.error_reason = std::move(reason);
  end_limits(record);
  add_step(record, what, record.error_reason);
}
bool fail_as_told(Record& record, const Happening& what) {
  fail(record, what, text_or(what, what.event == Event::refused ? "refused by the device" : "failed on the device"));
  return true;
}
bool fail_unanswered(Record& record, const Happening& what) {
  fail(record, what, "response timeout");
  return record.timed_out = true;
}
bool fail_unfinished(Record& record, const Happening& what) {
  fail(record, what, "upgrade timeout (last progress " + percent(record.progress) + ")");
  return record.timed_out = true;
}

bool cancel(Record& record, const Happening& what) {
  record.error_reason = text_or(what, what.event == Event::device_gone ? "device removed" : "");
  end_limits(record);
  add_step(record, what, record.error_reason);
  return true;
}

// What was is over; how often it was told stays.
bool start_over(Record& record, const Happening& what) {
  const bool by_itself = what.event == Event::retried && what.facts.not_before != 0;
  add_step(record, what, by_itself ? record.error_reason : std::string());
  record.progress = record.milestone = 0;
  record.reported = record.timed_out = false;
  record.upgrade_time = record.ack_time = record.complete_time = 0;
  record.bytes_served = 0;
  record.message_id.clear();
  record.error_reason.clear();
  record.note.clear();
  end_limits(record);
  if (by_itself) {
    record.not_before = what.facts.not_before;
    record.auto_retries = std::min(record.auto_retries + 1, kMaxAttempt);
  } else if (what.event == Event::retried) {
    record.auto_retries = 0;
  }
  return true;
}

// ---- the table of operations.md 1.3

using Condition = bool (*)(const Record&);
bool always(const Record&) { return true; }
bool gave_no_sign(const Record& record) { return record.ack_time == 0; }
bool owes_answer(const Record& record) { return record.ack_deadline != 0; }
bool timed_out(const Record& record) { return record.timed_out; }

struct Row {
  State from;
  Event event;
  State to;
  Condition when;
  bool (*effect)(Record&, const Happening&);
};

// clang-format off
constexpr Row kTable[] = {
    {State::waiting,    Event::dispatched,   State::processing, always,       begin},            // 2, 11
    {State::processing, Event::undelivered,  State::waiting,    gave_no_sign, take_back},        // 3
    {State::processing, Event::acknowledged, State::processing, always,       acknowledge},      // 4
    {State::processing, Event::refused,      State::failed,     always,       fail_as_told},     // 5
    {State::processing, Event::ack_overdue,  State::failed,     owes_answer,  fail_unanswered},  // 6
    {State::processing, Event::progressed,   State::processing, always,       progress},         // 7
    {State::processing, Event::completed,    State::success,    always,       succeed},          // 8
    {State::waiting,    Event::completed,    State::success,    always,       succeed},          // 8
    {State::processing, Event::broke,        State::failed,     always,       fail_as_told},     // 9
    {State::processing, Event::overdue,      State::failed,     always,       fail_unfinished},  // 10
    {State::waiting,    Event::stopped,      State::canceled,   always,       cancel},           // 12
    {State::canceled,   Event::resumed,      State::waiting,    always,       start_over},       // 13
    {State::failed,     Event::retried,      State::waiting,    always,       start_over},       // 14
    {State::processing, Event::version_seen, State::success,    always,       succeed},          // 15
    {State::waiting,    Event::version_seen, State::success,    always,       succeed},          // 15
    {State::failed,     Event::completed,    State::success,    timed_out,    succeed},          // 16
    {State::failed,     Event::version_seen, State::success,    timed_out,    succeed},          // 16
    {State::waiting,    Event::device_gone,  State::canceled,   always,       cancel},           // 17
    {State::processing, Event::device_gone,  State::canceled,   always,       cancel},           // 17
    {State::waiting,    Event::replaced,     State::canceled,   always,       cancel},
};
// clang-format on

const Row* find_row(const Record& record, Event event) {
  for (const Row& row : kTable) {
    if (row.from == record.state && row.event == event) return row.when(record) ? &row : nullptr;
  }
  return nullptr;
}

}  // namespace

std::string_view to_string(State state) { return kStateWords[static_cast<std::size_t>(state)]; }
std::string_view to_string(Event event) { return kEventWords[static_cast<std::size_t>(event)]; }

std::optional<State> state_from(std::string_view word) {
  for (std::size_t i = 0; i < kStates; ++i) {
    if (kStateWords[i] == word) return static_cast<State>(i);
  }
  return std::nullopt;
}

bool allows(const Record& record, Event event) { return find_row(record, event) != nullptr; }

bool apply(Record& record, Event event, const Facts& facts, Millis now) {
  const Row* row = find_row(record, event);
  if (!row || !row->effect(record, {event, facts, now})) return false;
  record.state = row->to;
  return true;
}

}  // namespace jl::ota
