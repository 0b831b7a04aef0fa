#pragma once
// What devices ask of the resources: reads their REGISTER and DERIVED_METADATA messages (access.md 5.1, 5.6).
#include "daemon/access/context.hpp"

namespace jl::access {

/// What a REGISTER message asks for; `parent_id` "" when the device speaks for itself.
[[nodiscard]] Registration registration_of(const codec::DeviceMessage& message, std::string parent_id);

/// Hands the thing model of a DERIVED_METADATA message on; one that is none is ignored.
void derive_metadata(Provisioner& provisioner, const codec::DeviceMessage& message);

}  // namespace jl::access
