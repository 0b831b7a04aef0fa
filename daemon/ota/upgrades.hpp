#pragma once
// Remote upgrade at work: keeps the board of tasks in step with the store, hears what devices say, tells them what they
// are to do, and lets time limits pass. What it decides is stored before anybody is told. Any thread.
#include "daemon/base/clock.hpp"
#include "daemon/device/bus.hpp"
#include "daemon/ota/board.hpp"
#include "daemon/ota/depot.hpp"
#include "daemon/ota/targets.hpp"
#include "daemon/store/store.hpp"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <thread>

namespace jl::ota {

/// The way to devices.
class Outbox {
 public:
  virtual ~Outbox() = default;
  /// UPGRADE_FIRMWARE. `done` hears whether it left, at once, later or never.
  virtual void tell(const Dispatch& dispatch, boost::json::object body, std::function<void(Status)> done) = 0;
  /// REQUEST_FIRMWARE_REPLY; `done` likewise.
  virtual void answer(const std::string& device_id, boost::json::object body, std::function<void(Status)> done) = 0;
  /// READ_FIRMWARE; the answer comes over the bus.
  virtual void ask_version(const std::string& device_id) = 0;
  /// Whether the device is to download over CoAP, because that is what it speaks.
  [[nodiscard]] virtual bool prefers_coap(std::string_view device_id) const = 0;
};

/// A task as it stands.
struct Picture {
  Counts counts;
  std::size_t in_flight = 0;
  std::uint32_t group = 0;
  std::size_t groups = 1;
  std::string stop_reason;
  std::uint64_t bytes_served = 0;
};

class Upgrades final : public device::Sink {
 public:
  Upgrades(store::Store& store, const Clock& clock, const Depot& depot);
  ~Upgrades() override;
  Upgrades(const Upgrades&) = delete;

  /// Before a device can say anything. Both outlive stop().
  void connect(Outbox& outbox, const Presence& presence);
  /// From here on devices are told.
  void start();
  void stop();
  /// Lets it look at the clock at once; it does so by itself every second.
  void poke();

  // What becomes of tasks; on the mutation thread.
  /// Takes a task's records from the store. Errors: storage, corrupt.
  Status load(Plan plan);
  /// Everything is loaded: what was under way when the daemon ended is taken up again.
  void loaded();
  /// Takes a task off the board before it is deleted. Errors: in_use while devices are waiting or at it.
  Status withdraw(const std::string& task_id);
  /// Puts it back, because it was not deleted after all.
  void restore(const std::string& task_id);
  void forget(const std::string& task_id);
  /// Whether a task could be deleted. Errors: in_use.
  [[nodiscard]] Status can_delete(const std::string& task_id) const;
  /// The other task in which a device has a record of a firmware that is not over; "" = none.
  [[nodiscard]] std::string busy_in(std::string_view device_id, std::string_view firmware_id) const;
  /// Takes waiting records of these devices off other tasks of the firmware (`replace`).
  void replace(const Plan& plan);
  /// Devices with a record that is not over.
  [[nodiscard]] std::set<std::string, std::less<>> expected_devices() const;
  void device_gone(std::string_view device_id, std::string_view why);
  /// A device of a product came or changed: tasks that want late joiners may take it in.
  void device_came(std::string_view product_id, const DeviceFacts& device);
  [[nodiscard]] bool wants_joiners() const { return joiners_.load(std::memory_order_relaxed); }

  // What operators do. Answers how many records it meant something to; what they did is on disk then.
  // `devices` empty = all of the task. Errors: not_found, conflict (nothing that it could apply to), unsupported.
  Result<std::size_t> stop_task(const std::string& task_id, const std::vector<std::string>& devices);
  Result<std::size_t> resume_task(const std::string& task_id, const std::vector<std::string>& devices);
  Result<std::size_t> retry_task(const std::string& task_id, const std::vector<std::string>& devices);
  /// Deletes records that are over. Errors: not_found, conflict.
  Result<std::size_t> remove_records(const std::string& task_id, const std::vector<std::string>& devices);

  // Downloads.
  /// Whether the record that a token names still stands. Errors: denied.
  [[nodiscard]] Status may_download(const Token& token) const;
  /// Bytes of the image that the device was sent since the last call; 0 = it has just asked for them.
  void served(const Token& token, std::uint64_t bytes);

  // Looking on.
  [[nodiscard]] std::optional<Picture> picture(std::string_view task_id) const;
  /// Records of a task by device id from `after` on, at most `limit`; `state` "" = any. Errors: not_found.
  [[nodiscard]] Result<std::vector<Record>> records(const std::string& task_id, std::optional<State> state,
                                                    const std::vector<std::string>& devices, const std::string& after,
                                                    std::size_t limit) const;
  /// Tasks in which a device has a record, with that.
  [[nodiscard]] std::vector<std::pair<std::string, Record>> of_device(std::string_view device_id) const;
  [[nodiscard]] std::size_t record_count() const;
  /// Counts of all tasks together.
  [[nodiscard]] Counts totals() const;
  /// Calls back when records may have changed, a few times a second at most, on the engine's thread. The handle ends
  /// it, but for a call that is under way.
  [[nodiscard]] std::shared_ptr<void> watch(std::function<void()> changed);

  void on_message(const device::Envelope& envelope, device::TurnLog& log) override;

 private:
  struct Told {
    Dispatch dispatch;
    std::shared_ptr<const Plan> plan;
    Millis deadline = 0;
  };
  void run();
  bool step();
  void tell_watchers();
  bool persist();
  void wake();
  void send(const Told& told);
  [[nodiscard]] bool can_serve(const Plan& plan) const;
  void undelivered(const Dispatch& dispatch, const Error& error);
  void hear_progress(const device::Envelope& envelope, device::TurnLog& log);
  void hear_pull(const device::Envelope& envelope);
  enum class Operation : std::uint8_t { stop, resume, retry };
  Result<std::size_t> operate(const std::string& task_id, const std::vector<std::string>& devices, Operation operation);

  store::Store& store_;
  const Clock& clock_;
  const Depot& depot_;
  Outbox* outbox_ = nullptr;
  const Presence* presence_ = nullptr;
  mutable std::mutex mutex_;  // all that follows but for the atomics
  std::condition_variable wake_;
  Board board_;
  std::unique_ptr<store::AppendBatch> batch_;
  std::map<std::string, Plan, std::less<>> withdrawn_;
  std::vector<RecordRef> unsaved_;        // could not be written; written with the next
  std::multimap<Millis, Dispatch> busy_;  // could not be told just now: looked at again then
  bool stopping_ = false, woken_ = false;
  std::atomic<bool> any_{false}, joiners_{false};
  std::atomic<std::uint64_t> version_{0};  // grows with whatever changes
  std::mutex watchers_mutex_;
  std::vector<std::shared_ptr<std::function<void()>>> watchers_;
  std::uint64_t told_version_ = 0;  // to watchers; of the thread
  std::chrono::steady_clock::time_point told_at_{};
  std::thread thread_;
};

/// Keys of Family::upgrades: task NUL device; the device "" is the task's own state.
[[nodiscard]] std::string record_key(std::string_view task_id, std::string_view device_id);

}  // namespace jl::ota
