#include "common/model/gateway.hpp"

namespace jl::model {

const std::vector<Word>& EnumWords<GatewayProvider>::words() {
  static const std::vector<Word> words{
      {"mqtt-server-gateway", "devices connect to jlinkd's own MQTT server (MQTT直连接入)", {"mqtt-server"}}};
  return words;
}

const GatewayProviderInfo& provider_info(GatewayProvider provider) {
  static const std::vector<GatewayProviderInfo> rows{
      {GatewayProvider::mqtt_server_gateway, "network", "MQTT", "MQTT_SERVER", true}};
  return rows[static_cast<std::size_t>(provider)];
}

}  // namespace jl::model
