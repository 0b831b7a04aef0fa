// What devices say and what they are told.
#include "daemon/base/log.hpp"
#include "daemon/device/records.hpp"
#include "daemon/ota/upgrades.hpp"

#include <algorithm>
#include <chrono>

namespace jl::ota {
namespace json = boost::json;
using codec::MessageType;

namespace {

constexpr std::size_t kAtOnce = 256;  // told in one go, so that the lock is not held for long
constexpr Millis kBusyPause = 5000;
constexpr Millis kAbsentPause = 60'000;  // no way to it although it counts as online
constexpr std::chrono::milliseconds kTurn{1000};
constexpr std::chrono::milliseconds kWatchTurn{200};

std::string_view text_of(const json::object& body, std::string_view key) {
  const auto* value = body.if_contains(key);
  return value && value->is_string() ? std::string_view(value->get_string()) : std::string_view();
}

bool flag_of(const json::object& body, std::string_view key) {
  const auto* value = body.if_contains(key);
  return value && value->is_bool() && value->get_bool();
}

// A device that is not there is no failure: it is told when it comes.
bool is_absence(Errc code) {
  return code == Errc::device_offline || code == Errc::connection_lost || code == Errc::server_not_available ||
         code == Errc::no_reply;
}

}  // namespace

void Upgrades::connect(Outbox& outbox, const Presence& presence) {
  outbox_ = &outbox;
  presence_ = &presence;
}

void Upgrades::start() {
  thread_ = std::thread([this] { run(); });
}

void Upgrades::stop() {
  {
    const std::scoped_lock lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void Upgrades::wake() {
  {
    const std::scoped_lock lock(mutex_);
    woken_ = true;
  }
  wake_.notify_all();
}

void Upgrades::poke() { wake(); }

void Upgrades::run() {
  for (;;) {
    {
      std::unique_lock lock(mutex_);
      const bool owes = version_.load() != told_version_;
      wake_.wait_for(lock, owes ? kWatchTurn : kTurn, [this] { return woken_ || stopping_; });
      if (stopping_) return;
      woken_ = false;
    }
    while (step()) {
    }
    tell_watchers();
  }
}

std::shared_ptr<void> Upgrades::watch(std::function<void()> changed) {
  auto entry = std::make_shared<std::function<void()>>(std::move(changed));
  const std::scoped_lock lock(watchers_mutex_);
  watchers_.push_back(entry);
  return {entry.get(), [this, entry](void*) {
            const std::scoped_lock inner(watchers_mutex_);
            std::erase(watchers_, entry);
          }};
}

// Many changes are one to look at. This is about people's eyes, so it goes by the machine's own time.
void Upgrades::tell_watchers() {
  const auto now = std::chrono::steady_clock::now();
  const std::uint64_t version = version_.load();
  if (version == told_version_ || now - told_at_ < kWatchTurn) return;
  told_version_ = version;
  told_at_ = now;
  std::vector<std::shared_ptr<std::function<void()>>> watchers;
  {
    const std::scoped_lock lock(watchers_mutex_);
    watchers = watchers_;
  }
  for (const auto& changed : watchers) (*changed)();
}

// True when there may be more to do at once.
bool Upgrades::step() {
  std::vector<Told> told;
  bool full = false;
  {
    const std::scoped_lock lock(mutex_);
    if (stopping_) return false;
    const Millis now = clock_.now();
    while (!busy_.empty() && busy_.begin()->first <= now) {
      const Dispatch& again = busy_.begin()->second;
      if (Task* task = board_.find(again.task_id)) task->revive(again.device_id);
      busy_.erase(busy_.begin());
    }
    const auto due = board_.due(now, *presence_, kAtOnce, [this](const Plan& plan) { return can_serve(plan); });
    full = due.size() == kAtOnce;
    const bool stored = persist();
    for (const Dispatch& dispatch : due) {
      // Nobody is told what might be forgotten.
      if (!stored) {
        board_.undelivered(dispatch, true, "not stored", now);
        busy_.emplace(now + kBusyPause, dispatch);
        continue;
      }
      const Task* task = board_.find(dispatch.task_id);
      const Record* record = task ? task->find(dispatch.device_id) : nullptr;
      if (record) told.push_back({dispatch, task->shared_plan(), record->deadline});
    }
  }
  for (const Told& each : told) send(each);
  return full;
}

void Upgrades::send(const Told& told) {
  const Dispatch& dispatch = told.dispatch;
  auto body = depot_.message(*told.plan, dispatch.device_id, told.deadline, outbox_->prefers_coap(dispatch.device_id));
  // Its server was taken away a moment ago, which is no fault of the device.
  if (!body) return undelivered(dispatch, Error(Errc::system_busy, body.error().message));
  (*body)["messageId"] = dispatch.message_id;
  outbox_->tell(dispatch, std::move(*body), [this, dispatch](const Status& left) {
    if (!left) undelivered(dispatch, left.error());
  });
}

// Whether devices could download what a task brings. While they cannot, nobody is told of it, for each of them would
// fail.
bool Upgrades::can_serve(const Plan& plan) const {
  const Status can = depot_.can_tell(plan.firmware_id, plan.task.server_id.id);
  if (can) return true;
  static log::RateLimit limit;
  std::uint64_t held = 0;
  if (limit.allow(clock_.steady(), held))
    log::warn("ota", "task={} waits: {} more={}", plan.task_id, can.error().message, held);
  return false;
}

void Upgrades::undelivered(const Dispatch& dispatch, const Error& error) {
  // A CoAP device that does not observe its downlink resource yet may do so in a moment.
  const bool not_yet = error.code == Errc::unsupported_message && outbox_->prefers_coap(dispatch.device_id);
  const bool absent = is_absence(error.code) || not_yet, busy = error.code == Errc::system_busy;
  {
    const std::scoped_lock lock(mutex_);
    const Millis now = clock_.now();
    board_.undelivered(dispatch, absent || busy, error.message, now);
    if (busy) busy_.emplace(now + kBusyPause, dispatch);
    // It may have come back before this was known, or be kept online without a connection.
    if (absent && presence_->is_online(dispatch.device_id)) busy_.emplace(now + kAbsentPause, dispatch);
    (void)persist();
  }
  wake();
}

// ---- what devices say

void Upgrades::on_message(const device::Envelope& e, device::TurnLog& log) {
  if (!any_.load(std::memory_order_relaxed)) return;
  const codec::DeviceMessage& m = e.message;
  const Millis now = clock_.now();
  bool changed = false, ask = false;
  switch (m.type) {
    case MessageType::online: {
      const std::scoped_lock lock(mutex_);
      ask = board_.on_online(e.device_id, now);
      changed = board_.knows(e.device_id);
      break;
    }
    case MessageType::upgrade_firmware_reply: {
      const std::scoped_lock lock(mutex_);
      const std::string reason = m.text.empty() ? m.code : m.text;
      changed = board_.on_reply(e.device_id, m.message_id, m.success, reason, now) && persist();
      break;
    }
    case MessageType::upgrade_firmware_progress:
      return hear_progress(e, log);
    case MessageType::report_firmware:
    case MessageType::read_firmware_reply: {
      if (!m.success || m.name.empty()) return;
      const std::scoped_lock lock(mutex_);
      changed = board_.on_version(e.device_id, m.name, now) && persist();
      break;
    }
    case MessageType::request_firmware:
      return hear_pull(e);
    default:
      return;
  }
  // A device that restarted in the middle may have finished without a word.
  if (ask) outbox_->ask_version(std::string(e.device_id));
  if (changed) wake();
}

void Upgrades::hear_progress(const device::Envelope& e, device::TurnLog& log) {
  const json::value parsed = device::parse_stored(e.message.json);
  const json::object* body = parsed.if_object();
  if (!body) return;
  ProgressReport report;
  report.firmware_id = text_of(*body, "firmwareId");
  report.version = e.message.name;
  report.progress = e.message.number;
  report.complete = flag_of(*body, "complete");
  report.success = e.message.success;
  report.reason = e.message.text;
  {
    const std::scoped_lock lock(mutex_);
    if (!board_.on_progress(e.device_id, report, clock_.now())) return;
    (void)persist();
  }
  if (report.complete && report.success) {
    std::string version(report.version);
    // One that names its firmware only has its version all the same.
    if (const auto firmware = version.empty() ? depot_.firmware(report.firmware_id) : nullptr)
      version = firmware->version;
    if (!version.empty()) {
      device::firmware_key(log.key_buffer, e.product_id, e.device_id);
      log.put(store::Family::devices, log.key_buffer, to_record(device::FirmwareInfo{version, {}, clock_.now()}));
    }
  }
  wake();
}

void Upgrades::hear_pull(const device::Envelope& e) {
  const json::value parsed = device::parse_stored(e.message.json);
  const json::object* body = parsed.if_object();
  if (!body) return;
  PullRequest request;
  request.product_id = e.product_id;
  request.message_id = e.message.message_id;
  request.current_version = text_of(*body, "currentVersion");
  request.requested_version = text_of(*body, "requestVersion");
  if (const auto* headers = body->if_contains("headers"); headers && headers->is_object())
    request.latest = flag_of(headers->get_object(), "latest");
  request.force = e.message.headers.force;
  json::object out;
  std::shared_ptr<const Plan> plan;
  Dispatch given;
  Millis deadline = 0;
  {
    const std::scoped_lock lock(mutex_);
    PullAnswer answer = board_.pull(e.device_id, request, clock_.now());
    const bool stored = persist();
    const Task* task = stored && !answer.task_id.empty() ? board_.find(answer.task_id) : nullptr;
    if (task) {
      const Record& record = *task->find(e.device_id);
      plan = task->shared_plan();
      given = {answer.task_id, record.device_id, record.message_id, record.attempt};
      deadline = record.deadline;
    } else {
      out = {{"success", false},
             {"code", stored ? answer.code : std::string_view("SYSTEM_BUSY")},
             {"message", stored ? answer.message : std::string("try again later")}};
    }
  }
  const std::string device_id(e.device_id);
  if (out.empty()) {
    auto message = depot_.message(*plan, device_id, deadline, outbox_->prefers_coap(device_id));
    if (message) {
      out = std::move(*message);
      out["success"] = true;
    } else {
      undelivered(given, Error(Errc::system_busy, message.error().message));
      out = {{"success", false}, {"code", "SYSTEM_ERROR"}, {"message", message.error().message}};
      given = {};
    }
  }
  out["messageId"] = request.message_id;
  // What was handed out and did not reach it, waits for when it asks again.
  outbox_->answer(device_id, std::move(out), [this, given](const Status& left) {
    if (!left && !given.task_id.empty()) undelivered(given, Error(Errc::no_reply, left.error().message));
  });
  wake();
}

}  // namespace jl::ota
