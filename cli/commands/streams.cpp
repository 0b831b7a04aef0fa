// Newline-delimited answers: message tail, watch, logs.
#include "cli/commands/handlers.hpp"
#include "cli/confirm.hpp"

namespace jl::cli {
Result<int> follow(Context& context, Request request, RowOf row_of) {
  request.lines = request.endless = true;
  const View view = view_of(context.args.command());
  const Status status = context.client.stream(request, [&](json::value&& value) -> Result<bool> {
    JL_CHECK(context.out.item(view, row_of ? row_of(value) : value));
    return !context.out.sink().failed();
  });
  if (!status) return status.error();
  return kExitOk;
}

Result<int> run_stream(Context& context) {
  Request request = request_for(context);
  if (!context.args.words().empty()) {
    JL_TRY(const model::Kind* kind, kind_word(context.args.words().front()));
    request.query.emplace_back("kind", kind->name);
  }
  return follow(context, std::move(request));
}

Result<int> run_log(Context& context) {
  const Request request = request_for(context);
  if (context.args.has("follow")) return follow(context, request);
  return run_get_list(context);
}

Result<int> run_log_purge(Context& context) {
  const auto before = context.args.value("before");
  if (!before)
    return Error(Errc::usage, "\"log purge\" needs --before TIME",
                 "all but the last month: jlctl log purge --before 30d");
  JL_CHECK(confirm(context, "delete log records before " + *before, "they cannot be brought back"));
  Request request = request_for(context);
  json::object body;
  add_body_flags(context, body);
  request.body = std::move(body);
  JL_TRY(const json::value reply, context.client.call(request));
  JL_CHECK(report_mutation(context, reply));
  const auto* result = reply.is_object() ? reply.get_object().if_contains("result") : nullptr;
  return exit_after(context, result && result->is_string() ? std::string_view(result->get_string()) : "");
}

}  // namespace jl::cli
