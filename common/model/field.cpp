#include "common/model/field.hpp"

#include "common/base/words.hpp"

#include <fmt/format.h>
#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

namespace jl::model {
namespace {

class Normalizer {
 public:
  Normalizer(const Table& top, const json::object& root, std::vector<Problem>& problems)
      : top_(top), root_(root), problems_(problems) {}

  json::object object(const Table& table, const json::object& input, const std::string& path) {
    json::object out;
    for (const Field& field : table.fields) {
      const std::string at = join_path(path, field.key);
      const json::value* given = input.if_contains(field.key);
      if (!given && !field.formerly.empty()) given = input.if_contains(field.formerly);
      if (field.ignored) continue;
      if (!given || is_absent(field, *given)) {
        missing(field, input, at, out);
        continue;
      }
      json::value value = convert(field, *given, at);
      if (field.check && !value.is_null()) field.check(value, at, problems_);
      if (!value.is_null()) out[field.key] = std::move(value);
    }
    unknown_keys(table, input, path);
    if (table.settle) table.settle(out, path, problems_);
    return out;
  }

 private:
  // A selector that is left out has its default, too.
  const Table* table_for(const Field& field) const {
    if (const Table* picked = field.table_for(root_); picked || field.selector.empty()) return picked;
    const Field* selector = top_.find(field.selector);
    const json::value* given = root_.if_contains(field.selector);
    if (!selector || (given && !is_absent(*selector, *given))) return nullptr;
    return field.table_for({{field.selector, selector->default_value}});
  }

  static std::string join_path(const std::string& path, std::string_view key) {
    return path.empty() ? std::string(key) : path + "." + std::string(key);
  }

  // network.md 1.5: JetLinks' pages send unused keys as "".
  static bool is_absent(const Field& field, const json::value& value) {
    if (value.is_null()) return true;
    return value.is_string() && value.as_string().empty() && (field.type != Type::string || field.required);
  }

  static bool is_false(const json::object& input, const std::string& key) {
    const auto* value = key.empty() ? nullptr : input.if_contains(key);
    return value &&
           ((value->is_bool() && !value->as_bool()) || (value->is_string() && iequals(value->as_string(), "false")));
  }

  void problem(const std::string& at, std::string message, Errc code = Errc::invalid) {
    if (problems_.size() < kMaxProblems) problems_.push_back({at, std::move(message), code, {}, {}});
  }

  void missing(const Field& field, const json::object& input, const std::string& at, json::object& out) {
    bool required = field.required;
    if (!field.required_when.empty()) {
      const auto* other = input.if_contains(field.required_when);
      required =
          other && ((other->is_bool() && other->as_bool()) || (other->is_string() && other->as_string() == "true"));
    }
    if (required) {
      std::string message = "is required";
      if (!field.required_when.empty()) message += " when " + field.required_when + " is true";
      if (field.type == Type::enumeration) message += "; one of " + join(words_of(field));
      problem(at, message);
    } else if (!field.default_value.is_null()) {
      out[field.key] = field.default_value;
    } else if (field.type == Type::object && is_false(input, field.required_when)) {
      return;  // not used: what runs is said elsewhere (cluster[] when shareCluster is false)
    } else if (field.type == Type::object) {
      // An object left out counts as an empty one, so that its defaults apply and its required fields are named.
      if (const Table* table = table_for(field)) {
        json::object inner = object(*table, {}, at);
        if (!inner.empty()) out[field.key] = std::move(inner);
      }
    }
  }

  void unknown_keys(const Table& table, const json::object& input, const std::string& path) {
    std::vector<std::string> known;
    for (const auto& [key, value] : input) {
      if (table.find(key) || std::ranges::find(table.fields, key, &Field::formerly) != table.fields.end()) continue;
      if (known.empty()) {
        for (const Field& field : table.fields) {
          if (!field.ignored) known.push_back(field.key);
        }
      }
      const std::string nearest = nearest_word(key, known);
      problem(join_path(path, key),
              nearest.empty() ? "unknown field; known are " + join(known)
                              : "unknown field; did you mean \"" + nearest + "\"?",
              Errc::unknown_field);
    }
  }

  json::value convert(const Field& field, const json::value& given, const std::string& at) {
    switch (field.type) {
      case Type::string:
      case Type::secret:
      case Type::reference:
        return text(field, given, at);
      case Type::integer:
        return integer(field, given, at);
      case Type::number:
        return number(field, given, at);
      case Type::boolean:
        return boolean(given, at);
      case Type::enumeration:
        return word(field, given, at);
      case Type::object:
        return nested(field, given, at);
      case Type::list:
        return list(field, given, at);
      case Type::map:
      case Type::config:
        return map(field, given, at);
      case Type::json:
        return from_text_if_json(given);
    }
    return nullptr;
  }

  json::value text(const Field& field, const json::value& given, const std::string& at) {
    std::string value;
    if (given.is_string()) {
      value = given.as_string();
    } else if (given.is_int64() || given.is_uint64()) {
      value = json::serialize(given);  // a YAML id such as 42 arrives as a number
    } else {
      problem(at, "must be a text");
      return nullptr;
    }
    if (field.type == Type::reference && !is_valid_id(value)) {
      problem(at, "\"" + value + "\" is not an id");
      return nullptr;
    }
    const std::size_t length = utf8_length(value);
    if (length == std::string::npos || !is_printable_utf8(value, true)) {
      problem(at, "must be UTF-8 text without control characters");
      return nullptr;
    }
    if (length > field.max_length) {
      problem(at, "has " + std::to_string(length) + " characters; at most " + std::to_string(field.max_length));
      return nullptr;
    }
    if (!field.uploaded.empty() && !is_file_id(value)) {
      problem(at, "must be the id of an uploaded file, 64 lower-case hex digits; give the file itself: --" +
                      field.flag + " FILE, or {fromFile: PATH} in a manifest");
      return nullptr;
    }
    if (field.required && value.find_first_not_of(" \t") == std::string::npos) problem(at, "must not be blank");
    return json::value(value);
  }

  json::value integer(const Field& field, const json::value& given, const std::string& at) {
    std::int64_t value = 0;
    bool ok = true;
    if (given.is_int64()) {
      value = given.as_int64();
    } else if (given.is_double() && std::nearbyint(given.as_double()) == given.as_double() &&
               std::abs(given.as_double()) < 9e15) {
      value = static_cast<std::int64_t>(given.as_double());
    } else if (given.is_string()) {
      const std::string_view digits = given.as_string();
      const auto [end, ec] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
      ok = ec == std::errc{} && end == digits.data() + digits.size();
    } else {
      ok = false;
    }
    if (!ok) {
      problem(at, "must be a whole number" + range_text(field));
      return nullptr;
    }
    if (value < field.min || value > field.max) {
      problem(at, std::to_string(value) + " is out of range" + range_text(field));
      return nullptr;
    }
    return value;
  }

  static std::string range_text(const Field& field) {
    if (!field.has_range()) return {};
    return "; " + std::to_string(field.min) + " to " + std::to_string(field.max);
  }

  json::value number(const Field& field, const json::value& given, const std::string& at) {
    if (given.is_number()) return given.to_number<double>();
    if (given.is_string()) {
      const std::string_view digits = given.as_string();
      double value = 0;
      const auto [end, ec] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
      if (ec == std::errc{} && end == digits.data() + digits.size() && std::isfinite(value)) return value;
    }
    problem(at, "must be a number" + range_text(field));
    return nullptr;
  }

  json::value boolean(const json::value& given, const std::string& at) {
    if (given.is_bool()) return given;
    if (given.is_string()) {
      if (iequals(given.as_string(), "true")) return true;
      if (iequals(given.as_string(), "false")) return false;
    }
    problem(at, "must be true or false");
    return nullptr;
  }

  json::value word(const Field& field, const json::value& given, const std::string& at) {
    if (given.is_int64()) return word(field, json::value(json::serialize(given)), at);  // YAML's mqttVersion: 5
    const json::value* value = &given;
    // JetLinks reads enumerations back as {value, text}.
    if (given.is_object() && given.as_object().contains("value")) value = &given.as_object().at("value");
    if (value->is_string()) {
      const std::string_view text = value->as_string();
      for (const Word& legal : field.words) {
        if (iequals(text, legal.word)) return json::value(legal.word);
        for (const auto& alias : legal.aliases) {
          if (iequals(text, alias)) return json::value(legal.word);
        }
      }
      const auto words = words_of(field);
      const std::string nearest = nearest_word(text, words);
      problem(at, "\"" + std::string(text) + "\" is none of " + join(words) +
                      (nearest.empty() ? "" : "; did you mean \"" + nearest + "\"?"));
      return nullptr;
    }
    problem(at, "must be one of " + join(words_of(field)));
    return nullptr;
  }

  json::value nested(const Field& field, const json::value& given, const std::string& at) {
    const json::value parsed = from_text_if_json(given);
    if (!parsed.is_object()) {
      problem(at, "must be an object");
      return nullptr;
    }
    const Table* table = table_for(field);
    if (!table) return nullptr;  // the selector itself is wrong and reported where it stands
    return object(*table, parsed.as_object(), at);
  }

  json::value list(const Field& field, const json::value& given, const std::string& at) {
    const json::value parsed = from_text_if_json(given);
    if (!parsed.is_array()) {
      problem(at, "must be a list");
      return nullptr;
    }
    if (parsed.as_array().size() > field.max_length) {
      problem(at, "has " + std::to_string(parsed.as_array().size()) + " entries; at most " +
                      std::to_string(field.max_length));
      return nullptr;
    }
    const Table* table = table_for(field);
    json::array out;
    std::size_t index = 0;
    for (const auto& item : parsed.as_array()) {
      const std::string item_path = at + "[" + std::to_string(index++) + "]";
      if (!field.table && field.variants.empty()) {
        if (item.is_string()) {
          out.push_back(item);
        } else if (item.is_int64() || item.is_uint64()) {
          out.emplace_back(json::serialize(item));  // ports and ids in YAML
        } else {
          problem(item_path, "must be a text");
        }
      } else if (!item.is_object()) {
        problem(item_path, "must be an object");
      } else if (table) {
        out.push_back(object(*table, item.as_object(), item_path));
      }
    }
    return out;
  }

  json::value map(const Field& field, const json::value& given, const std::string& at) {
    const json::value parsed = from_text_if_json(given);
    if (!parsed.is_object()) {
      problem(at, "must be an object of texts");
      return nullptr;
    }
    if (parsed.as_object().size() > field.max_length) {
      problem(at, "has more than " + std::to_string(field.max_length) + " entries");
      return nullptr;
    }
    json::object out;
    for (const auto& [key, value] : parsed.as_object()) {
      if (key.empty() || key.size() > 64 || !is_printable_utf8(key)) {
        problem(at, "has a key that is empty, longer than 64 bytes, or not printable");
      } else if (value.is_null()) {
        continue;
      } else if (value.is_structured()) {
        problem(join_path(at, key), "must be a text");
      } else if (value.is_string()) {
        if (value.as_string().size() > 4096 || !is_printable_utf8(value.as_string(), true)) {
          problem(join_path(at, key), "must be UTF-8 text of at most 4096 bytes");
        } else {
          out[key] = value;
        }
      } else {
        out[key] = text_of(value);
      }
    }
    return out;
  }

  // JetLinks stores some objects as JSON text (a product's metadata); files on the command line arrive as text too.
  static json::value from_text_if_json(const json::value& given) {
    if (!given.is_string()) return given;
    boost::system::error_code ec;
    json::parse_options options;
    options.max_depth = 32;
    json::value parsed = json::parse(json::string_view(given.as_string()), ec, {}, options);
    return ec ? given : parsed;
  }

  static constexpr std::size_t kMaxProblems = 1000;
  const Table& top_;
  const json::object& root_;
  std::vector<Problem>& problems_;
};

}  // namespace

bool is_file_id(std::string_view text) {
  return text.size() == 64 &&
         std::ranges::all_of(text, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

std::string_view to_string(Type type) {
  static constexpr std::array<std::string_view, 12> kWords{"string", "integer", "number",    "boolean",
                                                           "enum",   "secret",  "reference", "object",
                                                           "list",   "map",     "config",    "json"};
  return kWords[static_cast<std::size_t>(type)];
}

const Table* Field::table_for(const json::object& root) const {
  if (selector.empty()) return table;
  const auto* picked = root.if_contains(selector);
  if (!picked) return nullptr;
  const json::value* word = picked;
  if (picked->is_object() && picked->as_object().contains("value")) word = &picked->as_object().at("value");
  if (!word->is_string()) return nullptr;
  for (const Variant& variant : variants) {
    const auto is_it = [&](const std::string& text) { return iequals(text, word->as_string()); };
    if (is_it(variant.word) || is_it(kebab_case(to_lower(variant.word))) ||
        std::ranges::any_of(variant.aliases, is_it)) {
      return variant.table;
    }
  }
  return nullptr;
}

const Field* Table::find(std::string_view key) const {
  for (const Field& field : fields) {
    if (field.key == key) return &field;
  }
  return nullptr;
}

std::string text_of(const json::value& value) {
  if (value.is_string()) return std::string(value.get_string());
  if (value.is_double()) return fmt::format("{}", value.get_double());
  return json::serialize(value);
}

std::vector<std::string> words_of(const Field& field) {
  std::vector<std::string> out;
  for (const Word& word : field.words) out.push_back(word.word);
  return out;
}

json::object normalize(const Table& table, const json::object& input, const json::object& root, const std::string& path,
                       std::vector<Problem>& problems) {
  return Normalizer(table, root, problems).object(table, input, path);
}

void check_immutable(const Table& table, const json::object& before, const json::object& after, const std::string& path,
                     std::vector<Problem>& problems) {
  for (const Field& field : table.fields) {
    const auto* old_value = before.if_contains(field.key);
    const auto* new_value = after.if_contains(field.key);
    const std::string at = path.empty() ? field.key : path + "." + field.key;
    if (field.immutable) {
      if (old_value && (!new_value || *old_value != *new_value)) {
        problems.push_back({at, "cannot change after creation", Errc::immutable_field, {}, {}});
      }
    } else if (field.type == Type::object && old_value && new_value && old_value->is_object() &&
               new_value->is_object()) {
      const Table* inner = field.table_for(before);
      if (inner) check_immutable(*inner, old_value->as_object(), new_value->as_object(), at, problems);
    }
  }
}

void merge_patch(json::object& target, const json::object& patch) {
  for (const auto& [key, value] : patch) {
    if (value.is_null()) {
      target.erase(key);
    } else if (value.is_object()) {
      json::value& slot = target[key];
      if (!slot.is_object()) slot = json::object();
      merge_patch(slot.as_object(), value.as_object());
    } else {
      target[key] = value;
    }
  }
}

}  // namespace jl::model
