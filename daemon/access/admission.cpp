#include "daemon/access/admission.hpp"

#include "daemon/base/log.hpp"

#include <algorithm>

namespace jl::access {

AttachedGateway attached_gateway(const device::GatewayInfo& gateway, const device::Catalog& catalog,
                                 std::shared_ptr<GatewayCounters> counters) {
  return {gateway.id, gateway.product_only, std::move(counters), catalog.codec_of(gateway),
          std::make_shared<const TopicAcl>(gateway.topic_acl)};
}

const AttachedGateway* gateway_for(const AttachedGateways& gateways, const device::ProductInfo& product) {
  const AttachedGateway* gateway = nullptr;
  for (const auto& candidate : gateways) {
    if (candidate.id == product.gateway_id) return &candidate;
    if (!candidate.product_only && !gateway) gateway = &candidate;
  }
  return gateway;
}

std::variant<Admission, Refusal> admit(const Context& context, const AttachedGateways& gateways,
                                       const std::string& network_id, std::string_view device_id) {
  using Kind = Refusal::Kind;
  if (gateways.empty()) return Refusal{Kind::unavailable, "no enabled gateway uses this component", nullptr};
  const auto& first = gateways.front().counters;
  auto found = context.directory.find(device_id);
  if (!found) {
    log::error("access", "device={} cannot be looked up: {}", device_id, found.error().message);
    return Refusal{Kind::unavailable, "internal error", first};
  }
  if (!*found) return Refusal{Kind::unauthenticated, "unknown device", first, true};
  device::DeviceRecord& device = **found;
  if (!device.enabled) return Refusal{Kind::unauthenticated, "device is disabled", first};
  if (!device.product || !device.product->enabled) return Refusal{Kind::unauthenticated, "product is disabled", first};

  const AttachedGateway* gateway = gateway_for(gateways, *device.product);
  if (!gateway) return Refusal{Kind::unauthenticated, "its product uses another gateway", first};
  const codec::Protocol* codec = device.catalog->codec_of(*device.product);
  if (!codec) return Refusal{Kind::unavailable, "the product's protocol is missing or disabled", gateway->counters};
  return Admission{std::move(device), codec, network_id, gateway->id, gateway->counters};
}

bool is_still_welcome(const Context& context, const AttachedGateways& gateways, std::string_view device_id,
                      std::string_view gateway_id) {
  if (std::ranges::find(gateways, gateway_id, &AttachedGateway::id) == gateways.end()) return false;
  const auto device = context.directory.find(device_id);
  return device && *device && (*device)->enabled && (*device)->product && (*device)->product->enabled;
}

}  // namespace jl::access
