// modbus point import and export: the points of a channel as CSV.
#include "cli/apply.hpp"
#include "cli/changes.hpp"
#include "cli/commands/handlers.hpp"
#include "cli/document.hpp"
#include "cli/new_file.hpp"
#include "cli/points_csv.hpp"
#include "common/text/csv.hpp"

namespace jl::cli {

namespace {

Status check_channel(Context& context, const std::string& id) {
  const model::Kind& kind = *model::find_kind("modbus-channel");
  JL_TRY(const bool found, context.client.exists("/v1/" + kind.plural + "/" + percent_encode(id)));
  if (found) return {};
  return Error(Errc::not_found, kind.name + " \"" + id + "\" does not exist", "jlctl " + kind.noun() + " list");
}

Request apply_request(bool dry_run, const std::vector<PointRow>& rows) {
  const control::Command& apply = *control::find_command("", "apply");
  Request out;
  out.method = apply.method;
  out.path = apply.path;
  if (dry_run) out.query.emplace_back("dryRun", "true");
  std::vector<const json::object*> documents;
  documents.reserve(rows.size());
  for (const PointRow& row : rows) documents.push_back(&row.document);
  set_documents(out, documents);
  return out;
}

// A table has one form; a setting for other commands does no harm, a flag of this one would be ignored.
Status check_output_flags(const Context& context, const std::string& channel) {
  const Format format = context.out.options().format;
  const bool other = context.args.has("json") ||
                     (context.args.has("output") && format != Format::table && format != Format::wide) ||
                     context.args.has("fields") || context.args.has("quiet");
  if (!other) return {};
  return Error(Errc::usage, "\"modbus point export\" writes CSV only",
               "jlctl modbus point list --channel " + channel + " -o json");
}

}  // namespace

Result<int> run_modbus_import(Context& context) {
  const std::string& channel = context.args.words()[0];
  const std::string& path = context.args.words()[1];
  const bool dry_run = context.args.has("dry-run");
  const std::string file = path == "-" ? "<stdin>" : path;
  JL_TRY(const std::string text, read_input(context, path, text::kMaxCsvBytes));
  JL_TRY(const auto rows, read_points(text, file, channel));
  JL_CHECK(check_channel(context, channel));
  const auto reply = send_documents(context, apply_request(dry_run, rows));
  if (!reply) {
    Error error = reply.error();
    add_lines(rows, file, error.problems);
    return error;
  }
  JL_CHECK(report_changes(context, *reply, dry_run));
  if (dry_run) return exit_of_plan(*reply);
  return exit_after(context, changed_count(*reply) > 0 ? "applied" : "unchanged");
}

Result<int> run_modbus_export(Context& context) {
  const std::string& channel = context.args.words().front();
  JL_CHECK(check_output_flags(context, channel));
  JL_CHECK(check_channel(context, channel));
  Request request;
  request.path = control::find_command("modbus point", "list")->path;
  request.query.emplace_back("channelId", channel);
  request.lines = true;
  std::vector<json::object> documents;
  JL_CHECK(context.client.stream(request, [&](json::value&& value) -> Result<bool> {
    if (value.is_object()) documents.push_back(std::move(value.get_object()));
    return true;
  }));
  const std::string text = write_points(documents);
  const auto path = context.args.value("file");
  if (path && *path != "-") {
    JL_CHECK(write_new_file(*path, text));
  } else {
    context.out.sink().write(text);
  }
  return kExitOk;
}

}  // namespace jl::cli
