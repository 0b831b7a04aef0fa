#include "daemon/runtime/component.hpp"

#include "common/base/assert.hpp"

namespace jl::runtime {
namespace json = boost::json;
using model::NetworkType;

namespace {

NetworkType type_of(const model::Resource& resource) { return model::network_type_of(resource.spec); }

std::string in_brackets(const std::string& host) {
  return host.find(':') != std::string::npos ? "[" + host + "]" : host;
}

std::string address(const model::NetworkTypeInfo& info, bool secure, const std::string& host, std::uint16_t port) {
  return fmt::format("{}://{}:{}", secure ? info.secure_scheme : info.scheme, in_brackets(host), port);
}

}  // namespace

bool has_broker(const model::Resource& resource) { return type_of(resource) == NetworkType::mqtt_server; }

std::string socket_of(const model::Resource& resource, const json::object& configuration) {
  const auto& info = model::network_type_info(type_of(resource));
  if (info.transport.empty()) return "client";
  const auto c = model::from_json<model::Listening>(configuration);
  return fmt::format("{} {}:{}{}", info.transport, c.host, c.port, c.secure ? " tls" : "");
}

std::string port_of(const model::Resource& resource, const json::object& configuration) {
  const auto& info = model::network_type_info(type_of(resource));
  if (info.transport.empty()) return {};
  return fmt::format("{}/{}", info.transport, model::from_json<model::Listening>(configuration).port);
}

std::string address_of(const model::Resource& resource, const json::object& configuration) {
  const auto& info = model::network_type_info(type_of(resource));
  if (info.transport.empty()) {
    const auto c = model::from_json<model::MqttClient>(configuration);
    return address(info, c.secure, c.remote_host, c.remote_port);
  }
  const auto c = model::from_json<model::Listening>(configuration);
  return address(info, c.secure, c.host, c.port);
}

std::string public_address_of(const model::Resource& resource, const json::object& configuration) {
  const auto& info = model::network_type_info(type_of(resource));
  if (info.transport.empty()) return address_of(resource, configuration);
  const auto c = model::from_json<model::Listening>(configuration);
  return address(info, c.secure, c.public_host.empty() ? c.host : c.public_host, c.public_port.value_or(c.port));
}

std::string cert_of(const json::object& configuration) {
  const auto* secure = configuration.if_contains("secure");
  const auto* cert = configuration.if_contains("certId");
  if (!secure || !secure->is_bool() || !secure->as_bool() || !cert || !cert->is_string()) return {};
  return std::string(cert->as_string());
}

broker::BrokerOptions broker_options(const std::string& id, const json::object& configuration) {
  const auto c = model::from_json<model::MqttServer>(configuration);
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
      return start_mqtt_server(materials, resource.id, model::from_json<model::MqttServer>(configuration), certs,
                               broker, std::move(gateways));
    case NetworkType::mqtt_client:
      return start_mqtt_client(materials, resource.id, model::from_json<model::MqttClient>(configuration), certs,
                               std::move(gateways));
    case NetworkType::tcp_server:
      return start_tcp_server(materials, resource.id, model::from_json<model::TcpServer>(configuration), certs,
                              std::move(gateways));
    case NetworkType::udp:
      return start_udp(materials, resource.id, model::from_json<model::Udp>(configuration), certs, std::move(gateways));
    case NetworkType::coap_server:
      return start_coap_server(materials, resource.id, model::from_json<model::CoapServer>(configuration), certs,
                               std::move(gateways));
    case NetworkType::http_server:
    case NetworkType::web_socket_server:
      break;
  }
  return start_http_server(materials, resource.id, type_of(resource), configuration, certs, std::move(gateways));
}

}  // namespace jl::runtime
