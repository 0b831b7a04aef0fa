#pragma once
// The framing rule that a TCP component's configuration describes (network.md 2).
#include "common/base/result.hpp"
#include "common/model/network.hpp"
#include "daemon/wire/framing/framer.hpp"

#include <memory>

namespace jl::runtime {

/// Compiles a rule; scripts are run once, dry. Errors: invalid, with the key below `configuration` at fault as field.
[[nodiscard]] Result<std::shared_ptr<const wire::framing::FramingRule>> framing_rule(
    const model::TcpServer& configuration);

}  // namespace jl::runtime
