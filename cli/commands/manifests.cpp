// apply, diff, validate: files of manifests.
#include "cli/apply.hpp"
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

// One apply or diff; problems come with their place in the files.
Result<json::value> send(Context& context, const Request& request, const std::vector<ManifestDocument>& documents) {
  auto reply = send_documents(context, request);
  if (reply) return reply;
  Error error = reply.error();
  text::add_positions(documents, error.problems);
  return error;
}

Request request_with(const Context& context, const std::vector<ManifestDocument>& documents) {
  Request request = request_for(context);
  std::vector<const json::object*> list;
  list.reserve(documents.size());
  for (const auto& document : documents) list.push_back(&document.document);
  set_documents(request, list);
  return request;
}

Status confirm_prune(Context& context, Request request, const std::vector<ManifestDocument>& documents) {
  request.query.emplace_back("dryRun", "true");
  JL_TRY(const json::value plan, send(context, request, documents));
  const auto deleted = summary_number(plan, "deleted");
  if (deleted == 0) return {};
  const auto* cut = find_path(plan, "disconnected");
  std::string consequence = "would delete " + std::to_string(deleted) + " object" + (deleted == 1 ? "" : "s");
  if (cut && cut->is_int64() && cut->get_int64() > 0)
    consequence += " and disconnect " + plain_text(*cut) + " device sessions";
  return confirm(context, "apply --prune", consequence);
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
  JL_TRY(const json::value reply, send(context, request, documents));
  JL_CHECK(report_changes(context, reply, dry_run));
  if (dry_run) return exit_of_plan(reply);
  return exit_after(context, changed_count(reply) > 0 ? "applied" : "unchanged");
}

Result<int> run_diff(Context& context) {
  const auto against = context.args.value("against");
  JL_TRY(const auto documents, documents_of_flags(context, !against, FileUse::hash));
  if (!against) {
    JL_TRY(const json::value reply, send(context, request_with(context, documents), documents));
    JL_CHECK(report_changes(context, reply, true));
    return exit_of_plan(reply);
  }
  JL_TRY(const auto old_documents, load_manifests(context, {*against}, false, FileUse::hash));
  JL_TRY(const auto before, resources_of(old_documents));
  JL_TRY(const auto after, resources_of(documents));
  JL_TRY(const json::value plan, plan_between(before, after));
  JL_CHECK(report_changes(context, plan, true));
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
