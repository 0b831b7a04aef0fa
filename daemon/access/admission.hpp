#pragma once
// Which devices a network component lets in, and through which of its gateways (access.md 1.4, 5.1): what all
// transports share of it. Credentials are the transport's own matter.
#include "daemon/access/context.hpp"
#include "daemon/access/topic_acl.hpp"

#include <memory>
#include <string>
#include <variant>
#include <vector>

namespace jl::access {

/// A gateway that lets devices in through a component.
struct AttachedGateway {
  std::string id;
  bool product_only = false;
  std::shared_ptr<GatewayCounters> counters;
  const codec::Protocol* codec = nullptr;  ///< of its own protocol; null when that is missing or disabled
  std::shared_ptr<const TopicAcl> acl = std::make_shared<const TopicAcl>();
};
using AttachedGateways = std::vector<AttachedGateway>;
/// Compiles what a component needs to know of a gateway.
[[nodiscard]] AttachedGateway attached_gateway(const device::GatewayInfo& gateway, const device::Catalog& catalog,
                                               std::shared_ptr<GatewayCounters> counters);

/// A device that may have a session here.
struct Admission {
  device::DeviceRecord device;
  const codec::Protocol* codec = nullptr;
  std::string network_id, gateway_id;
  std::shared_ptr<GatewayCounters> counters;
};

/// A device that may not. `why` is for the log; strangers are told the kind only.
struct Refusal {
  enum class Kind : std::uint8_t { unavailable, bad_client_id, unauthenticated, not_authorized, quota, busy };
  Kind kind = Kind::unauthenticated;
  std::string why;
  std::shared_ptr<GatewayCounters> counters;  ///< of the gateway it is counted at; null = none
  bool unknown = false;                       ///< there is no such device
};

/// The gateway that takes a product's devices: its own if that is attached, else the first that takes other gateways'
/// products; nullptr when there is none.
[[nodiscard]] const AttachedGateway* gateway_for(const AttachedGateways& gateways, const device::ProductInfo& product);

/// Looks a device up and finds its gateway.
[[nodiscard]] std::variant<Admission, Refusal> admit(const Context& context, const AttachedGateways& gateways,
                                                     const std::string& network_id, std::string_view device_id);

/// Whether a device that was let in through a gateway would still be.
[[nodiscard]] bool is_still_welcome(const Context& context, const AttachedGateways& gateways,
                                    std::string_view device_id, std::string_view gateway_id);

}  // namespace jl::access
