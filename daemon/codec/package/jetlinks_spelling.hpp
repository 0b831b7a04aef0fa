#pragma once
// What JetLinks' own descriptors look like (access.md 4.1), brought into the spelling of protocol.json, so that what
// somebody copied out of a JetLinks page needs no rewriting.
#include <boost/json.hpp>

namespace jl::codec::package {

/// Rewrites, where they have that shape:
///  - features [{"id","name"}] to their ids,
///  - a config key's type {"id":"enum","elements":[{"value","text"}]} to its word and the list "enum",
///  - expands {"required","defaultValue"} to required and default; what else is in expands is dropped,
///  - a default that is a number or a boolean to its text.
/// Anything else stays, for the field tables to judge.
void from_jetlinks_spelling(boost::json::object& manifest);

}  // namespace jl::codec::package
