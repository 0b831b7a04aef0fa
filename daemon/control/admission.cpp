#include "daemon/control/admission.hpp"

#include "common/base/words.hpp"
#include "common/control/api.hpp"
#include "common/control/uploads.hpp"

#include <algorithm>
#include <charconv>

namespace jl::control {
namespace {

Error bad(std::string message, std::string hint = {}) {
  return {Errc::bad_request, std::move(message), std::move(hint)};
}

std::optional<Error> check_version(std::string_view client_api) {
  if (client_api.empty()) return std::nullopt;
  int major = -1;
  const auto [end, failed] = std::from_chars(client_api.data(), client_api.data() + client_api.size(), major);
  if (failed != std::errc() || (end != client_api.data() + client_api.size() && *end != '.')) {
    return bad("the header Jlctl-Api is not a version such as 1.0");
  }
  if (major == kApiMajor) return std::nullopt;
  return Error(Errc::version_mismatch,
               "the caller speaks version " + std::to_string(major) + " of the control API and jlinkd " +
                   std::string(kProgramVersion) + " speaks " + std::string(kApiVersion),
               "use the jlctl that came with this jlinkd");
}

// What RFC 9112 leaves to a server, decided narrowly: there is one client to please.
std::optional<Error> check_http(const RequestHead& head) {
  if (head.version != 11) return bad("only HTTP/1.1 is spoken here");
  if (head.hosts > 1) return bad("the request has more than one Host header");
  if (!head.transfer_encoding.empty() && (!head.is_chunked || !iequals(head.transfer_encoding, "chunked"))) {
    return bad("only the transfer encoding \"chunked\" is understood");
  }
  if (!head.expect.empty() && !iequals(head.expect, "100-continue")) {
    return bad("only the expectation \"100-continue\" is understood");
  }
  return std::nullopt;
}

Error denied(const Caller& caller, std::string_view what, Role needed) {
  return {Errc::denied,
          "\"" + std::string(what) + "\" needs the role " + std::string(to_string(needed)) + "; user \"" + caller.user +
              "\" (uid " + std::to_string(caller.uid) + ") has " + std::string(to_string(caller.role)),
          "an administrator can add the user, or one of its groups, to \"roles:\" in " + std::string(kDefaultConfig)};
}

bool is_type(std::string_view content_type, std::string_view wanted) {
  std::string_view type = content_type.substr(0, content_type.find(';'));
  while (type.ends_with(' ') || type.ends_with('\t')) type.remove_suffix(1);
  return iequals(type, wanted);
}

std::string_view parameter(const Query& query, std::string_view key) {
  const auto given = query.find(key);
  return given == query.end() ? std::string_view() : std::string_view(given->second);
}

// How large an upload may be, and whether it can have a sign, depends on what it is for.
Result<UploadTerms> upload_terms(const Query& query) {
  const auto given = query.find("purpose");
  const auto* purpose = given == query.end() ? nullptr : find_upload_purpose(given->second);
  if (!purpose) {
    std::vector<std::string> words;
    for (const auto& row : kUploadPurposes) words.emplace_back(row.word);
    Error error = bad(given == query.end() ? "the query parameter \"purpose\" is missing"
                                           : "\"" + given->second + "\" is no purpose of an upload",
                      "it is one of " + join(words));
    error.field = "purpose";
    return error;
  }
  UploadTerms out{purpose->max_size, purpose->has_sign, std::nullopt};
  for (const char* key : {"signMethod", "sign"}) {
    if (purpose->has_sign || !query.contains(key)) continue;
    Error error = bad("a file for \"" + given->second + "\" has no sign");
    error.field = key;
    return error;
  }
  JL_TRY(out.sign, read_sign(parameter(query, "signMethod"), parameter(query, "sign")));
  return out;
}

std::optional<Error> check_body(const RequestHead& head, const Admission& admission) {
  const bool has_body = head.is_chunked || head.content_length.value_or(0) > 0;
  if (!has_body) return std::nullopt;
  if (head.method != "POST" && head.method != "PATCH") {
    return bad("a " + std::string(head.method) + " request takes no body");
  }
  if (admission.command->upload && !head.content_type.empty() && !is_type(head.content_type, kBytes)) {
    return bad("the body is not declared as bytes",
               "send the header Content-Type: " + std::string(kBytes) + ", or curl -X POST -T FILE");
  }
  if (!admission.command->upload && !is_type(head.content_type, kJson)) {
    return bad("the body is not declared as JSON", "send the header Content-Type: application/json");
  }
  if (head.content_length.value_or(0) > admission.max_body) {
    return Error(Errc::too_large, "the body has " + std::to_string(*head.content_length) + " bytes; at most " +
                                      std::to_string(admission.max_body) + " are taken");
  }
  return std::nullopt;
}

std::optional<Error> check_call(const RequestHead& head, const Caller& caller, Admission& out) {
  auto target = parse_target(head.target);
  if (!target) return target.error();
  out.path = std::move(target->path);
  out.query = std::move(target->query);
  Route found = route(head.method, out.path);
  out.command = found.command;
  out.id = std::move(found.id);
  const Role needed = out.command ? role_needed(*out.command, out.query) : Role::viewer;
  if (caller.role < needed) {
    const std::string label = out.command ? out.command->label() : std::string();
    return denied(caller, label.empty() ? out.path : label, needed);
  }
  if (!out.command && found.path_known) {
    out.allow = allowed_methods(out.path);
    return Error(Errc::method_not_allowed, "\"" + out.path + "\" does not take " + std::string(head.method),
                 "it takes " + out.allow);
  }
  if (!out.command) {
    const std::string near = nearest_path(out.path);
    return Error(Errc::not_found, "there is no \"" + out.path + "\" in this API",
                 near.empty() ? "GET /v1/openapi.json lists all paths" : "did you mean \"" + near + "\"?");
  }
  if (out.command->path.find("{id}") != std::string::npos && !is_valid_id(out.id)) {
    return Error(Errc::not_found, "the id in \"" + out.path + "\" is not one that an object can have");
  }
  if (const auto status = check_query(*out.command, out.query); !status) return status.error();
  out.max_body = out.command->large_body ? kMaxApplyBody : kMaxBody;
  if (out.command->upload) {
    auto terms = upload_terms(out.query);
    if (!terms) return terms.error();
    out.upload = std::move(*terms);
    out.max_body = out.upload.max_size;
  }
  return check_body(head, out);
}

}  // namespace

Role role_needed(const Command& command, const Query& query) {
  // Whoever exports secrets in clear could take over what they protect.
  if (command.path == "/v1/export" && query.contains("withSecrets")) return std::max(command.role, Role::admin);
  if (command.kind && command.verb == "show" && query.contains("showPrivate"))
    return std::max(command.role, Role::admin);
  return command.role;
}

bool is_recorded(const Command& command, const Query& query) {
  return command.mutates || role_needed(command, query) >= Role::operator_;
}

Admission admit(const RequestHead& head, const Caller& caller) {
  Admission out;
  out.refusal = check_version(head.client_api);
  if (!out.refusal) out.refusal = check_http(head);
  if (!out.refusal) out.refusal = check_call(head, caller, out);
  return out;
}

}  // namespace jl::control
