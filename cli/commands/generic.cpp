// Verbs of every kind that act on one object, or read.
#include "cli/changes.hpp"
#include "cli/commands/handlers.hpp"
#include "cli/document.hpp"
#include "cli/output/json_text.hpp"
#include "cli/output/paths.hpp"

namespace jl::cli {
namespace {

Result<int> send(Context& context, Request request, Document document) {
  JL_TRY(const json::value reply, send_document(context, std::move(request), std::move(document)));
  JL_CHECK(report_mutation(context, reply));
  const auto* result = find_path(reply, "result");
  return exit_after(context, result ? plain_text(*result) : "");
}

}  // namespace

Result<json::value> send_document(Context& context, Request request, Document document) {
  request.body = std::move(document.content);
  auto reply = context.client.call(request);
  if (reply) return reply;
  Error error = reply.error();
  text::add_positions(document.sources, error.problems);
  return error;
}

Result<int> run_add(Context& context) {
  const std::string& id = context.args.words().front();
  JL_TRY(Document document, new_document(context, id));
  detect_cert_format(context, document.content);
  return send(context, request_for(context), std::move(document));
}

Result<int> run_edit(Context& context) {
  JL_TRY(Document document, patch_document(context));
  detect_cert_format(context, document.content);
  return send(context, request_for(context, context.args.words().front()), std::move(document));
}

Result<int> run_show(Context& context) {
  const View view = view_of(context.args.command());
  const Words& ids = context.args.words();
  if (ids.size() == 1) {
    JL_TRY(const json::value reply, context.client.call(request_for(context, ids.front())));
    JL_CHECK(context.out.one(view, reply));
    return kExitOk;
  }
  json::array items;
  std::size_t failed = 0;
  for (const std::string& id : ids) {
    auto reply = context.client.call(request_for(context, id));
    if (reply) {
      items.push_back(std::move(*reply));
      continue;
    }
    if (&id == &ids.front() && concerns_all(reply.error())) return reply.error();
    context.console.error(reply.error(), view.id_prefix + id, context.client.request_id());
    ++failed;
    if (context.args.has("fail-fast")) break;
  }
  const Format format = context.out.options().format;
  if (format == Format::table && !context.out.options().quiet && context.out.options().fields.empty()) {
    for (std::size_t i = 0; i < items.size(); ++i) {
      if (i > 0) context.out.sink().write("\n");
      JL_CHECK(context.out.one(view, items[i]));
    }
  } else {
    JL_CHECK(context.out.list(view, json::object{{"items", items}}));
  }
  if (failed > 0)
    return Error(Errc::partial, std::to_string(failed) + " of " + std::to_string(ids.size()) + " could not be shown");
  return kExitOk;
}

Result<int> run_list(Context& context) {
  const View view = view_of(context.args.command());
  Request request = request_for(context);
  if (context.out.options().format != Format::jsonl) {
    JL_TRY(const json::value reply, context.client.call(request));
    JL_CHECK(context.out.list(view, reply));
    return kExitOk;
  }
  request.lines = true;
  const Status status = context.client.stream(request, [&](json::value&& value) -> Result<bool> {
    const bool whole = value.is_object() && value.get_object().contains("items");
    JL_CHECK(whole ? context.out.list(view, value) : context.out.item(view, value));
    return !context.out.sink().failed();
  });
  if (!status) return status.error();
  return kExitOk;
}

Result<int> run_exists(Context& context) {
  JL_TRY(const bool found, context.client.exists(path_for(context.args.command(), context.args.words().front())));
  return found ? kExitOk : info(Errc::not_found).exit_code;
}

void note_aftermath(Context& context, const json::value& reply) {
  constexpr std::size_t kMost = 20;  // a channel may have thousands of points
  const auto texts = aftermath_texts(reply);
  for (std::size_t i = 0; i < std::min(kMost, texts.size()); ++i) context.console.note(texts[i]);
  if (texts.size() > kMost) context.console.note("... and " + std::to_string(texts.size() - kMost) + " more");
}

void show_warnings(Context& context, const json::value& reply) {
  const auto* warnings = find_path(reply, "warnings");
  if (!warnings || !warnings->is_array()) return;
  for (const auto& warning : warnings->get_array()) context.console.warning(plain_text(warning));
}

Status report_mutation(Context& context, const json::value& reply) {
  const auto text = [&](const char* key) {
    const auto* value = find_path(reply, key);
    return value ? plain_text(*value) : std::string();
  };
  show_warnings(context, reply);
  const OutputOptions& options = context.out.options();
  const bool for_people = options.format == Format::table || options.format == Format::wide;
  if (!for_people || options.quiet || !options.fields.empty())
    return context.out.one(view_of(context.args.command()), reply);
  if (text("result") == "planned") {
    write_deletion(context.out, reply);
    return {};
  }
  const control::Command& command = context.args.command();
  std::string object = text("kind").empty() ? (command.kind ? command.kind->name : command.noun) : text("kind");
  if (!text("id").empty()) object += "/" + text("id");
  std::string note = object + " " + text("result");
  if (const std::string revision = text("revision"); !revision.empty()) note += " (revision " + revision + ")";
  if (const std::string cut = text("disconnected"); !cut.empty() && cut != "0")
    note += ", " + cut + " sessions disconnected";
  context.console.note(note);
  note_aftermath(context, reply);
  return {};
}

}  // namespace jl::cli
