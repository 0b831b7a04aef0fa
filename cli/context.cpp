#include "cli/context.hpp"

namespace jl::cli {

std::string path_for(const control::Command& command, const std::string& id) {
  std::string path = command.path;
  if (const std::size_t brace = path.find("{id}"); brace != std::string::npos)
    path.replace(brace, 4, percent_encode(id));
  return path;
}

Request request_for(const Context& context, const std::string& id) {
  const control::Command& command = context.args.command();
  Request out;
  out.method = command.method;
  out.path = path_for(command, id);
  for (const auto& [info, values] : context.args.given()) {
    if (info->use != FlagUse::command || info->flag->where != control::Where::query) continue;
    if (!info->takes_value()) out.query.emplace_back(info->flag->key, "true");
    for (const auto& value : values) out.query.emplace_back(info->flag->key, value);
  }
  return out;
}

void add_body_flags(const Context& context, json::object& body) {
  for (const auto& [info, values] : context.args.given()) {
    if (info->use != FlagUse::command || info->flag->where != control::Where::body) continue;
    body[info->flag->key] = info->takes_value() ? json::value(values.front()) : json::value(true);
  }
}

bool for_people(const Context& context) {
  const OutputOptions& options = context.out.options();
  return (options.format == Format::table || options.format == Format::wide) && !options.quiet &&
         options.fields.empty();
}

Result<const model::Kind*> kind_word(std::string_view word) {
  auto kind = model::kind_named(word);
  if (!kind) return Error(Errc::usage, kind.error().message, kind.error().hint);
  return kind;
}

bool concerns_all(const Error& error) {
  switch (error.code) {
    case Errc::no_socket:
    case Errc::not_running:
    case Errc::socket_denied:
    case Errc::version_mismatch:
    case Errc::denied:
    case Errc::usage:
      return true;
    default:
      return false;
  }
}

int exit_after(const Context& context, std::string_view result) {
  const bool changed = result != "unchanged" && result != "absent" && result != "planned";
  return changed && context.args.has("exit-changed") ? kExitChanged : kExitOk;
}

}  // namespace jl::cli
