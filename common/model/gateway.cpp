#include "common/model/gateway.hpp"

#include <algorithm>

namespace jl::model {

const std::vector<Word>& EnumWords<GatewayProvider>::words() {
  static const std::vector<Word> words{
      {"mqtt-server-gateway", "devices connect to jlinkd's own MQTT server (MQTT直连接入)", {"mqtt-server"}},
      {"mqtt-client-gateway", "devices behind somebody else's MQTT broker (MQTT Broker接入)", {"mqtt-client"}},
      {"tcp-server-gateway", "devices connect over TCP (TCP透传接入)", {"tcp-server", "tcp"}},
      {"udp-device-gateway", "devices send datagrams (UDP接入)", {"udp-device", "udp"}},
      {"http-server-gateway", "devices push over HTTP, or open a WebSocket (HTTP推送接入)", {"http-server", "http"}},
      {"websocket-server", "devices open a WebSocket (WebSocket服务接入)", {"websocket-server-gateway", "websocket"}},
      {"coap-server-gateway", "devices speak CoAP (CoAP接入)", {"coap-server", "coap"}},
      {"child-device", "devices behind another device (网关子设备接入)", {}},
      {"modbus-tcp", "devices whose properties are Modbus points (Modbus TCP接入)", {"modbus"}}};
  return words;
}

const std::vector<Word>& EnumWords<TopicAction>::words() {
  static const std::vector<Word> words{{"all", "publish and subscribe", {"pubsub"}},
                                       {"publish", "publish only", {"pub"}},
                                       {"subscribe", "subscribe only", {"sub"}}};
  return words;
}

const GatewayProviderInfo& provider_info(GatewayProvider provider) {
  static const std::vector<GatewayProviderInfo> rows{
      {GatewayProvider::mqtt_server_gateway, "network", "MQTT", "MQTT_SERVER", true},
      {GatewayProvider::mqtt_client_gateway, "network", "MQTT", "MQTT_CLIENT", true},
      {GatewayProvider::tcp_server_gateway, "network", "TCP", "TCP_SERVER", false},
      {GatewayProvider::udp_device_gateway, "network", "UDP", "UDP", false},
      {GatewayProvider::http_server_gateway, "network", "HTTP", "HTTP_SERVER", true},
      {GatewayProvider::websocket_server, "network", "WebSocket", "WEB_SOCKET_SERVER", true},
      {GatewayProvider::coap_server_gateway, "network", "CoAP", "COAP_SERVER", true},
      {GatewayProvider::child_device, "child-device", "Gateway", "", true},
      {GatewayProvider::modbus_tcp, "modbus", "MODBUS_TCP", "", true}};
  return rows[static_cast<std::size_t>(provider)];
}

void check_topic_grant(json::value& value, const std::string& path, std::vector<Problem>& problems) {
  const std::string_view topic = value.as_string();
  const auto wrong = [&](const char* why) {
    problems.push_back({path, "\"" + std::string(topic) + "\" " + why, Errc::invalid, {}, {}});
  };
  if (topic.size() > 1024) return wrong("is longer than 1024 bytes");
  if (topic.starts_with("$share/")) return wrong("is a shared subscription; name its filter alone");
  for (std::size_t at = 0; at <= topic.size();) {
    const std::size_t end = std::min(topic.find('/', at), topic.size());
    const std::string_view level = topic.substr(at, end - at);
    if (level.size() > 1 && level.find_first_of("+#") != std::string_view::npos)
      return wrong("has a wildcard that shares its level with other text");
    if (level == "#" && end != topic.size()) return wrong("has a # that is not its last level");
    at = end + 1;
  }
  for (std::size_t at = topic.find_first_of("{}"); at != std::string_view::npos; at = topic.find_first_of("{}", at)) {
    const auto known = [&](std::string_view name) { return topic.substr(at).starts_with(name); };
    const std::size_t length = known("{deviceId}") ? 10 : known("{productId}") ? 11 : 0;
    if (length == 0) return wrong("has braces; only {deviceId} and {productId} can stand for something");
    at += length;
  }
}

}  // namespace jl::model
