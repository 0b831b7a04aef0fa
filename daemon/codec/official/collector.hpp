#pragma once
// The `data` of collector messages (wire.md 1.2): an array of points with their values.
#include "common/base/result.hpp"
#include "daemon/codec/json_document.hpp"

#include <string>

namespace jl::codec::official {

/// Appends the array in canonical form: address, value, state, timestamp of each item, and for replies success (false
/// when not given) and errorReason. Other members are dropped.
/// Errors: Errc::invalid when it is no array of at most kMaxEntries objects with an address, or a member is given twice
/// or is of the wrong kind.
[[nodiscard]] Status append_collector_data(std::string& json, const JsonValue& data, bool is_reply);

}  // namespace jl::codec::official
