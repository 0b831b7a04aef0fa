#include "daemon/codec/package/jetlinks_spelling.hpp"

#include "common/model/field.hpp"

namespace jl::codec::package {
namespace {

namespace json = boost::json;

json::array* list_in(json::object& object, std::string_view key) {
  json::value* value = object.if_contains(key);
  return value ? value->if_array() : nullptr;
}

// Objects of a list become the text that stands at `key` in them.
void flatten(json::array* list, std::string_view key) {
  if (!list) return;
  for (json::value& item : *list) {
    const auto* object = item.if_object();
    const json::value* inner = object ? object->if_contains(key) : nullptr;
    if (inner && !inner->is_structured()) item = json::value(model::text_of(*inner));
  }
}

void move_member(json::object& from, std::string_view key, json::object& to, std::string_view name) {
  json::value* value = from.if_contains(key);
  if (value && !to.contains(name)) to[name] = std::move(*value);
}

void config_key(json::object& entry) {
  if (json::value* given = entry.if_contains("type"); given && given->is_object()) {
    json::object type = std::move(given->get_object());
    if (const auto* id = type.if_contains("id"); id && id->is_string()) {
      *given = *id;
      move_member(type, "elements", entry, "enum");
    } else {
      *given = std::move(type);
    }
  }
  if (json::value* given = entry.if_contains("expands"); given && given->is_object()) {
    json::object expands = std::move(given->get_object());
    entry.erase("expands");
    move_member(expands, "required", entry, "required");
    move_member(expands, "defaultValue", entry, "default");
  }
  json::array* words = list_in(entry, "enum");
  flatten(words, "value");
  if (words) {
    for (json::value& word : *words) {
      if (word.is_number() || word.is_bool()) word = json::value(model::text_of(word));
    }
  }
  if (json::value* value = entry.if_contains("default"); value && (value->is_number() || value->is_bool()))
    *value = json::value(model::text_of(*value));
}

}  // namespace

void from_jetlinks_spelling(json::object& manifest) {
  flatten(list_in(manifest, "features"), "id");
  json::array* transports = list_in(manifest, "transports");
  if (!transports) return;
  for (json::value& transport : *transports) {
    if (!transport.is_object()) continue;
    flatten(list_in(transport.get_object(), "features"), "id");
    json::array* config = list_in(transport.get_object(), "config");
    if (!config) continue;
    for (json::value& entry : *config) {
      if (entry.is_object()) config_key(entry.get_object());
    }
  }
}

}  // namespace jl::codec::package
