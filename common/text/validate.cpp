#include "common/text/manifest.hpp"
#include "common/text/secret_references.hpp"

#include <fmt/format.h>
#include <algorithm>
#include <unordered_map>

namespace jl::text {
namespace {

std::string text_or_unknown(const json::object& document, const char* key) {
  const auto* value = document.if_contains(key);
  if (value && value->is_string() && !value->get_string().empty()) return std::string(value->get_string());
  if (value && (value->is_int64() || value->is_uint64())) return json::serialize(*value);
  return "?";
}

Result<const model::Kind*> kind_of(const json::object& document) {
  const auto* value = document.if_contains("kind");
  if (!value || !value->is_string()) {
    std::string kinds;
    for (const auto& kind : model::kinds()) kinds += (kinds.empty() ? "" : ", ") + kind.name;
    return Error(Errc::invalid, (value ? "must be a text" : "is required") + ("; one of " + kinds));
  }
  Result<const model::Kind*> kind = model::kind_named(value->get_string());
  if (!kind) return Error(Errc::invalid, kind.error().message + "; " + kind.error().hint);
  return kind;
}

std::string shown(const SourcePosition& at) { return fmt::format("{}:{}:{}", at.file, at.line, at.column); }

}  // namespace

std::optional<SourcePosition> ManifestDocument::position_of(std::string_view field_path) const {
  if (file.empty()) return std::nullopt;
  const Place place = positions.find(field_path);
  return SourcePosition{file, place.line, place.column};
}

std::string ManifestDocument::label() const {
  std::string word = text_or_unknown(document, "kind");
  if (const model::Kind* kind = model::find_kind(word)) word = kind->name;
  return word + "/" + text_or_unknown(document, "id");
}

std::vector<model::Resource> validate_documents(const std::vector<ManifestDocument>& documents,
                                                std::vector<Problem>& problems) {
  std::vector<model::Resource> out;
  out.reserve(documents.size());
  std::unordered_map<std::string, const ManifestDocument*> seen;
  for (const ManifestDocument& entry : documents) {
    const Result<const model::Kind*> kind = kind_of(entry.document);
    if (!kind) {
      problems.push_back({"kind", kind.error().message, Errc::invalid, entry.label(), entry.position_of("kind")});
      continue;
    }
    json::object document = entry.document;
    const std::vector<std::string> secrets = stand_in_for_secrets(document);
    std::vector<Problem> found;
    out.push_back(model::read_resource(**kind, document, found));
    for (Problem& problem : found) {
      if (std::ranges::find(secrets, problem.field) != secrets.end()) continue;  // judged once its text is known
      problem.object = entry.label();
      problem.position = entry.position_of(problem.field);
      problems.push_back(std::move(problem));
    }
    const auto [first, is_new] = seen.emplace(entry.label(), &entry);
    if (!is_new) {
      const auto at = first->second->position_of("id");
      problems.push_back({"id", "this object stands twice" + (at ? "; first at " + shown(*at) : std::string()),
                          Errc::invalid, entry.label(), entry.position_of("id")});
    }
  }
  return out;
}

void add_positions(const std::vector<ManifestDocument>& documents, std::vector<Problem>& problems) {
  std::unordered_map<std::string, const ManifestDocument*> by_label;
  for (const ManifestDocument& entry : documents) by_label.emplace(entry.label(), &entry);
  for (Problem& problem : problems) {
    const auto found = by_label.find(problem.object);
    if (!problem.position && found != by_label.end()) problem.position = found->second->position_of(problem.field);
  }
}

}  // namespace jl::text
