// Protocols tried without a device, their own test cases, and what passes between a device and its codec.
#include "common/model/protocol.hpp"
#include "cli/commands/handlers.hpp"
#include "cli/document.hpp"
#include "cli/uploads.hpp"
#include "common/base/base64.hpp"
#include "common/text/package_files.hpp"

#include <sys/stat.h>

namespace jl::cli {

namespace {

bool is_folder(const std::string& path) {
  struct stat found {};
  return stat(path.c_str(), &found) == 0 && S_ISDIR(found.st_mode);
}

Result<json::value> read_json(Context& context, const char* flag, const std::string& path) {
  JL_TRY(const std::string text, read_file(context, flag, path));
  boost::system::error_code ec;
  json::value out = json::parse(text, ec);
  if (ec) return Error(Errc::usage, "\"" + path + "\" holds no JSON: " + ec.message());
  return out;
}

// What was tried failed: that is the command's own outcome, shown whole before its exit code says so.
int exit_of_trial(const json::value& reply) {
  const auto* object = reply.if_object();
  return object && object->contains("error") ? info(Errc::invalid).exit_code : kExitOk;
}

Result<json::object> trial_body(Context& context) {
  json::object body;
  add_body_flags(context, body);
  if (const auto file = context.args.value("device-file")) {
    JL_TRY(body["as"], read_json(context, "device-file", *file));
  }
  return body;
}

}  // namespace

Result<int> run_protocol_decode(Context& context) {
  Request request = request_for(context, context.args.words().front());
  JL_TRY(json::object body, trial_body(context));
  if (const auto file = context.args.value("file")) {
    if (body.contains("hex") || body.contains("text"))
      return Error(Errc::usage, "the payload is given twice", "one of --hex, --text and --file");
    JL_TRY(const std::string bytes, read_file(context, "file", *file));
    body["base64"] = to_base64(bytes);
  }
  request.body = std::move(body);
  JL_TRY(const json::value reply, context.client.call(request));
  JL_CHECK(context.out.one(view_of(context.args.command()), reply));
  return exit_of_trial(reply);
}

Result<int> run_protocol_encode(Context& context) {
  const auto file = context.args.value("message");
  if (!file) {
    return Error(
        Errc::usage, "\"protocol encode\" needs --message FILE",
        "echo '{\"messageType\":\"READ_PROPERTY\",\"properties\":[\"t\"]}' | jlctl protocol encode ID --message -");
  }
  Request request = request_for(context, context.args.words().front());
  JL_TRY(json::object body, trial_body(context));
  JL_TRY(body["message"], read_json(context, "message", *file));
  request.body = std::move(body);
  JL_TRY(const json::value reply, context.client.call(request));
  JL_CHECK(context.out.one(view_of(context.args.command()), reply));
  return exit_of_trial(reply);
}

Result<int> run_protocol_test(Context& context) {
  const std::string& path = context.args.words().front();
  Request request = request_for(context, {});
  json::object body;
  if (is_folder(path)) {
    JL_TRY(const auto files, text::read_package_folder(path));
    json::object texts;
    for (const auto& [name, text] : files) texts[name] = text;
    body["files"] = std::move(texts);
  } else {
    Uploads uploads(context, FileUse::upload);
    const model::Field* field = model::table_of<model::JarConfiguration>().find("fileId");
    JL_TRY(const std::string id, uploads.take(*field, path));
    body["fileId"] = id;
  }
  request.body = std::move(body);
  JL_TRY(const json::value reply, context.client.call(request));
  JL_CHECK(context.out.list(view_of(context.args.command()), reply));
  const auto* failed = reply.is_object() ? reply.get_object().if_contains("failed") : nullptr;
  return failed && failed->is_number() && failed->to_number<std::int64_t>() > 0 ? info(Errc::job_failed).exit_code
                                                                                : kExitOk;
}

Result<int> run_protocol_document(Context& context) {
  const Request request = request_for(context, context.args.words().front());
  JL_TRY(const json::value reply, context.client.call(request));
  // People read Markdown as it is; a table would tear it apart.
  if (context.out.options().format == Format::table || context.out.options().format == Format::wide) {
    for (const auto& item : reply.at("items").as_array()) {
      const auto& text = item.at("document").as_string();
      if (!text.empty()) context.out.sink().write(std::string(text) + (text.ends_with('\n') ? "" : "\n"));
    }
    return kExitOk;
  }
  JL_CHECK(context.out.list(view_of(context.args.command()), reply));
  return kExitOk;
}

Result<int> run_protocol_trace(Context& context) {
  return follow(context, request_for(context, context.args.words().front()));
}

}  // namespace jl::cli
