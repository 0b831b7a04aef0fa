#include "common/model/thing_model.hpp"

#include "common/base/words.hpp"
#include "common/model/product.hpp"

#include <fmt/format.h>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>
#include <set>

namespace jl::model {
namespace {

constexpr int kMaxDepth = 8;
constexpr std::size_t kMaxEntries = 2000;

struct KindRow {
  std::string_view word;
  ValueKind kind;
};
constexpr std::array<KindRow, 18> kKinds{{
    {"int", ValueKind::int_},
    {"long", ValueKind::long_},
    {"short", ValueKind::short_},
    {"byte", ValueKind::byte_},
    {"float", ValueKind::float_},
    {"double", ValueKind::double_},
    {"string", ValueKind::string},
    {"text", ValueKind::string},
    {"password", ValueKind::password},
    {"boolean", ValueKind::boolean},
    {"enum", ValueKind::enumeration},
    {"date", ValueKind::date},
    {"array", ValueKind::array},
    {"object", ValueKind::object},
    {"file", ValueKind::file},
    {"geoPoint", ValueKind::geo_point},
    {"geoShape", ValueKind::geo_shape},
    {"user", ValueKind::user},
}};

class Parser {
 public:
  explicit Parser(std::vector<Problem>& problems) : problems_(problems) {}

  std::vector<ThingProperty> property_list(const json::object& from, const char* key, const std::string& path,
                                           int depth) {
    std::vector<ThingProperty> out;
    std::set<std::string> seen;
    for_each_entry(from, key, path, [&](const json::object& entry, const std::string& at) {
      ThingProperty property = this->property(entry, at, depth);
      if (!seen.insert(property.id).second) problem(at + ".id", "\"" + property.id + "\" stands twice");
      out.push_back(std::move(property));
    });
    return out;
  }

  ThingProperty property(const json::object& entry, const std::string& at, int depth) {
    ThingProperty out;
    out.id = id(entry, at);
    out.name = text(entry, "name");
    if (const auto* type = entry.if_contains("valueType")) {
      out.type = value_type(*type, at + ".valueType", depth);
    } else {
      problem(at + ".valueType", "is required");
    }
    access(entry, out);
    return out;
  }

  ThingFunction function(const json::object& entry, const std::string& at) {
    ThingFunction out;
    out.id = id(entry, at);
    out.name = text(entry, "name");
    const auto* async = entry.if_contains("async");
    out.async = async && async->is_bool() && async->as_bool();
    out.inputs = property_list(entry, "inputs", at, 1);
    if (const auto* output = entry.if_contains("output");
        output && output->is_object() && !output->as_object().empty()) {
      (void)value_type(*output, at + ".output", 1);
    }
    return out;
  }

  std::string id(const json::object& entry, const std::string& at) {
    const std::string value = text(entry, "id");
    if (value.empty() || value.size() > 64 || !is_printable_utf8(value)) {
      problem(at + ".id", value.empty() ? "is required" : "must be printable text of at most 64 bytes");
    }
    return value;
  }

  template <class Visit>
  void for_each_entry(const json::object& from, const char* key, const std::string& path, Visit&& visit) {
    const auto* list = from.if_contains(key);
    if (!list || list->is_null()) return;
    const std::string base = path + "." + key;
    if (!list->is_array()) return problem(base, "must be a list");
    if (list->as_array().size() > kMaxEntries)
      return problem(base, "has more than " + std::to_string(kMaxEntries) + " entries");
    std::size_t index = 0;
    for (const auto& entry : list->as_array()) {
      const std::string at = base + "[" + std::to_string(index++) + "]";
      if (entry.is_object()) {
        visit(entry.as_object(), at);
      } else {
        problem(at, "must be an object");
      }
    }
  }

  void problem(const std::string& at, std::string message) {
    problems_.push_back({at, std::move(message), Errc::invalid, {}, {}});
  }

  static std::string text(const json::object& entry, const char* key) {
    const auto* value = entry.if_contains(key);
    return value && value->is_string() ? std::string(value->as_string()) : std::string();
  }

 private:
  ValueType value_type(const json::value& given, const std::string& at, int depth) {
    ValueType out;
    if (depth > kMaxDepth) {
      problem(at, "is nested deeper than " + std::to_string(kMaxDepth) + " levels");
      return out;
    }
    if (!given.is_object()) {
      problem(at, "must be an object with a \"type\"");
      return out;
    }
    const json::object& type = given.as_object();
    const std::string word = text(type, "type");
    const auto row = std::ranges::find_if(kKinds, [&](const KindRow& r) { return iequals(r.word, word); });
    if (row == kKinds.end()) {
      std::vector<std::string> words;
      for (const KindRow& r : kKinds) words.emplace_back(r.word);
      const std::string nearest = nearest_word(word, words);
      problem(at + ".type",
              word.empty() ? "is required; one of " + join(words)
                           : "\"" + word + "\" is not a value type" +
                                 (nearest.empty() ? "; one of " + join(words) : "; did you mean \"" + nearest + "\"?"));
      return out;
    }
    out.kind = row->kind;
    out.min = real(type, "min");
    out.max = real(type, "max");
    if (out.min && out.max && *out.min > *out.max) problem(at + ".min", "is above max");
    if (const auto* expands = type.if_contains("expands"); expands && expands->is_object()) {
      if (const auto length = real(expands->as_object(), "maxLength"))
        if (*length >= 0 && *length < 1e9) out.max_length = static_cast<std::int64_t>(*length);
    }
    switch (out.kind) {
      case ValueKind::boolean:
        if (const auto* v = type.if_contains("trueValue"); v && !v->is_null()) out.true_value = *v;
        if (const auto* v = type.if_contains("falseValue"); v && !v->is_null()) out.false_value = *v;
        break;
      case ValueKind::enumeration: {
        const auto* multi = type.if_contains("multi");
        out.multiple = multi && multi->is_bool() && multi->as_bool();
        for_each_entry(type, "elements", at, [&](const json::object& element, const std::string& element_at) {
          if (const auto* v = element.if_contains("value")) {
            out.elements.push_back(*v);
          } else {
            problem(element_at + ".value", "is required");
          }
        });
        if (out.elements.empty()) problem(at + ".elements", "must name at least one value");
        break;
      }
      case ValueKind::array:
        if (const auto* element = type.if_contains("elementType")) {
          out.element_type = std::make_shared<ValueType>(value_type(*element, at + ".elementType", depth + 1));
        } else {
          problem(at + ".elementType", "is required");
        }
        break;
      case ValueKind::object:
        out.properties = property_list(type, "properties", at, depth + 1);
        break;
      default:
        break;
    }
    return out;
  }

  static std::optional<double> real(const json::object& from, const char* key) {
    const auto* value = from.if_contains(key);
    if (!value) return std::nullopt;
    if (value->is_number()) return value->to_number<double>();
    if (value->is_string()) {
      const std::string_view digits = value->as_string();
      double out = 0;
      const auto [end, ec] = std::from_chars(digits.data(), digits.data() + digits.size(), out);
      if (ec == std::errc{} && end == digits.data() + digits.size() && std::isfinite(out)) return out;
    }
    return std::nullopt;
  }

  // expands.type [read, write, report]; absent means all. `source: manual|rule` properties are not the device's to
  // write.
  static void access(const json::object& entry, ThingProperty& out) {
    const auto* expands = entry.if_contains("expands");
    if (!expands || !expands->is_object()) return;
    const auto* type = expands->as_object().if_contains("type");
    if (type && type->is_array() && !type->as_array().empty()) {
      const auto has = [&](std::string_view word) {
        return std::ranges::any_of(type->as_array(),
                                   [&](const json::value& v) { return v.is_string() && v.as_string() == word; });
      };
      out.readable = has("read");
      out.writable = has("write");
      out.reports = has("report");
    }
    const auto* read_only = expands->as_object().if_contains("readOnly");
    if (read_only && read_only->is_bool() && read_only->as_bool()) out.writable = false;
  }

  std::vector<Problem>& problems_;
};

bool nests_deeper(const json::value& value, int levels) {
  if (levels == 0) return value.is_structured();
  if (value.is_object())
    return std::ranges::any_of(value.as_object(),
                               [&](const auto& entry) { return nests_deeper(entry.value(), levels - 1); });
  if (value.is_array())
    return std::ranges::any_of(value.as_array(),
                               [&](const json::value& item) { return nests_deeper(item, levels - 1); });
  return false;
}

Error wrong(std::string_view what, const std::string& message) {
  return {Errc::parameter_error, "\"" + std::string(what) + "\" " + message, {}, std::string(what)};
}

std::string shown(const json::value& value) {
  std::string text = value.is_double() ? text_of(value) : json::serialize(value);
  if (text.size() > 60) text = text.substr(0, 57) + "...";
  return text;
}

Result<json::value> convert_integer(const ValueType& type, const json::value& given, std::string_view what) {
  std::int64_t value = 0;
  if (given.is_int64()) {
    value = given.as_int64();
  } else if (given.is_double() && std::nearbyint(given.as_double()) == given.as_double() &&
             std::abs(given.as_double()) < 9e15) {
    value = static_cast<std::int64_t>(given.as_double());
  } else if (given.is_string()) {
    const std::string_view digits = given.as_string();
    const auto [end, ec] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (ec != std::errc{} || end != digits.data() + digits.size())
      return wrong(what, "must be a whole number, not " + shown(given));
  } else {
    return wrong(what, "must be a whole number, not " + shown(given));
  }
  const auto limits = [&]() -> std::pair<std::int64_t, std::int64_t> {
    switch (type.kind) {
      case ValueKind::byte_:
        return {-128, 127};
      case ValueKind::short_:
        return {-32768, 32767};
      case ValueKind::int_:
        return {std::numeric_limits<std::int32_t>::min(), std::numeric_limits<std::int32_t>::max()};
      default:
        return {std::numeric_limits<std::int64_t>::min(), std::numeric_limits<std::int64_t>::max()};
    }
  }();
  if (value < limits.first || value > limits.second)
    return wrong(what, "does not fit its type: " + std::to_string(value));
  return json::value(value);
}

Result<json::value> convert_real(const json::value& given, std::string_view what) {
  if (given.is_number()) return given;
  if (given.is_string()) {
    const std::string_view digits = given.as_string();
    double value = 0;
    const auto [end, ec] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (ec == std::errc{} && end == digits.data() + digits.size() && std::isfinite(value)) return json::value(value);
  }
  return wrong(what, "must be a number, not " + shown(given));
}

Status check_range(const ValueType& type, const json::value& value, std::string_view what) {
  const double number = value.to_number<double>();
  if (type.min && number < *type.min) return wrong(what, fmt::format("is {}; at least {}", number, *type.min));
  if (type.max && number > *type.max) return wrong(what, fmt::format("is {}; at most {}", number, *type.max));
  return {};
}

bool loosely_equal(const json::value& a, const json::value& b) {
  if (a == b) return true;
  return text_of(a) == text_of(b);
}

}  // namespace

ThingModel parse_thing_model(const json::value& metadata, const std::string& path, std::vector<Problem>& problems) {
  ThingModel model;
  if (metadata.is_null()) return model;
  Parser parser(problems);
  if (nests_deeper(metadata, 24)) {
    parser.problem(path, "is nested deeper than 24 levels");
    return model;
  }
  if (!metadata.is_object()) {
    parser.problem(path, "must be a thing model: an object with properties, functions, events and tags");
    return model;
  }
  const json::object& object = metadata.as_object();
  for (const auto& [key, value] : object) {
    static const std::vector<std::string> known{"properties", "functions", "events",      "tags",
                                                "id",         "name",      "description", "expands"};
    if (std::ranges::find(known, key) == known.end()) {
      const std::string nearest = nearest_word(key, known);
      problems.push_back({path + "." + std::string(key),
                          "unknown field" + (nearest.empty() ? std::string() : "; did you mean \"" + nearest + "\"?"),
                          Errc::unknown_field,
                          {},
                          {}});
    }
  }
  for (auto& p : parser.property_list(object, "properties", path, 0)) model.properties.emplace(p.id, std::move(p));
  for (auto& p : parser.property_list(object, "tags", path, 0)) model.tags.emplace(p.id, std::move(p));
  parser.for_each_entry(object, "functions", path, [&](const json::object& entry, const std::string& at) {
    ThingFunction f = parser.function(entry, at);
    if (model.functions.contains(f.id)) parser.problem(at + ".id", "\"" + f.id + "\" stands twice");
    model.functions.emplace(f.id, std::move(f));
  });
  parser.for_each_entry(object, "events", path, [&](const json::object& entry, const std::string& at) {
    const std::string id = parser.id(entry, at);
    if (model.events.contains(id)) parser.problem(at + ".id", "\"" + id + "\" stands twice");
    model.events.emplace(id, Parser::text(entry, "name"));
  });
  return model;
}

void check_metadata(json::value& value, const std::string& path, std::vector<Problem>& problems) {
  (void)parse_thing_model(value, path, problems);
}

ThingModel merge_models(const ThingModel& product, const ThingModel& device) {
  ThingModel out = product;
  for (const auto& [id, p] : device.properties) out.properties.insert_or_assign(id, p);
  for (const auto& [id, f] : device.functions) out.functions.insert_or_assign(id, f);
  for (const auto& [id, e] : device.events) out.events.insert_or_assign(id, e);
  for (const auto& [id, t] : device.tags) out.tags.insert_or_assign(id, t);
  return out;
}

Result<json::value> convert_value(const ValueType& type, const json::value& given, std::string_view what) {
  if (given.is_null()) return json::value();
  switch (type.kind) {
    case ValueKind::int_:
    case ValueKind::long_:
    case ValueKind::short_:
    case ValueKind::byte_: {
      JL_TRY(json::value value, convert_integer(type, given, what));
      JL_CHECK(check_range(type, value, what));
      return value;
    }
    case ValueKind::float_:
    case ValueKind::double_: {
      JL_TRY(json::value value, convert_real(given, what));
      JL_CHECK(check_range(type, value, what));
      return value;
    }
    case ValueKind::boolean: {
      const bool truth = loosely_equal(given, type.true_value) || loosely_equal(given, true);
      const bool falsehood = loosely_equal(given, type.false_value) || loosely_equal(given, false);
      if (truth == falsehood)
        return wrong(what, "must be " + shown(type.true_value) + " or " + shown(type.false_value));
      return truth ? type.true_value : type.false_value;
    }
    case ValueKind::enumeration: {
      const auto one = [&](const json::value& v) -> Result<json::value> {
        for (const auto& element : type.elements) {
          if (loosely_equal(v, element)) return element;
        }
        std::vector<std::string> legal;
        for (const auto& element : type.elements) legal.push_back(shown(element));
        return wrong(what, "must be one of " + join(legal) + ", not " + shown(v));
      };
      if (!type.multiple || !given.is_array()) return one(given);
      json::array out;
      for (const auto& item : given.as_array()) {
        JL_TRY(json::value value, one(item));
        out.push_back(std::move(value));
      }
      return json::value(std::move(out));
    }
    case ValueKind::array: {
      if (!given.is_array()) return wrong(what, "must be a list, not " + shown(given));
      json::array out;
      for (const auto& item : given.as_array()) {
        JL_TRY(json::value value, convert_value(*type.element_type, item, what));
        out.push_back(std::move(value));
      }
      return json::value(std::move(out));
    }
    case ValueKind::object: {
      if (!given.is_object()) return wrong(what, "must be an object, not " + shown(given));
      json::object out = given.as_object();
      for (const auto& property : type.properties) {
        if (auto* value = out.if_contains(property.id)) {
          JL_TRY(*value, convert_value(property.type, *value, std::string(what) + "." + property.id));
        }
      }
      return json::value(std::move(out));
    }
    case ValueKind::string:
    case ValueKind::password:
    case ValueKind::user:
    case ValueKind::file: {
      const std::string text = text_of(given);
      if (type.max_length && utf8_length(text) > static_cast<std::size_t>(*type.max_length)) {
        return wrong(what, fmt::format("is longer than {} characters", *type.max_length));
      }
      return json::value(text);
    }
    case ValueKind::date:
    case ValueKind::geo_point:
    case ValueKind::geo_shape:
      return given;
  }
  return given;
}

}  // namespace jl::model
