#include "daemon/access/mqtt_access.hpp"

#include "daemon/access/mqtt_client.hpp"
#include "daemon/base/log.hpp"

namespace jl::access {
using wire::mqtt::ReasonCode;

void MqttAccess::refuse(network::MqttConnection& connection, ReasonCode reason, std::string_view client_id,
                        std::string_view why, GatewayCounters* counters) {
  if (counters) counters->rejected.fetch_add(1, std::memory_order_relaxed);
  std::uint64_t held = 0;
  if (refusal_log_.allow(context_.clock.steady(), held)) {
    const std::string id =
        is_printable_utf8(client_id) ? std::string(client_id.substr(0, 64)) : std::string("(unprintable)");
    log::warn("access.mqtt", "refused network={} client={} peer={} reason=\"{}\" more={}", network_id_, id,
              connection.peer(), why, held);
  }
  connection.refuse(reason, why);
}

void MqttAccess::on_connect(network::MqttConnection& connection, const wire::mqtt::ConnectView& connect) {
  const auto gateways = gateways_.load();
  if (gateways->empty())
    return refuse(connection, ReasonCode::server_unavailable, connect.client_id,
                  "no enabled gateway uses this component", nullptr);
  GatewayCounters* first = gateways->front().counters.get();
  if (connect.client_id.empty()) {
    return refuse(connection, ReasonCode::client_identifier_not_valid, {}, "the client id must be a device id", first);
  }
  auto found = context_.directory.find(connect.client_id);
  if (!found) {
    log::error("access.mqtt", "client={} cannot be looked up: {}", connect.client_id, found.error().message);
    return refuse(connection, ReasonCode::server_unavailable, connect.client_id, "internal error", first);
  }
  // One answer for every reason that could tell a stranger which device ids exist.
  const auto unauthenticated = [&](std::string_view why, GatewayCounters* counters) {
    refuse(connection, ReasonCode::bad_user_name_or_password, connect.client_id, why, counters);
  };
  if (!*found) return unauthenticated("unknown device", first);
  device::DeviceRecord device = std::move(**found);
  if (!device.enabled) return unauthenticated("device is disabled", first);
  if (!device.product || !device.product->enabled) return unauthenticated("product is disabled", first);

  // The product's own gateway if it is attached here, else any that takes other gateways' products.
  const AttachedGateway* gateway = nullptr;
  for (const auto& candidate : *gateways) {
    if (candidate.id == device.product->gateway_id) {
      gateway = &candidate;
      break;
    }
    if (!candidate.product_only && !gateway) gateway = &candidate;
  }
  if (!gateway) return unauthenticated("its product uses another gateway", first);

  const codec::Protocol* codec = device.catalog->codec_of(*device.product);
  if (!codec) {
    return refuse(connection, ReasonCode::server_unavailable, connect.client_id,
                  "the product's protocol is missing or disabled", gateway->counters.get());
  }
  const codec::MqttCredentials credentials{connect.client_id, connect.username, connect.password};
  const codec::AuthOutcome outcome = codec->authenticate(credentials, device.identity, context_.clock.now());
  if (outcome != codec::AuthOutcome::ok) return unauthenticated(codec::to_string(outcome), gateway->counters.get());

  gateway->counters->connections.fetch_add(1, std::memory_order_relaxed);
  auto client = std::make_unique<MqttClient>(context_, connection, std::move(device), *codec, network_id_, gateway->id,
                                             gateway->counters,
                                             [this, id = std::string(connect.client_id), gateway_id = gateway->id] {
                                               return is_still_welcome(id, gateway_id);
                                             });
  MqttClient* raw = client.get();
  connection.attachment = std::move(client);
  raw->go_online();
  // A change that was committed after the look-up above, and looked for sessions before this one was there, ended none.
  if (!is_still_welcome(raw->device_id(), gateway->id)) {
    return refuse(connection, ReasonCode::server_unavailable, connect.client_id,
                  "the device or its gateway changed just now", nullptr);
  }
  connection.accept({});
}

bool MqttAccess::is_still_welcome(const std::string& device_id, std::string_view gateway_id) const {
  const auto gateways = gateways_.load();
  if (std::ranges::find(*gateways, gateway_id, &AttachedGateway::id) == gateways->end()) return false;
  const auto device = context_.directory.find(device_id);
  return device && *device && (*device)->enabled && (*device)->product && (*device)->product->enabled;
}

ReasonCode MqttAccess::on_publish(network::MqttConnection& connection, const wire::mqtt::PublishView& publish) {
  auto* client = static_cast<MqttClient*>(connection.attachment.get());
  if (!client) return ReasonCode::not_authorized;
  return client->on_publish(publish.topic, publish.payload);
}

ReasonCode MqttAccess::on_subscribe(network::MqttConnection&, std::string_view,
                                    const wire::mqtt::SubscribeOptions& options) {
  // Devices receive their own downlink only, whatever they subscribe to: granting costs nothing and old firmware
  // expects it.
  return static_cast<ReasonCode>(options.qos);
}

void MqttAccess::on_close(network::MqttConnection& connection, wire::mqtt::CloseCause cause, bool will) {
  auto* client = static_cast<MqttClient*>(connection.attachment.get());
  if (!client) return;
  if (const auto* message = connection.will(); will && message)
    (void)client->on_publish(message->topic, message->payload);
  client->on_close(cause != wire::mqtt::CloseCause::administrative && cause != wire::mqtt::CloseCause::server_shutdown);
}

}  // namespace jl::access
