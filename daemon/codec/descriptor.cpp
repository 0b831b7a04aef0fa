#include "daemon/codec/descriptor.hpp"

#include <algorithm>
#include <array>

namespace jl::codec {

namespace {
constexpr std::array<std::string_view, std::size(kTransports) + 1> kNames{"MQTT",      "TCP",  "UDP",       "HTTP",
                                                                          "WebSocket", "CoAP", "MODBUS_TCP"};
}  // namespace

std::string_view to_string(Transport transport) { return kNames[static_cast<std::size_t>(transport)]; }

std::optional<Transport> transport_from(std::string_view word) {
  const auto same = [](char a, char b) { return (a | 0x20) == (b | 0x20); };
  for (std::size_t i = 0; i < kNames.size(); ++i) {
    if (std::ranges::equal(word, kNames[i], same)) return static_cast<Transport>(i);
  }
  return std::nullopt;
}

const TransportDescriptor* Descriptor::find(Transport transport) const {
  const auto it = std::ranges::find(transports, transport, &TransportDescriptor::transport);
  return it == transports.end() ? nullptr : &*it;
}

const TransportDescriptor* Descriptor::find(std::string_view transport) const {
  const auto known = transport_from(transport);
  return known ? find(*known) : nullptr;
}

std::vector<std::string> Descriptor::transport_names() const {
  std::vector<std::string> out;
  for (const auto& transport : transports) out.emplace_back(to_string(transport.transport));
  return out;
}

std::span<const ConfigKey> Descriptor::config_keys(std::string_view transport) const {
  const auto* found = find(transport);
  return found ? std::span<const ConfigKey>(found->config_keys) : std::span<const ConfigKey>();
}

std::span<const Route> Descriptor::routes(std::string_view transport) const {
  const auto* found = find(transport);
  return found ? std::span<const Route>(found->routes) : std::span<const Route>();
}

std::string_view Descriptor::document(std::string_view transport) const {
  const auto* found = find(transport);
  return found ? std::string_view(found->document) : std::string_view();
}

bool Descriptor::has_feature(std::string_view feature, Transport transport) const {
  if (std::ranges::find(features, feature) != features.end()) return true;
  const auto* found = find(transport);
  return found && std::ranges::find(found->features, feature) != found->features.end();
}

}  // namespace jl::codec
