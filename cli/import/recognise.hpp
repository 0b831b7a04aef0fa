#pragma once
// What an object of an export is, by the fields that it has.
#include "common/base/result.hpp"
#include "common/model/resource.hpp"

#include <boost/json.hpp>

namespace jl::cli::jetlinks {

namespace json = boost::json;

/// The rules, in JetLinks' spelling; an object is what exactly one of them says it is:
///   device    productId
///   product   accessId, accessProvider, messageProtocol, transportProtocol, classifiedId, storePolicy, or deviceType
///             with metadata; unless it is a device, which may repeat them
///   gateway   provider, with channelId, channel, networkId, protocol or transport
///   network   type is a component type of network.md 1.2 (also those that jlinkd does not have)
///   protocol  type is jar or local
///   cert      configs, or format or instance is PEM, JKS, PFX or P12
/// Errors: invalid with what to do: none fits, several fit, or it is a manifest already.
[[nodiscard]] Result<const model::Kind*> recognise(const json::object& object);

}  // namespace jl::cli::jetlinks
