// ota firmware add with --fetch: the daemon downloads an image that is elsewhere, checks it, and keeps it.
#include "cli/commands/handlers.hpp"
#include "cli/document.hpp"
#include "cli/output/json_text.hpp"
#include "cli/output/paths.hpp"
#include "common/base/words.hpp"
#include "common/control/uploads.hpp"

#include <fmt/format.h>

namespace jl::cli {
namespace {

std::string text_at(const json::object& from, std::string_view path) {
  const auto* value = find_path(from, path);
  return value ? plain_text(*value) : std::string();
}

double mebibytes(const json::value* bytes) {
  return bytes && bytes->is_number() ? bytes->to_number<double>() / (1024.0 * 1024.0) : 0;
}

Status check_fetch(const Context& context, const json::object& content) {
  if (text_at(content, "spec.url").empty())
    return Error(Errc::usage, "--fetch downloads what --url names, and there is none", {}, "spec.url");
  if (context.args.has("image") || !text_at(content, "spec.fileId").empty())
    return Error(Errc::usage, "--fetch brings the image, and there is one already", {}, "spec.fileId");
  return {};
}

// What the daemon is told of it. A sign of "auto" proves nothing, so there is nothing to compare with.
json::object fetch_body(const json::object& content) {
  const std::string method = text_at(content, "spec.signMethod");
  const std::string sign = text_at(content, "spec.sign");
  json::object out{{"url", text_at(content, "spec.url")}, {"signMethod", method.empty() ? "sha256" : method}};
  if (!sign.empty() && !iequals(sign, "auto")) out["sign"] = sign;
  if (const auto* size = find_path(content, "spec.size"); size && size->is_int64()) out["size"] = *size;
  return out;
}

// The id of what was downloaded.
Result<std::string> fetch(Context& context, const json::object& content) {
  Request request;
  request.method = "POST";
  request.path = control::kFetchPath;
  request.body = fetch_body(content);
  request.lines = true;
  std::string id;
  const std::string url = text_at(content, "spec.url");
  const Status status = context.client.stream(request, [&](json::value&& value) -> Result<bool> {
    if (const auto* file = find_path(value, "fileId"); file && file->is_string()) {
      id = plain_text(*file);
    } else {
      const double received = mebibytes(find_path(value, "received"));
      const double total = mebibytes(find_path(value, "total"));
      context.console.progress(total > 0 ? fmt::format("downloading \"{}\": {:.1f} of {:.1f} MiB", url, received, total)
                                         : fmt::format("downloading \"{}\": {:.1f} MiB", url, received));
    }
    return true;
  });
  context.console.end_progress();
  if (!status) return status.error();
  if (id.empty()) return Error(Errc::failed, "the daemon's answer names no file");
  return id;
}

}  // namespace

Result<int> run_ota_firmware_add(Context& context) {
  if (!context.args.has("fetch")) return run_add(context);
  if (context.args.has("image")) return Error(Errc::usage, "--fetch and --image both bring the image");
  JL_TRY(Document document, new_document(context, context.args.words().front()));
  JL_CHECK(check_fetch(context, document.content));
  allow_for_download(context);
  JL_TRY(const std::string file, fetch(context, document.content));
  set_path(document.content, "spec.fileId", json::value(file));
  JL_TRY(const json::value reply, send_document(context, request_for(context), std::move(document)));
  JL_CHECK(report_mutation(context, reply));
  const auto* result = find_path(reply, "result");
  return exit_after(context, result ? plain_text(*result) : "");
}

}  // namespace jl::cli
