// Applying many documents as one transaction, with the same rules and the same planner for a dry run and for the deed.
#include "common/base/words.hpp"
#include "daemon/services/resources.hpp"

namespace jl::services {
namespace json = boost::json;
using runtime::ResourceChange;

namespace {

constexpr std::size_t kMaxListed = 1000;

struct Reader {
  const ApplyRequest& request;
  const device::Secrets& secrets;
  View& view;
  std::vector<Problem>& problems;
  std::map<std::pair<std::string, std::string>, std::size_t> named{};

  // Reads one document into the resource that it asks for; nothing when it has problems.
  Result<std::optional<Resource>> read(const json::value& value, std::size_t index) {
    const std::string at = "documents[" + std::to_string(index) + "]";
    if (!value.is_object()) {
      problems.push_back({at, "must be an object", Errc::invalid, {}, {}});
      return std::optional<Resource>();
    }
    const json::object& document = value.as_object();
    const auto* kind_name = document.if_contains("kind");
    if (!kind_name || !kind_name->is_string()) {
      problems.push_back({"kind", "is required", Errc::invalid, at, {}});
      return std::optional<Resource>();
    }
    const auto kind = model::kind_named(std::string_view(kind_name->as_string()));
    if (!kind) {
      problems.push_back({"kind", kind.error().message + "; " + kind.error().hint, Errc::invalid, at, {}});
      return std::optional<Resource>();
    }
    const std::size_t before = problems.size();
    Resource resource = model::read_resource(**kind, document, problems);
    if (problems.size() != before) return std::optional<Resource>();
    const auto [it, fresh] = named.emplace(std::pair(resource.kind, resource.id), index);
    if (!fresh) {
      problems.push_back({"id",
                          "stands in documents " + std::to_string(it->second + 1) + " and " + std::to_string(index + 1),
                          Errc::invalid,
                          resource.label(),
                          {}});
      return std::optional<Resource>();
    }
    return std::optional<Resource>(std::move(resource));
  }
};

}  // namespace

json::array Resources::changed_fields(const ResourceChange& change) const {
  json::array out;
  if (!change.before || !change.after) return out;
  Resource before = *change.before, after = *change.after;
  p_.secrets.mask(before);
  p_.secrets.mask(after);
  json::object a = model::to_document(before), b = model::to_document(after);
  for (const char* key : {"revision", "createdAt", "updatedAt"}) a.erase(key), b.erase(key);
  for (auto& field : text::diff(a, b)) {
    json::object row{{"field", field.field}};
    if (field.before) row["before"] = std::move(*field.before);
    if (field.after) row["after"] = std::move(*field.after);
    out.push_back(std::move(row));
  }
  return out;
}

Result<MutationResult> Resources::run_apply(const ApplyRequest& request, const Progress& progress) {
  JL_TRY(auto replay, replayed(request.options));
  if (replay) return std::move(*replay);
  if (request.options.if_revision && *request.options.if_revision != p_.store.revision()) {
    return Error(Errc::revision_mismatch,
                 fmt::format("the store is at revision {}, not {}", p_.store.revision(), *request.options.if_revision),
                 "read it again, then decide");
  }
  View view(p_.store);
  RuleContext rules{view, p_.node_id};
  rules.secrets = &p_.secrets;
  rules.protocols = &p_.protocols;
  p_.protocols.forget_inspected();
  rules.now = p_.clock.now();
  rules.runtime = runtime_;
  if (!request.dry_run) rules.files = &p_.files;
  Reader reader{request, p_.secrets, view, rules.problems};
  const std::size_t total = request.documents.size();
  std::size_t unchanged = 0;
  for (std::size_t i = 0; i < total; ++i) {
    if (progress && i % 500 == 0) progress("reading", i, total);
    JL_TRY(auto resource, reader.read(request.documents[i], i));
    if (!resource) continue;
    JL_TRY(const Resource* found, view.before(resource->kind, resource->id));
    if (found) {
      resource->set = request.set.empty() ? found->set : request.set;
      const Resource before = *found;
      const model::Kind* kind = model::find_kind(resource->kind);
      std::vector<Problem> frozen;
      model::check_immutable(*kind->spec, before.spec, resource->spec, "spec", frozen);
      for (Problem& p : frozen) p.object = resource->label(), rules.problems.push_back(std::move(p));
      JL_CHECK(put_new(view, std::move(*resource), &before, rules.problems));
    } else {
      resource->set = request.set;
      JL_CHECK(put_new(view, std::move(*resource), nullptr, rules.problems));
    }
    if (rules.problems.size() >= 1000) break;
  }
  if (request.prune) {
    if (request.set.empty()) return Error(Errc::usage, "prune needs the name of a set", "add --set NAME");
    std::vector<std::pair<std::string, std::string>> gone;
    for (const model::Kind& kind : model::kinds()) {
      JL_CHECK(view.for_each(kind.name, [&](const Resource& resource) {
        if (resource.set == request.set && !reader.named.contains({resource.kind, resource.id}))
          gone.emplace_back(resource.kind, resource.id);
      }));
    }
    for (const auto& [kind, id] : gone) {
      JL_TRY([[maybe_unused]] const Resource* known, view.before(kind, id));
      view.erase(kind, id);
    }
    rules.deletes_enabled = true;
  }
  JL_TRY(const Aftermath aftermath, follow_bonds(view, p_.clock.now()));
  rules.taken_along = aftermath.deleted;
  const auto changes = view.changes();
  std::size_t created = 0, updated = 0, deleted = 0;
  json::array listed;
  for (const auto& change : changes) {
    const std::string_view result = !change.before ? "created" : !change.after ? "deleted" : "updated";
    (result == "created" ? created : result == "deleted" ? deleted : updated) += 1;
    if (listed.size() < kMaxListed) {
      listed.push_back(json::object{{"kind", change.any().kind},
                                    {"id", change.any().id},
                                    {"result", result},
                                    {"fields", changed_fields(change)}});
    }
  }
  unchanged = total - std::min(total, created + updated);

  MutationResult out;
  out.body = {
      {"result", request.dry_run   ? "planned"
                 : changes.empty() ? "unchanged"
                                   : "applied"},
      {"revision", static_cast<std::int64_t>(p_.store.revision())},
      {"summary",
       json::object{{"created", created}, {"updated", updated}, {"unchanged", unchanged}, {"deleted", deleted}}},
      {"disconnected", 0},
      {"changes", std::move(listed)},
      {"changesTotal", changes.size()}};
  if (!aftermath.unbound.empty()) out.body["unbound"] = aftermath.unbound;
  if (progress) progress("checking", 0, changes.size());
  if (request.dry_run) {
    if (!rules.problems.empty()) return error_from_problems(std::move(rules.problems));
    JL_CHECK(check_rules(rules, changes));
    if (!rules.problems.empty()) return error_from_problems(std::move(rules.problems));
    out.body["disconnected"] = runtime_->sessions_cut_by(changes);
    return out;
  }
  if (changes.empty() && rules.problems.empty()) return out;
  if (progress) progress("committing", 0, changes.size());
  out.revision_before = p_.store.revision();
  JL_TRY(const Committed committed, commit(view, rules, request.options, &out));
  out.revision_after = committed.revision;
  out.body["revision"] = static_cast<std::int64_t>(committed.revision);
  out.body["disconnected"] = committed.disconnected;
  if (!committed.warnings.empty()) out.body["warnings"] = json::value_from(committed.warnings);
  return out;
}

}  // namespace jl::services
