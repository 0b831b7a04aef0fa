// Modbus channels and points: how many there may be, one serial line for one channel, one point for one value
// (operations.md 2).
#include "common/model/modbus.hpp"

#include "daemon/services/rules.hpp"

#include <fmt/format.h>

namespace jl::services {
namespace {

using model::ModbusChannel;
using model::ModbusPoint;

// Two points that would show the same thing twice: unit, area, address, bit, type.
std::string place_of(const ModbusPoint& point) {
  return fmt::format("{}/{}/{}/{}/{}/{}/{}", point.unit_id, static_cast<int>(point.function), point.wire_address(),
                     point.count(), static_cast<int>(point.value_type()), point.bit.value_or(0),
                     static_cast<int>(point.byte));
}

std::string target_of(const ModbusChannel& channel) {
  if (channel.transport == model::ModbusTransport::rtu) return channel.device;
  return fmt::format("{}/{}/{}", static_cast<int>(channel.transport), channel.host, channel.port.value_or(0));
}

// All channels as they will be, read once for all channels of a change.
Result<RuleContext::Places*> targets_of(RuleContext& context) {
  if (context.modbus_targets) return &*context.modbus_targets;
  RuleContext::Places targets;
  JL_CHECK(context.view.for_each("modbus-channel", [&](const Resource& channel) {
    ++targets.total;
    if (channel.enabled) targets.of[target_of(model::from_json<ModbusChannel>(channel.spec))].insert(channel.id);
  }));
  return &context.modbus_targets.emplace(std::move(targets));
}

// Who else uses a channel's target, when it is new, moves or is enabled.
Status check_target(RuleContext& context, const Resource& after, const ModbusChannel& channel) {
  const bool serial = channel.transport == model::ModbusTransport::rtu;
  JL_TRY(const RuleContext::Places* targets, targets_of(context));
  if (targets->total > ModbusChannel::kMaxChannels)
    context.problem(after, "",
                    fmt::format("there would be {} channels; at most {}", targets->total, ModbusChannel::kMaxChannels),
                    Errc::too_large);
  if (!after.enabled) return {};
  const auto& there = targets->of.at(target_of(channel));
  if (there.size() < 2) return {};
  const std::string& same = *there.begin() == after.id ? *std::next(there.begin()) : *there.begin();
  if (serial) {
    context.problem(after, "spec.device", "is used by modbus-channel \"" + same + "\"; one channel serves all units",
                    Errc::in_use);
  } else {
    context.warnings.push_back("modbus-channel \"" + same + "\" has a connection to the same slave; units behind one " +
                               "address can share a channel");
  }
  return {};
}

// The places of a channel's points as they will be, read once for all points of a change.
Result<RuleContext::Places*> places_of(RuleContext& context, const std::string& channel) {
  const auto known = context.modbus_places.find(channel);
  if (known != context.modbus_places.end()) return &known->second;
  RuleContext::Places places;
  JL_TRY(const auto users, context.view.users_of("modbus-channel", channel, SIZE_MAX));
  for (const std::string& label : users) {
    JL_TRY(const Resource* point, context.view.get("modbus-point", label.substr(label.find('/') + 1)));
    if (!point) continue;
    places.of[place_of(model::from_json<ModbusPoint>(point->spec))].insert(point->id);
    ++places.total;
  }
  return &context.modbus_places.emplace(channel, std::move(places)).first->second;
}

}  // namespace

Status check_modbus_channel(RuleContext& context, const Resource* before, const Resource* after) {
  if (!after) return {};
  const auto channel = model::from_json<ModbusChannel>(after->spec);
  if (!before || !before->enabled || before->spec != after->spec) JL_CHECK(check_target(context, *after, channel));
  return {};
}

Status check_modbus_point(RuleContext& context, const Resource*, const Resource* after) {
  if (!after) return {};
  const auto point = model::from_json<ModbusPoint>(after->spec);
  JL_TRY(const RuleContext::Places* places, places_of(context, point.channel_id.id));
  if (places->total > ModbusPoint::kMaxPoints) {
    context.problem(*after, "spec.channelId",
                    fmt::format("modbus-channel \"{}\" would have {} points; at most {}", point.channel_id.id,
                                places->total, ModbusPoint::kMaxPoints),
                    Errc::too_large);
  }
  const auto& there = places->of.at(place_of(point));
  if (there.size() > 1) {
    const auto& other = *there.begin() == after->id ? *std::next(there.begin()) : *there.begin();
    context.problem(*after, "spec.address", "modbus-point \"" + other + "\" is the same value of the same unit",
                    Errc::conflict);
  }
  return {};
}

}  // namespace jl::services
