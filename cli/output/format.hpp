#pragma once
// The output formats of -o.
#include <optional>
#include <string>
#include <string_view>

namespace jl::cli {

enum class Format : std::uint8_t { table, wide, json, jsonl, yaml, name, value };

struct ParsedFormat {
  Format format = Format::table;
  std::string path{};  ///< of value=FIELD
};

/// Reads "table", "json", "value=status.state", ...
[[nodiscard]] std::optional<ParsedFormat> parse_format(std::string_view text);

/// Whether errors and warnings are JSON as well.
[[nodiscard]] inline bool is_json(Format format) { return format == Format::json || format == Format::jsonl; }

}  // namespace jl::cli
