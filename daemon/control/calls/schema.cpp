// The field and command tables as documents: /v1/schema for `jlctl explain`, /v1/openapi.json for everyone else.
#include "common/control/api.hpp"
#include "daemon/control/calls/calls.hpp"

namespace jl::control {
namespace json = boost::json;

namespace {

json::object field_document(const model::Field& field, const std::string& path, const std::string& when) {
  json::object out{{"path", path},
                   {"type", model::to_string(field.type)},
                   {"help", field.help},
                   {"required", field.required},
                   {"immutable", field.immutable}};
  if (!field.required_when.empty()) out["requiredWhen"] = field.required_when;
  if (!field.default_value.is_null()) out["default"] = field.default_value;
  if (field.has_range()) out["min"] = field.min, out["max"] = field.max;
  if (field.type == model::Type::string || field.type == model::Type::secret) out["maxLength"] = field.max_length;
  if (!field.words.empty()) {
    json::array words;
    for (const auto& word : field.words) words.push_back(json::object{{"word", word.word}, {"help", word.help}});
    out["words"] = std::move(words);
  }
  if (!field.refers_to.empty()) out["refersTo"] = field.refers_to;
  if (!when.empty()) out["when"] = when;
  if (!field.example.empty()) out["example"] = field.example;
  return out;
}

void add_fields(json::array& out, const model::Table& table, const std::string& prefix, const std::string& when,
                int depth) {
  for (const auto& field : table.fields) {
    if (field.ignored) continue;
    const std::string path = prefix + field.key;
    out.push_back(field_document(field, path, when));
    if (depth > 4) continue;
    const std::string inner = path + (field.type == model::Type::list ? "[]." : ".");
    if (field.table) add_fields(out, *field.table, inner, when, depth + 1);
    for (const auto& variant : field.variants)
      add_fields(out, *variant.table, inner, field.selector + "=" + variant.word, depth + 1);
  }
}

json::object json_schema(const model::Table& table) {
  json::object properties;
  json::array required;
  for (const auto& field : table.fields) {
    if (field.ignored) continue;
    json::object p{{"description", field.help}};
    switch (field.type) {
      case model::Type::integer:
        p["type"] = "integer";
        break;
      case model::Type::number:
        p["type"] = "number";
        break;
      case model::Type::boolean:
        p["type"] = "boolean";
        break;
      case model::Type::list:
        p["type"] = "array";
        break;
      case model::Type::object:
      case model::Type::map:
      case model::Type::config:
        p["type"] = "object";
        break;
      case model::Type::json:
        break;
      default:
        p["type"] = "string";
        break;
    }
    if (field.has_range()) p["minimum"] = field.min, p["maximum"] = field.max;
    if (!field.words.empty()) p["enum"] = json::value_from(model::words_of(field));
    if (!field.default_value.is_null()) p["default"] = field.default_value;
    if (field.type == model::Type::object && field.table) p = json_schema(*field.table);
    if (!field.variants.empty() && field.type == model::Type::object) {
      json::array shapes;
      for (const auto& variant : field.variants) shapes.push_back(json_schema(*variant.table));
      p["oneOf"] = std::move(shapes);
    }
    if (field.required) required.emplace_back(field.key);
    properties[field.key] = std::move(p);
  }
  json::object out{{"type", "object"}, {"properties", std::move(properties)}};
  if (!required.empty()) out["required"] = std::move(required);
  return out;
}

}  // namespace

json::object schema_document() {
  json::array kinds;
  for (const auto& kind : model::kinds()) {
    json::array fields;
    add_fields(fields, model::common_fields(), "", "", 0);
    add_fields(fields, *kind.spec, "", "", 0);
    kinds.push_back(json::object{{"name", kind.name},
                                 {"plural", kind.plural},
                                 {"zh", kind.zh},
                                 {"summary", kind.summary},
                                 {"description", kind.description},
                                 {"enabledByDefault", kind.enabled_by_default},
                                 {"fields", std::move(fields)}});
  }
  return {{"kinds", std::move(kinds)}};
}

json::object openapi_document() {
  json::object paths;
  for (const auto& c : commands()) {
    if (c.method.empty()) continue;
    std::string method;
    for (const char ch : c.method) method += static_cast<char>(ch - 'A' + 'a');
    json::array parameters;
    if (c.path.find("{id}") != std::string::npos) {
      parameters.push_back(json::object{
          {"name", "id"}, {"in", "path"}, {"required", true}, {"schema", json::object{{"type", "string"}}}});
    }
    for (const auto& flag : c.flags) {
      if (flag.where != Where::query) continue;
      json::object schema{{"type", flag.value.empty() ? "boolean" : "string"}};
      if (!flag.words.empty()) schema["enum"] = json::value_from(flag.words);
      parameters.push_back(
          json::object{{"name", flag.key}, {"in", "query"}, {"description", flag.help}, {"schema", std::move(schema)}});
    }
    json::object operation{
        {"summary", c.summary},
        {"description", "Needs role " + std::string(to_string(c.role)) + "."},
        {"parameters", std::move(parameters)},
        {"responses", json::object{{"200", json::object{{"description", "done"}}},
                                   {"default", json::object{{"description", "an RFC 9457 problem document"}}}}}};
    if (c.kind && (c.verb == "add" || c.verb == "edit")) {
      operation["requestBody"] = json::object{
          {"content",
           json::object{{std::string(kJson),
                         json::object{{"schema", json::object{{"$ref", "#/components/schemas/" + c.kind->name}}}}}}}};
    }
    auto& path = paths[c.path];
    if (!path.is_object()) path = json::object();
    path.as_object()[method] = std::move(operation);
  }
  json::object schemas;
  for (const auto& kind : model::kinds()) {
    json::object document = json_schema(model::common_fields());
    document["properties"].as_object()["spec"] = json_schema(*kind.spec);
    schemas[kind.name] = std::move(document);
  }
  return {{"openapi", "3.1.0"},
          {"info", json::object{{"title", "jlinkd control API"}, {"version", kApiVersion}}},
          {"paths", std::move(paths)},
          {"components", json::object{{"schemas", std::move(schemas)}}}};
}

}  // namespace jl::control
