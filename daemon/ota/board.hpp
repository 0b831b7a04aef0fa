#pragma once
// All upgrade tasks, and which record a device's message is about (operations.md 1.3 "Correlation", 1.4). Pure: no I/O,
// no lock, time and presence passed in.
#include "daemon/ota/task.hpp"

#include <memory>
#include <set>

namespace jl::ota {

/// UPGRADE_FIRMWARE_PROGRESS as a device sent it; nothing of it is trusted.
struct ProgressReport {
  std::string_view firmware_id{}, version{};  ///< "" = absent
  std::int64_t progress = 0;
  bool complete = false;
  bool success = false;
  std::string_view reason{};  ///< errorReason or message
};

/// REQUEST_FIRMWARE.
struct PullRequest {
  std::string_view message_id{}, current_version{}, requested_version{};
  std::string_view product_id{};  ///< of the device; "" = not known
  bool latest = false, force = false;
};

/// What a device is told: an offer of a task's firmware, or why there is none.
struct PullAnswer {
  std::string task_id;      ///< "" = nothing for it
  std::string_view code{};  ///< NO_UPDATE, SYSTEM_BUSY
  std::string message{};
};

/// A device that is to be told now.
struct Dispatch {
  std::string task_id, device_id, message_id;
  int attempt = 0;
};

/// Who is there; asked on the engine's thread.
class Presence {
 public:
  virtual ~Presence() = default;
  [[nodiscard]] virtual bool is_online(std::string_view device_id) const = 0;
  /// The device whose connection carries this one; "" = its own.
  [[nodiscard]] virtual std::string carrier_of(std::string_view device_id) const = 0;
};

/// One record of a task; device "" = the task's own state.
struct RecordRef {
  std::string task_id, device_id;
};

class Board {
 public:
  explicit Board(MinuteOfDay minute_of_day) : minute_of_day_(std::move(minute_of_day)) {}
  Board(const Board&) = delete;  // its tasks tell it of changes
  Board& operator=(const Board&) = delete;

  /// Takes a task in, instead of one of the same id.
  void put(std::unique_ptr<Task> task);
  void remove(std::string_view task_id);
  [[nodiscard]] Task* find(std::string_view task_id);
  [[nodiscard]] const Task* find(std::string_view task_id) const;
  [[nodiscard]] const std::map<std::string, std::unique_ptr<Task>, std::less<>>& tasks() const { return tasks_; }
  /// Records in all.
  [[nodiscard]] std::size_t size() const;
  /// The task, other than `except`, in which a device has a record of a firmware that is not over; nullptr = none.
  [[nodiscard]] const Task* active(std::string_view device_id, std::string_view firmware_id,
                                   std::string_view except = {}) const;
  /// Whether any record of the device could still change by what it says.
  [[nodiscard]] bool knows(std::string_view device_id) const;

  // What devices say. False: about nothing that is known, or it changed nothing.
  bool on_reply(std::string_view device_id, std::string_view message_id, bool success, std::string_view reason,
                Millis now);
  bool on_progress(std::string_view device_id, const ProgressReport& report, Millis now);
  bool on_version(std::string_view device_id, std::string_view version, Millis now);
  /// Picks what a device that asks is given, and marks it handed out (operations.md 1.4 "Pull"). The same message id
  /// gets the same answer.
  [[nodiscard]] PullAnswer pull(std::string_view device_id, const PullRequest& request, Millis now);
  /// Bytes of the image that it was sent since the last call.
  void served(std::string_view task_id, std::string_view device_id, std::uint64_t bytes, Millis now);
  /// True when it has a record that is being processed, so that its version is worth asking for.
  bool on_online(std::string_view device_id, Millis now);
  void on_gone(std::string_view device_id, std::string_view why, Millis now);
  /// What was due() could not be given to the device. `retriable`: it was not there, which is no failure.
  void undelivered(const Dispatch& dispatch, bool retriable, std::string_view reason, Millis now);

  /// Lets time limits pass, and marks everything that may be told now as being processed, at most `limit`. One at a
  /// time per device; of the devices behind one carrier, one that has not given a sign yet at a time. Tasks that are
  /// not `servable` wait.
  [[nodiscard]] std::vector<Dispatch> due(Millis now, const Presence& presence, std::size_t limit,
                                          const std::function<bool(const Plan&)>& servable = {});
  /// What was pushed before the daemon ended and never gave a sign of life is told again.
  void restarted();
  /// When due() has something to do by itself; 0 = never.
  [[nodiscard]] Millis next_time(Millis now) const;

  /// What changed since the last call and is to be stored.
  [[nodiscard]] std::vector<RecordRef> take_changes();

 private:
  /// A record by the ids in its task's plan and records.
  using Key = std::pair<std::string_view, std::string_view>;
  /// Devices that were told and have not given a sign, behind one connection; and who waits for one.
  struct Carrier {
    std::size_t silent = 0;
    std::set<std::string, std::less<>> waiting;
  };
  struct Choice;

  void on_changed(Task& task, const Record& record, std::optional<State> from, std::optional<State> to);
  void revive(std::string_view device_id, const Task* except);
  [[nodiscard]] const std::vector<Task*>& tasks_of(std::string_view device_id) const;
  template <class Meant>
  [[nodiscard]] Task* newest(std::string_view device_id, const Meant& meant) const;

  [[nodiscard]] bool can_be_told(const Task& task, const Record& record, const Presence& presence);
  [[nodiscard]] std::string new_message_id(Millis now);
  void tell_again(Millis now, const Presence& presence, std::size_t limit, std::vector<Dispatch>& out);
  void place(Key key, std::string carrier);
  void unplace(Key key);
  void let_next_through(const Presence& presence);

  [[nodiscard]] int order_of_version(std::string_view product_id, std::string_view version) const;
  void consider(Task& task, const Record& record, const PullRequest& request, Millis now, Choice& choice) const;

  MinuteOfDay minute_of_day_;
  std::map<std::string, std::unique_ptr<Task>, std::less<>> tasks_;
  std::map<std::string, std::vector<Task*>, std::less<>> by_device_;
  std::map<std::pair<std::string, std::string>, std::pair<int, std::size_t>> versions_;  // order, and in how many tasks
  std::set<std::string, std::less<>> dirty_;  // tasks with something to store
  std::map<Key, std::string> silent_;         // told, no sign yet: its carrier, "" = not known yet
  std::set<Key> again_;                       // of those, who is to be told once more
  std::map<std::string, Carrier, std::less<>> carriers_;
  std::set<std::string, std::less<>> free_;  // of those with somebody who waits, those with nobody silent
  std::set<Key> unplaced_;                   // of the silent ones, those whose carrier is not known
  std::uint64_t told_ = 0;                   // makes message ids differ
};

}  // namespace jl::ota
