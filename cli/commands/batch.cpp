// Verbs that take several objects: one call per object, a result per object.
#include "cli/commands/handlers.hpp"
#include "cli/confirm.hpp"
#include "cli/output/json_text.hpp"
#include "cli/output/paths.hpp"

namespace jl::cli {
namespace {

Status confirm_all(Context& context) {
  const control::Command& command = context.args.command();
  if (!command.dangerous || context.args.has("yes") || context.args.has("dry-run")) return {};
  const Words& ids = context.args.words();
  Impact impact;
  // What takes others along when it goes, rather than being held by them.
  const bool plans = command.verb == "delete" && has_followers(*command.kind);
  for (const std::string& id : ids) {
    const Status added =
        plans ? add_deletion(context, *command.kind, id, impact) : add_impact(context, *command.kind, id, impact);
    // Of several, each has a result of its own.
    if (!added && (ids.size() == 1 || !plans || concerns_all(added.error()))) return added;
    if (!added) impact.found = true;
  }
  // Nothing there to lose: the call itself says so. Disabling without sessions is undone by enabling.
  if (!impact.found || (command.verb == "disable" && impact.sessions == 0)) return {};
  std::string objects;
  constexpr std::size_t kNamed = 5;
  for (std::size_t i = 0; i < std::min(ids.size(), kNamed); ++i)
    objects += (i ? ", " : "") + command.kind->name + "/" + ids[i];
  if (ids.size() > kNamed) objects += " and " + std::to_string(ids.size() - kNamed) + " more";
  std::string consequence = impact.text();
  if (command.verb == "delete" && command.kind->name == "ota-task") {
    const std::string records = records_at_stake(context, ids);
    if (!records.empty()) consequence += (consequence.empty() ? "" : "; ") + records;
  }
  return confirm(context, command.verb + " " + objects, consequence);
}

class Batch {
 public:
  explicit Batch(Context& context) : context_(context), view_(view_of(context.args.command())) {}

  Status done(json::value reply) {
    const auto* result = find_path(reply, "result");
    if (result && exit_after(context_, plain_text(*result)) == kExitChanged) changed_ = true;
    if (is_plan()) return report_mutation(context_, reply);
    if (context_.args.command().verb == "delete") note_aftermath(context_, reply);
    return row(std::move(reply));
  }

  Status failed(const std::string& id, const Error& error) {
    ++failed_;
    const std::string& kind = context_.args.command().kind->name;
    const Format format = context_.out.options().format;
    if (!is_json(format)) context_.console.error(error, kind + "/" + id, context_.client.request_id());
    if (format == Format::name || format == Format::value || context_.out.options().quiet || is_plan()) return {};
    return row(json::object{{"result", "failed"}, {"kind", kind}, {"id", id}, {"error", error_document(error)}});
  }

  Result<int> finish(std::size_t total) {
    if (collects()) JL_CHECK(context_.out.list(view_, json::object{{"items", items_}}));
    if (failed_ > 0) return Error(Errc::partial, std::to_string(failed_) + " of " + std::to_string(total) + " failed");
    return changed_ ? kExitChanged : kExitOk;
  }

 private:
  // The plan of a deletion, in lines for people.
  [[nodiscard]] bool is_plan() const {
    const OutputOptions& options = context_.out.options();
    return context_.args.has("dry-run") && options.fields.empty() && !options.quiet &&
           (options.format == Format::table || options.format == Format::wide);
  }

  [[nodiscard]] bool collects() const {
    const Format format = context_.out.options().format;
    return !context_.out.options().quiet && (format == Format::json || format == Format::yaml);
  }

  Status row(json::value value) {
    if (!collects()) return context_.out.item(view_, value);
    items_.push_back(std::move(value));
    return {};
  }

  Context& context_;
  View view_;
  json::array items_;
  std::size_t failed_ = 0;
  bool changed_ = false;
};

}  // namespace

Result<int> call_each(Context& context, ShowOne show) {
  const Words& ids = context.args.words();
  if (ids.size() == 1) {
    JL_TRY(const json::value reply, context.client.call(request_for(context, ids.front())));
    JL_CHECK(show(context, reply));
    const auto* result = find_path(reply, "result");
    return result ? exit_after(context, plain_text(*result)) : kExitOk;
  }
  Batch batch(context);
  for (const std::string& id : ids) {
    Request request = request_for(context, id);
    // One request id names one request: each object gets its own, which a repeated command makes again.
    for (auto& [key, value] : request.query) {
      if (key == "requestId") value += "." + id;
    }
    auto reply = context.client.call(request);
    if (reply) {
      JL_CHECK(batch.done(std::move(*reply)));
      continue;
    }
    if (&id == &ids.front() && concerns_all(reply.error())) return reply.error();
    JL_CHECK(batch.failed(id, reply.error()));
    if (context.args.has("fail-fast")) break;
  }
  return batch.finish(ids.size());
}

Result<int> run_mutate_each(Context& context) {
  JL_CHECK(confirm_all(context));
  return call_each(context, report_mutation);
}

}  // namespace jl::cli
