#pragma once
// JSON values as text for people and programs: compact, indented, and single values.
#include <boost/json.hpp>
#include <string>
#include <string_view>

namespace jl::cli {

namespace json = boost::json;

/// One line. Numbers are written as people do (21.5, not 2.15E1).
[[nodiscard]] std::string compact_json(const json::value& value);
/// Indented by two spaces, without a newline at the end.
[[nodiscard]] std::string pretty_json(const json::value& value);
/// A scalar as itself, text without quotes, null as ""; anything else as compact JSON.
[[nodiscard]] std::string plain_text(const json::value& value);

}  // namespace jl::cli
