#pragma once
// A network component that runs on this node, whatever its type: what the runtime starts, changes, asks and stops.
#include "common/model/network.hpp"
#include "common/model/resource.hpp"
#include "daemon/access/mqtt_access.hpp"
#include "daemon/device/cert_info.hpp"
#include "daemon/ota/downloads.hpp"
#include "daemon/ota/upgrades.hpp"

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <string>

namespace jl::runtime {

/// Finds a cert as it will be once the change at hand is committed. Errors: not_found, and why it cannot be read.
using CertSource = std::function<Result<device::CertInfo>(const std::string& id)>;

/// What components are made of.
struct Materials {
  network::IoThreads& threads;
  access::Context context;
  access::MqttServices mqtt;
  ota::Depot& depot;
  ota::Upgrades& upgrades;
  ota::Downloads& downloads;
};

/// Takes a list of clients; called once, on any thread.
using ClientsDone = std::function<void(boost::json::array)>;

class Component {
 public:
  virtual ~Component() = default;

  /// Prepares another configuration for the same socket. What it returns makes it so, once the change is committed.
  /// Errors: those of certs.
  [[nodiscard]] virtual Result<std::function<void()>> prepare(const boost::json::object& configuration,
                                                              const CertSource& certs) = 0;
  virtual void attach(std::shared_ptr<const access::AttachedGateways> gateways) = 0;
  /// Closes the socket and its connections. Not from an I/O thread.
  virtual void stop(std::chrono::milliseconds drain) = 0;
  /// Who is connected, or was heard of lately; MQTT servers list theirs through their broker.
  virtual void list(ClientsDone done) const { done({}); }
  /// state, reason, address, connections, counters.
  [[nodiscard]] virtual boost::json::object status() const = 0;
};

/// Starts a component of the resource's type. `broker` belongs to MQTT servers.
/// Errors: address_in_use, denied, network, invalid, those of certs.
[[nodiscard]] Result<std::unique_ptr<Component>> start_component(
    const Materials& materials, const model::Resource& resource, const boost::json::object& configuration,
    const CertSource& certs, const std::shared_ptr<broker::Broker>& broker,
    std::shared_ptr<const access::AttachedGateways> gateways);

/// What the socket of a configuration is: one that differs needs a new component. "tcp 0.0.0.0:1883" for servers.
/// The transport comes first: sockets of two transports do not meet.
[[nodiscard]] std::string socket_of(const model::Resource& resource, const boost::json::object& configuration);
/// The port that it listens on, "tcp/1883"; "" = it does not listen.
[[nodiscard]] std::string port_of(const model::Resource& resource, const boost::json::object& configuration);
/// The address for people while it does not run: "mqtts://0.0.0.0:8883".
[[nodiscard]] std::string address_of(const model::Resource& resource, const boost::json::object& configuration);
/// What devices use, for display: publicHost and publicPort where they are set (network.md 1.3).
[[nodiscard]] std::string public_address_of(const model::Resource& resource, const boost::json::object& configuration);
/// The cert that it uses; "" = none.
[[nodiscard]] std::string cert_of(const boost::json::object& configuration);
[[nodiscard]] bool has_broker(const model::Resource& resource);

/// What a broker holds at most, from the configuration of an MQTT server.
[[nodiscard]] broker::BrokerOptions broker_options(const std::string& id, const boost::json::object& configuration);
/// Options of a listener from its configuration; without TLS.
[[nodiscard]] network::MqttServerOptions mqtt_options(const std::string& id, const model::MqttServer& configuration);

// One per type.
[[nodiscard]] Result<std::unique_ptr<Component>> start_mqtt_server(
    const Materials& materials, const std::string& id, const model::MqttServer& configuration, const CertSource& certs,
    const std::shared_ptr<broker::Broker>& broker, std::shared_ptr<const access::AttachedGateways> gateways);
[[nodiscard]] Result<std::unique_ptr<Component>> start_mqtt_client(
    const Materials& materials, const std::string& id, const model::MqttClient& configuration, const CertSource& certs,
    std::shared_ptr<const access::AttachedGateways> gateways);
[[nodiscard]] Result<std::unique_ptr<Component>> start_tcp_server(
    const Materials& materials, const std::string& id, const model::TcpServer& configuration, const CertSource& certs,
    std::shared_ptr<const access::AttachedGateways> gateways);
[[nodiscard]] Result<std::unique_ptr<Component>> start_udp(const Materials& materials, const std::string& id,
                                                           const model::Udp& configuration, const CertSource& certs,
                                                           std::shared_ptr<const access::AttachedGateways> gateways);
/// HTTP_SERVER and WEB_SOCKET_SERVER.
[[nodiscard]] Result<std::unique_ptr<Component>> start_http_server(
    const Materials& materials, const std::string& id, model::NetworkType type,
    const boost::json::object& configuration, const CertSource& certs,
    std::shared_ptr<const access::AttachedGateways> gateways);
[[nodiscard]] Result<std::unique_ptr<Component>> start_coap_server(
    const Materials& materials, const std::string& id, const model::CoapServer& configuration, const CertSource& certs,
    std::shared_ptr<const access::AttachedGateways> gateways);

}  // namespace jl::runtime
