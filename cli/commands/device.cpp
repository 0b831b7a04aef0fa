// Commands down to a device.
#include "cli/commands/handlers.hpp"
#include "cli/confirm.hpp"
#include "cli/document.hpp"

namespace jl::cli {
namespace {

Result<int> send(Context& context, json::object body) {
  add_body_flags(context, body);
  // The call must outlast the wait for the device, unless the user said how long it may take.
  if (const auto wait = context.args.value("reply-timeout"); wait && !context.args.has("timeout")) {
    const auto needed = duration_or(*wait, std::chrono::milliseconds(0)) + std::chrono::seconds(5);
    const auto limit = context.settings.time_limit();
    if (limit.count() > 0 && needed > limit) context.client.set_time_limit(needed);
  }
  Request request = request_for(context, context.args.words().front());
  request.body = std::move(body);
  JL_TRY(const json::value reply, context.client.call(request));
  JL_CHECK(context.out.one(view_of(context.args.command()), reply));
  return kExitOk;
}

Result<json::object> assignments(const Words& words, std::size_t from) {
  json::object out;
  for (std::size_t i = from; i < words.size(); ++i) {
    const std::size_t equals = words[i].find('=');
    if (equals == std::string::npos || equals == 0) return Error(Errc::usage, "\"" + words[i] + "\" is not NAME=VALUE");
    const std::string name = words[i].substr(0, equals);
    if (out.contains(name)) return Error(Errc::usage, "\"" + name + "\" is given twice");
    out[name] = typed_value(words[i].substr(equals + 1));
  }
  return out;
}

}  // namespace

Result<int> run_device_read(Context& context) {
  json::array properties;
  for (std::size_t i = 1; i < context.args.words().size(); ++i) properties.emplace_back(context.args.words()[i]);
  return send(context, {{"properties", std::move(properties)}});
}

Result<int> run_device_write(Context& context) {
  JL_TRY(json::object properties, assignments(context.args.words(), 1));
  return send(context, {{"properties", std::move(properties)}});
}

Result<int> run_device_invoke(Context& context) {
  JL_TRY(json::object inputs, assignments(context.args.words(), 2));
  return send(context, {{"functionId", context.args.words()[1]}, {"inputs", std::move(inputs)}});
}

Result<int> run_device_disconnect(Context& context) {
  const std::string& id = context.args.words().front();
  if (!context.args.has("yes")) {
    Impact impact;
    JL_CHECK(add_impact(context, *context.args.command().kind, id, impact));
    if (impact.sessions > 0) {
      impact.used_by.clear();
      JL_CHECK(confirm(context, "disconnect device/" + id, impact.text()));
    }
  }
  JL_TRY(const json::value reply, context.client.call(request_for(context, id)));
  JL_CHECK(report_mutation(context, reply));
  const auto* result = reply.is_object() ? reply.get_object().if_contains("result") : nullptr;
  return exit_after(context, result && result->is_string() ? std::string_view(result->get_string()) : "");
}

}  // namespace jl::cli
