#include "daemon/access/mqtt_access.hpp"

#include "daemon/access/mqtt_link.hpp"

#include <algorithm>

namespace jl::access {
using wire::mqtt::CloseCause;
using wire::mqtt::ReasonCode;

namespace {

/// What hangs on the connection of a device.
struct DeviceAttachment final : network::MqttAttachment {
  explicit DeviceAttachment(std::shared_ptr<DeviceSession> s) : session(std::move(s)) {}
  std::shared_ptr<DeviceSession> session;
};

DeviceSession* session_of(const network::MqttConnection& connection) {
  const auto* attachment = static_cast<const DeviceAttachment*>(connection.attachment.get());
  return attachment ? attachment->session.get() : nullptr;
}

ReasonCode reason_of(Refusal::Kind kind) {
  switch (kind) {
    case Refusal::Kind::unavailable:
      return ReasonCode::server_unavailable;
    case Refusal::Kind::bad_client_id:
      return ReasonCode::client_identifier_not_valid;
    case Refusal::Kind::unauthenticated:
      break;
  }
  // One answer for every reason that could tell a stranger which device ids exist.
  return ReasonCode::bad_user_name_or_password;
}

}  // namespace

void MqttAccess::refuse(network::MqttConnection& connection, const Refusal& refusal, std::string_view client_id) {
  if (refusal.counters) refusal.counters->rejected.fetch_add(1, std::memory_order_relaxed);
  std::uint64_t held = 0;
  if (refusal_log_.allow(context_.clock.steady(), held)) {
    const std::string id =
        is_printable_utf8(client_id) ? std::string(client_id.substr(0, 64)) : std::string("(unprintable)");
    log::warn("access.mqtt", "refused network={} client={} peer={} reason=\"{}\" more={}", network_id_, id,
              connection.peer(), refusal.why, held);
  }
  connection.refuse(reason_of(refusal.kind), refusal.why);
}

std::variant<Admission, Refusal> MqttAccess::authenticate(const wire::mqtt::ConnectView& connect) const {
  const auto gateways = gateways_.load();
  if (connect.client_id.empty() && !gateways->empty())
    return Refusal{Refusal::Kind::bad_client_id, "the client id must be a device id", gateways->front().counters};
  auto admitted = admit(context_, *gateways, network_id_, connect.client_id);
  if (const auto* admission = std::get_if<Admission>(&admitted)) {
    const codec::MqttCredentials credentials{connect.client_id, connect.username, connect.password};
    const codec::AuthOutcome outcome =
        admission->codec->authenticate(credentials, admission->device.identity, context_.clock.now());
    if (outcome != codec::AuthOutcome::ok) {
      return Refusal{Refusal::Kind::unauthenticated, std::string(codec::to_string(outcome)), admission->counters};
    }
  }
  return admitted;
}

std::shared_ptr<const TopicAcl> MqttAccess::acl_of(std::string_view gateway_id) const {
  const auto gateways = gateways_.load();
  const auto it = std::ranges::find(*gateways, gateway_id, &AttachedGateway::id);
  return it == gateways->end() ? std::make_shared<const TopicAcl>() : it->acl;
}

std::shared_ptr<DeviceSession> MqttAccess::open(network::MqttConnection& connection, Admission admission) const {
  admission.counters->connections.fetch_add(1, std::memory_order_relaxed);
  const auto still_welcome = [this, id = admission.device.identity.device_id, gateway = admission.gateway_id] {
    return is_still_welcome(context_, *gateways_.load(), id, gateway);
  };
  auto session = std::make_shared<DeviceSession>(context_, std::move(admission), std::make_unique<MqttLink>(connection),
                                                 still_welcome);
  session->go_online();
  // A change that was committed after the look-up, and looked for sessions before this one was there, ended none.
  if (still_welcome()) return session;
  session->on_close(false);
  return nullptr;
}

void MqttAccess::on_connect(network::MqttConnection& connection, const wire::mqtt::ConnectView& connect) {
  auto authenticated = authenticate(connect);
  if (const auto* refusal = std::get_if<Refusal>(&authenticated))
    return refuse(connection, *refusal, connect.client_id);
  auto session = open(connection, std::get<Admission>(std::move(authenticated)));
  if (!session) {
    return refuse(connection, {Refusal::Kind::unavailable, "the device or its gateway changed just now", nullptr},
                  connect.client_id);
  }
  connection.attachment = std::make_unique<DeviceAttachment>(std::move(session));
  connection.accept({});
}

ReasonCode MqttAccess::on_device_publish(DeviceSession& session, std::string_view topic, std::string_view payload) {
  // Acknowledged in any case: 3.1.1 clients would repeat it for ever. MQTT 5 clients see the reason.
  switch (session.on_uplink({topic, payload})) {
    case DeviceSession::Uplink::taken:
      return ReasonCode::success;
    case DeviceSession::Uplink::foreign:
      return ReasonCode::not_authorized;
    case DeviceSession::Uplink::invalid:
      break;
  }
  return ReasonCode::payload_format_invalid;
}

void MqttAccess::on_device_close(DeviceSession& session, const network::MqttConnection& connection, CloseCause cause,
                                 bool will) {
  if (const auto* message = connection.will(); will && message)
    (void)session.on_uplink({message->topic, message->payload});
  session.on_close(cause != CloseCause::administrative && cause != CloseCause::server_shutdown);
}

ReasonCode MqttAccess::on_publish(network::MqttConnection& connection, const wire::mqtt::PublishView& publish) {
  DeviceSession* session = session_of(connection);
  return session ? on_device_publish(*session, publish.topic, publish.payload) : ReasonCode::not_authorized;
}

ReasonCode MqttAccess::on_subscribe(network::MqttConnection&, std::string_view,
                                    const wire::mqtt::SubscribeOptions& options) {
  // Devices receive their own downlink only, whatever they subscribe to: granting costs nothing and old firmware
  // expects it.
  return static_cast<ReasonCode>(options.qos);
}

void MqttAccess::on_close(network::MqttConnection& connection, CloseCause cause, bool will) {
  if (DeviceSession* session = session_of(connection)) on_device_close(*session, connection, cause, will);
}

}  // namespace jl::access
