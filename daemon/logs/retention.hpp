#pragma once
// What old data goes: both logs by age and size, the message history by age and by count per device.
#include "daemon/logs/logs.hpp"

#include <chrono>
#include <cstdint>
#include <memory>
#include <stop_token>

namespace jl::logs {

/// Erases device messages (Family::messages: device id, NUL, time, sequence number) received before now - max_age, and
/// those beyond the newest max_per_device of a device; 0 = no limit. It goes from device to device with seeks: age
/// costs one read per device, the count as many as are kept. Any thread; messages may arrive meanwhile. A stop request
/// ends it early without an error. Errors: storage.
[[nodiscard]] Status retain_messages(store::Store& store, Millis now, Millis max_age, std::uint64_t max_per_device,
                                     const std::stop_token& stop = {});

/// Erases the oldest latest values (Family::devices: product, device, "p" or "t", name) of a device beyond this many,
/// so that one that makes up names cannot grow for ever. Any thread. Errors: storage.
[[nodiscard]] Status retain_values(store::Store& store, std::size_t max_per_device, const std::stop_token& stop = {});

struct RetentionPlan {
  Retention access, system;
  Millis message_age = 30LL * 86'400'000;      ///< 0 = no limit
  std::uint64_t messages_per_device = 10'000;  ///< 0 = no limit
  std::size_t values_per_device = 2'000;       ///< properties; as many tags
};

/// Applies a plan every interval on its own thread, the first time after one interval.
class RetentionJob {
 public:
  /// Store, logs and clock outlive it.
  RetentionJob(store::Store& store, LogStore& logs, const Clock& clock, const RetentionPlan& plan,
               std::chrono::milliseconds interval = std::chrono::hours(1));
  /// Stops; a run that is under way ends after the device, or the log, that it is at.
  ~RetentionJob();
  RetentionJob(const RetentionJob&) = delete;
  RetentionJob& operator=(const RetentionJob&) = delete;

  /// Another plan from the next run on. Any thread.
  void set_plan(const RetentionPlan& plan);
  /// Applies the plan now, on the caller's thread. All of it is tried; the first error is returned.
  [[nodiscard]] Status run_once();
  /// Ends the thread. May be called twice.
  void stop();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace jl::logs
