#include "cli/output/json_text.hpp"

#include <array>
#include <charconv>
#include <cmath>

namespace jl::cli {
namespace {

void number(std::string& out, double value) {
  if (!std::isfinite(value)) {
    out += "null";
    return;
  }
  std::array<char, 32> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
  out.append(digits.data(), end);
}

void scalar(std::string& out, const json::value& value) {
  if (value.is_double()) {
    number(out, value.get_double());
  } else {
    out += json::serialize(value);
  }
}

void compact(std::string& out, const json::value& value) {
  if (const auto* object = value.if_object()) {
    out += '{';
    for (const auto& [key, item] : *object) {
      if (out.back() != '{') out += ',';
      out += json::serialize(json::string_view(key));
      out += ':';
      compact(out, item);
    }
    out += '}';
  } else if (const auto* array = value.if_array()) {
    out += '[';
    bool first = true;
    for (const auto& item : *array) {
      if (!first) out += ',';
      first = false;
      compact(out, item);
    }
    out += ']';
  } else {
    scalar(out, value);
  }
}

void new_line(std::string& out, std::size_t depth) {
  out += '\n';
  out.append(depth * 2, ' ');
}

void pretty(std::string& out, const json::value& value, std::size_t depth) {
  if (const auto* object = value.if_object(); object && !object->empty()) {
    out += '{';
    bool first = true;
    for (const auto& [key, item] : *object) {
      if (!first) out += ',';
      first = false;
      new_line(out, depth + 1);
      out += json::serialize(json::string_view(key));
      out += ": ";
      pretty(out, item, depth + 1);
    }
    new_line(out, depth);
    out += '}';
  } else if (const auto* array = value.if_array(); array && !array->empty()) {
    out += '[';
    bool first = true;
    for (const auto& item : *array) {
      if (!first) out += ',';
      first = false;
      new_line(out, depth + 1);
      pretty(out, item, depth + 1);
    }
    new_line(out, depth);
    out += ']';
  } else {
    compact(out, value);
  }
}

}  // namespace

std::string compact_json(const json::value& value) {
  std::string out;
  compact(out, value);
  return out;
}

std::string pretty_json(const json::value& value) {
  std::string out;
  pretty(out, value, 0);
  return out;
}

std::string plain_text(const json::value& value) {
  if (value.is_string()) return std::string(value.get_string());
  if (value.is_null()) return {};
  return compact_json(value);
}

}  // namespace jl::cli
