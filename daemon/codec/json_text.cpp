#include "daemon/codec/json_text.hpp"

#include "common/base/base64.hpp"

#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <charconv>
#include <cmath>
#include <cstring>

namespace jl::codec {
namespace {
constexpr std::string_view kHex = "0123456789abcdef";

bool needs_escape(char c) { return static_cast<unsigned char>(c) < 0x20 || c == '"' || c == '\\'; }

// Whether one of eight characters may need an escape. Each term leaves its mark in the top bit of the bytes that are
// below a space or equal to a character; a false alarm costs a second look.
bool may_need_escape(std::uint64_t eight) {
  constexpr std::uint64_t kOnes = 0x0101010101010101, kTops = 0x8080808080808080;
  const auto zero_bytes = [](std::uint64_t bytes) { return (bytes - kOnes) & ~bytes; };
  const std::uint64_t below_space = (eight - kOnes * 0x20) & ~eight;
  return ((below_space | zero_bytes(eight ^ (kOnes * '"')) | zero_bytes(eight ^ (kOnes * '\\'))) & kTops) != 0;
}

// Where the first character stands that needs an escape, from `at` on; the text's size when none does.
std::size_t find_escape(std::string_view text, std::size_t at) {
  for (std::uint64_t eight = 0; at + sizeof eight <= text.size(); at += sizeof eight) {
    std::memcpy(&eight, text.data() + at, sizeof eight);
    if (may_need_escape(eight)) break;
  }
  while (at < text.size() && !needs_escape(text[at])) ++at;
  return at;
}

void append_escape(std::string& json, char c) {
  switch (c) {
    case '"':
      json += "\\\"";
      break;
    case '\\':
      json += "\\\\";
      break;
    case '\b':
      json += "\\b";
      break;
    case '\f':
      json += "\\f";
      break;
    case '\n':
      json += "\\n";
      break;
    case '\r':
      json += "\\r";
      break;
    case '\t':
      json += "\\t";
      break;
    default:
      json += "\\u00";
      json += kHex[static_cast<unsigned char>(c) >> 4u];
      json += kHex[static_cast<unsigned char>(c) & 0xFu];
  }
}

template <class Number>
void append_number(std::string& json, Number number) {
  std::array<char, 32> text{};
  const auto end = std::to_chars(text.data(), text.data() + text.size(), number).ptr;
  json.append(text.data(), end);
}

// Below this, and down to kLeastPlain, numbers are written without an exponent.
constexpr double kMostPlain = 1e9;
constexpr double kLeastPlain = 1e-4;

// Decimals of few digits, as sensors send them, are found much faster than any double is: the first n / 10^k that is
// the number itself. n and 10^k are exact and their quotient is rounded as a reader rounds the text; 13 digits are few
// enough for the text to be the only one. False when there is none.
bool append_few_digits(std::string& json, double number) {
  constexpr std::array<std::int64_t, 5> kPowers{1, 10, 100, 1'000, 10'000};
  const double size = std::fabs(number);
  if (!(size < kMostPlain)) return false;
  for (std::size_t places = 0; places < kPowers.size(); ++places) {
    const std::int64_t power = kPowers[places];
    const std::int64_t scaled = std::llrint(size * static_cast<double>(power));
    if (static_cast<double>(scaled) / static_cast<double>(power) != size) continue;
    if (std::signbit(number)) json += '-';
    append_number(json, scaled / power);
    json += '.';
    // Leading zeros of the fraction come from the power put before it.
    const std::size_t point = json.size();
    append_number(json, places == 0 ? 10 : power + scaled % power);
    json.erase(point, 1);
    return true;
  }
  return false;
}

template <class Decimal>
void append_decimal(std::string& json, Decimal number) {
  if (!std::isfinite(number)) {
    json += "null";
    return;
  }
  const auto size = std::fabs(static_cast<double>(number));
  const bool is_plain = size >= kLeastPlain && size < kMostPlain;
  std::array<char, 32> text{};
  char* const from = text.data();
  const auto end = is_plain ? std::to_chars(from, from + text.size(), number, std::chars_format::fixed).ptr
                            : std::to_chars(from, from + text.size(), number).ptr;
  json.append(from, end);
  // Keeps a decimal a decimal: 5.0 stays distinguishable from the integer 5.
  if (std::none_of(from, end, [](char c) { return c == '.' || c == 'e'; })) json += ".0";
}
}  // namespace

void append_quoted(std::string& json, std::string_view text) {
  json += '"';
  std::size_t from = 0;
  for (std::size_t at = find_escape(text, 0); at < text.size(); at = find_escape(text, from)) {
    json.append(text.substr(from, at - from));
    append_escape(json, text[at]);
    from = at + 1;
  }
  json.append(text.substr(from));
  json += '"';
}

void append_integer(std::string& json, std::int64_t number) { append_number(json, number); }
void append_double(std::string& json, double number) {
  if (!append_few_digits(json, number)) append_decimal(json, number);
}
void append_float(std::string& json, float number) { append_decimal(json, number); }

void append_base64(std::string& json, std::string_view bytes) {
  json += '"';
  jl::append_base64(json, bytes);
  json += '"';
}

void append_value(std::string& json, const boost::json::value& value) {
  switch (value.kind()) {
    case boost::json::kind::null:
      json += "null";
      return;
    case boost::json::kind::bool_:
      json += value.get_bool() ? "true" : "false";
      return;
    case boost::json::kind::int64:
      append_number(json, value.get_int64());
      return;
    case boost::json::kind::uint64:
      append_number(json, value.get_uint64());
      return;
    case boost::json::kind::double_:
      append_double(json, value.get_double());
      return;
    case boost::json::kind::string:
      append_quoted(json, value.get_string());
      return;
    case boost::json::kind::array: {
      char separator = '[';
      for (const auto& item : value.get_array()) {
        json += separator;
        append_value(json, item);
        separator = ',';
      }
      json += separator == '[' ? "[]" : "]";
      return;
    }
    case boost::json::kind::object: {
      char separator = '{';
      for (const auto& [key, item] : value.get_object()) {
        json += separator;
        append_quoted(json, key);
        json += ':';
        append_value(json, item);
        separator = ',';
      }
      json += separator == '{' ? "{}" : "}";
      return;
    }
  }
}

}  // namespace jl::codec
