// Commands that show what the daemon or jlctl itself says.
#include "cli/commands/handlers.hpp"
#include "cli/completion_scripts.hpp"
#include "cli/output/json_text.hpp"
#include "cli/output/paths.hpp"
#include "common/control/api.hpp"

namespace jl::cli {

Result<int> run_get(Context& context) {
  const std::string id = context.args.words().empty() ? std::string() : context.args.words().front();
  JL_TRY(const json::value reply, context.client.call(request_for(context, id)));
  JL_CHECK(context.out.one(view_of(context.args.command()), reply));
  return kExitOk;
}

Result<int> run_get_list(Context& context) {
  const std::string id = context.args.words().empty() ? std::string() : context.args.words().front();
  JL_TRY(const json::value reply, context.client.call(request_for(context, id)));
  JL_CHECK(context.out.list(view_of(context.args.command()), reply));
  return kExitOk;
}

Result<int> run_can(Context& context) {
  Request request = request_for(context);
  const Words& words = context.args.words();
  request.query.emplace_back("verb", words[0]);
  if (words.size() > 1) request.query.emplace_back("noun", words[1]);
  JL_TRY(const json::value reply, context.client.call(request));
  const auto* allowed = find_path(reply, "allowed");
  const bool yes = allowed && *allowed == json::value(true);
  const OutputOptions& options = context.out.options();
  if (!options.quiet && (options.format == Format::table || options.format == Format::wide)) {
    const auto text = [&](const char* key) {
      const auto* value = find_path(reply, key);
      return value ? plain_text(*value) : std::string("none");
    };
    context.out.sink().write(yes ? "yes\n"
                                 : "no: it needs the role " + text("needs") + ", yours is " + text("role") + "\n");
  } else if (!options.quiet) {
    JL_CHECK(context.out.one(view_of(context.args.command()), reply));
  }
  return yes ? kExitOk : info(Errc::denied).exit_code;
}

Result<int> run_version(Context& context) {
  json::object out{
      {"client",
       json::object{{"program", "jlctl"}, {"version", control::kProgramVersion}, {"api", control::kApiVersion}}}};
  if (!context.args.has("client")) {
    auto reply = context.client.call(request_for(context));
    if (!reply) {
      Error error = reply.error();
      error.hint = "without the daemon: jlctl version --client";
      return error;
    }
    out["daemon"] = std::move(*reply);
  }
  JL_CHECK(context.out.one(view_of(context.args.command()), out));
  return kExitOk;
}

Result<int> run_config_show(Context& context) {
  json::array items;
  for (const Setting* setting : context.settings.all()) {
    items.push_back(json::object{{"setting", setting->name}, {"value", setting->value}, {"origin", setting->origin}});
  }
  View view = view_of(context.args.command());
  if (!context.args.has("origin")) view.columns.pop_back();
  JL_CHECK(context.out.list(view, json::object{{"items", std::move(items)}}));
  return kExitOk;
}

Result<int> run_completion(Context& context) {
  const std::string& shell = context.args.words().front();
  const std::string script = completion_script(shell);
  if (script.empty()) return Error(Errc::usage, "\"" + shell + "\" is none of bash, zsh, fish");
  context.out.sink().write(script);
  return kExitOk;
}

}  // namespace jl::cli
