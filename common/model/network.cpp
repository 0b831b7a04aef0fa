#include "common/model/network.hpp"

#include <algorithm>
#include <array>

namespace jl::model {

const std::vector<Word>& EnumWords<NetworkType>::words() {
  static const std::vector<Word> words{
      {"MQTT_SERVER", "MQTT server that devices connect to (MQTT服务)", {"mqtt-server"}},
      {"MQTT_CLIENT", "connection to somebody else's MQTT broker (MQTT客户端)", {"mqtt-client"}},
      {"TCP_SERVER", "TCP server, frames cut by a rule (TCP服务)", {"tcp-server", "tcp"}},
      {"UDP", "UDP socket, DTLS with secure (UDP)", {}},
      {"HTTP_SERVER", "HTTP server, WebSockets as well (HTTP服务)", {"http-server", "http"}},
      {"WEB_SOCKET_SERVER", "WebSocket server (WebSocket服务)", {"web-socket-server", "websocket-server", "websocket"}},
      {"COAP_SERVER", "CoAP server, DTLS with secure (CoAP服务)", {"coap-server", "coap"}}};
  return words;
}

const std::vector<Word>& EnumWords<ParserType>::words() {
  static const std::vector<Word> words{
      {"DIRECT", "each read is a frame (不处理)", {}},
      {"DELIMITED", "frames end with a delimiter (分隔符)", {}},
      {"FIXED_LENGTH", "frames of one length (固定长度)", {"fixed", "fixed-length"}},
      {"LENGTH_FIELD", "frames that say their length (长度字段)", {"length", "length-field"}},
      {"SCRIPT", "a script cuts (自定义脚本)", {}}};
  return words;
}

const std::vector<Word>& EnumWords<CoapTransport>::words() {
  static const std::vector<Word> words{{"UDP", "RFC 7252", {}}, {"TCP", "RFC 8323; not supported yet", {}}};
  return words;
}

const std::vector<Word>& EnumWords<MqttVersion>::words() {
  static const std::vector<Word> words{{"3.1.1", "what every broker speaks", {"4", "v3", "v3.1.1"}},
                                       {"5", "MQTT 5.0", {"5.0", "v5"}}};
  return words;
}

const NetworkTypeInfo& network_type_info(NetworkType type) {
  static constexpr std::array<NetworkTypeInfo, 7> kRows{{{NetworkType::mqtt_server, "tcp", "mqtt", "mqtts"},
                                                         {NetworkType::mqtt_client, "", "mqtt", "mqtts"},
                                                         {NetworkType::tcp_server, "tcp", "tcp", "tls"},
                                                         {NetworkType::udp, "udp", "udp", "dtls"},
                                                         {NetworkType::http_server, "tcp", "http", "https"},
                                                         {NetworkType::web_socket_server, "tcp", "ws", "wss"},
                                                         {NetworkType::coap_server, "udp", "coap", "coaps"}}};
  return kRows[static_cast<std::size_t>(type)];
}

NetworkType network_type_of(const json::object& spec) {
  NetworkType out{};
  detail::read_value(spec.at("type"), out);
  return out;
}

std::vector<Variant> network_variants() {
  return {{"MQTT_SERVER", &table_of<MqttServer>()}, {"MQTT_CLIENT", &table_of<MqttClient>()},
          {"TCP_SERVER", &table_of<TcpServer>()},   {"UDP", &table_of<Udp>()},
          {"HTTP_SERVER", &table_of<HttpServer>()}, {"WEB_SOCKET_SERVER", &table_of<WebSocketServer>()},
          {"COAP_SERVER", &table_of<CoapServer>()}};
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

void check_http_headers(json::value& value, const std::string& path, std::vector<Problem>& problems) {
  // RFC 9110 §5.1: a token; what would change the meaning of the response itself is not for the administrator.
  constexpr std::string_view kToken = "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
  static const std::vector<std::string> own{"content-length", "transfer-encoding", "connection", "upgrade", "date"};
  for (const auto& [key, text] : value.as_object()) {
    const std::string name(key);
    const std::string_view content = text.as_string();
    if (name.find_first_not_of(kToken) != std::string::npos) {
      problems.push_back({path + "." + name, "is not the name of a header", Errc::invalid, {}, {}});
    } else if (std::ranges::find(own, to_lower(name)) != own.end()) {
      problems.push_back({path + "." + name, "is the server's own header", Errc::invalid, {}, {}});
    } else if (content.find_first_of("\r\n\t") != std::string_view::npos) {
      problems.push_back({path + "." + name, "must be one line", Errc::invalid, {}, {}});
    }
  }
}

void check_topic_prefix(json::value& value, const std::string& path, std::vector<Problem>& problems) {
  const std::string_view prefix = value.as_string();
  if (prefix.find_first_of("+#") != std::string_view::npos)
    problems.push_back({path, "\"" + std::string(prefix) + "\" has a wildcard", Errc::invalid, {}, {}});
}

}  // namespace jl::model
