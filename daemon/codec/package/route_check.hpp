#pragma once
// The topics and URLs that a protocol declares.
#include "daemon/codec/package/manifest_fields.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace jl::codec::package {

/// What is wrong with a topic filter or, `is_path`, the path of a URL; "" when nothing is. Levels are literal text,
/// "{name}", "{name:label}" or "+" for one level, and at the end "{#}", "{#:label}" or "#" for the rest.
[[nodiscard]] std::string topic_problem(std::string_view topic, bool is_path);

/// The routes of a transport as they are declared, each method a route of its own. Appends problems with paths below
/// `at`, such as "transports[0].routes".
[[nodiscard]] std::vector<Route> check_routes(Transport transport, const std::vector<fields::Route>& declared,
                                              const std::string& at, std::vector<Problem>& problems);

}  // namespace jl::codec::package
