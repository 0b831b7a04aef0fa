// Clients and messages of an MQTT server component.
#include "cli/commands/handlers.hpp"
#include "cli/confirm.hpp"
#include "cli/document.hpp"
#include "common/base/base64.hpp"
#include "common/base/words.hpp"

namespace jl::cli {

Result<int> run_network_clients(Context& context) {
  const Words& words = context.args.words();
  Request request = request_for(context, words.front());
  if (words.size() > 1) request.query.emplace_back("client", words[1]);
  JL_TRY(const json::value reply, context.client.call(request));
  JL_CHECK(context.out.list(view_of(context.args.command()), reply));
  return kExitOk;
}

Result<int> run_network_kick(Context& context) {
  const Words& words = context.args.words();
  JL_CHECK(confirm(context, "close the connection of client \"" + words[1] + "\" of network/" + words.front(),
                   context.args.has("forget") ? "its session ends as well" : "it may connect again"));
  Request request = request_for(context, words.front());
  json::object body{{"client", words[1]}};
  add_body_flags(context, body);
  request.body = std::move(body);
  JL_TRY(const json::value reply, context.client.call(request));
  JL_CHECK(report_mutation(context, reply));
  return exit_after(context, "deleted");
}

Result<int> run_network_sub(Context& context) {
  Request request = request_for(context, context.args.words().front());
  request.query.emplace_back("filter", context.args.words()[1]);
  return follow(context, std::move(request));
}

Result<int> run_network_frame_test(Context& context) {
  Request request = request_for(context, {});
  json::object body;
  add_body_flags(context, body);
  if (const auto file = context.args.value("script-file")) {
    JL_TRY(const std::string script, read_file(context, "script-file", *file));
    body["script"] = script;
  }
  body["reads"] = json::value_from(context.args.words());
  request.body = std::move(body);
  JL_TRY(const json::value reply, context.client.call(request));
  JL_CHECK(context.out.list(view_of(context.args.command()), reply));
  return kExitOk;
}

Result<int> run_network_pub(Context& context) {
  const Words& words = context.args.words();
  const auto file = context.args.value("file");
  if (file && words.size() > 2) return Error(Errc::usage, "the payload is given twice", "PAYLOAD or --file, not both");
  Request request = request_for(context, words.front());
  json::object body{{"topic", words[1]}};
  add_body_flags(context, body);
  std::string payload = words.size() > 2 ? words[2] : std::string();
  if (file) {
    JL_TRY(payload, read_file(context, "file", *file));
  }
  if (is_printable_utf8(payload, true)) {
    body["payload"] = payload;
  } else {
    body["payloadBase64"] = to_base64(payload);
  }
  request.body = std::move(body);
  JL_TRY(const json::value reply, context.client.call(request));
  JL_CHECK(context.out.one(view_of(context.args.command()), reply));
  return kExitOk;
}

}  // namespace jl::cli
