// Calls about devices: commands down, state, history, the live tail.
#include "common/model/device.hpp"
#include "daemon/control/calls/calls.hpp"
#include "daemon/control/calls/live_lines.hpp"
#include "daemon/device/records.hpp"

namespace jl::control {
namespace json = boost::json;

namespace {

Result<Millis> timeout_of(const Call& call, Millis otherwise) {
  const auto* given = call.body.if_contains("timeout");
  if (!given || given->is_null()) return otherwise;
  const std::string text = given->is_string() ? std::string(given->as_string()) : json::serialize(*given);
  const auto duration = parse_duration(text);
  if (!duration || duration->count() < 1 || duration->count() > 3'600'000) {
    return Error(Errc::bad_request, "\"timeout\" must be a duration of at most 1h", "write 30s", "timeout");
  }
  return duration->count();
}

json::object reply_document(const std::string& device_id, access::CommandReply reply, std::string_view part) {
  json::object out{{"messageId", reply.message_id}, {"deviceId", device_id}};
  for (const char* key : {"functionId", "code"}) {
    if (auto* value = reply.message.if_contains(key)) out[key] = std::move(*value);
  }
  if (auto* value = reply.message.if_contains(part)) {
    out[part] = std::move(*value);
  } else {
    out[part] = part == "properties" ? json::value(json::object()) : json::value();
  }
  out["elapsed"] = static_cast<double>(reply.elapsed) / 1000.0;
  return out;
}

}  // namespace

void Calls::device_command(const Call& call, const Reply& reply) {
  const std::string& verb = call.command->verb;
  const std::string id = call.id;
  reply->notes({"device/" + id, 0, 0});
  if (verb == "disconnect") {
    return r_.commands.disconnect(id, [reply, id](Result<bool> cut) {
      if (!cut) return reply->problem(cut.error());
      reply->json(200, json::object{{"result", *cut ? "updated" : "unchanged"}, {"kind", "device"}, {"id", id}});
    });
  }
  const auto timeout = timeout_of(call, r_.command_timeout);
  if (!timeout) return reply->problem(timeout.error());
  const auto done = [reply, id](std::string part) {
    return [reply, id, part = std::move(part)](Result<access::CommandReply> result) {
      if (!result) return reply->problem(result.error());
      reply->json(200, reply_document(id, std::move(*result), part));
    };
  };
  if (verb == "read") {
    std::vector<std::string> properties;
    if (const auto* list = call.body.if_contains("properties"); list && list->is_array()) {
      for (const auto& item : list->as_array()) {
        if (!item.is_string())
          return reply->problem(Error(Errc::bad_request, "\"properties\" must be a list of names", {}, "properties"));
        properties.emplace_back(item.as_string());
      }
    }
    return r_.commands.read(id, std::move(properties), *timeout, done("properties"));
  }
  if (verb == "write") {
    const auto* properties = call.body.if_contains("properties");
    if (!properties || !properties->is_object())
      return reply->problem(Error(Errc::bad_request, "\"properties\" must be an object of values", {}, "properties"));
    return r_.commands.write(id, properties->as_object(), *timeout, done("properties"));
  }
  const auto* function = call.body.if_contains("functionId");
  if (!function || !function->is_string())
    return reply->problem(Error(Errc::bad_request, "\"functionId\" must name a function", {}, "functionId"));
  json::object inputs;
  if (const auto* given = call.body.if_contains("inputs"); given && given->is_object()) inputs = given->as_object();
  const std::string name(function->as_string());
  r_.commands.invoke(id, name, inputs, *timeout, [answer = done("output"), name](Result<access::CommandReply> result) {
    // Devices may leave out what they were asked for.
    if (result) result->message["functionId"] = name;
    answer(std::move(result));
  });
}

void Calls::device_read(const Call& call, const Reply& reply) {
  auto document = r_.resources.show("device", call.id);
  if (!document) return reply->problem(document.error());
  const std::string product(document->at("spec").as_object().at("productId").as_string());
  if (call.command->verb == "state") {
    json::object out{{"id", call.id}, {"productId", product}};
    for (auto& entry : document->at("status").as_object()) out[entry.key()] = entry.value();
    if (!out.contains("properties")) out["properties"] = json::object();
    if (!call.flag("check")) return reply->json(200, std::move(out));
    return r_.commands.check_state(call.id, [reply, out = std::move(out)](access::Commands::State state) mutable {
      out["checked"] = state.online ? "online" : "offline";
      out["checkedBy"] = state.by_protocol ? "protocol" : "session";
      reply->json(200, std::move(out));
    });
  }
  device::MessageQuery query;
  const Millis now = r_.clock.now();
  const auto since = time_parameter(call, "since", now);
  const auto until = time_parameter(call, "until", now);
  const auto limit = count_parameter(call, "limit", 100, 100'000);
  if (!since) return reply->problem(since.error());
  if (!until) return reply->problem(until.error());
  if (!limit) return reply->problem(limit.error());
  query.since = *since;
  query.until = *until;
  query.limit = *limit;
  query.type = call.param("type");
  if (!query.type.empty() && !codec::message_type_from(query.type)) {
    return reply->problem(Error(Errc::bad_request, "\"" + query.type + "\" is not a message type",
                                "for example REPORT_PROPERTY, EVENT, ONLINE", "type"));
  }
  auto messages = device::read_messages(r_.store, product, call.id, query);
  if (!messages) return reply->problem(messages.error());
  reply->json(200, json::object{{"items", std::move(*messages)}});
}

void Calls::tail_messages(const Call& call, const Reply& reply) {
  device::TailFilter filter{std::string(call.param("device")), std::string(call.param("product")),
                            std::string(call.param("type"))};
  if (!filter.type.empty() && !codec::message_type_from(filter.type)) {
    return reply->problem(Error(Errc::bad_request, "\"" + filter.type + "\" is not a message type",
                                "for example REPORT_PROPERTY, EVENT, ONLINE", "type"));
  }
  const auto limit = count_parameter(call, "limit", 0, std::numeric_limits<std::int32_t>::max());
  if (!limit) return reply->problem(limit.error());
  auto lines = LiveLines::start(reply, *limit);
  lines->source = r_.tail.subscribe(std::move(filter), [weak = std::weak_ptr(lines)](const std::string& line) {
    if (const auto live = weak.lock()) live->add(line);
  });
}

void Calls::watch(const Call& call, const Reply& reply) {
  std::string kind;
  if (const auto wanted = call.param("kind"); !wanted.empty()) {
    const auto found = model::kind_named(wanted);
    if (!found) return reply->problem(found.error());
    kind = (*found)->name;
  }
  const auto limit = count_parameter(call, "limit", 0, std::numeric_limits<std::int32_t>::max());
  if (!limit) return reply->problem(limit.error());
  reply->start_stream();
  struct State {
    std::size_t left;
    std::shared_ptr<void> subscription;
  };
  auto state = std::make_shared<State>();
  state->left = *limit == 0 ? std::numeric_limits<std::size_t>::max() : *limit;
  reply->on_gone([state] { state->subscription.reset(); });
  state->subscription = r_.store.watch([this, weak = std::weak_ptr(state), reply, kind](const store::Commit& commit) {
    const auto live = weak.lock();
    if (!live) return;
    for (const auto& change : commit.changes) {
      const std::string_view changed(store::key_part(change.key, 0)), id(store::key_part(change.key, 1));
      if (live->left == 0 || (!kind.empty() && kind != changed)) continue;
      json::object event{{"event", change.value ? "put" : "delete"},
                         {"kind", changed},
                         {"id", id},
                         {"revision", static_cast<std::int64_t>(commit.revision)}};
      if (change.value) {
        auto resource = model::from_stored(changed, id, *change.value, commit.revision);
        if (resource) event["data"] = r_.resources.document(std::move(*resource), services::Resources::Detail::brief);
      }
      if (!reply->line(json::serialize(event))) return;
      if (--live->left == 0) reply->end_stream();
    }
  });
}

}  // namespace jl::control
