#pragma once
// Dotted paths into JSON: "status.state", "properties.temp.value", "spec.cluster[0].serverId".
#include <boost/json.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace jl::cli {

namespace json = boost::json;

/// The value at a path, or nullptr. A key that has dots itself is found too.
[[nodiscard]] const json::value* find_path(const json::value& root, std::string_view path);
[[nodiscard]] const json::value* find_path(const json::object& root, std::string_view path);
[[nodiscard]] json::value* find_path(json::object& root, std::string_view path);
const json::value* find_path(json::value&& root, std::string_view path) = delete;  // the answer points into the root
/// Sets the value at a path of object keys, making the objects on the way.
void set_path(json::object& root, std::string_view path, json::value value);
/// The part of a value that the paths name, in their order, in the shape that it has.
[[nodiscard]] json::value pick(const json::value& root, const std::vector<std::string>& paths);

}  // namespace jl::cli
