#pragma once
// What the official protocol asks products and devices for, by transport (access.md 4.5).
#include "daemon/codec/protocol.hpp"

namespace jl::codec::official {

[[nodiscard]] std::vector<ConfigKey> config_keys(Transport transport);

}  // namespace jl::codec::official
