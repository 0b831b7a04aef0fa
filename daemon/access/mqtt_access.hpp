#pragma once
// Devices on an MQTT server component: who may connect, and what becomes of what they publish (access.md 5.1, 5.2).
// One per network component; its calls come on the connections' own threads.
#include "daemon/access/admission.hpp"
#include "daemon/access/device_session.hpp"
#include "daemon/base/log.hpp"
#include "daemon/base/published.hpp"
#include "daemon/network/mqtt_server.hpp"

namespace jl::access {

class MqttAccess final : public network::MqttServerHandler {
 public:
  MqttAccess(const Context& context, std::string network_id) : context_(context), network_id_(std::move(network_id)) {}

  /// The gateways from now on; none = clients are refused with "server unavailable". Any thread.
  void attach(std::shared_ptr<const AttachedGateways> gateways) { gateways_.store(std::move(gateways)); }

  void on_connect(network::MqttConnection& connection, const wire::mqtt::ConnectView& connect) override;
  wire::mqtt::ReasonCode on_publish(network::MqttConnection& connection,
                                    const wire::mqtt::PublishView& publish) override;
  wire::mqtt::ReasonCode on_subscribe(network::MqttConnection& connection, std::string_view filter,
                                      const wire::mqtt::SubscribeOptions& options) override;
  void on_close(network::MqttConnection& connection, wire::mqtt::CloseCause cause, bool will) override;

  // The part of a device in these, for whoever routes them.
  /// Whether a client is a device that may come in.
  [[nodiscard]] std::variant<Admission, Refusal> authenticate(const wire::mqtt::ConnectView& connect) const;
  /// Opens the session of a device that may, and says ONLINE; nullptr when that has just changed. The caller hangs it
  /// on the connection, accepts or refuses, and calls on_device_close in the end.
  [[nodiscard]] std::shared_ptr<DeviceSession> open(network::MqttConnection& connection, Admission admission) const;
  static wire::mqtt::ReasonCode on_device_publish(DeviceSession& session, std::string_view topic,
                                                  std::string_view payload);
  static void on_device_close(DeviceSession& session, const network::MqttConnection& connection,
                              wire::mqtt::CloseCause cause, bool will);
  /// What a gateway that is attached right now grants its devices; nothing for others.
  [[nodiscard]] std::shared_ptr<const TopicAcl> acl_of(std::string_view gateway_id) const;
  /// Refuses, counts and (at a bounded rate) logs.
  void refuse(network::MqttConnection& connection, const Refusal& refusal, std::string_view client_id);

 private:
  Context context_;
  std::string network_id_;
  Published<AttachedGateways> gateways_;
  log::RateLimit refusal_log_;
};

}  // namespace jl::access
