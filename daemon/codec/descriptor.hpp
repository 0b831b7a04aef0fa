#pragma once
// What a protocol says of itself, as data (access.md 4.1): what people see in `jlctl protocol show`, what products and
// devices are checked against, what gateways subscribe and route.
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace jl::codec {

/// What brings messages of devices (access.md 3.5).
enum class Transport : std::uint8_t { mqtt, tcp, udp, http, websocket, coap, modbus };
/// Those that packages can speak.
inline constexpr Transport kTransports[]{Transport::mqtt, Transport::tcp,       Transport::udp,
                                         Transport::http, Transport::websocket, Transport::coap};
/// "MQTT", "TCP", "UDP", "HTTP", "WebSocket", "CoAP", "MODBUS_TCP".
[[nodiscard]] std::string_view to_string(Transport transport);
[[nodiscard]] std::optional<Transport> transport_from(std::string_view word);  ///< in any case

/// One configuration key that a product or device must or may set for a transport ("config metadata").
struct ConfigKey {
  std::string key;
  std::string type;  ///< string, password, enum, boolean, int, long, float, double
  std::string name;  ///< for people
  std::string help;
  bool product_scope = true;
  bool device_scope = true;
  bool required = false;
  std::vector<std::string> words{};  ///< enum
  std::string default_value{};
};

/// One topic or URL that the protocol uses ("routes").
struct Route {
  std::string group, topic, description, example;  ///< topic: "{name:label}" stands for one level, "#" for the rest
  bool upstream = false, downstream = false;
  int qos = 1;           ///< MQTT
  std::string method{};  ///< HTTP, CoAP: "POST"
};

/// What is special to one transport.
struct TransportDescriptor {
  Transport transport{};
  std::vector<ConfigKey> config_keys;
  std::vector<Route> routes;
  std::string document;                 ///< how a device speaks it: Markdown, or an http(s) address
  std::string metadata{};               ///< default thing model of new products, JSON text; "" = none
  std::vector<std::string> features{};  ///< besides those of the protocol
  /// TCP: how the stream is cut, for whoever makes the network component: {"parserType", "parserConfiguration"} as JSON
  /// text; "" = not said.
  std::string framing{};
};

struct Descriptor {
  std::string id, name, description, version;
  std::vector<TransportDescriptor> transports;
  std::vector<std::string> features;  ///< ids: supportFirmware, ... (access.md 4.1)

  /// nullptr when the transport is not spoken.
  [[nodiscard]] const TransportDescriptor* find(Transport transport) const;
  [[nodiscard]] const TransportDescriptor* find(std::string_view transport) const;
  [[nodiscard]] std::vector<std::string> transport_names() const;
  [[nodiscard]] std::span<const ConfigKey> config_keys(std::string_view transport) const;
  [[nodiscard]] std::span<const Route> routes(std::string_view transport) const;
  [[nodiscard]] std::string_view document(std::string_view transport) const;  ///< "" = none
  [[nodiscard]] bool has_feature(std::string_view feature, Transport transport) const;
};

}  // namespace jl::codec
