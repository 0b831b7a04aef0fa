#pragma once
// Device access gateways (设备接入网关): a network component and a protocol together let devices in (access.md 1, 2).
#include "common/model/describe.hpp"

#include <cstdint>

namespace jl::model {

enum class GatewayProvider : std::uint8_t {
  mqtt_server_gateway,
  mqtt_client_gateway,
  tcp_server_gateway,
  udp_device_gateway,
  http_server_gateway,
  websocket_server,
  coap_server_gateway,
  child_device,
  modbus_tcp,
};
template <>
struct EnumWords<GatewayProvider> {
  static const std::vector<Word>& words();
};

enum class TopicAction : std::uint8_t { all, publish, subscribe };
template <>
struct EnumWords<TopicAction> {
  static const std::vector<Word>& words();
};

/// One more topic that devices may use, beside those that their protocol gives them.
struct TopicGrant {
  std::string topic;
  TopicAction action = TopicAction::all;
};

struct Gateway {
  GatewayProvider provider = GatewayProvider::mqtt_server_gateway;
  Reference channel_id;
  Reference protocol;
  bool product_only = false;
  std::vector<TopicGrant> topic_acl;
};

/// What a provider stands on (access.md 1.3).
struct GatewayProviderInfo {
  GatewayProvider provider;
  std::string channel;       ///< network, child-device, ...
  std::string transport;     ///< MQTT, TCP, ...
  std::string network_type;  ///< required type of the network component; "" = it needs none
  bool shares_component;     ///< several gateways may use one component
};
[[nodiscard]] const GatewayProviderInfo& provider_info(GatewayProvider provider);

/// A topic filter (MQTT 5 §4.7) of at most 1024 bytes, not a shared one, with no braces but {deviceId} and {productId}.
void check_topic_grant(json::value& value, const std::string& path, std::vector<Problem>& problems);

template <class V>
void describe(V& v, TopicGrant& s) {
  v.field("topic", s.topic)
      .required()
      .max_length(1024)
      .check(check_topic_grant)
      .help("topic filter; {deviceId} and {productId} stand for the device's own (主题)")
      .example("/ota/{productId}/#");
  v.field("action", s.action).help("what devices may do there (操作)").example("subscribe");
}

template <class V>
void describe(V& v, Gateway& s) {
  v.field("provider", s.provider)
      .required()
      .immutable()
      .help("how devices come in (接入方式)")
      .example("mqtt-server-gateway");
  v.field("channelId", s.channel_id)
      .refers_to("network")
      .flag("network")
      .help("network component that it uses; child-device has none (网络组件)")
      .example("mqtt-1");
  v.field("protocol", s.protocol)
      .required()
      .refers_to("protocol")
      .help("protocol of its devices; fixed once a product uses the gateway (消息协议)")
      .example("official");
  v.field("productOnly", s.product_only).help("refuse devices whose product does not name this gateway in accessId");
  v.field("topicAcl", s.topic_acl)
      .max_length(256)
      .help(
          "topics that devices may use beside those of their protocol; for devices that connect themselves (主题权限)");
  for (const char* key :
       {"channel", "transport", "configuration", "stateTime", "channelInfo", "protocolDetail", "transportDetail"})
    v.drop(key);
}

}  // namespace jl::model
