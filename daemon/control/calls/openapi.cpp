// The command and field tables as an OpenAPI document, for everyone who is not jlctl.
#include "common/control/api.hpp"
#include "common/control/uploads.hpp"
#include "daemon/control/calls/calls.hpp"

namespace jl::control {
namespace json = boost::json;

namespace {

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
    for (const auto& argument : c.arguments) {
      if (argument.query.empty()) continue;
      parameters.push_back(json::object{{"name", argument.query},
                                        {"in", "query"},
                                        {"description", argument.help},
                                        {"schema", json::object{{"type", "string"}}}});
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
    if (c.upload) {
      // OpenAPI 3.1: bytes are a media type without a schema.
      operation["requestBody"] = json::object{{"required", true}, {"content", json::object{{kBytes, json::object()}}}};
      operation["responses"].as_object()["201"] = json::object{{"description", "kept; 200 when it was there already"}};
    }
    auto& path = paths[c.path];
    if (!path.is_object()) path = json::object();
    path.as_object()[method] = std::move(operation);
  }
  json::object schemas;
  for (const auto& kind : model::kinds()) {
    json::object document = json_schema(model::common_fields(kind.switchable));
    document["properties"].as_object()["spec"] = json_schema(*kind.spec);
    schemas[kind.name] = std::move(document);
  }
  return {{"openapi", "3.1.0"},
          {"info", json::object{{"title", "jlinkd control API"}, {"version", kApiVersion}}},
          {"paths", std::move(paths)},
          {"components", json::object{{"schemas", std::move(schemas)}}}};
}

}  // namespace jl::control
