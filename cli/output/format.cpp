#include "cli/output/format.hpp"

#include <array>
#include <utility>

namespace jl::cli {

std::optional<ParsedFormat> parse_format(std::string_view text) {
  static constexpr std::array<std::pair<std::string_view, Format>, 6> kWords{{{"table", Format::table},
                                                                              {"wide", Format::wide},
                                                                              {"json", Format::json},
                                                                              {"jsonl", Format::jsonl},
                                                                              {"yaml", Format::yaml},
                                                                              {"name", Format::name}}};
  for (const auto& [word, format] : kWords) {
    if (word == text) return ParsedFormat{format};
  }
  constexpr std::string_view kValue = "value=";
  if (text.starts_with(kValue) && text.size() > kValue.size()) {
    return ParsedFormat{Format::value, std::string(text.substr(kValue.size()))};
  }
  return std::nullopt;
}

}  // namespace jl::cli
