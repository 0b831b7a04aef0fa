// Calls about what runs on an MQTT server component: who is connected, who has to go, and messages by hand.
#include "common/base/base64.hpp"
#include "common/base/words.hpp"
#include "daemon/access/northbound.hpp"
#include "daemon/control/calls/calls.hpp"
#include "daemon/control/calls/live_lines.hpp"

namespace jl::control {
namespace json = boost::json;

namespace {

json::object client_document(const broker::ClientInfo& info, bool detailed) {
  json::object out{{"clientId", info.id},
                   {"role", info.user.empty() ? "device" : "application"},
                   {"connected", info.connected},
                   {"since", format_time(info.since)},
                   {"subscriptions", info.subscriptions},
                   {"queued", info.queued},
                   {"inFlight", info.in_flight}};
  if (!info.user.empty()) out["user"] = info.user;
  if (info.connected) {
    out["address"] = info.address;
    out["version"] = info.version == 5 ? "5.0" : info.version == 4 ? "3.1.1" : "3.1";
    out["keepAlive"] = info.keep_alive;
  }
  if (!info.tls_subject.empty()) out["tlsSubject"] = info.tls_subject;
  // MQTT 5 §3.1.2.11.2: the highest value stands for a session that never ends.
  if (info.session_expiry > 0 && info.session_expiry != broker::kNeverExpires)
    out["sessionExpiry"] = info.session_expiry;
  out["persistent"] = info.session_expiry > 0;
  if (detailed) out["filters"] = json::value_from(info.filters);
  return out;
}

Error no_client(const std::string& network, std::string_view client) {
  return {Errc::not_found, "network \"" + network + "\" has no client \"" + std::string(client) + "\"",
          "jlctl network clients " + network, "client"};
}

/// A text member of the body. Errors: bad_request.
Result<std::string> text_member(const Call& call, const char* key) {
  const auto* value = call.body.if_contains(key);
  if (!value || !value->is_string() || value->as_string().empty())
    return Error(Errc::bad_request, fmt::format("\"{}\" must be a text", key), {}, key);
  return std::string(value->as_string());
}

bool flag_member(const Call& call, const char* key) {
  const auto* value = call.body.if_contains(key);
  return value && value->is_bool() && value->as_bool();
}

}  // namespace

Result<std::shared_ptr<broker::Broker>> Calls::broker_of(const std::string& network_id) const {
  const auto exists = r_.resources.exists("network", network_id);
  if (!exists) return exists.error();
  if (!*exists) return Error(Errc::not_found, "network \"" + network_id + "\" does not exist", "jlctl network list");
  if (auto broker = r_.runtime.broker_of(network_id)) return broker;
  return Error(Errc::unsupported, "network \"" + network_id + "\" is not an enabled MQTT server",
               "jlctl network show " + network_id);
}

void Calls::network_call(const Call& call, const Reply& reply) {
  if (call.command->verb == "clients" && !r_.runtime.broker_of(call.id)) return network_connections(call, reply);
  const auto broker = broker_of(call.id);
  if (!broker) return reply->problem(broker.error());
  const std::string& verb = call.command->verb;
  if (verb == "clients") return network_clients(call, reply, *broker);
  if (verb == "kick") return network_kick(call, reply, *broker);
  if (verb == "sub") return network_subscribe(call, reply, *broker);
  network_publish(call, reply, *broker);
}

void Calls::network_clients(const Call& call, const Reply& reply, const std::shared_ptr<broker::Broker>& broker) {
  const std::string only(call.param("client"));
  const auto limit = count_parameter(call, "limit", 0, 10'000'000);
  if (!limit) return reply->problem(limit.error());
  broker->list(
      [reply, only, network = call.id, limit = *limit](std::vector<broker::ClientInfo> clients) {
        if (!only.empty() && clients.empty()) return reply->problem(no_client(network, only));
        json::array items;
        for (const auto& client : clients) {
          if (limit > 0 && items.size() >= limit) break;
          items.push_back(client_document(client, !only.empty()));
        }
        reply->json(200, json::object{{"items", std::move(items)}});
      },
      only);
}

// Clients of components that are no MQTT servers.
void Calls::network_connections(const Call& call, const Reply& reply) {
  const auto exists = r_.resources.exists("network", call.id);
  if (!exists) return reply->problem(exists.error());
  if (!*exists) {
    return reply->problem(Error(Errc::not_found, "network \"" + call.id + "\" does not exist", "jlctl network list"));
  }
  const auto limit = count_parameter(call, "limit", 0, 10'000'000);
  if (!limit) return reply->problem(limit.error());
  const Status asked = r_.runtime.list_clients(
      call.id, [reply, network = call.id, only = std::string(call.param("client")), limit = *limit](json::array all) {
        json::array items;
        for (auto& client : all) {
          if (limit > 0 && items.size() >= limit) break;
          const auto* id = client.as_object().if_contains("clientId");
          if (only.empty() || (id && id->as_string() == only)) items.push_back(std::move(client));
        }
        if (!only.empty() && items.empty()) return reply->problem(no_client(network, only));
        reply->json(200, json::object{{"items", std::move(items)}});
      });
  if (!asked) reply->problem(asked.error());
}

void Calls::network_kick(const Call& call, const Reply& reply, const std::shared_ptr<broker::Broker>& broker) {
  const auto client = text_member(call, "client");
  if (!client) return reply->problem(client.error());
  reply->notes({"network/" + call.id, 0, 0});
  broker->kick(*client, flag_member(call, "forget"), [reply, network = call.id, client = *client](bool was_there) {
    if (!was_there) return reply->problem(no_client(network, client));
    reply->json(200, json::object{{"result", "deleted"}, {"kind", "client"}, {"id", client}});
  });
}

void Calls::network_subscribe(const Call& call, const Reply& reply, const std::shared_ptr<broker::Broker>& broker) {
  const std::string filter(call.param("filter"));
  if (!wire::mqtt::is_valid_topic_filter(filter) || filter.starts_with("$share/") || filter.size() > 1024) {
    return reply->problem(Error(Errc::bad_request, "\"" + filter + "\" is not a topic filter",
                                "levels, \"+\" for one of them, \"#\" for the rest", "filter"));
  }
  const auto limit = count_parameter(call, "limit", 0, std::numeric_limits<std::int32_t>::max());
  if (!limit) return reply->problem(limit.error());
  auto lines = LiveLines::start(reply, *limit);
  lines->source = broker->tap(
      filter, [weak = std::weak_ptr(lines), &clock = r_.clock](const wire::mqtt::Message& message, bool retained) {
        const auto live = weak.lock();
        if (!live || !live->wants_more()) return;
        json::object line{{"time", format_time(clock.now())}, {"topic", message.topic}, {"qos", message.qos}};
        if (retained) line["retained"] = true;
        if (is_printable_utf8(message.payload, true)) {
          line["payload"] = message.payload;
        } else {
          line["payloadBase64"] = to_base64(message.payload);
        }
        live->add(json::serialize(line));
      });
}

void Calls::network_publish(const Call& call, const Reply& reply, const std::shared_ptr<broker::Broker>& broker) {
  const auto topic = text_member(call, "topic");
  if (!topic) return reply->problem(topic.error());
  if (!wire::mqtt::is_valid_topic_name(*topic) || topic->size() > 1024)
    return reply->problem(
        Error(Errc::bad_request, "\"" + *topic + "\" is not a topic name", "levels without \"+\" and \"#\"", "topic"));
  if (topic->starts_with(access::kNorthbound)) {
    return reply->problem(
        Error(Errc::denied, "below /device/ only devices speak", "jlctl device write, jlctl device invoke", "topic"));
  }
  auto message = std::make_shared<broker::StoredMessage>();
  message->topic = *topic;
  message->retain = flag_member(call, "retain");
  if (const auto* text = call.body.if_contains("payload"); text && text->is_string()) {
    message->payload = text->as_string().c_str();
  } else if (const auto* bytes = call.body.if_contains("payloadBase64"); bytes && bytes->is_string()) {
    auto decoded = from_pasted_base64(bytes->as_string());
    if (!decoded) return reply->problem(Error(Errc::bad_request, "is not base64", {}, "payloadBase64"));
    message->payload = std::move(*decoded);
  }
  if (const auto* qos = call.body.if_contains("qos")) {
    const std::string value = model::text_of(*qos);
    if (value.size() != 1 || value[0] < '0' || value[0] > '2')
      return reply->problem(Error(Errc::bad_request, "must be 0, 1 or 2", {}, "qos"));
    message->qos = static_cast<std::uint8_t>(value[0] - '0');
  }
  reply->notes({"network/" + call.id, 0, 0});
  network::IoThread& thread = r_.turn_logs.front()->thread();
  thread.post([reply, broker, message, &thread, network = call.id] {
    const auto routed = broker->publish(message, nullptr, thread);
    if (routed == wire::mqtt::ReasonCode::quota_exceeded) {
      return reply->problem(Error(Errc::conflict,
                                  "network \"" + network + "\" keeps as many retained messages as it may",
                                  "jlctl network edit " + network + " --max-retained-messages N"));
    }
    const bool heard = routed == wire::mqtt::ReasonCode::success;
    // Answered once it is in the store for those who are away.
    thread.after_commit([reply, message, heard](bool committed) {
      if (!committed) return reply->problem(Error(Errc::storage, "the message could not be stored"));
      reply->json(200, json::object{
                           {"result", "created"}, {"kind", "message"}, {"id", message->topic}, {"subscribers", heard}});
    });
  });
}

}  // namespace jl::control
