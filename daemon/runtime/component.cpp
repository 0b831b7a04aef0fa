#include "daemon/runtime/component.hpp"

#include "common/base/assert.hpp"

namespace jl::runtime {
namespace json = boost::json;
using model::MqttClient;
using model::MqttServer;
using model::NetworkType;

namespace {

NetworkType type_of(const model::Resource& resource) {
  NetworkType out{};
  model::detail::read_value(resource.spec.at("type"), out);
  return out;
}

std::string in_brackets(const std::string& host) {
  return host.find(':') != std::string::npos ? "[" + host + "]" : host;
}

}  // namespace

bool has_broker(const model::Resource& resource) { return type_of(resource) == NetworkType::mqtt_server; }

std::string socket_of(const model::Resource& resource, const json::object& configuration) {
  switch (type_of(resource)) {
    case NetworkType::mqtt_server: {
      const auto c = model::from_json<MqttServer>(configuration);
      return fmt::format("tcp {}:{}{}", c.host, c.port, c.secure ? " tls" : "");
    }
    case NetworkType::mqtt_client:
      break;
  }
  return "client";
}

std::uint16_t port_of(const model::Resource& resource, const json::object& configuration) {
  return has_broker(resource) ? model::from_json<MqttServer>(configuration).port : std::uint16_t{0};
}

std::string address_of(const model::Resource& resource, const json::object& configuration) {
  switch (type_of(resource)) {
    case NetworkType::mqtt_server: {
      const auto c = model::from_json<MqttServer>(configuration);
      return fmt::format("{}://{}:{}", c.secure ? "mqtts" : "mqtt", in_brackets(c.host), c.port);
    }
    case NetworkType::mqtt_client:
      break;
  }
  const auto c = model::from_json<MqttClient>(configuration);
  return fmt::format("{}://{}:{}", c.secure ? "mqtts" : "mqtt", in_brackets(c.remote_host), c.remote_port);
}

std::string cert_of(const json::object& configuration) {
  const auto* secure = configuration.if_contains("secure");
  const auto* cert = configuration.if_contains("certId");
  if (!secure || !secure->is_bool() || !secure->as_bool() || !cert || !cert->is_string()) return {};
  return std::string(cert->as_string());
}

broker::BrokerOptions broker_options(const std::string& id, const json::object& configuration) {
  const auto c = model::from_json<MqttServer>(configuration);
  broker::BrokerOptions out;
  out.network_id = id;
  out.max_sessions = static_cast<std::size_t>(c.max_sessions);
  out.max_queued = static_cast<std::size_t>(c.max_queued_messages);
  out.max_session_expiry = static_cast<std::uint32_t>(c.max_session_expiry);
  out.retained.messages = static_cast<std::size_t>(c.max_retained_messages);
  return out;
}

Result<std::unique_ptr<Component>> start_component(const Materials& materials, const model::Resource& resource,
                                                   const json::object& configuration, const CertSource& certs,
                                                   const std::shared_ptr<broker::Broker>& broker,
                                                   std::shared_ptr<const access::AttachedGateways> gateways) {
  switch (type_of(resource)) {
    case NetworkType::mqtt_server:
      JL_ASSERT(broker);
      return start_mqtt_server(materials, resource.id, model::from_json<MqttServer>(configuration), certs, broker,
                               std::move(gateways));
    case NetworkType::mqtt_client:
      break;
  }
  return start_mqtt_client(materials, resource.id, model::from_json<MqttClient>(configuration), certs,
                           std::move(gateways));
}

}  // namespace jl::runtime
