#pragma once
// One device's part in an upgrade task, and what can happen to it: the state machine of operations.md 1.3 as a table.
// Pure: time is passed in, nothing is sent or stored.
#include "common/base/result.hpp"
#include "common/base/time.hpp"

#include <boost/json.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace jl::ota {

/// FirmwareUpgradeState of JetLinks: 等待升级, 升级中, 升级完成, 升级失败, 已停止.
enum class State : std::uint8_t { waiting, processing, success, failed, canceled };
inline constexpr std::size_t kStates = 5;
[[nodiscard]] std::string_view to_string(State state);
[[nodiscard]] std::optional<State> state_from(std::string_view word);
/// Nothing more is expected of the device.
[[nodiscard]] constexpr bool is_over(State state) { return state != State::waiting && state != State::processing; }

/// What can happen to a record. The numbers are the rows of operations.md 1.3.
enum class Event : std::uint8_t {
  dispatched,    ///< 2: pushed; 11: handed out to a device that pulls (no ack deadline)
  undelivered,   ///< 3: what was dispatched did not leave, the device is not there; as if it never had been
  acknowledged,  ///< 4
  refused,       ///< 5
  progressed,    ///< 7: also served bytes, as a sign of life
  completed,     ///< 8, 16
  broke,         ///< 9
  version_seen,  ///< 15
  ack_overdue,   ///< 6
  overdue,       ///< 10
  stopped,       ///< 12
  resumed,       ///< 13
  retried,       ///< 14: by an operator, or by itself
  device_gone,   ///< 17
  replaced,      ///< taken over by a task made with `replace`
};
inline constexpr std::size_t kEvents = 15;
[[nodiscard]] std::string_view to_string(Event event);

/// One line of what happened, newest last.
struct Step {
  Millis at = 0;
  std::string event;   ///< word of an Event
  std::string detail;  ///< for people; "" = nothing to add
};

struct Record {
  static constexpr std::size_t kMaxSteps = 24;
  static constexpr std::size_t kMaxReason = 256;  ///< bytes; longer texts of devices are cut at a character
  static constexpr std::uint32_t kMaxGroups = 64;

  std::string device_id;
  State state = State::waiting;
  int progress = 0;         ///< 0..100
  int milestone = 0;        ///< highest quarter of the progress (25, 50, 75, 100) that steps tell of
  bool reported = false;    ///< the device itself has told its progress
  bool timed_out = false;   ///< failed because a time limit passed, so that a late success counts (16)
  int attempt = 0;          ///< how often it was told
  int auto_retries = 0;     ///< used up since an operator last retried
  std::uint32_t group = 0;  ///< index of its group
  Millis create_time = 0, upgrade_time = 0, ack_time = 0, ack_deadline = 0, deadline = 0, complete_time = 0;
  Millis not_before = 0;           ///< waiting for an automatic retry until then
  std::uint64_t bytes_served = 0;  ///< since it last began to wait
  std::string old_version, message_id, error_reason;
  std::string note;  ///< "late"
  std::vector<Step> steps;

  /// The next time limit; 0 = none.
  [[nodiscard]] Millis next_deadline() const {
    if (state != State::processing) return 0;
    return ack_deadline != 0 && ack_deadline < deadline ? ack_deadline : deadline;
  }
};

/// What an event brings along; only what the event needs is looked at.
struct Facts {
  std::string_view text{};      ///< reason, or message id of `dispatched`
  int progress = 0;             ///< progressed
  bool from_device = true;      ///< progressed: told by the device, not concluded from bytes that it fetched
  Millis response_timeout = 0;  ///< dispatched; 0 = no answer is expected (pull)
  Millis timeout = 0;           ///< dispatched
  Millis not_before = 0;        ///< retried: by itself, not before
};

/// Whether an event means something to a record in this state.
[[nodiscard]] bool allows(const Record& record, Event event);
/// Lets an event happen. False: it means nothing to a record in this state, or tells what is known already; the record
/// is then unchanged.
bool apply(Record& record, Event event, const Facts& facts, Millis now);

/// A device's text as it is kept and shown: well-formed UTF-8 without control characters, at most `max` bytes, cut at a
/// character. What was no UTF-8 is U+FFFD, control characters are spaces.
[[nodiscard]] std::string clean_text(std::string_view text, std::size_t max = Record::kMaxReason);

/// What the store keeps, and back. Errors: corrupt.
[[nodiscard]] std::string to_stored(const Record& record);
[[nodiscard]] Result<Record> record_from_stored(std::string_view device_id, std::string_view text);
/// What the API shows: deviceId, state, progress, attempt, createTime..., errorReason, steps when `full`.
[[nodiscard]] boost::json::object to_document(const Record& record, bool full);

}  // namespace jl::ota
