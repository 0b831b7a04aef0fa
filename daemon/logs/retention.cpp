#include "daemon/logs/retention.hpp"

#include <condition_variable>
#include <mutex>
#include <queue>
#include <thread>

namespace jl::logs {
namespace {

using store::Family;

// Keys of one device start with this.
std::string device_prefix(std::string_view device) {
  std::string out(device);
  out.push_back('\0');
  return out;
}

Status retain_count(store::Store& store, const std::string& prefix, std::uint64_t keep) {
  std::uint64_t seen = 0;
  std::string oldest_kept;
  bool more = false;
  const auto visit = [&](std::string_view key, std::string_view, store::Revision) {
    if (++seen == keep) oldest_kept = key;
    more = seen > keep;
    return !more;
  };
  JL_CHECK(store.snapshot()->scan(Family::messages, prefix, store::prefix_end(prefix), true, visit));
  return more ? store.erase_range(Family::messages, prefix, oldest_kept) : Status();
}

}  // namespace

Status retain_messages(store::Store& store, Millis now, Millis max_age, std::uint64_t max_per_device,
                       const std::stop_token& stop) {
  const Millis cutoff = max_age > 0 ? now - max_age : 0;
  std::string from;
  while (!stop.stop_requested()) {
    std::string first;
    const auto take = [&](std::string_view key, std::string_view, store::Revision) {
      first = key;
      return false;
    };
    JL_CHECK(store.snapshot()->scan(Family::messages, from, {}, false, take));
    if (first.empty()) return {};
    const std::string prefix = device_prefix(store::key_part(first, 0));
    from = store::prefix_end(prefix);
    if (first.size() < prefix.size()) continue;  // no key of a message
    const auto oldest = static_cast<Millis>(store::read_u64(std::string_view(first).substr(prefix.size())));
    if (cutoff > 0 && oldest < cutoff) {
      std::string end = prefix;
      store::append_u64(end, static_cast<std::uint64_t>(cutoff));
      JL_CHECK(store.erase_range(Family::messages, prefix, end));
    }
    if (max_per_device > 0) JL_CHECK(retain_count(store, prefix, max_per_device));
  }
  return {};
}

Status retain_values(store::Store& store, std::size_t max_per_device, const std::stop_token& stop) {
  using Value = std::pair<std::uint64_t, std::string>;  // time, key
  std::priority_queue<Value, std::vector<Value>, std::greater<>> newest;
  std::string group;
  constexpr std::size_t kBatch = 2048;
  Status written;
  const auto batch = store.make_batch();
  JL_CHECK(store.snapshot()->scan(
      Family::devices, {}, {}, false, [&](std::string_view key, std::string_view value, store::Revision) {
        // product NUL device NUL p|t NUL name; anything else is no value.
        const std::string_view what = store::key_part(key, 2);
        if (what.size() != 1 || value.size() < 8) return !stop.stop_requested();
        const std::string_view prefix = key.substr(0, static_cast<std::size_t>(what.data() + 2 - key.data()));
        if (prefix != group) group = prefix, newest = {};
        newest.emplace(store::read_u64(value.substr(0, 8)), std::string(key));
        if (newest.size() > max_per_device) {
          batch->erase(Family::devices, newest.top().second);
          newest.pop();
          if (batch->count() >= kBatch) written = store.append(*batch), batch->clear();
        }
        return written && !stop.stop_requested();
      }));
  JL_CHECK(written);
  return batch->count() > 0 ? store.append(*batch) : Status();
}

struct RetentionJob::Impl {
  Impl(store::Store& s, LogStore& l, const Clock& c, const RetentionPlan& p) : store(s), logs(l), clock(c), plan(p) {}

  Status run(const std::stop_token& stop) {
    RetentionPlan now;
    {
      const std::lock_guard lock(mutex);
      now = plan;
    }
    Status first;
    const auto note = [&first](const Status& status) {
      if (first && !status) first = status;
    };
    note(logs.retain(LogClass::access, now.access));
    note(logs.retain(LogClass::system, now.system));
    note(retain_messages(store, clock.now(), now.message_age, now.messages_per_device, stop));
    note(retain_values(store, now.values_per_device, stop));
    return first;
  }

  void loop(const std::stop_token& stop, std::chrono::milliseconds interval) {
    for (;;) {
      {
        std::unique_lock lock(mutex);
        wake.wait_for(lock, stop, interval, [] { return false; });
      }
      if (stop.stop_requested()) return;
      if (const auto status = run(stop); !status) {
        log::warn("logs.retention", "cannot erase old data error=\"{}\"", status.error().message);
      }
    }
  }

  store::Store& store;
  LogStore& logs;
  const Clock& clock;
  std::mutex mutex;
  std::condition_variable_any wake;
  RetentionPlan plan;
  std::jthread thread;  // last: it uses everything above
};

RetentionJob::RetentionJob(store::Store& store, LogStore& logs, const Clock& clock, const RetentionPlan& plan,
                           std::chrono::milliseconds interval)
    : impl_(std::make_unique<Impl>(store, logs, clock, plan)) {
  impl_->thread =
      std::jthread([impl = impl_.get(), interval](const std::stop_token& stop) { impl->loop(stop, interval); });
}

RetentionJob::~RetentionJob() { stop(); }

void RetentionJob::set_plan(const RetentionPlan& plan) {
  const std::lock_guard lock(impl_->mutex);
  impl_->plan = plan;
}

Status RetentionJob::run_once() { return impl_->run({}); }

void RetentionJob::stop() {
  impl_->thread.request_stop();
  if (impl_->thread.joinable()) impl_->thread.join();
}

}  // namespace jl::logs
