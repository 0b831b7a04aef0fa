// Calls about Modbus channels, points and bindings: the plan, live values, points by hand, and who is bound to what.
#include "common/base/hex.hpp"
#include "common/model/device.hpp"
#include "daemon/control/calls/calls.hpp"
#include "daemon/control/calls/live_lines.hpp"
#include "daemon/control/calls/modbus_target.hpp"

#include <set>

namespace jl::control {
namespace json = boost::json;
using modbus::Channel;

namespace {

json::object sample_json(const modbus::Point& point, const modbus::Sample& sample) {
  json::object out{{"point", point.id}};
  if (!sample.value.is_null() || !sample.raw.empty()) {
    out["value"] = sample.value;
    out["hex"] = to_hex(sample.raw);
  }
  out["quality"] = to_string(sample.quality);
  if (sample.at > 0) out["at"] = format_time(sample.at);
  if (!sample.error.empty()) out["error"] = sample.error;
  out["rtt"] = sample.rtt;
  return out;
}

json::object block_json(const modbus::Block& block, const modbus::Poller& poller) {
  const auto& areas = model::EnumWords<model::ModbusArea>::words();
  json::array ids;
  bool bad = false;
  for (const std::size_t index : block.points) {
    ids.emplace_back(poller.point_id_of(index));
    bad |= poller.is_bad(index);
  }
  return {{"interval", block.interval},
          {"unit", block.unit},
          {"function", areas[static_cast<std::size_t>(block.area)].word},
          {"start", block.address},
          {"count", block.count},
          {"points", ids.size()},
          {"ids", std::move(ids)},
          {"bad", bad}};
}

Error stopped(const std::string& id) {
  return {Errc::disabled, "modbus-channel \"" + id + "\" does not run", "jlctl modbus channel enable " + id};
}

}  // namespace

Status Calls::running_channel(const std::string& id) const {
  JL_TRY(const bool exists, r_.resources.exists("modbus-channel", id));
  if (!exists)
    return Error(Errc::not_found, "modbus-channel \"" + id + "\" does not exist", "jlctl modbus channel list");
  if (!r_.runtime.modbus().channels().runs(id)) return stopped(id);
  return {};
}

void Calls::modbus_plan(const Call& call, const Reply& reply) {
  if (const Status runs = running_channel(call.id); !runs) return reply->problem(runs.error());
  r_.runtime.modbus().channels().with(call.id, [reply, id = call.id](const Channel* channel) {
    if (!channel) return reply->problem(stopped(id));
    json::array items;
    double rate = 0;
    std::size_t points = 0;
    for (const auto& block : channel->poller().plan()) {
      items.push_back(block_json(block, channel->poller()));
      if (!items.back().at("bad").as_bool()) rate += 1000.0 / static_cast<double>(block.interval);
      points += block.points.size();
    }
    reply->json(200, json::object{{"items", std::move(items)}, {"requestsPerSecond", rate}, {"points", points}});
  });
}

void Calls::modbus_watch(const Call& call, const Reply& reply) {
  if (const Status runs = running_channel(call.id); !runs) return reply->problem(runs.error());
  const auto limit = count_parameter(call, "limit", 0, std::numeric_limits<std::int32_t>::max());
  if (!limit) return reply->problem(limit.error());
  std::set<std::string, std::less<>> only;
  const auto [first, last] = call.query.equal_range("point");
  for (auto it = first; it != last; ++it) {
    if (r_.runtime.modbus().channel_of(it->second) != call.id) {
      return reply->problem(Error(Errc::not_found, "channel \"" + call.id + "\" has no point \"" + it->second + "\"",
                                  "jlctl modbus point list --channel " + call.id));
    }
    only.insert(it->second);
  }
  auto lines = LiveLines::start(reply, *limit);
  auto tap = std::make_shared<modbus::Tap>();
  const std::weak_ptr<LiveLines> weak = lines;
  const auto add = [weak](const json::object& line) {
    if (const auto alive = weak.lock()) alive->add(json::serialize(line));
  };
  tap->on_update = [add, only](const modbus::Update& update) {
    if (only.empty() || only.contains(update.point->id)) add(sample_json(*update.point, *update.sample));
  };
  tap->on_state = [add, reply, id = call.id](modbus::ChannelState state, const std::string& reason) {
    json::object line{{"state", to_string(state)}};
    if (!reason.empty()) line["reason"] = reason;
    add(line);
    // When it runs again it is another one, which this would not look at.
    if (state == modbus::ChannelState::stopped) reply->end_stream(stopped(id));
  };
  if (call.flag("trace")) {
    tap->on_frame = [add, &clock = r_.clock](const modbus::TraceFrame& frame) {
      add({{"frame", frame.sent ? "sent" : "received"},
           {"hex", to_hex(frame.bytes)},
           {"at", format_time(clock.now())}});
    };
  }
  r_.runtime.modbus().channels().with(
      call.id, [tap = std::weak_ptr<const modbus::Tap>(tap), reply, id = call.id](Channel* channel) {
        if (!channel) return reply->end_stream(stopped(id));
        channel->add_tap(tap);
      });
  lines->source = std::move(tap);
}

void Calls::modbus_point(const Call& call, const Reply& reply) {
  const std::string channel_id = r_.runtime.modbus().channel_of(call.id);
  if (channel_id.empty()) {
    return reply->problem(
        Error(Errc::not_found, "modbus-point \"" + call.id + "\" does not exist", "jlctl modbus point list"));
  }
  if (const Status runs = running_channel(channel_id); !runs) return reply->problem(runs.error());
  const bool writes = call.command->verb == "write";
  const auto* value = call.body.if_contains("value");
  if (writes && (!value || value->is_null()))
    return reply->problem(Error(Errc::bad_request, "\"value\" is required", {}, "value"));
  const auto* verify = call.body.if_contains("verify");
  const bool verifies = verify && (*verify == json::value(true) || *verify == json::value("true"));
  reply->notes({"modbus-point/" + call.id, 0, 0});
  r_.runtime.modbus().channels().with(
      channel_id, [reply, id = call.id, channel_id, writes, verifies,
                   wanted = value ? modbus_value(*value) : json::value()](Channel* channel) {
        if (!channel) return reply->problem(stopped(channel_id));
        const auto done = [reply, id, writes, wanted](const modbus::PointResult& result) {
          if (!result.status) return reply->problem(result.status.error());
          json::object out{{"id", id}};
          if (writes) out["result"] = "written";
          out["value"] = writes && result.sample.value.is_null() ? wanted : result.sample.value;
          if (!result.sample.raw.empty()) out["hex"] = to_hex(result.sample.raw);
          out["quality"] = to_string(result.sample.quality);
          if (result.sample.at > 0) out["at"] = format_time(result.sample.at);
          out["rtt"] = result.sample.rtt;
          reply->json(200, std::move(out));
        };
        if (writes) {
          channel->write(id, wanted, verifies, done);
        } else {
          channel->read(id, done);
        }
      });
}

void Calls::modbus_bindings(const Call& call, const Reply& reply) {
  const std::string only_device(call.param("device")), only_point(call.param("point")),
      only_channel(call.param("channel"));
  for (const auto& [kind, id] : {std::pair{"device", only_device}, std::pair{"modbus-point", only_point},
                                 std::pair{"modbus-channel", only_channel}}) {
    if (id.empty()) continue;
    const auto exists = r_.resources.exists(kind, id);
    if (!exists) return reply->problem(exists.error());
    if (!*exists) {
      return reply->problem(Error(Errc::not_found, std::string(kind) + " \"" + id + "\" does not exist",
                                  "jlctl " + model::noun_of(kind) + " list"));
    }
  }
  json::array items;
  for (const auto& binding : r_.runtime.modbus().bindings()) {
    if (!only_device.empty() && binding.device != only_device) continue;
    if (!only_point.empty() && binding.point != only_point) continue;
    if (!only_channel.empty() && binding.channel != only_channel) continue;
    items.push_back(json::object{{"device", binding.device},
                                 {"property", binding.property},
                                 {"point", binding.point},
                                 {"channel", binding.channel},
                                 {"quality", binding.quality}});
  }
  reply->json(200, json::object{{"items", std::move(items)}});
}

void Calls::modbus_bind(const Call& call, const Reply& reply) {
  auto options = mutation_options(call);
  if (!options) return reply->problem(options.error());
  const bool binds = call.command->verb == "bind";
  std::vector<std::string> properties;
  const auto text = [&](const char* key) {
    const auto* value = call.body.if_contains(key);
    return value && value->is_string() ? std::string(value->get_string()) : std::string();
  };
  const std::string point = text("point");
  if (binds) properties.push_back(text("property"));
  if (const auto* list = call.body.if_contains("properties"); !binds && list && list->is_array()) {
    for (const auto& item : list->get_array()) properties.push_back(model::text_of(item));
  }
  if (properties.empty() || properties.front().empty() || (binds && point.empty())) {
    return reply->problem(Error(Errc::bad_request, binds ? R"(the body must be {"property": ..., "point": ...})"
                                                         : R"(the body must be {"properties": [...]})"));
  }
  services::Mutation m;
  m.verb = services::Verb::edit;
  m.kind = "device";
  m.id = call.id;
  m.options = std::move(*options);
  m.patch = [binds, properties, point, forgiving = call.flag("ifExists"),
             id = call.id](const model::Resource& now) -> Result<json::object> {
    json::array bindings;
    if (const auto* before = now.spec.if_contains("bindings")) bindings = before->as_array();
    for (const std::string& property : properties) {
      const auto there = std::find_if(bindings.begin(), bindings.end(), [&](const json::value& binding) {
        return binding.at("property") == json::value(property);
      });
      if (binds && there != bindings.end()) {
        there->as_object()["point"] = point;
      } else if (binds) {
        bindings.push_back(json::object{{"property", property}, {"point", point}});
      } else if (there != bindings.end()) {
        bindings.erase(there);
      } else if (!forgiving) {
        return Error(Errc::not_found, "property \"" + property + "\" of device \"" + id + "\" is not bound",
                     "jlctl modbus bindings --device " + id);
      }
    }
    return json::object{{"spec", json::object{{"bindings", bindings.empty() ? json::value() : bindings}}}};
  };
  const std::string object = "device/" + call.id;
  r_.resources.mutate(std::move(m), [reply, object](Result<services::MutationResult> result) {
    answer_mutation(reply, std::move(result), object);
  });
}

}  // namespace jl::control
