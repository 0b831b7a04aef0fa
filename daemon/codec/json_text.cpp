#include "daemon/codec/json_text.hpp"

#include <array>
#include <boost/json.hpp>
#include <charconv>
#include <cmath>

namespace jl::codec {
namespace {
constexpr std::string_view kHex = "0123456789abcdef";
constexpr std::string_view kBase64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

bool needs_escape(char c) { return static_cast<unsigned char>(c) < 0x20 || c == '"' || c == '\\'; }

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

template <class Decimal>
void append_decimal(std::string& json, Decimal number) {
  if (!std::isfinite(number)) {
    json += "null";
    return;
  }
  const std::size_t start = json.size();
  append_number(json, number);
  // Keeps a decimal a decimal: 5.0 stays distinguishable from the integer 5.
  if (json.find_first_of(".e", start) == std::string::npos) json += ".0";
}
}  // namespace

void append_quoted(std::string& json, std::string_view text) {
  json += '"';
  std::size_t from = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (!needs_escape(text[i])) continue;
    json.append(text.substr(from, i - from));
    append_escape(json, text[i]);
    from = i + 1;
  }
  json.append(text.substr(from));
  json += '"';
}

void append_integer(std::string& json, std::int64_t number) { append_number(json, number); }
void append_double(std::string& json, double number) { append_decimal(json, number); }
void append_float(std::string& json, float number) { append_decimal(json, number); }

void append_base64(std::string& json, std::string_view bytes) {
  const auto byte = [&](std::size_t i) { return i < bytes.size() ? static_cast<unsigned char>(bytes[i]) : 0u; };
  json.reserve(json.size() + (bytes.size() + 2) / 3 * 4 + 2);
  json += '"';
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const unsigned group = (byte(i) << 16u) | (byte(i + 1) << 8u) | byte(i + 2);
    json += kBase64[group >> 18u];
    json += kBase64[(group >> 12u) & 63u];
    json += i + 1 < bytes.size() ? kBase64[(group >> 6u) & 63u] : '=';
    json += i + 2 < bytes.size() ? kBase64[group & 63u] : '=';
  }
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
