#include "common/control/schema.hpp"

#include "common/model/resource.hpp"

namespace jl::control {
namespace {

namespace json = boost::json;
using model::Field;

json::object field_document(const Field& field, const std::string& path, const std::string& when) {
  json::object out{{"path", path},
                   {"type", model::to_string(field.type)},
                   {"help", field.help},
                   {"required", field.required},
                   {"immutable", field.immutable}};
  if (!field.required_when.empty()) out["requiredWhen"] = field.required_when;
  if (!field.default_value.is_null()) out["default"] = field.default_value;
  if (field.has_range()) {
    out["min"] = field.min;
    out["max"] = field.max;
  }
  if (field.type == model::Type::string || field.type == model::Type::secret) out["maxLength"] = field.max_length;
  if (!field.words.empty()) {
    json::array words;
    for (const model::Word& word : field.words) words.push_back(json::object{{"word", word.word}, {"help", word.help}});
    out["words"] = std::move(words);
  }
  if (!field.refers_to.empty()) out["refersTo"] = field.refers_to;
  if (!field.uploaded.empty()) out["uploaded"] = field.uploaded;
  if (!when.empty()) out["when"] = when;
  if (!field.example.empty()) out["example"] = field.example;
  return out;
}

// Adds a field, or, when another variant has it word for word, to what "when" says of that one.
void add_field(json::array& out, json::object document) {
  const auto* when = document.if_contains("when");
  for (auto& known : out) {
    json::object& other = known.as_object();
    if (!when || other.at("path") != document.at("path") || !other.contains("when")) continue;
    const json::value mine = *when;
    json::object alike = other;
    alike["when"] = mine;
    if (alike != document) continue;
    other["when"] = std::string(other.at("when").as_string()) + ", " + std::string(mine.as_string());
    return;
  }
  out.push_back(std::move(document));
}

void add_fields(json::array& out, const model::Table& table, const std::string& prefix, const std::string& when) {
  for (const Field& field : table.fields) {
    if (field.ignored) continue;
    const bool is_list = field.type == model::Type::list;
    const std::string path = prefix + field.key;
    add_field(out, field_document(field, path, when));
    const std::string inner = path + (is_list ? "[]." : ".");
    if (field.table) add_fields(out, *field.table, inner, when);
    // The variants inside cluster[] are those of spec.configuration; once is enough.
    if (prefix.find("[]") != std::string::npos) continue;
    for (const model::Variant& variant : field.variants)
      add_fields(out, *variant.table, inner, field.selector + "=" + variant.word);
  }
}

}  // namespace

json::object schema_document() {
  json::array kinds;
  for (const model::Kind& kind : model::kinds()) {
    json::array fields;
    add_fields(fields, model::common_fields(kind.switchable), "", "");
    add_fields(fields, *kind.spec, "", "");
    kinds.push_back(json::object{{"name", kind.name},
                                 {"plural", kind.plural},
                                 {"zh", kind.zh},
                                 {"summary", kind.summary},
                                 {"description", kind.description},
                                 {"enabledByDefault", kind.enabled_by_default},
                                 {"switchable", kind.switchable},
                                 {"fields", std::move(fields)}});
  }
  return {{"kinds", std::move(kinds)}};
}

}  // namespace jl::control
