#include "common/model/network.hpp"

#include <algorithm>

namespace jl::model {

const std::vector<Word>& EnumWords<NetworkType>::words() {
  static const std::vector<Word> words{
      {"MQTT_SERVER", "MQTT server that devices connect to (MQTT服务)", {"mqtt-server"}},
      {"MQTT_CLIENT", "connection to somebody else's MQTT broker (MQTT客户端)", {"mqtt-client"}}};
  return words;
}

const std::vector<Word>& EnumWords<MqttVersion>::words() {
  static const std::vector<Word> words{{"3.1.1", "what every broker speaks", {"4", "v3", "v3.1.1"}},
                                       {"5", "MQTT 5.0", {"5.0", "v5"}}};
  return words;
}

std::vector<Variant> network_variants() {
  return {{"MQTT_SERVER", &table_of<MqttServer>()}, {"MQTT_CLIENT", &table_of<MqttClient>()}};
}

void check_host(json::value& value, const std::string& path, std::vector<Problem>& problems) {
  const std::string_view host = value.as_string();
  // An RFC 1123 name, an IPv4 address, or an IPv6 address with an optional zone.
  const bool legal = !host.empty() && host.size() <= 253 && std::ranges::all_of(host, [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '.' || c == '-' ||
           c == ':' || c == '%' || c == '_';
  });
  if (!host.empty() && !legal) {
    problems.push_back({path, "\"" + std::string(host) + "\" is not a host name or address", Errc::invalid, {}, {}});
  }
}

void check_topic_prefix(json::value& value, const std::string& path, std::vector<Problem>& problems) {
  const std::string_view prefix = value.as_string();
  if (prefix.find_first_of("+#") != std::string_view::npos)
    problems.push_back({path, "\"" + std::string(prefix) + "\" has a wildcard", Errc::invalid, {}, {}});
}

}  // namespace jl::model
