// Records as the store keeps them and as the API shows them.
#include "daemon/ota/record.hpp"

#include <limits>
#include <utility>

namespace jl::ota {
namespace json = boost::json;

namespace {

constexpr std::int64_t kMaxTime = 253'402'300'799'999;  // the end of 9999, the last year that RFC 3339 can write
constexpr std::int64_t kMaxCount = 1'000'000'000;
constexpr std::size_t kMaxText = 1024;

void put(json::object& out, const char* name, std::int64_t value) {
  if (value != 0) out[name] = value;
}
void put(json::object& out, const char* name, const std::string& text) {
  if (!text.empty()) out[name] = clean_text(text);
}
void put_flag(json::object& out, const char* name, bool value) {
  if (value) out[name] = true;
}
void put_time(json::object& out, const char* name, Millis time) {
  if (time != 0) out[name] = format_time(time);
}

/// Members of an object, each with its type and bounds; remembers the first that is not so.
class Members {
 public:
  explicit Members(const json::object& object) : object_(object) {}

  std::int64_t number(const char* name, std::int64_t max) {
    const auto* value = object_.if_contains(name);
    if (!value) return 0;
    const auto* number = value->if_int64();
    if (number && *number >= 0 && *number <= max) return *number;
    return reject(name), 0;
  }
  std::string text(const char* name) {
    const auto* value = object_.if_contains(name);
    if (!value) return {};
    const auto* text = value->if_string();
    if (text && text->size() <= kMaxText) return std::string(*text);
    return reject(name), std::string();
  }
  bool flag(const char* name) {
    const auto* value = object_.if_contains(name);
    if (!value) return false;
    if (!value->is_bool()) reject(name);
    return value->is_bool() && value->get_bool();
  }
  const json::value* find(const char* name) const { return object_.if_contains(name); }
  void reject(const char* name) {
    if (wrong_.empty()) wrong_ = name;
  }
  /// Name of the member that is wrong; "" = none.
  [[nodiscard]] const std::string& wrong() const { return wrong_; }

 private:
  const json::object& object_;
  std::string wrong_;
};

json::array stored_steps(const Record& record) {
  json::array steps;
  for (const Step& step : record.steps) {
    json::array line{step.at, step.event};
    if (!step.detail.empty()) line.emplace_back(clean_text(step.detail));
    steps.emplace_back(std::move(line));
  }
  return steps;
}

bool read_steps(const json::value& value, std::vector<Step>& out) {
  const auto* lines = value.if_array();
  if (!lines || lines->size() > Record::kMaxSteps) return false;
  for (const auto& each : *lines) {
    const auto* line = each.if_array();
    if (!line || line->size() < 2 || line->size() > 3) return false;
    const auto* at = (*line)[0].if_int64();
    if (!at || *at < 0 || *at > kMaxTime) return false;
    for (std::size_t i = 1; i < line->size(); ++i) {
      if (!(*line)[i].is_string() || (*line)[i].get_string().size() > kMaxText) return false;
    }
    out.push_back({*at, std::string((*line)[1].get_string()),
                   line->size() == 3 ? std::string((*line)[2].get_string()) : std::string()});
  }
  return true;
}

void read_numbers(Members& in, Record& out) {
  out.progress = static_cast<int>(in.number("progress", 100));
  out.milestone = static_cast<int>(in.number("milestone", 100));
  out.attempt = static_cast<int>(in.number("attempt", kMaxCount));
  out.auto_retries = static_cast<int>(in.number("autoRetries", kMaxCount));
  out.group = static_cast<std::uint32_t>(in.number("group", Record::kMaxGroups - 1));
  out.bytes_served = static_cast<std::uint64_t>(in.number("bytesServed", std::numeric_limits<std::int64_t>::max()));
}

void read_times(Members& in, Record& out) {
  out.create_time = in.number("createTime", kMaxTime);
  out.upgrade_time = in.number("upgradeTime", kMaxTime);
  out.ack_time = in.number("ackTime", kMaxTime);
  out.ack_deadline = in.number("ackDeadline", kMaxTime);
  out.deadline = in.number("deadline", kMaxTime);
  out.complete_time = in.number("completeTime", kMaxTime);
  out.not_before = in.number("notBefore", kMaxTime);
}

}  // namespace

std::string to_stored(const Record& record) {
  json::object out;
  out["state"] = to_string(record.state);
  put(out, "progress", record.progress);
  put(out, "milestone", record.milestone);
  put_flag(out, "reported", record.reported);
  put_flag(out, "timedOut", record.timed_out);
  put(out, "attempt", record.attempt);
  put(out, "autoRetries", record.auto_retries);
  put(out, "group", record.group);
  put(out, "createTime", record.create_time);
  put(out, "upgradeTime", record.upgrade_time);
  put(out, "ackTime", record.ack_time);
  put(out, "ackDeadline", record.ack_deadline);
  put(out, "deadline", record.deadline);
  put(out, "completeTime", record.complete_time);
  put(out, "notBefore", record.not_before);
  put(out, "bytesServed", static_cast<std::int64_t>(record.bytes_served));
  put(out, "oldVersion", record.old_version);
  put(out, "messageId", record.message_id);
  put(out, "errorReason", record.error_reason);
  put(out, "note", record.note);
  if (!record.steps.empty()) out["steps"] = stored_steps(record);
  return json::serialize(out);
}

Result<Record> record_from_stored(std::string_view device_id, std::string_view text) {
  const auto corrupt = [&](const std::string& why) {
    return Error(Errc::corrupt, "upgrade record of device \"" + clean_text(device_id) + "\": " + why);
  };
  json::error_code failed;
  const json::value value = json::parse(json::string_view(text.data(), text.size()), failed);
  if (failed || !value.is_object()) return corrupt("is no JSON object");
  Members in(value.get_object());
  Record out;
  out.device_id = std::string(device_id);
  const auto state = state_from(in.text("state"));
  if (!state) in.reject("state");
  out.state = state.value_or(State::waiting);
  read_numbers(in, out);
  read_times(in, out);
  out.reported = in.flag("reported");
  out.timed_out = in.flag("timedOut");
  out.old_version = in.text("oldVersion");
  out.message_id = in.text("messageId");
  out.error_reason = in.text("errorReason");
  out.note = in.text("note");
  if (const auto* steps = in.find("steps"); steps && !read_steps(*steps, out.steps)) in.reject("steps");
  // Without a time limit it would never end.
  if (out.state == State::processing && out.deadline == 0) in.reject("deadline");
  if (!in.wrong().empty()) return corrupt("its " + in.wrong() + " makes no sense");
  return out;
}

json::object to_document(const Record& record, bool full) {
  json::object out;
  out["deviceId"] = record.device_id;
  out["state"] = to_string(record.state);
  out["progress"] = record.progress;
  out["attempt"] = record.attempt;
  out["group"] = record.group;
  put_time(out, "createTime", record.create_time);
  put_time(out, "upgradeTime", record.upgrade_time);
  put_time(out, "ackTime", record.ack_time);
  put_time(out, "deadline", record.deadline);
  put_time(out, "completeTime", record.complete_time);
  put_time(out, "notBefore", record.not_before);
  if (record.bytes_served != 0) out["bytesServed"] = record.bytes_served;
  put(out, "oldVersion", record.old_version);
  put(out, "errorReason", record.error_reason);
  put(out, "note", record.note);
  if (!full) return out;
  json::array steps;
  for (const Step& step : record.steps) {
    json::object line{{"time", format_time(step.at)}, {"event", step.event}};
    put(line, "detail", step.detail);
    steps.emplace_back(std::move(line));
  }
  out["steps"] = std::move(steps);
  return out;
}

}  // namespace jl::ota
