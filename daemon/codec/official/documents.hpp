#pragma once
// How devices speak the official protocol, for the people who program them: a few lines of Markdown for each transport.
#include "daemon/codec/protocol.hpp"

namespace jl::codec::official {

[[nodiscard]] std::string_view document(Transport transport);

}  // namespace jl::codec::official
