#include "daemon/codec/official/coerce.hpp"

#include "common/base/words.hpp"

#include <charconv>

namespace jl::codec::official {
namespace {
using simdjson::dom::element_type;

std::string_view trim(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n";
  const std::size_t first = text.find_first_not_of(kSpace);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

std::optional<std::int64_t> parse_integer(std::string_view text) {
  text = trim(text);
  if (text.empty()) return 0;
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return {};
  return number;
}

std::optional<bool> parse_bool(std::string_view text) {
  text = trim(text);
  if (text.empty() || iequals(text, "false")) return false;
  if (iequals(text, "true")) return true;
  return {};
}

std::string_view string_of(const JsonValue& value) { return value.element.get_string().value_unsafe(); }
}  // namespace

std::optional<bool> as_bool(const JsonValue& value) {
  switch (value.element.type()) {
    case element_type::BOOL:
      return value.element.get_bool().value_unsafe();
    case element_type::INT64:
      return value.element.get_int64().value_unsafe() != 0;
    case element_type::UINT64:
      return true;
    case element_type::STRING:
      return parse_bool(string_of(value));
    default:
      return {};
  }
}

std::optional<std::int64_t> as_integer(const JsonValue& value) {
  switch (value.element.type()) {
    case element_type::INT64:
      return value.element.get_int64().value_unsafe();
    case element_type::STRING:
      return parse_integer(string_of(value));
    case element_type::DOUBLE: {
      constexpr double kLimit = 9223372036854775808.0;  // 2^63
      const double number = value.element.get_double().value_unsafe();
      if (number < -kLimit || number >= kLimit) return {};
      return static_cast<std::int64_t>(number);
    }
    default:
      return {};
  }
}

std::optional<std::string_view> as_text(const JsonValue& value) {
  switch (value.element.type()) {
    case element_type::STRING:
      return string_of(value);
    case element_type::INT64:
    case element_type::UINT64:
    case element_type::DOUBLE:
    case element_type::BOOL:
      return value.text;
    default:
      return {};
  }
}

void append_as_string(std::string& json, const JsonValue& value) {
  if (value.element.is_string()) {
    json += value.text;
    return;
  }
  json += '"';
  json += value.text;
  json += '"';
}

}  // namespace jl::codec::official
