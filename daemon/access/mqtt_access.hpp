#pragma once
// Devices on an MQTT server component: who may connect, and what becomes of what they publish (access.md 5.1, 5.2).
// One per network component; its calls come on the connections' own threads.
#include "daemon/access/context.hpp"
#include "daemon/access/pending.hpp"
#include "daemon/base/log.hpp"
#include "daemon/base/published.hpp"

#include <map>
#include <memory>

namespace jl::access {

/// A gateway that lets devices in through this component.
struct AttachedGateway {
  std::string id;
  bool product_only = false;
  std::shared_ptr<GatewayCounters> counters;
};
using AttachedGateways = std::vector<AttachedGateway>;

class MqttClient;

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

 private:
  [[nodiscard]] bool is_still_welcome(const std::string& device_id, std::string_view gateway_id) const;
  void refuse(network::MqttConnection& connection, wire::mqtt::ReasonCode reason, std::string_view client_id,
              std::string_view why, GatewayCounters* counters);
  Context context_;
  std::string network_id_;
  Published<AttachedGateways> gateways_;
  log::RateLimit refusal_log_;
};

}  // namespace jl::access
