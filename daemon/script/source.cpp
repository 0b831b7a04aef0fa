#include "daemon/script/source.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace jl::script {

namespace {
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_word(char c) {
  const auto lower = static_cast<char>(c | 0x20);
  return is_digit(c) || (lower >= 'a' && lower <= 'z') || c == '_' || c == '$' || static_cast<unsigned char>(c) >= 0x80;
}

/// Whether a word is a BigInt literal: digits of any base and an n at the end.
bool is_bigint(std::string_view word) {
  if (word.size() < 2 || !is_digit(word.front()) || word.back() != 'n') return false;
  word.remove_suffix(1);
  const bool has_base = word.size() > 2 && word.front() == '0' && !is_digit(word[1]) && word[1] != '_';
  if (has_base && std::string_view("xXoObB").find(word[1]) != std::string_view::npos) word.remove_prefix(2);
  return std::all_of(word.begin(), word.end(), [](char c) {
    const auto lower = static_cast<char>(c | 0x20);
    return is_digit(c) || c == '_' || (lower >= 'a' && lower <= 'f');
  });
}
}  // namespace

Status check_source(const ScriptSource& source) {
  const std::string_view text = source.text;
  if (!source.lang.empty() && source.lang != "js" && source.lang != "javascript" && source.lang != "nashorn") {
    return Error{Errc::unsupported, "unsupported script lang:" + source.lang.substr(0, 32), "write js", "lang"};
  }
  if (text.size() > kMostSource) {
    return Error{Errc::too_large,
                 fmt::format("{}: a script of {} bytes, at most {}", source.name, text.size(), kMostSource),
                 "shorten the framing script"};
  }
  std::size_t line = 1;
  std::size_t line_start = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\n') {
      ++line;
      line_start = i + 1;
    }
    if (!is_word(text[i])) continue;
    const std::size_t start = i;
    while (i + 1 < text.size() && is_word(text[i + 1])) ++i;
    if (!is_bigint(text.substr(start, i + 1 - start))) continue;
    return Error{Errc::invalid,
                 fmt::format("{}:{}:{}: BigInt literals are not available", source.name, line, start - line_start + 1),
                 "write a number without the n"};
  }
  return {};
}

}  // namespace jl::script
