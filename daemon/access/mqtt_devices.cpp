// Devices on an MQTT server component (access.md 5.1, 5.2).
#include "daemon/access/mqtt_access.hpp"
#include "daemon/access/mqtt_attachment.hpp"
#include "daemon/access/mqtt_link.hpp"

#include <algorithm>

namespace jl::access {
using wire::mqtt::ReasonCode;

namespace {

// The device that connects: by its client id, unless the protocol of a gateway here names another one of its own.
std::variant<Admission, Refusal> admit_client(const Context& context, const AttachedGateways& gateways,
                                              const std::string& network_id, const network::MqttConnection& connection,
                                              const wire::mqtt::ConnectView& connect) {
  const codec::MqttCredentials credentials{connect.client_id, connect.username, connect.password,
                                           connection.tls_subject()};
  for (const auto& gateway : gateways) {
    if (!gateway.codec) continue;
    const std::string id = gateway.codec->device_of(credentials);
    if (id.empty() || id == connect.client_id) continue;
    auto admitted = admit(context, gateways, network_id, id);
    const auto* admission = std::get_if<Admission>(&admitted);
    if (admission && admission->codec == gateway.codec) return admitted;
  }
  return admit(context, gateways, network_id, connect.client_id);
}

}  // namespace

std::variant<Admission, Refusal> MqttAccess::authenticate(const network::MqttConnection& connection,
                                                          const wire::mqtt::ConnectView& connect) const {
  const auto gateways = gateways_.load();
  if (connect.client_id.empty() && !gateways->empty())
    return Refusal{Refusal::Kind::bad_client_id, "the client id must be a device id", gateways->front().counters};
  auto admitted = admit_client(context_, *gateways, network_id_, connection, connect);
  if (const auto* admission = std::get_if<Admission>(&admitted)) {
    const codec::MqttCredentials credentials{connect.client_id, connect.username, connect.password,
                                             connection.tls_subject()};
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
  const auto still_welcome = [this](std::string_view device_id, std::string_view gateway_id) {
    return is_still_welcome(context_, *gateways_.load(), device_id, gateway_id);
  };
  auto session = std::make_shared<DeviceSession>(context_, std::move(admission), std::make_unique<MqttLink>(connection),
                                                 still_welcome);
  session->go_online();
  // A change that was committed after the look-up, and looked for sessions before this one was there, ended none.
  if (still_welcome(session->device_id(), session->gateway_id())) return session;
  session->on_close(false);
  return nullptr;
}

void MqttAccess::connect_device(network::MqttConnection& connection, const wire::mqtt::ConnectView& connect) {
  auto authenticated = authenticate(connection, connect);
  if (const auto* refusal = std::get_if<Refusal>(&authenticated))
    return refuse(connection, *refusal, connect.client_id);
  auto& admission = std::get<Admission>(authenticated);
  Attachment& attachment = of(connection);
  attachment.acl = acl_of(admission.gateway_id);
  auto session = open(connection, std::move(admission));
  if (!session) {
    return refuse(connection, {Refusal::Kind::unavailable, "the device or its gateway changed just now", nullptr},
                  connect.client_id);
  }
  attachment.device = std::move(session);
  connection.be_patient();
  join(connection, {std::string(connect.client_id), {}, connect.clean_start, connection.session_expiry()}, false);
}

ReasonCode MqttAccess::publish_of_device(Attachment& device, const wire::mqtt::PublishView& publish,
                                         network::IoThread& thread) {
  // What a gateway grants beside the protocol goes to subscribers as it is.
  if (device.is_granted(publish.topic)) return route(device, publish, thread);
  // Acknowledged in any case: 3.1.1 clients would repeat it for ever. MQTT 5 clients see the reason.
  switch (device.device->on_uplink({publish.topic, publish.payload})) {
    case DeviceSession::Uplink::taken:
      return ReasonCode::success;
    case DeviceSession::Uplink::nothing:
      // What is none of the protocol's topics was dropped, and is granted to nobody.
      return device.owns(publish.topic) || device.device->codec().owner_of(codec::Uplink{publish.topic, {}})
                 ? ReasonCode::success
                 : ReasonCode::not_authorized;
    case DeviceSession::Uplink::foreign:
    case DeviceSession::Uplink::gone:
    case DeviceSession::Uplink::refused:
      return ReasonCode::not_authorized;
    case DeviceSession::Uplink::invalid:
      break;
  }
  return device.owns(publish.topic) ? ReasonCode::payload_format_invalid : ReasonCode::not_authorized;
}

}  // namespace jl::access
