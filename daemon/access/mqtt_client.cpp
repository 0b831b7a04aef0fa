#include "daemon/access/mqtt_client.hpp"

#include "daemon/base/log.hpp"
#include "daemon/device/records.hpp"

namespace jl::access {
namespace json = boost::json;
using codec::DeviceMessage;
using codec::MessageType;
using wire::mqtt::ReasonCode;

namespace {

// Reused for every message of a thread.
struct Scratch {
  DeviceMessage message;
  codec::MqttDownlink reply;
};
Scratch& scratch() {
  thread_local Scratch instance;
  return instance;
}

log::RateLimit& message_log() {
  static log::RateLimit limit;
  return limit;
}

}  // namespace

void record_session(const Context& context, const Session& session, bool online, network::IoThread& thread) {
  if (!online) {
    if (const auto device = context.directory.find(session.device_id); device && !*device) return;
  }
  device::TurnLog& log = context.log_of(thread);
  const Millis now = context.clock.now();
  device::state_key(log.key_buffer, session.product_id, session.device_id);
  log.put(store::Family::devices, log.key_buffer,
          device::to_record(
              {online, online ? session.since : now, session.address, session.gateway_id, session.parent_id}));
  DeviceMessage message;
  message.type = online ? MessageType::online : MessageType::offline;
  message.device_id = session.device_id;
  message.timestamp = now;
  json::object body{{"messageType", codec::to_string(message.type)},
                    {"deviceId", session.device_id},
                    {"timestamp", now},
                    {"headers", json::object{{"from", "session"}}}};
  if (session.is_child()) body["headers"].as_object()["parentId"] = session.parent_id;
  message.json = json::serialize(body);
  context.bus.publish({message, session.product_id, session.device_id, now}, log);
}

void end_session(const Context& context, const std::shared_ptr<const Session>& session) {
  const auto connection = session->connection.lock();
  auto* client = connection ? static_cast<MqttClient*>(connection->attachment.get()) : nullptr;
  if (client && session->is_child()) return client->drop_child(session->device_id);
  if (connection) connection->close(wire::mqtt::CloseCause::administrative, ReasonCode::administrative_action);
  // Without a connection, or with one that was closing already, it was kept online.
  if (context.sessions.remove(*session)) record_session(context, *session, false, *session->thread);
}

MqttClient::MqttClient(const Context& context, network::MqttConnection& connection, device::DeviceRecord device,
                       const codec::Protocol& codec, std::string network_id, std::string gateway_id,
                       std::shared_ptr<GatewayCounters> counters, std::function<bool()> still_welcome)
    : context_(context),
      connection_(connection),
      device_(std::move(device)),
      codec_(codec),
      network_id_(std::move(network_id)),
      gateway_id_(std::move(gateway_id)),
      counters_(std::move(counters)),
      pending_(connection.thread().timers()),
      still_welcome_(std::move(still_welcome)) {
  device_.derived_metadata = nullptr;  // not needed on this path
  device_.catalog.reset();
  device_.product.reset();
}

void MqttClient::go_online() {
  auto session = std::make_shared<Session>();
  session->device_id = device_.identity.device_id;
  session->product_id = device_.identity.product_id;
  session->gateway_id = gateway_id_;
  session->network_id = network_id_;
  session->address = connection_.peer();
  session->since = context_.clock.now();
  session->thread = &connection_.thread();
  session->connection = connection_.weak_from_this();
  session_ = session;
  const auto before = context_.sessions.put(session);
  // A second connection of the device takes over; the first one is told and closed.
  if (before && !before->is_child()) {
    if (const auto old = before->connection.lock(); old && old.get() != &connection_) {
      old->thread().post([weak = before->connection] {
        if (const auto connection = weak.lock())
          connection->close(wire::mqtt::CloseCause::taken_over, ReasonCode::session_taken_over);
      });
    }
  }
  record_session(context_, *session, true, connection_.thread());
}

bool MqttClient::come_back() {
  // While it had no session, changes could not end one.
  if (closed_) return false;
  if (!still_welcome_()) {
    connection_.close(wire::mqtt::CloseCause::administrative, ReasonCode::administrative_action);
    return false;
  }
  go_online();
  return true;
}

ReasonCode MqttClient::on_publish(std::string_view topic, std::string_view payload) {
  Scratch& s = scratch();
  const auto decoded = codec_.decode({topic, payload}, device_.identity, context_.clock.now(), s.message, s.reply);
  counters_->received.fetch_add(1, std::memory_order_relaxed);
  if (!decoded) {
    const bool foreign = decoded.error().code == Errc::denied;
    (foreign ? counters_->refused : counters_->undecodable).fetch_add(1, std::memory_order_relaxed);
    std::uint64_t held = 0;
    if (message_log().allow(context_.clock.steady(), held)) {
      log::warn("access.mqtt", "dropped device={} topic=\"{}\" reason=\"{}\" more={}", device_id(),
                topic.substr(0, 200), decoded.error().message, held);
    }
    // Acknowledged all the same: 3.1.1 clients would repeat it for ever. MQTT 5 clients see the reason.
    return foreign ? ReasonCode::not_authorized : ReasonCode::payload_format_invalid;
  }
  switch (*decoded) {
    case codec::Decoded::nothing:
      counters_->undecodable.fetch_add(1, std::memory_order_relaxed);
      break;
    case codec::Decoded::reply:
      if (connection_.publish(
              {s.reply.topic, s.reply.payload, static_cast<std::uint8_t>(qos_for(s.reply)), false, 0})) {
        counters_->sent.fetch_add(1, std::memory_order_relaxed);
      }
      break;
    case codec::Decoded::message:
      handle(s.message);
      break;
  }
  return ReasonCode::success;
}

void MqttClient::handle(const DeviceMessage& message) {
  if (message.headers.keep_online) {
    keep_online_ = true;
    keep_online_ms_ = std::clamp<Millis>(message.headers.keep_online_timeout_seconds, 1, 86'400) * 1000;
  }
  if (message.has_child) return handle_child(message, device_id(), 1);
  if (message.headers.ignore_session) {
    pending_.complete(message);
    return publish(message, device_.identity.product_id);
  }
  if (message.type == MessageType::offline) {
    // The session ends, and with it those of its children; the connection stays: the next message brings the device
    // back.
    while (!children_.empty()) close_child(std::string(children_.begin()->first));
    if (session_ && context_.sessions.remove(*session_)) {
      record_session(context_, *session_, false, connection_.thread());
      session_.reset();
    } else if (!message.headers.ignore_if_offline) {
      publish(message, device_.identity.product_id);
    }
    return;
  }
  if (!session_ && !come_back()) return;
  switch (message.type) {
    case MessageType::online:
      if (message.headers.force) publish(message, device_.identity.product_id);
      return;
    case MessageType::register_device:
      handle_registration(message, {});
      break;
    case MessageType::derived_metadata:
      derive_metadata(message);
      break;
    default:
      pending_.complete(message);
      break;
  }
  publish(message, device_.identity.product_id);
}

void MqttClient::derive_metadata(const DeviceMessage& message) {
  boost::system::error_code ec;
  const json::value parsed = json::parse(json::string_view(message.json), ec);
  if (ec || !parsed.is_object()) return;
  const auto* metadata = parsed.as_object().if_contains("metadata");
  const auto* all = parsed.as_object().if_contains("all");
  if (!metadata || !metadata->is_string()) return;
  context_.provisioner.derive_metadata(message.device_id, std::string(metadata->as_string()),
                                       all && all->is_bool() && all->as_bool());
}

void MqttClient::handle_registration(const DeviceMessage& message, const std::string& parent_id) {
  Registration registration;
  registration.device_id = message.device_id;
  registration.parent_id = parent_id;
  registration.product_id = message.headers.product_id;
  registration.name = message.headers.device_name;
  boost::system::error_code ec;
  const json::value headers = json::parse(json::string_view(message.headers.raw), ec);
  if (!ec && headers.is_object()) {
    if (const auto* configuration = headers.as_object().if_contains("configuration");
        configuration && configuration->is_object()) {
      registration.configuration = configuration->as_object();
      if (const auto* self = registration.configuration.if_contains("selfManageState")) {
        registration.self_manage_state =
            (self->is_bool() && self->as_bool()) || (self->is_string() && self->as_string() == "true");
        registration.configuration.erase("selfManageState");
      }
    }
  }
  const bool follows = !parent_id.empty() && !registration.self_manage_state && !message.headers.ignore_session;
  const std::string child_id = message.device_id;
  context_.provisioner.register_device(
      std::move(registration), [weak = connection_.weak_from_this(), thread = &connection_.thread(), follows, child_id,
                                parent_id, &clock = context_.clock](Status done) {
        if (!done) {
          std::uint64_t held = 0;
          if (message_log().allow(clock.steady(), held)) {
            log::warn("access.mqtt", "registration of device={} by parent={} failed: {} more={}", child_id, parent_id,
                      done.error().message, held);
          }
          return;
        }
        if (!follows) return;
        thread->post([weak, child_id, parent_id] {
          const auto connection = weak.lock();
          auto* client = connection ? static_cast<MqttClient*>(connection->attachment.get()) : nullptr;
          if (!client || client->closed_) return;
          DeviceMessage probe;
          probe.device_id = child_id;
          probe.type = MessageType::online;
          if (Child* child = client->child_of(probe, parent_id)) client->open_child(*child, child_id, parent_id);
        });
      });
}

// Finds the child that a message speaks for; nullptr (and a log record) when this device may not speak for it.
MqttClient::Child* MqttClient::child_of(const DeviceMessage& message, const std::string& parent_id) {
  // What has no session was not told of changes either: it is looked up again.
  const auto known = children_.find(message.device_id);
  if (known != children_.end()) {
    if (known->second.session && context_.sessions.find(message.device_id) == known->second.session)
      return &known->second;
    children_.erase(known);
  }
  const auto found = context_.directory.find(message.device_id);
  std::string why;
  if (!found) {
    why = found.error().message;
  } else if (!*found) {
    why = "unknown child";
  } else if (!(*found)->enabled) {
    why = "child is disabled";
  } else if ((*found)->parent_id != parent_id) {
    why = "child belongs to another parent; see jlctl device edit --parent";
  } else if (children_.size() >= 10'000) {
    why = "too many children on one connection";
  } else {
    return &children_.emplace(message.device_id, Child{(*found)->identity.product_id, nullptr}).first->second;
  }
  counters_->refused.fetch_add(1, std::memory_order_relaxed);
  std::uint64_t held = 0;
  if (message_log().allow(context_.clock.steady(), held)) {
    log::warn("access.mqtt", "dropped child message device={} child={} reason=\"{}\" more={}", parent_id,
              message.device_id, why, held);
  }
  return nullptr;
}

void MqttClient::handle_child(const DeviceMessage& wrapper, const std::string& parent_id, int depth) {
  const DeviceMessage& message = *wrapper.child;
  if (!session_ && !come_back()) return;
  if (message.has_child) {
    if (depth >= 8 || !child_of(message, parent_id)) return;
    return handle_child(message, message.device_id, depth + 1);
  }
  if (message.type == MessageType::register_device) {
    handle_registration(message, parent_id);
    // Until it is registered a child has no history to write into.
    if (const auto it = children_.find(message.device_id); it != children_.end() && it->second.session)
      publish(message, it->second.product_id);
    return;
  }
  Child* child = child_of(message, parent_id);
  if (!child) return;
  const std::string product_id = child->product_id;
  switch (message.type) {
    case MessageType::offline:
    case MessageType::unregister_device:
      close_child(message.device_id);
      if (message.type == MessageType::unregister_device) {
        context_.provisioner.unbind_child(message.device_id, parent_id);
        publish(message, product_id);
      }
      return;
    case MessageType::state_check_reply:
    case MessageType::disconnect_reply:
    case MessageType::disconnect:
    case MessageType::state_check:
      break;
    default:
      if (message.headers.ignore_session || (codec::is_reply(message.type) && !message.success)) break;
      if (!child->session) open_child(*child, message.device_id, parent_id);
      if (message.type == MessageType::online && !message.headers.force) return;
      if (message.type == MessageType::derived_metadata) derive_metadata(message);
      break;
  }
  pending_.complete(message);
  publish(message, product_id);
}

void MqttClient::open_child(Child& child, const std::string& child_id, const std::string& parent_id) {
  if (child.session) return;
  // A child with a connection of its own speaks for itself.
  if (const auto own = context_.sessions.find(child_id); own && !own->is_child()) return;
  auto session = std::make_shared<Session>();
  session->device_id = child_id;
  session->product_id = child.product_id;
  session->gateway_id = gateway_id_;
  session->network_id = network_id_;
  session->parent_id = parent_id;
  session->address = connection_.peer();
  session->since = context_.clock.now();
  session->thread = &connection_.thread();
  session->connection = connection_.weak_from_this();
  child.session = session;
  context_.sessions.put(session);
  record_session(context_, *session, true, connection_.thread());
}

void MqttClient::close_child(const std::string& child_id) {
  const auto it = children_.find(child_id);
  if (it == children_.end()) return;
  const auto session = it->second.session;
  children_.erase(it);
  if (session && context_.sessions.remove(*session)) record_session(context_, *session, false, connection_.thread());
}

void MqttClient::drop_child(const std::string& child_id) { close_child(child_id); }

void MqttClient::publish(const DeviceMessage& message, std::string_view product_id) {
  context_.bus.publish({message, product_id, message.device_id, context_.clock.now()},
                       context_.log_of(connection_.thread()));
}

void MqttClient::on_close(bool may_keep) {
  closed_ = true;
  pending_.fail_all(Errc::connection_lost);
  while (!children_.empty()) close_child(std::string(children_.begin()->first));
  if (!session_) return;
  counters_->disconnected.fetch_add(1, std::memory_order_relaxed);
  const auto current = context_.sessions.find(device_id());
  if (keep_online_ && may_keep && current == session_) {
    context_.kept[connection_.thread().index()]->keep(session_, keep_online_ms_,
                                                      [context = context_](const Session& session) {
                                                        if (context.sessions.remove(session))
                                                          record_session(context, session, false, *session.thread);
                                                      });
  } else if (context_.sessions.remove(*session_)) {
    record_session(context_, *session_, false, connection_.thread());
  }
  session_.reset();
}

int MqttClient::qos_for(const codec::MqttDownlink& downlink) const {
  const int granted = connection_.granted_qos(downlink.topic);
  return granted < 0 ? downlink.qos : std::min(1, granted);
}

void MqttClient::send(const codec::DownMessage& message, const std::string& target_device, MessageType reply,
                      Millis timeout, CommandDone done) {
  if (closed_) return done(Error(Errc::connection_lost, "the connection of device \"" + device_id() + "\" is gone"));
  if (pending_.is_full())
    return done(Error(Errc::system_busy, "too many commands wait for device \"" + device_id() + "\""));
  auto encoded = codec_.encode(message, device_.identity);
  if (!encoded) return done(encoded.error());
  if (encoded->disconnect) {
    connection_.close(wire::mqtt::CloseCause::administrative, ReasonCode::administrative_action);
    return done(CommandReply{std::string(), json::object{{"success", true}}, 0});
  }
  for (const auto& downlink : encoded->publishes) {
    if (!connection_.publish(
            {downlink.topic, downlink.payload, static_cast<std::uint8_t>(qos_for(downlink)), false, 0})) {
      return done(Error(Errc::system_busy, "the send queue of device \"" + device_id() +
                                               "\" is full, or the message is larger than it takes"));
    }
    counters_->sent.fetch_add(1, std::memory_order_relaxed);
  }
  // The innermost message carries the id that the answer repeats.
  const json::object* innermost = &message.body;
  while (const auto* nested = innermost->if_contains("childDeviceMessage")) innermost = &nested->as_object();
  std::string message_id(innermost->at("messageId").as_string());
  // A function that the thing model calls async is not waited for (access.md 5.7).
  if (reply == MessageType::unknown)
    return done(CommandReply{std::move(message_id), json::object{{"success", true}, {"code", "REQUEST_HANDLING"}}, 0});
  pending_.add(target_device, std::move(message_id), reply, timeout, std::move(done));
}

}  // namespace jl::access
