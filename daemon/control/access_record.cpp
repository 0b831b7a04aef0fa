#include "daemon/control/access_record.hpp"

#include "common/text/redact.hpp"

#include <algorithm>

namespace jl::control {
namespace {
namespace json = boost::json;

constexpr std::size_t kMaxClaim = 200;
constexpr std::size_t kMaxPath = 200;

// Texts leave room for the remark on their length: the log cuts at 512 once more.
text::RedactLimits limits() {
  text::RedactLimits out;
  out.text = 480;
  out.nodes = 500;
  return out;
}

}  // namespace

CallMemo::CallMemo(std::string method_used, const Admission& admission, Millis steady_now)
    : method(std::move(method_used)), started(steady_now), path(admission.path.substr(0, kMaxPath)) {
  if (!admission.command) return;
  const Command& command = *admission.command;
  action = command.label();
  is_recorded = control::is_recorded(command, admission.query);
  if (command.kind && !admission.id.empty()) object = command.kind->name + "/" + admission.id;
  if (admission.query.empty()) return;
  json::object query;
  for (const auto& [key, value] : admission.query) query[key] = value;
  parameters["query"] = text::redact(query, limits());
}

void CallMemo::note_body(const Admission& admission, const json::object& body) {
  if (body.empty()) return;
  parameters["body"] = text::redact(body, limits());
  const auto* id = body.if_contains("id");
  if (object.empty() && admission.command && admission.command->kind && id && id->is_string()) {
    object = admission.command->kind->name + "/" + std::string(id->get_string().subview(0, 64));
  }
}

void CallMemo::note_file(const store::StoredFile& file) {
  object = "file/" + file.id;
  parameters["size"] = file.size;
}

json::object access_record(const CallMemo& memo, const Caller& caller, const CallEnd& end, Millis steady_now) {
  json::object out{{"action", memo.action}, {"method", memo.method}, {"path", memo.path}};
  const std::string& object = end.notes.object.empty() ? memo.object : end.notes.object;
  if (!object.empty()) out["object"] = object;
  out["user"] = caller.user;
  out["uid"] = caller.uid;
  out["pid"] = caller.pid;
  out["role"] = to_string(caller.role);
  json::object claimed;
  if (!caller.claimed_user.empty()) claimed["user"] = caller.claimed_user;
  if (!caller.claimed_from.empty()) claimed["from"] = caller.claimed_from;
  if (!claimed.empty()) out["claimed"] = std::move(claimed);
  out["duration"] = static_cast<double>(std::max<Millis>(steady_now - memo.started, 0)) / 1000.0;
  out["status"] = end.status < 400 && !end.code ? "ok" : "failed";
  if (end.code) out["code"] = info(*end.code).word;
  out["httpStatus"] = end.status;
  if (!end.error.empty()) out["error"] = end.error;
  if (end.notes.revision_before > 0) out["revisionBefore"] = end.notes.revision_before;
  if (end.notes.revision_after > 0) out["revisionAfter"] = end.notes.revision_after;
  if (!memo.parameters.empty()) out["parameters"] = memo.parameters;
  return out;
}

std::string claimed_text(std::string_view header) {
  std::string out(header.substr(0, kMaxClaim));
  std::ranges::replace_if(
      out, [](char c) { return c < ' ' || c > '~'; }, '?');
  return out;
}

}  // namespace jl::control
