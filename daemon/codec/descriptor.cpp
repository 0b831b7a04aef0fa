#include "daemon/codec/descriptor.hpp"

#include <algorithm>

namespace jl::codec {

const TransportDescriptor* Descriptor::find(Transport transport) const {
  const auto found = std::ranges::find(transports, transport, &TransportDescriptor::transport);
  return found == transports.end() ? nullptr : &*found;
}

const TransportDescriptor* Descriptor::find(std::string_view transport) const {
  const auto known = transport_from(transport);
  return known ? find(*known) : nullptr;
}

std::vector<std::string> Descriptor::transport_names() const {
  std::vector<std::string> out;
  for (const auto& entry : transports) out.emplace_back(to_string(entry.transport));
  return out;
}

std::span<const ConfigKey> Descriptor::config_keys(std::string_view transport) const {
  const auto* entry = find(transport);
  return entry ? std::span<const ConfigKey>(entry->config_keys) : std::span<const ConfigKey>();
}

std::span<const Route> Descriptor::routes(std::string_view transport) const {
  const auto* entry = find(transport);
  return entry ? std::span<const Route>(entry->routes) : std::span<const Route>();
}

std::string_view Descriptor::document(std::string_view transport) const {
  const auto* entry = find(transport);
  return entry ? std::string_view(entry->document) : std::string_view();
}

bool Descriptor::has_feature(std::string_view feature, Transport transport) const {
  if (std::ranges::find(features, feature) != features.end()) return true;
  const auto* entry = find(transport);
  return entry && std::ranges::find(entry->features, feature) != entry->features.end();
}

}  // namespace jl::codec
