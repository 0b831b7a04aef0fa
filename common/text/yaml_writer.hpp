#pragma once
// JSON as YAML in block style. What it writes, read_manifests reads back to the same JSON.
#include <boost/json.hpp>
#include <string>

namespace jl::text {

/// One value as YAML, ending in a newline. Texts are quoted only where they would read back as something else.
[[nodiscard]] std::string to_yaml(const boost::json::value& value);

/// One document of a stream: "---", the object, a newline.
[[nodiscard]] std::string to_yaml_document(const boost::json::object& document);

}  // namespace jl::text
