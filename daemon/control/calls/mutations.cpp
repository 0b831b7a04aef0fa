// Calls that change resources.
#include "daemon/control/calls/calls.hpp"

namespace jl::control {
namespace json = boost::json;
using services::MutationOptions;
using services::MutationResult;

Result<MutationOptions> mutation_options(const Call& call) {
  MutationOptions out;
  if (!call.param("ifRevision").empty()) {
    JL_TRY(out.if_revision, count_parameter(call, "ifRevision", 0, std::numeric_limits<std::int64_t>::max()));
  }
  if (!call.param("maxDisconnect").empty()) {
    JL_TRY(out.max_disconnect, count_parameter(call, "maxDisconnect", 0, std::numeric_limits<std::int32_t>::max()));
  }
  out.request_id = call.param("requestId");
  if (!out.request_id.empty()) {
    // The same id must mean the same request: command, object, every other parameter and the body.
    out.request_text = call.command->label() + "\n" + call.id;
    for (const auto& [key, value] : call.query) out.request_text += "\n" + key + "=" + value;
    out.request_text += "\n" + json::serialize(call.body);
  }
  out.if_not_exists = call.flag("ifNotExists");
  out.if_exists = call.flag("ifExists");
  out.force = call.flag("force");
  out.dry_run = call.flag("dryRun");
  return out;
}

void answer_mutation(const std::shared_ptr<Responder>& reply, Result<MutationResult> result,
                     const std::string& object) {
  if (!result) {
    reply->notes({object, 0, 0});
    return reply->problem(result.error());
  }
  reply->notes({object, result->revision_before, result->revision_after});
  reply->json(result->http_status, std::move(result->body));
}

void Calls::mutate(const Call& call, const Reply& reply) {
  auto options = mutation_options(call);
  if (!options) return reply->problem(options.error());
  services::Mutation m;
  m.kind = call.command->kind->name;
  m.id = call.id;
  m.options = std::move(*options);
  m.document = call.body;
  const std::string& verb = call.command->verb;
  if (verb == "add") {
    m.verb = services::Verb::add;
    // An id of digits alone may come as a number, as it does in YAML.
    if (const auto* id = call.body.if_contains("id"); id && id->is_string()) {
      m.id = id->as_string().c_str();
    } else if (id && (id->is_int64() || id->is_uint64())) {
      m.id = json::serialize(*id);
    }
  } else {
    if (verb == "renew") {
      if (const Status good = complete_renewal(m.document); !good) return reply->problem(good.error());
    }
    m.verb = verb == "edit" || verb == "renew" ? services::Verb::edit
             : verb == "enable"                ? services::Verb::enable
             : verb == "disable"               ? services::Verb::disable
                                               : services::Verb::erase;
  }
  const std::string object = m.kind + "/" + m.id;
  r_.resources.mutate(std::move(m), [reply, object](Result<MutationResult> result) {
    answer_mutation(reply, std::move(result), object);
  });
}

void Calls::apply(const Call& call, const Reply& reply) {
  auto options = mutation_options(call);
  if (!options) return reply->problem(options.error());
  const auto* documents = call.body.if_contains("documents");
  if (!documents || !documents->is_array())
    return reply->problem(Error(Errc::bad_request, "the body must be {\"documents\": [...]}", {}, "documents"));
  services::ApplyRequest request;
  request.documents = documents->as_array();
  request.set = call.param("set");
  request.prune = call.flag("prune");
  request.dry_run = call.flag("dryRun") || call.command->verb == "diff";
  request.options = std::move(*options);

  services::Progress progress;
  if (call.wants_ndjson) {
    reply->start_stream();
    // Refused for too many streams, or gone already: then nothing happens.
    if (!reply->line(R"({"progress":{"phase":"queued","done":0,"total":0}})")) return;
    progress = [reply](std::string_view phase, std::size_t done, std::size_t total) {
      reply->line(
          json::serialize(json::object{{"progress", json::object{{"phase", phase}, {"done", done}, {"total", total}}}}),
          true);
    };
  }
  r_.resources.apply(std::move(request), std::move(progress),
                     [reply, streams = call.wants_ndjson](Result<MutationResult> result) {
                       if (!streams) return answer_mutation(reply, std::move(result), {});
                       if (!result) return reply->end_stream(result.error());
                       reply->notes({{}, result->revision_before, result->revision_after});
                       reply->line(json::serialize(result->body));
                       reply->end_stream();
                     });
}

}  // namespace jl::control
