#include "cli/apply.hpp"

#include "cli/changes.hpp"
#include "cli/output/json_text.hpp"
#include "cli/output/paths.hpp"

#include <optional>

namespace jl::cli {
namespace {

std::string phase_text(const json::value& progress) {
  const auto text = [&](const char* key) {
    const auto* value = find_path(progress, key);
    return value ? plain_text(*value) : std::string();
  };
  return text("phase") + " " + text("done") + "/" + text("total");
}

}  // namespace

void set_documents(Request& request, const std::vector<const json::object*>& documents) {
  json::array list;
  list.reserve(documents.size());
  for (const json::object* document : documents) list.push_back(*document);
  request.body = json::object{{"documents", std::move(list)}};
  request.lines = true;
  request.hide_body = true;  // secrets of files may stand under any name
}

Result<json::value> send_documents(Context& context, const Request& request) {
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
  if (!status) return status.error();
  if (!reply) return Error(Errc::failed, "the daemon's answer has no result");
  return std::move(*reply);
}

Status report_changes(Context& context, const json::value& reply, bool is_plan) {
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
  for (const std::string& entry : unbound_texts(reply))
    context.console.note(entry + (is_plan ? " would be unbound" : " unbound"));
  context.console.note(summary_text(reply));
  return {};
}

int exit_of_plan(const json::value& reply) {
  return changed_count(reply) > 0 ? info(Errc::differs).exit_code : kExitOk;
}

}  // namespace jl::cli
