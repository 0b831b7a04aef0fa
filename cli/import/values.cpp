#include "cli/import/values.hpp"

#include "common/base/words.hpp"

#include <charconv>

namespace jl::cli::jetlinks {

json::value take(json::object& object, std::string_view key) {
  const auto found = object.find(key);
  if (found == object.end()) return nullptr;
  json::value out = std::move(found->value());
  object.erase(found);
  return out;
}

bool is_empty(const json::value& value) {
  return value.is_null() || (value.is_string() && value.get_string().empty()) ||
         (value.is_object() && value.get_object().empty()) || (value.is_array() && value.get_array().empty());
}

std::string as_text(const json::value& value) {
  if (value.is_int64() || value.is_uint64()) return json::serialize(value);
  if (!value.is_string()) return {};
  std::string_view text = value.get_string();
  constexpr std::string_view kSpace = " \t\r\n";
  text.remove_prefix(std::min(text.find_first_not_of(kSpace), text.size()));
  text.remove_suffix(text.size() - (text.find_last_not_of(kSpace) + 1));
  return std::string(text);
}

std::string as_word(const json::value& value) {
  if (!value.is_object()) return as_text(value);
  const auto* word = value.get_object().if_contains("value");
  return word ? as_text(*word) : std::string();
}

bool as_bool(const json::value& value) {
  return (value.is_bool() && value.get_bool()) || (value.is_string() && iequals(value.get_string(), "true"));
}

std::optional<std::int64_t> as_integer(const json::value& value) {
  const std::string digits = as_text(value);
  std::int64_t out = 0;
  const auto [end, ec] = std::from_chars(digits.data(), digits.data() + digits.size(), out);
  if (digits.empty() || ec != std::errc{} || end != digits.data() + digits.size()) return std::nullopt;
  return out;
}

json::value as_structure(json::value value) {
  if (!value.is_string()) return value;
  boost::system::error_code ec;
  json::parse_options options;
  options.max_depth = 32;
  json::value parsed = json::parse(json::string_view(value.get_string()), ec, {}, options);
  return !ec && parsed.is_structured() ? parsed : value;
}

bool is_masked(std::string_view text) {
  return text.size() >= 3 && text.find_first_not_of('*') == std::string_view::npos;
}

bool is_expression(std::string_view text) { return text.find("${") != std::string_view::npos; }

}  // namespace jl::cli::jetlinks
