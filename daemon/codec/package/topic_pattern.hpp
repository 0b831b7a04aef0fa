#pragma once
// The topics and paths of a package's routes, with their placeholders: "/meter/{deviceId:device id}/up".
#include "daemon/codec/descriptor.hpp"

#include <string>
#include <string_view>

namespace jl::codec::package {

/// The device that a topic or path names by the {deviceId} of the first route that matches it; "" = none does.
[[nodiscard]] std::string owner_by_routes(std::span<const Route> routes, std::string_view topic);

/// Whether every topic that `topic_or_filter` matches is matched by the pattern, in which {productId} and {deviceId}
/// stand for these ids, any other placeholder and "+" for one level, "{#...}" and "#" for the rest.
[[nodiscard]] bool pattern_covers(std::string_view pattern, std::string_view topic_or_filter,
                                  std::string_view product_id, std::string_view device_id);

}  // namespace jl::codec::package
