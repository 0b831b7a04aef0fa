// The end of a draft: what jlinkd would refuse is taken out as long as the object can do without it.
#include "cli/import/conversion.hpp"
#include "cli/import/values.hpp"
#include "common/text/secret_references.hpp"

#include <algorithm>
#include <string_view>

namespace jl::cli::jetlinks {
namespace {

constexpr int kMostRounds = 16;  // what is dropped can uncover something behind it, such as the next bad list

json::object document_of(const Draft& draft) {
  json::object out{{"kind", draft.kind->name}, {"id", draft.id}};
  if (!draft.name.empty() && draft.name != draft.id) out["name"] = draft.name;
  if (!draft.description.empty()) out["description"] = draft.description;
  const bool says_enabled = draft.kind->switchable && draft.kind->name != "cert";
  if (says_enabled) out["enabled"] = draft.enabled;
  out["spec"] = draft.spec;
  return out;
}

// Below a thing model the whole entry goes that has the fault: half a property is none.
std::string refused_path(const std::string& field) {
  const bool in_model = field.starts_with("spec.metadata") || field.starts_with("spec.deriveMetadata");
  const std::size_t bracket = field.rfind(']');
  return in_model && bracket != std::string::npos ? field.substr(0, bracket + 1) : field;
}

// Removes what stands at a path such as "configuration.a.b" or "cluster[1].serverId"; keys may hold dots themselves.
// Entries of lists become null, so that the positions of those behind them stay what they are. False: nothing is there.
bool remove_at(json::value& from, std::string_view path) {
  if (json::array* list = from.if_array()) {
    const std::size_t end = path.find(']');
    const auto index = path.starts_with('[') && end != std::string_view::npos
                           ? as_integer(json::value(path.substr(1, end - 1)))
                           : std::nullopt;
    if (!index || *index < 0 || static_cast<std::size_t>(*index) >= list->size()) return false;
    json::value& item = (*list)[static_cast<std::size_t>(*index)];
    path.remove_prefix(end + 1);
    if (path.empty()) {
      const bool was_there = !item.is_null();
      item = nullptr;
      return was_there;
    }
    return remove_at(item, path.starts_with('.') ? path.substr(1) : path);
  }
  json::object* object = from.if_object();
  if (!object) return false;
  if (object->erase(path) > 0) return true;
  for (auto& [key, value] : *object) {
    if (!path.starts_with(std::string_view(key)) || path.size() == key.size()) continue;
    const char next = path[key.size()];
    if (next != '.' && next != '[') continue;
    if (remove_at(value, path.substr(key.size() + (next == '.' ? 1 : 0)))) return true;
  }
  return false;
}

void remove_nulls(json::value& value) {
  if (json::array* list = value.if_array()) {
    list->erase(std::remove_if(list->begin(), list->end(), [](const json::value& item) { return item.is_null(); }),
                list->end());
    for (json::value& item : *list) remove_nulls(item);
  } else if (json::object* object = value.if_object()) {
    for (auto& member : *object) remove_nulls(member.value());
  }
}

std::string without_spec(const std::string& field) { return field.starts_with("spec.") ? field.substr(5) : field; }

// The canonical value without what nobody said: defaults, and what is empty.
json::value slim(const json::value& canonical, const json::value& given) {
  if (text::is_secret_reference(given)) return given;
  if (canonical.is_object() && given.is_object()) {
    json::object out;
    for (const auto& [key, value] : canonical.get_object()) {
      const auto* said = given.get_object().if_contains(key);
      if (said && !is_empty(value)) out[key] = slim(value, *said);
    }
    return out;
  }
  if (canonical.is_array() && given.is_array() && canonical.get_array().size() == given.get_array().size()) {
    json::array out;
    for (std::size_t i = 0; i < canonical.get_array().size(); ++i)
      out.push_back(slim(canonical.get_array()[i], given.get_array()[i]));
    return out;
  }
  return canonical;
}

}  // namespace

void Conversion::settle(Draft& draft) {
  for (int round = 0; draft.carried; ++round) {
    json::object document = document_of(draft);
    const std::vector<std::string> secrets = text::stand_in_for_secrets(document);
    std::vector<Problem> problems;
    model::Resource resource = model::read_resource(*draft.kind, document, problems);
    // What stands in for a secret is judged once the secret is known.
    std::erase_if(problems, [&](const Problem& p) { return std::ranges::find(secrets, p.field) != secrets.end(); });
    if (problems.empty()) {
      draft.canonical = std::move(resource.spec);
      return;
    }
    if (round == kMostRounds) return leave_out(draft, without_spec(problems.front().field), problems.front().message);
    if (!drop_refused(draft, problems)) return;
  }
}

bool Conversion::drop_refused(Draft& draft, const std::vector<Problem>& problems) {
  json::value spec(std::move(draft.spec));
  std::set<std::string> paths;
  for (const Problem& problem : problems) {
    const std::string path = refused_path(problem.field);
    if (!paths.insert(path).second) continue;
    if (!problem.field.starts_with("spec.") || !remove_at(spec, std::string_view(path).substr(5))) {
      draft.spec = std::move(spec.get_object());
      // Below something that has just gone, nothing is left to remove.
      const bool is_below = std::ranges::any_of(paths, [&](const std::string& gone) {
        return path.size() > gone.size() && path.starts_with(gone) &&
               (path[gone.size()] == '.' || path[gone.size()] == '[');
      });
      if (!is_below) return leave_out(draft, without_spec(problem.field), problem.message), false;
      spec = std::move(draft.spec);
      continue;
    }
    note(draft, without_spec(path),
         "dropped: " + (path == problem.field ? "" : without_spec(problem.field) + " ") + problem.message);
  }
  remove_nulls(spec);
  draft.spec = std::move(spec.get_object());
  return true;
}

json::object manifest_of(const Draft& draft) {
  json::object out = document_of(draft);
  json::object spec;
  for (const auto& [key, value] : draft.canonical) {
    const auto* said = draft.spec.if_contains(key);
    if (!said || is_empty(value)) continue;
    // A thing model stays as it is: there, an empty text can be the value of an enumeration.
    const model::Field* field = draft.kind->spec->find(key);
    spec[key] = field && field->type == model::Type::json ? value : slim(value, *said);
  }
  out["spec"] = std::move(spec);
  return out;
}

}  // namespace jl::cli::jetlinks
