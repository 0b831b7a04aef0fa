#pragma once
// How a protocol stands, for people: what it speaks, what works and what does not.
#include "daemon/device/protocols.hpp"

#include <boost/json.hpp>

namespace jl::services {

/// The `status` member of a protocol's document. `detailed` adds routes, configuration keys and features.
[[nodiscard]] boost::json::object protocol_status(const device::Protocols& protocols, const model::Resource& protocol,
                                                  bool detailed);

}  // namespace jl::services
