// apply, diff, validate: files of manifests.
#include "cli/changes.hpp"
#include "cli/commands/handlers.hpp"
#include "cli/confirm.hpp"
#include "cli/document.hpp"
#include "cli/output/json_text.hpp"
#include "cli/output/paths.hpp"
#include "common/text/diff.hpp"
#include "common/text/redact.hpp"

#include <map>

namespace jl::cli {
namespace {

using text::ManifestDocument;

Result<std::vector<ManifestDocument>> documents_of_flags(Context& context, bool resolve_secrets, FileUse use) {
  const Words files = context.args.values("file");
  if (files.empty()) {
    return Error(Errc::usage, "\"" + context.args.command().label() + "\" needs -f FILE",
                 context.args.command().examples.front());
  }
  return load_manifests(context, files, resolve_secrets, use);
}

std::string phase_text(const json::value& progress) {
  const auto text = [&](const char* key) {
    const auto* value = find_path(progress, key);
    return value ? plain_text(*value) : std::string();
  };
  return text("phase") + " " + text("done") + "/" + text("total");
}

// One apply or diff; progress lines on the way, problems with their place in the files.
Result<json::value> send(Context& context, Request request, const std::vector<ManifestDocument>& documents) {
  std::optional<json::value> reply;
  const Status status = context.client.stream(request, [&](json::value&& value) -> Result<bool> {
    if (const auto* progress = find_path(value, "progress")) {
      context.console.progress(phase_text(*progress));
    } else {
      reply = std::move(value);
    }
    return true;
  });
  context.console.end_progress();
  if (!status) {
    Error error = status.error();
    text::add_positions(documents, error.problems);
    return error;
  }
  if (!reply) return Error(Errc::failed, "the daemon's answer has no result");
  return std::move(*reply);
}

Request request_with(const Context& context, const std::vector<ManifestDocument>& documents) {
  Request request = request_for(context);
  json::array list;
  list.reserve(documents.size());
  for (const auto& document : documents) list.push_back(document.document);
  request.body = json::object{{"documents", std::move(list)}};
  request.lines = true;
  request.hide_body = true;  // secrets of files may stand under any name
  return request;
}

Status confirm_prune(Context& context, Request request, const std::vector<ManifestDocument>& documents) {
  request.query.emplace_back("dryRun", "true");
  JL_TRY(const json::value plan, send(context, std::move(request), documents));
  const auto deleted = summary_number(plan, "deleted");
  if (deleted == 0) return {};
  const auto* cut = find_path(plan, "disconnected");
  std::string consequence = "would delete " + std::to_string(deleted) + " object" + (deleted == 1 ? "" : "s");
  if (cut && cut->is_int64() && cut->get_int64() > 0)
    consequence += " and disconnect " + plain_text(*cut) + " device sessions";
  return confirm(context, "apply --prune", consequence);
}

// Shows a plan or a result. Plans list every field.
Status report(Context& context, const json::value& reply, bool is_plan) {
  const OutputOptions& options = context.out.options();
  if (const auto* warnings = find_path(reply, "warnings"); warnings && warnings->is_array()) {
    for (const auto& warning : warnings->get_array()) context.console.warning(plain_text(warning));
  }
  if (options.quiet || options.format == Format::name) {
    const auto* changes = find_path(reply, "changes");
    if (!changes || !changes->is_array()) return {};
    for (const auto& change : changes->get_array()) {
      const auto* kind = find_path(change, "kind");
      const auto* id = find_path(change, "id");
      if (kind && id) context.out.sink().write(plain_text(*kind) + "/" + plain_text(*id) + "\n");
    }
    return {};
  }
  const bool for_people = options.format == Format::table || options.format == Format::wide;
  if (!for_people || !options.fields.empty()) {
    View view;
    view.kind = is_plan ? "plan" : "applyResult";
    return context.out.one(view, reply);
  }
  write_changes(context.out, reply, is_plan);
  context.out.sink().flush();
  context.console.note(summary_text(reply));
  return {};
}

int exit_of_plan(const json::value& reply) {
  return changed_count(reply) > 0 ? info(Errc::differs).exit_code : kExitOk;
}

Result<std::vector<model::Resource>> resources_of(const std::vector<ManifestDocument>& documents) {
  std::vector<Problem> problems;
  auto resources = text::validate_documents(documents, problems);
  if (!problems.empty()) return error_from_problems(std::move(problems));
  return resources;
}

// diff --against: the same plan as the daemon's, made here from two files.
Result<json::value> plan_between(const std::vector<model::Resource>& before,
                                 const std::vector<model::Resource>& after) {
  std::map<std::string, const model::Resource*> old_ones;
  for (const auto& resource : before) old_ones[resource.label()] = &resource;
  json::array changes;
  std::int64_t created = 0;
  std::int64_t updated = 0;
  std::int64_t unchanged = 0;
  const auto change = [&](const model::Resource& resource, const char* result, json::array fields) {
    changes.push_back(
        json::object{{"kind", resource.kind}, {"id", resource.id}, {"result", result}, {"fields", std::move(fields)}});
  };
  const auto masked = [](const model::Resource& resource) {
    return text::redact(model::to_manifest(resource)).get_object();
  };
  for (const auto& resource : after) {
    const auto found = old_ones.find(resource.label());
    if (found == old_ones.end()) {
      ++created;
      change(resource, "created", {});
      continue;
    }
    if (model::same_content(*found->second, resource)) {
      ++unchanged;
    } else {
      ++updated;
      change(resource, "updated", text::to_json(text::diff(masked(*found->second), masked(resource))));
    }
    old_ones.erase(found);
  }
  for (const auto& [label, resource] : old_ones) change(*resource, "deleted", {});
  const auto deleted = static_cast<std::int64_t>(old_ones.size());
  return json::value{
      {"result", created + updated + deleted > 0 ? "planned" : "unchanged"},
      {"summary",
       json::object{{"created", created}, {"updated", updated}, {"unchanged", unchanged}, {"deleted", deleted}}},
      {"changes", std::move(changes)}};
}

}  // namespace

Result<int> run_apply(Context& context) {
  if (context.args.has("prune") && !context.args.has("set")) {
    return Error(Errc::usage, "--prune needs --set NAME: only objects of that set may be deleted",
                 context.args.command().examples[1]);
  }
  const bool dry_run = context.args.has("dry-run");
  JL_TRY(const auto documents, documents_of_flags(context, true, dry_run ? FileUse::hash : FileUse::upload));
  Request request = request_with(context, documents);
  if (context.args.has("prune") && !dry_run && !context.args.has("yes"))
    JL_CHECK(confirm_prune(context, request, documents));
  JL_TRY(const json::value reply, send(context, std::move(request), documents));
  JL_CHECK(report(context, reply, dry_run));
  if (dry_run) return exit_of_plan(reply);
  return exit_after(context, changed_count(reply) > 0 ? "applied" : "unchanged");
}

Result<int> run_diff(Context& context) {
  const auto against = context.args.value("against");
  JL_TRY(const auto documents, documents_of_flags(context, !against, FileUse::hash));
  if (!against) {
    JL_TRY(const json::value reply, send(context, request_with(context, documents), documents));
    JL_CHECK(report(context, reply, true));
    return exit_of_plan(reply);
  }
  JL_TRY(const auto old_documents, load_manifests(context, {*against}, false, FileUse::hash));
  JL_TRY(const auto before, resources_of(old_documents));
  JL_TRY(const auto after, resources_of(documents));
  JL_TRY(const json::value plan, plan_between(before, after));
  JL_CHECK(report(context, plan, true));
  return exit_of_plan(plan);
}

Result<int> run_validate(Context& context) {
  JL_TRY(const auto documents, documents_of_flags(context, false, FileUse::check));
  JL_TRY(const auto resources, resources_of(documents));
  const auto count = static_cast<std::int64_t>(resources.size());
  const OutputOptions& options = context.out.options();
  if (options.format == Format::table || options.format == Format::wide) {
    context.console.note(std::to_string(count) + (count == 1 ? " document is valid" : " documents are valid"));
    return kExitOk;
  }
  JL_CHECK(context.out.one(view_of(context.args.command()), json::object{{"valid", true}, {"documents", count}}));
  return kExitOk;
}

}  // namespace jl::cli
