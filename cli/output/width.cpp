#include "cli/output/width.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace jl::cli {
namespace {

using Range = std::pair<char32_t, char32_t>;

// Unicode 15, East Asian Width W and F, merged into the blocks that matter.
constexpr std::array<Range, 22> kWide{
    {{0x1100, 0x115F}, {0x231A, 0x231B}, {0x23E9, 0x23F3},   {0x25FD, 0x25FE},  {0x2614, 0x2615}, {0x2648, 0x2653},
     {0x26A1, 0x26A1}, {0x2705, 0x2705}, {0x274C, 0x274C},   {0x2753, 0x2757},  {0x2E80, 0x303E}, {0x3041, 0x33FF},
     {0x3400, 0x4DBF}, {0x4E00, 0x9FFF}, {0xA000, 0xA4CF},   {0xAC00, 0xD7A3},  {0xF900, 0xFAFF}, {0xFE30, 0xFE6F},
     {0xFF00, 0xFF60}, {0xFFE0, 0xFFE6}, {0x1F300, 0x1FAFF}, {0x20000, 0x3FFFD}}};
constexpr std::array<Range, 8> kZero{{{0x0300, 0x036F},
                                      {0x0483, 0x0489},
                                      {0x0591, 0x05BD},
                                      {0x0610, 0x061A},
                                      {0x064B, 0x065F},
                                      {0x200B, 0x200F},
                                      {0x20D0, 0x20FF},
                                      {0xFE00, 0xFE0F}}};

template <std::size_t N>
bool is_in(const std::array<Range, N>& ranges, char32_t point) {
  return std::ranges::any_of(ranges, [&](const Range& r) { return point >= r.first && point <= r.second; });
}

std::size_t width_of(char32_t point) {
  if (point < 0x300) return 1;
  if (is_in(kZero, point)) return 0;
  return is_in(kWide, point) ? 2 : 1;
}

struct Decoded {
  char32_t point;
  std::size_t length;  ///< bytes; 0 when malformed
};

Decoded decode(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(0);
  if (lead < 0x80) return {lead, 1};
  const std::size_t length = lead >= 0xF0 && lead <= 0xF4 ? 4 : lead >= 0xE0 ? 3 : lead >= 0xC2 ? 2 : 0;
  if (length == 0 || lead > 0xF4 || text.size() < length) return {0, 0};
  char32_t point = lead & (0x7FU >> length);
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0U) != 0x80U) return {0, 0};
    point = (point << 6U) | (byte(i) & 0x3FU);
  }
  static constexpr std::array<char32_t, 5> kLeast{0, 0, 0x80, 0x800, 0x10000};
  if (point < kLeast[length] || point > 0x10FFFF || (point >= 0xD800 && point <= 0xDFFF)) return {0, 0};
  return {point, length};
}

void escape(std::string& out, unsigned char byte) {
  static constexpr std::string_view kHex = "0123456789abcdef";
  switch (byte) {
    case '\n':
      out += "\\n";
      return;
    case '\r':
      out += "\\r";
      return;
    case '\t':
      out += "\\t";
      return;
    default:
      out += "\\x", out += kHex[byte >> 4U], out += kHex[byte & 15U];
  }
}

}  // namespace

std::size_t display_width(std::string_view text) {
  std::size_t width = 0;
  while (!text.empty()) {
    const Decoded next = decode(text);
    width += next.length == 0 ? 1 : width_of(next.point);
    text.remove_prefix(std::max<std::size_t>(next.length, 1));
  }
  return width;
}

std::string cut_to_width(std::string_view text, std::size_t columns) {
  if (display_width(text) <= columns) return std::string(text);
  std::size_t width = 0;
  std::size_t end = 0;
  while (end < text.size()) {
    const Decoded next = decode(text.substr(end));
    const std::size_t wide = next.length == 0 ? 1 : width_of(next.point);
    if (width + wide + 1 > columns) break;
    width += wide;
    end += std::max<std::size_t>(next.length, 1);
  }
  return std::string(text.substr(0, end)) + "…";
}

std::string printable(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const Decoded next = decode(text);
    const std::size_t length = std::max<std::size_t>(next.length, 1);
    const bool control = next.point < 0x20 || (next.point >= 0x7F && next.point < 0xA0);
    // Characters that turn the direction of writing can make a line say something else.
    const bool turns = (next.point >= 0x202A && next.point <= 0x202E) || (next.point >= 0x2066 && next.point <= 0x2069);
    if (next.length == 0 || control || turns) {
      for (std::size_t i = 0; i < length; ++i) escape(out, static_cast<unsigned char>(text[i]));
    } else {
      out += text.substr(0, length);
    }
    text.remove_prefix(length);
  }
  return out;
}

}  // namespace jl::cli
