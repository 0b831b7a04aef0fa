#include "common/base/words.hpp"

#include <algorithm>
#include <array>

namespace jl {
namespace {
bool is_alnum(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; }

// Reads one code point (RFC 3629: no overlong forms, no surrogates); false when malformed.
bool next_code_point(std::string_view text, std::size_t& at, char32_t& out) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(at);
  std::size_t extra = 0;
  char32_t value = lead;
  char32_t least = 0;
  if (lead >= 0xC2 && lead <= 0xDF) {
    extra = 1, value = lead & 0x1Fu, least = 0x80;
  } else if (lead >= 0xE0 && lead <= 0xEF) {
    extra = 2, value = lead & 0x0Fu, least = 0x800;
  } else if (lead >= 0xF0 && lead <= 0xF4) {
    extra = 3, value = lead & 0x07u, least = 0x10000;
  } else if (lead >= 0x80) {
    return false;
  }
  if (at + extra >= text.size()) return false;
  for (std::size_t i = 1; i <= extra; ++i) {
    if ((byte(at + i) & 0xC0u) != 0x80u) return false;
    value = (value << 6u) | (byte(at + i) & 0x3Fu);
  }
  if (value < least || value > 0x10FFFF || (value >= 0xD800 && value <= 0xDFFF)) return false;
  at += extra + 1;
  out = value;
  return true;
}
}  // namespace

bool is_valid_id(std::string_view id) {
  if (id.empty() || id.size() > 64 || !is_alnum(id.front())) return false;
  return std::ranges::all_of(id, [](char c) { return is_alnum(c) || c == '.' || c == '_' || c == '-'; });
}

std::size_t utf8_length(std::string_view text) {
  std::size_t count = 0;
  char32_t point = 0;
  for (std::size_t at = 0; at < text.size(); ++count) {
    if (!next_code_point(text, at, point)) return std::string_view::npos;
  }
  return count;
}

bool is_printable_utf8(std::string_view text, bool multiline) {
  char32_t point = 0;
  for (std::size_t at = 0; at < text.size();) {
    if (!next_code_point(text, at, point)) return false;
    const bool control = point < 0x20 || (point >= 0x7F && point < 0xA0);
    if (control && !(multiline && (point == '\n' || point == '\t' || point == '\r'))) return false;
  }
  return true;
}

std::size_t edit_distance(std::string_view a, std::string_view b) {
  constexpr std::size_t kLimit = 64;
  a = a.substr(0, kLimit);
  b = b.substr(0, kLimit);
  using Row = std::array<std::size_t, kLimit + 1>;
  Row before{}, last{}, row{};
  for (std::size_t j = 0; j <= b.size(); ++j) last[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t cost = lower(a[i - 1]) == lower(b[j - 1]) ? 0 : 1;
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, last[j - 1] + cost});
      if (i > 1 && j > 1 && lower(a[i - 1]) == lower(b[j - 2]) && lower(a[i - 2]) == lower(b[j - 1])) {
        row[j] = std::min(row[j], before[j - 2] + 1);
      }
    }
    before = last;
    last = row;
  }
  return last[b.size()];
}

std::string nearest_word(std::string_view word, std::span<const std::string> candidates) {
  const std::string* best = nullptr;
  std::size_t best_distance = std::max<std::size_t>(2, word.size() / 3) + 1;
  for (const auto& candidate : candidates) {
    std::size_t distance = edit_distance(word, candidate);
    if (word.size() >= 3 && candidate.starts_with(word)) distance = 1;
    if (distance < best_distance && distance < std::max(word.size(), candidate.size())) {
      best = &candidate;
      best_distance = distance;
    }
  }
  return best ? *best : std::string();
}

bool iequals(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, [](char x, char y) { return lower(x) == lower(y); });
}

std::string to_lower(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), lower);
  return out;
}

std::string kebab_case(std::string_view camel) {
  std::string out;
  for (std::size_t i = 0; i < camel.size(); ++i) {
    const char c = camel[i];
    if (c >= 'A' && c <= 'Z') {
      if (i > 0 && camel[i - 1] != '-') out += '-';
      out += lower(c);
    } else {
      out += c == '_' ? '-' : c;
    }
  }
  return out;
}

std::string join(std::span<const std::string> words, std::string_view separator) {
  std::string out;
  for (const auto& word : words) {
    if (!out.empty()) out += separator;
    out += word;
  }
  return out;
}

bool glob_match(std::string_view pattern, std::string_view text) {
  std::size_t p = 0, t = 0, star = std::string_view::npos, mark = 0;
  while (t < text.size()) {
    if (p < pattern.size() && (pattern[p] == '?' || pattern[p] == text[t])) {
      ++p, ++t;
    } else if (p < pattern.size() && pattern[p] == '*') {
      star = p++, mark = t;
    } else if (star != std::string_view::npos) {
      p = star + 1, t = ++mark;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

}  // namespace jl
