// The text of a delimiter, read as JetLinks reads it (network.md 2.1): hexadecimal after "0x", Java's escapes else.
#include "common/base/words.hpp"
#include "daemon/wire/framing/framer.hpp"

#include <fmt/format.h>

namespace jl::wire::framing {
namespace {
constexpr const char* kHowTo = "write control characters as \\r\\n or as 0x0D0A";

Error invalid_delimiter(std::string message, std::string hint = kHowTo) {
  return {Errc::invalid, std::move(message), std::move(hint)};
}

/// Java's String.trim(): everything up to U+0020 at both ends.
std::string_view trimmed(std::string_view text) {
  const auto is_blank = [](char c) { return static_cast<unsigned char>(c) <= 0x20; };
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return text;
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

Result<std::string> from_hex(std::string_view digits) {
  if (digits.empty()) return invalid_delimiter("delimiter \"0x\" has no digits");
  if (digits.size() % 2 != 0) {
    return invalid_delimiter(fmt::format("delimiter \"0x{}\" has an odd number of digits", digits),
                             "write two digits for each byte, such as 0x0D0A");
  }
  std::string bytes;
  for (std::size_t i = 0; i < digits.size(); i += 2) {
    const int high = hex_digit(digits[i]);
    const int low = hex_digit(digits[i + 1]);
    if (high < 0 || low < 0) {
      return invalid_delimiter(fmt::format("delimiter \"0x{}\" is not hexadecimal", digits),
                               "write two digits 0-9, A-F for each byte, such as 0x0D0A");
    }
    bytes.push_back(static_cast<char>(high * 16 + low));
  }
  return bytes;
}

/// One to three octal digits, at most \377; `text` begins with the first.
char32_t take_octal(std::string_view& text) {
  const std::size_t most = text.front() <= '3' ? 3 : 2;
  char32_t value = 0;
  for (std::size_t i = 0; i < most && !text.empty() && text.front() >= '0' && text.front() <= '7'; ++i) {
    value = value * 8 + static_cast<char32_t>(text.front() - '0');
    text.remove_prefix(1);
  }
  return value;
}

/// The four digits after \u.
Result<char32_t> take_unit(std::string_view& text) {
  char32_t value = 0;
  for (std::size_t i = 0; i < 4; ++i) {
    const int digit = i < text.size() ? hex_digit(text[i]) : -1;
    if (digit < 0) return invalid_delimiter("\\u in the delimiter is not followed by four hexadecimal digits");
    value = value * 16 + static_cast<char32_t>(digit);
  }
  text.remove_prefix(4);
  return value;
}

/// The first character of well-formed UTF-8.
char32_t take_character(std::string_view& text) {
  const auto lead = static_cast<unsigned char>(text.front());
  const std::size_t length = lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
  char32_t value = length == 1 ? lead : lead & (0x7Fu >> length);
  for (std::size_t i = 1; i < length; ++i) value = (value << 6u) | (static_cast<unsigned char>(text[i]) & 0x3Fu);
  text.remove_prefix(length);
  return value;
}

/// What stands after a backslash, as one character. A backslash that begins no escape means nothing.
Result<char32_t> take_escaped(std::string_view& text) {
  constexpr std::string_view kLetters = "btnfr";
  constexpr std::string_view kControls = "\b\t\n\f\r";
  const char c = text.front();
  if (c >= '0' && c <= '7') return take_octal(text);
  if (c == 'u') {
    text.remove_prefix(1);
    return take_unit(text);
  }
  if (const std::size_t at = kLetters.find(c); at != std::string_view::npos) {
    text.remove_prefix(1);
    return static_cast<char32_t>(kControls[at]);
  }
  return take_character(text);
}

Error not_a_byte(char32_t unit, std::string_view source) {
  std::string hex;
  for (const char c : source) hex += fmt::format("{:02X}", static_cast<unsigned char>(c));
  const bool is_escape = source.starts_with('\\');
  return invalid_delimiter(
      fmt::format("character \"{}\" (U+{:04X}) of the delimiter is not one byte", source, static_cast<unsigned>(unit)),
      is_escape ? "write its bytes as hexadecimal, such as 0x0D0A"
                : fmt::format("write its bytes as hexadecimal, such as 0x{} for \"{}\" in UTF-8", hex, source));
}

}  // namespace

Result<std::string> parse_delimiter(std::string_view text) {
  text = trimmed(text);
  if (text.empty()) return invalid_delimiter("delimiter is blank");
  if (utf8_length(text) == std::string_view::npos) return invalid_delimiter("delimiter is not UTF-8");
  if (text.starts_with("0x")) return from_hex(text.substr(2));
  std::string bytes;
  for (std::string_view rest = text; !rest.empty();) {
    const std::string_view before = rest;
    const bool is_escape = rest.front() == '\\';
    if (is_escape) rest.remove_prefix(1);
    if (rest.empty()) break;  // a lone backslash at the end
    JL_TRY(const char32_t unit, is_escape ? take_escaped(rest) : take_character(rest));
    if (unit > 0xFF) return not_a_byte(unit, before.substr(0, before.size() - rest.size()));
    bytes.push_back(static_cast<char>(unit));
  }
  if (bytes.empty()) return invalid_delimiter("delimiter \"\\\" is a lone backslash", "write \\\\ for a backslash");
  return bytes;
}

}  // namespace jl::wire::framing
