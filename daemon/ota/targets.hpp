#pragma once
// Who takes part in a task (operations.md 1.2). Pure.
#include "daemon/ota/plan.hpp"
#include "daemon/ota/record.hpp"

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace jl::ota {

/// What a task's conditions can ask of a device.
struct DeviceFacts {
  std::string id, name, description, parent_id;
  bool enabled = false, online = false;
  std::string firmware;  ///< version, "" = never told
  std::map<std::string, std::string, std::less<>> tags;
};

/// Whether all conditions of a task hold. Those that cannot be read do not.
[[nodiscard]] bool matches(const std::vector<std::string>& where, const DeviceFacts& device);

/// Why a device of the product does not take part.
struct Skipped {
  std::string device_id, reason;
};

struct Chosen {
  std::vector<Record> records;
  std::vector<Skipped> skipped;
};

/// Makes the records of a new task from its product's devices that were named or meet its conditions. `busy_in` says in
/// which other task a device has a record of this firmware that is not over; "" = none.
[[nodiscard]] Chosen choose(const Plan& plan, const std::vector<DeviceFacts>& devices,
                            const std::function<std::string(const std::string& device)>& busy_in, Millis now);

/// The record of a device that comes later; nothing when it does not belong to the task.
[[nodiscard]] std::optional<Record> join(const Plan& plan, const DeviceFacts& device, Millis now);

}  // namespace jl::ota
