#pragma once
// The framing rule of a TCP component (粘拆包规则, network.md 2).
#include "cli/import/conversion.hpp"

namespace jl::cli::jetlinks {

/// Brings parserType and parserConfiguration of a TCP_SERVER's configuration into what jlinkd takes: only the keys that
/// the rule reads (JetLinks' pages send all), the legacy "to" as a length. A rule that jlinkd would refuse leaves the
/// draft out: a stream that is cut wrongly is worse than none.
void place_framing(Conversion& conversion, Draft& draft, const std::string& path, json::object& configuration);

}  // namespace jl::cli::jetlinks
