#include "daemon/ota/targets.hpp"

#include "common/base/words.hpp"
#include "daemon/ota/rollout.hpp"

#include <algorithm>

namespace jl::ota {

namespace {

std::string value_of(const DeviceFacts& device, const std::string& field) {
  if (field == "id") return device.id;
  if (field == "name") return device.name;
  if (field == "description") return device.description;
  if (field == "parentId") return device.parent_id;
  if (field == "state") return device.online ? "online" : device.enabled ? "offline" : "notActive";
  if (field == "firmware") return device.firmware;
  const auto tag = device.tags.find(std::string_view(field).substr(4));
  return tag == device.tags.end() ? std::string() : tag->second;
}

// Why a device does not take part, although it was chosen; "" = it does.
std::string objection(const Plan& plan, const DeviceFacts& device) {
  if (!device.enabled) return "is disabled";
  if (!plan.task.force && device.firmware == plan.version) return "has version " + plan.version + " already";
  return {};
}

Record record_of(const DeviceFacts& device, std::uint32_t group, Millis now) {
  Record out;
  out.device_id = device.id;
  out.old_version = device.firmware;
  out.group = group;
  out.create_time = now;
  return out;
}

}  // namespace

bool matches(const std::vector<std::string>& where, const DeviceFacts& device) {
  return std::ranges::all_of(where, [&](const std::string& text) {
    const auto condition = model::parse_condition(text);
    if (!condition) return false;
    const std::string value = value_of(device, condition->field);
    switch (condition->op) {
      case model::DeviceCondition::Op::equal:
        return value == condition->value;
      case model::DeviceCondition::Op::not_equal:
        return value != condition->value;
      case model::DeviceCondition::Op::matches:
        return glob_match(condition->value, value);
    }
    return false;
  });
}

Chosen choose(const Plan& plan, const std::vector<DeviceFacts>& devices,
              const std::function<std::string(const std::string& device)>& busy_in, Millis now) {
  Chosen out;
  std::map<std::string, const DeviceFacts*, std::less<>> candidates;
  const std::set<std::string, std::less<>> named(plan.task.device_id.begin(), plan.task.device_id.end());
  for (const DeviceFacts& device : devices) {
    if (!named.empty() && !named.contains(device.id)) continue;
    if (!matches(plan.task.where, device)) {
      if (!named.empty()) out.skipped.push_back({device.id, "does not meet the conditions"});
      continue;
    }
    std::string why = objection(plan, device);
    if (why.empty()) {
      const std::string other = busy_in(device.id);
      if (!other.empty()) why = "is upgraded to it by task \"" + other + "\" already";
    }
    if (why.empty()) {
      candidates[device.id] = &device;
    } else {
      out.skipped.push_back({device.id, std::move(why)});
    }
  }
  std::vector<std::string> ids;
  for (const auto& [id, device] : candidates) ids.push_back(id);
  ids = order_of(std::move(ids), plan.task_id);
  const auto groups = groups_of(ids.size(), plan.task.group_percents());
  for (std::size_t i = 0; i < ids.size(); ++i)
    out.records.push_back(record_of(*candidates.find(ids[i])->second, groups[i], now));
  return out;
}

// Latecomers belong to the last group: what the ones before are there to prove is proven by then.
std::optional<Record> join(const Plan& plan, const DeviceFacts& device, Millis now) {
  if (!plan.task.late_joiners || !matches(plan.task.where, device) || !objection(plan, device).empty())
    return std::nullopt;
  return record_of(device, static_cast<std::uint32_t>(plan.task.group_percents().size() - 1), now);
}

}  // namespace jl::ota
