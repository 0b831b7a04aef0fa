#include "common/model/resource.hpp"

#include "common/base/assert.hpp"
#include "common/base/words.hpp"

#include <algorithm>
#include <array>

namespace jl::model {
namespace {

constexpr std::array<std::string_view, 11> kJetLinksAudit{"creatorId",    "creatorName", "createTime", "modifierId",
                                                          "modifierName", "modifyTime",  "state",      "createdAt",
                                                          "updatedAt",    "revision",    "status"};
bool is_common_key(std::string_view key) {
  return key == "kind" || key == "id" || key == "name" || key == "description" || key == "enabled" || key == "spec" ||
         key == "set" || key == "schema" || std::ranges::find(kJetLinksAudit, key) != kJetLinksAudit.end();
}

class DocumentReader {
 public:
  DocumentReader(const Kind& kind, const json::object& document, std::vector<Problem>& problems)
      : kind_(kind), document_(document), problems_(problems) {}

  Resource read() {
    const std::size_t before = problems_.size();
    Resource out;
    out.kind = kind_.name;
    out.id = text("id");
    if (!is_valid_id(out.id)) {
      problem("id", out.id.empty() ? "is required"
                                   : "\"" + out.id +
                                         "\" is not an id: letters, digits, \".\", \"_\" and \"-\", at most 64, "
                                         "starting with a letter or digit");
    }
    out.name = text("name");
    if (out.name.empty()) out.name = out.id;
    check_length("name", out.name, 64);
    out.description = text("description");
    check_length("description", out.description, 200);
    out.enabled = enabled();
    out.set = text("set");
    check_length("set", out.set, 64);
    out.spec = spec();
    for (std::size_t i = before; i < problems_.size(); ++i) problems_[i].object = out.label();
    return out;
  }

 private:
  void problem(const std::string& at, std::string message, Errc code = Errc::invalid) {
    problems_.push_back({at, std::move(message), code, {}, {}});
  }

  std::string text(const char* key) {
    const auto* value = document_.if_contains(key);
    if (!value || value->is_null()) return {};
    if (value->is_string()) return std::string(value->as_string());
    if (value->is_int64() || value->is_uint64()) return json::serialize(*value);
    problem(key, "must be a text");
    return {};
  }

  void check_length(const char* key, const std::string& value, std::size_t most) {
    const std::size_t length = utf8_length(value);
    if (length == std::string::npos || !is_printable_utf8(value, key == std::string_view("description"))) {
      problem(key, "must be UTF-8 text without control characters");
    } else if (length > most) {
      problem(key, "has " + std::to_string(length) + " characters; at most " + std::to_string(most));
    }
  }

  // `enabled`, or JetLinks' `state`: a word, {value}, or 1/0 (products and protocols).
  bool enabled() {
    if (!kind_.switchable) {
      if (document_.contains("enabled"))
        problem("enabled", "a " + kind_.name + " is not enabled or disabled", Errc::unknown_field);
      return true;
    }
    if (const auto* value = document_.if_contains("enabled"); value && !value->is_null()) {
      if (value->is_bool()) return value->as_bool();
      if (value->is_string() && iequals(value->as_string(), "true")) return true;
      if (value->is_string() && iequals(value->as_string(), "false")) return false;
      problem("enabled", "must be true or false");
      return false;
    }
    const auto* state = document_.if_contains("state");
    if (state && state->is_object()) state = state->as_object().if_contains("value");
    if (!state || state->is_null()) return kind_.enabled_by_default;
    if (state->is_int64()) return state->as_int64() == 1;
    if (state->is_string()) {
      const std::string_view word = state->as_string();
      for (const char* on : {"enabled", "online", "offline", "1"}) {
        if (iequals(word, on)) return true;
      }
      for (const char* off : {"disabled", "paused", "notActive", "0"}) {
        if (iequals(word, off)) return false;
      }
    }
    problem("state", "must be enabled or disabled");
    return false;
  }

  json::object spec() {
    if (const auto* given = document_.if_contains("spec"); given && !given->is_null()) {
      for (const auto& [key, value] : document_) {
        if (is_common_key(key)) continue;
        const bool in_spec = kind_.spec->find(key) != nullptr;
        static const std::vector<std::string> known{"kind", "id", "name", "description", "enabled", "spec"};
        const std::string nearest = nearest_word(key, known);
        problem(std::string(key),
                in_spec ? "belongs into \"spec\""
                        : "unknown field" + (nearest.empty() ? std::string() : "; did you mean \"" + nearest + "\"?"),
                Errc::unknown_field);
      }
      if (given->is_object()) return normalize(*kind_.spec, given->as_object(), given->as_object(), "spec", problems_);
      problem("spec", "must be an object");
      return {};
    }
    json::object flat;
    for (const auto& [key, value] : document_) {
      if (!is_common_key(key)) flat[key] = value;
    }
    return normalize(*kind_.spec, flat, flat, "spec", problems_);
  }

  const Kind& kind_;
  const json::object& document_;
  std::vector<Problem>& problems_;
};

}  // namespace

const Kind* find_kind(std::string_view name) {
  for (const Kind& kind : kinds()) {
    if (iequals(kind.name, name) || iequals(kind.plural, name) || (!kind.words.empty() && kind.words == name))
      return &kind;
  }
  return nullptr;
}

std::string noun_of(std::string_view name) {
  const Kind* kind = find_kind(name);
  return kind ? kind->noun() : std::string(name);
}

Result<const Kind*> kind_named(std::string_view name) {
  if (const Kind* kind = find_kind(name)) return kind;
  std::vector<std::string> names;
  for (const Kind& kind : kinds()) names.push_back(kind.name);
  const std::string nearest = nearest_word(name, names);
  return Error(Errc::invalid, "unknown kind \"" + std::string(name) + "\"",
               nearest.empty() ? "kinds are " + join(names) : "did you mean \"" + nearest + "\"?", "kind");
}

Resource read_resource(const Kind& kind, const json::object& document, std::vector<Problem>& problems) {
  return DocumentReader(kind, document, problems).read();
}

Resource patch_resource(const Kind& kind, const Resource& current, const json::object& patch,
                        std::vector<Problem>& problems) {
  const std::size_t before = problems.size();
  json::object document = to_document(current);
  json::object wanted = patch;
  if (const auto* id = patch.if_contains("id"); id && *id != json::value(current.id)) {
    problems.push_back({"id", "cannot change after creation", Errc::immutable_field, {}, {}});
  }
  wanted.erase("id");
  wanted.erase("kind");
  wanted.erase("set");
  // JetLinks' flat form, as for creation.
  if (!wanted.contains("spec")) {
    json::object flat;
    for (const auto& [key, value] : patch) {
      if (!is_common_key(key)) flat[key] = value, wanted.erase(key);
    }
    if (!flat.empty()) wanted["spec"] = std::move(flat);
  }
  if (wanted.contains("state")) document.erase("enabled");
  merge_patch(document, wanted);
  Resource out = read_resource(kind, document, problems);
  std::vector<Problem> frozen;
  check_immutable(*kind.spec, current.spec, out.spec, "spec", frozen);
  // What else is wrong then only follows from it: another type has other fields.
  if (!frozen.empty()) problems.erase(problems.begin() + static_cast<std::ptrdiff_t>(before), problems.end());
  problems.insert(problems.end(), frozen.begin(), frozen.end());
  for (std::size_t i = before; i < problems.size(); ++i) problems[i].object = current.label();
  out.set = current.set;
  out.created_at = current.created_at;
  out.updated_at = current.updated_at;
  out.revision = current.revision;
  return out;
}

std::string to_stored(const Resource& r) {
  json::object out{{"name", r.name}, {"description", r.description}, {"enabled", r.enabled},
                   {"spec", r.spec}, {"createdAt", r.created_at},    {"updatedAt", r.updated_at}};
  if (!r.set.empty()) out["set"] = r.set;
  return json::serialize(out);
}

Result<Resource> from_stored(std::string_view kind, std::string_view id, std::string_view text,
                             std::uint64_t revision) {
  boost::system::error_code ec;
  json::parse_options options;
  options.max_depth = 255;  // far above what is let in, so that what was accepted can always be read
  json::value parsed = json::parse(json::string_view(text), ec, {}, options);
  if (ec || !parsed.is_object()) {
    return Error(Errc::corrupt, "stored " + std::string(kind) + " \"" + std::string(id) + "\" cannot be read");
  }
  json::object& o = parsed.as_object();
  Resource out;
  out.kind = kind;
  out.id = id;
  out.revision = revision;
  try {
    out.name = o.at("name").as_string().c_str();
    out.description = o.at("description").as_string().c_str();
    out.enabled = o.at("enabled").as_bool();
    out.spec = std::move(o.at("spec").as_object());
    out.created_at = o.at("createdAt").as_int64();
    out.updated_at = o.at("updatedAt").as_int64();
    if (const auto* set = o.if_contains("set")) out.set = set->as_string().c_str();
  } catch (const std::exception&) {
    return Error(Errc::corrupt, "stored " + std::string(kind) + " \"" + std::string(id) + "\" is incomplete");
  }
  return out;
}

json::object to_document(const Resource& r) {
  json::object out{{"id", r.id}, {"name", r.name}};
  if (!r.description.empty()) out["description"] = r.description;
  const Kind* kind = find_kind(r.kind);
  if (!kind || kind->switchable) out["enabled"] = r.enabled;
  out["spec"] = r.spec;
  if (!r.set.empty()) out["set"] = r.set;
  out["revision"] = static_cast<std::int64_t>(r.revision);
  if (r.created_at) out["createdAt"] = format_time(r.created_at);
  if (r.updated_at) out["updatedAt"] = format_time(r.updated_at);
  return out;
}

json::object to_manifest(const Resource& r) {
  json::object out{{"kind", r.kind}, {"id", r.id}};
  if (r.name != r.id) out["name"] = r.name;
  if (!r.description.empty()) out["description"] = r.description;
  const Kind* kind = find_kind(r.kind);
  JL_ASSERT(kind);
  if (kind->switchable && r.enabled != kind->enabled_by_default) out["enabled"] = r.enabled;
  out["spec"] = r.spec;
  return out;
}

bool same_content(const Resource& a, const Resource& b) {
  return a.kind == b.kind && a.id == b.id && a.name == b.name && a.description == b.description &&
         a.enabled == b.enabled && a.spec == b.spec;
}

std::vector<ReferenceUse> references_of(const Resource& resource) {
  std::vector<ReferenceUse> out;
  const Kind* kind = find_kind(resource.kind);
  JL_ASSERT(kind);
  json::object spec = resource.spec;
  for_each_value(*kind->spec, spec, resource.spec, "spec",
                 [&](const Field& field, json::value& value, const std::string& at) {
                   if (field.type == Type::reference && value.is_string() && !value.as_string().empty()) {
                     out.push_back({at, field.refers_to, std::string(value.as_string())});
                   }
                 });
  return out;
}

std::vector<FileUse> files_of(const Resource& resource) {
  std::vector<FileUse> out;
  const Kind* kind = find_kind(resource.kind);
  JL_ASSERT(kind);
  if (!holds_files(*kind->spec)) return out;
  json::object spec = resource.spec;
  for_each_value(*kind->spec, spec, resource.spec, "spec",
                 [&](const Field& field, json::value& value, const std::string& at) {
                   if (!field.uploaded.empty() && value.is_string())
                     out.push_back({at, std::string(value.as_string())});
                 });
  return out;
}

bool holds_files(const Table& table) {
  return std::ranges::any_of(table.fields, [](const Field& field) {
    return !field.uploaded.empty() || (field.table && holds_files(*field.table)) ||
           std::ranges::any_of(field.variants, [](const Variant& variant) { return holds_files(*variant.table); });
  });
}

const json::object* configuration_for_node(const json::object& spec, std::string_view node_id) {
  const auto object_of = [](const json::object& from) -> const json::object* {
    const auto* value = from.if_contains("configuration");
    return value && value->is_object() ? &value->as_object() : nullptr;
  };
  const auto* share = spec.if_contains("shareCluster");
  const auto* cluster = spec.if_contains("cluster");
  const bool shared = !share || !share->is_bool() || share->as_bool();
  if (shared || !cluster || !cluster->is_array() || cluster->as_array().empty()) return object_of(spec);
  for (const auto& entry : cluster->as_array()) {
    if (entry.is_object() && entry.as_object().contains("serverId") &&
        entry.as_object().at("serverId") == json::value(node_id)) {
      return object_of(entry.as_object());
    }
  }
  return nullptr;
}

}  // namespace jl::model
