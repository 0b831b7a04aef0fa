// Remote upgrade: tasks and what is done to them, how far each device is, and whether images can be had and are whole.
#include "cli/commands/ota_follow.hpp"
#include "cli/confirm.hpp"
#include "cli/device_file.hpp"
#include "cli/document.hpp"
#include "cli/output/json_text.hpp"
#include "cli/output/paths.hpp"
#include "cli/output/width.hpp"

#include <fmt/format.h>
#include <chrono>

namespace jl::cli {
namespace {

std::string text_at(const json::value& from, std::string_view path) {
  const auto* value = find_path(from, path);
  return value ? plain_text(*value) : std::string();
}

std::int64_t number_at(const json::value& from, std::string_view path) {
  const auto* value = find_path(from, path);
  return value && value->is_int64() ? value->get_int64() : 0;
}

std::string counted(std::int64_t devices) { return fmt::format("{} device{}", devices, devices == 1 ? "" : "s"); }

// Only tables are short; -o wide shows everything.
bool in_short(const Context& context) { return for_people(context) && context.out.options().format == Format::table; }

std::string_view past_of(std::string_view verb) {
  if (verb == "stop") return "stopped";
  if (verb == "resume") return "resumed";
  return verb == "retry" ? "retried" : "removed";
}

// "ota-task/roll-1: 535 devices stopped", for people.
Status show_operation(Context& context, const json::value& reply) {
  if (!for_people(context) || text_at(reply, "result") == "deleted") return report_mutation(context, reply);
  show_warnings(context, reply);
  const control::Command& command = context.args.command();
  context.console.note(fmt::format("{}/{}: {} {}", command.kind->name, text_at(reply, "id"),
                                   counted(number_at(reply, "devices")), past_of(command.verb)));
  return {};
}

Status show_check(Context& context, const json::value& reply) {
  if (!in_short(context)) return context.out.one(view_of(context.args.command()), reply);
  const auto* elapsed = find_path(reply, "elapsed");
  std::string line = fmt::format("{} from server {}: {} bytes", text_at(reply, "firmware"), text_at(reply, "server"),
                                 text_at(reply, "bytes"));
  if (elapsed && elapsed->is_number()) line += fmt::format(" in {:.3g} s", elapsed->to_number<double>());
  line += fmt::format(", sha256 {}: {}", text_at(reply, "sha256"), text_at(reply, "result"));
  if (const std::string url = text_at(reply, "url"); !url.empty()) line += "  (" + url + ")";
  context.out.sink().write(printable(line) + "\n");
  return {};
}

Status show_verification(Context& context, const json::value& reply) {
  if (!in_short(context)) return context.out.one(view_of(context.args.command()), reply);
  std::string line = fmt::format("{}: {} bytes, {} {}: {}", text_at(reply, "id"), text_at(reply, "bytes"),
                                 text_at(reply, "signMethod"), text_at(reply, "actual"), text_at(reply, "result"));
  if (const std::string signature = text_at(reply, "signature"); !signature.empty())
    line += ", signature: " + signature;
  context.out.sink().write(printable(line) + "\n");
  return {};
}

// --device-file: its ids join those of --device, and take the place of a document's, as flags do.
Status add_device_file(Context& context, Document& document) {
  const auto path = context.args.value("device-file");
  if (!path) return {};
  if (*path == "-" && context.args.value("file") == path)
    return Error(Errc::usage, "--file and --device-file both read standard input");
  JL_TRY(const std::string text, read_file(context, "device-file", *path));
  JL_TRY(const auto ids, read_device_list(text, *path == "-" ? "<stdin>" : *path));
  const json::value* given = context.args.has("device") ? find_path(document.content, "spec.deviceId") : nullptr;
  if (given && !given->is_array()) return Error(Errc::usage, "--device: the list of devices is not a list");
  json::array all = given ? given->get_array() : json::array();
  for (const std::string& id : ids) all.emplace_back(id);
  set_path(document.content, "spec.deviceId", std::move(all));
  return {};
}

}  // namespace

Result<int> run_ota_task_add(Context& context) {
  JL_CHECK(check_wait_flags(context));
  JL_TRY(Document document, new_document(context, context.args.words().front()));
  JL_CHECK(add_device_file(context, document));
  JL_TRY(json::value reply, send_document(context, request_for(context), std::move(document)));
  return show_task_change(context, std::move(reply), report_mutation);
}

Result<int> run_ota_task_operation(Context& context) {
  JL_CHECK(check_wait_flags(context));
  const Words& words = context.args.words();
  Request request = request_for(context, words.front());
  json::object body;
  if (words.size() > 1) body["devices"] = json::array(words.begin() + 1, words.end());
  request.body = std::move(body);
  JL_TRY(json::value reply, context.client.call(request));
  return show_task_change(context, std::move(reply), show_operation);
}

Result<int> run_ota_task_remove(Context& context) {
  const Words& words = context.args.words();
  const auto devices = static_cast<std::int64_t>(words.size()) - 1;
  const std::string whose = devices == 1 ? "the record of device/" + words[1] : "the records of " + counted(devices);
  JL_CHECK(confirm(context, "remove " + whose + " from ota-task/" + words.front(),
                   "they cannot be brought back, and with the last one the task goes"));
  return run_ota_task_operation(context);
}

Result<int> run_ota_check(Context& context) {
  allow_for_download(context);
  Request request = request_for(context);
  json::object body;
  if (!context.args.words().empty()) body["firmware"] = context.args.words().front();
  add_body_flags(context, body);
  request.body = std::move(body);
  JL_TRY(const json::value reply, context.client.call(request));
  JL_CHECK(show_check(context, reply));
  return kExitOk;
}

Result<int> run_ota_firmware_verify(Context& context) {
  allow_for_download(context);
  JL_TRY(const json::value reply, context.client.call(request_for(context, context.args.words().front())));
  JL_CHECK(show_verification(context, reply));
  return kExitOk;
}

void allow_for_download(Context& context) {
  constexpr std::chrono::minutes kAtMost{30};
  if (context.settings.timeout.origin == "default") context.client.set_time_limit(kAtMost);
}

std::string records_at_stake(Context& context, const Words& tasks) {
  std::int64_t devices = 0;
  for (const std::string& task : tasks) {
    Request request;
    request.path = path_for(*control::find_command("ota task", "show"), task);
    const auto reply = context.client.call(request);
    if (reply) devices += number_at(*reply, "status.total");
  }
  return devices > 0 ? "would delete the records of " + counted(devices) : std::string();
}

}  // namespace jl::cli
