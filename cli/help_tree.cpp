#include "cli/args.hpp"
#include "cli/exit_codes.hpp"
#include "cli/help.hpp"
#include "common/control/api.hpp"

namespace jl::cli {
namespace {

namespace json = boost::json;

json::array texts(const std::vector<std::string>& from) {
  json::array out;
  for (const auto& text : from) out.emplace_back(text);
  return out;
}

json::object flag_document(const FlagInfo& flag) {
  json::object out{{"name", flag.name}, {"help", flag.help}};
  if (flag.short_name) out["short"] = std::string(1, flag.short_name);
  if (flag.takes_value()) out["value"] = flag.value;
  if (flag.repeated) out["repeated"] = true;
  if (!flag.words.empty()) out["words"] = texts(flag.words);
  if (!flag.completes.empty()) out["completes"] = flag.completes;
  if (!flag.path.empty()) out["field"] = flag.path;
  if (!flag.when.empty()) out["when"] = flag.when;
  return out;
}

json::object command_document(const control::Command& command) {
  json::object out;
  if (!command.noun.empty()) out["noun"] = command.noun;
  out["verb"] = command.verb;
  if (!command.aliases.empty()) out["aliases"] = texts(command.aliases);
  out["summary"] = command.summary;
  out["usage"] = usage_line(command);
  if (!command.method.empty()) {
    out["method"] = command.method;
    out["path"] = command.path;
    out["role"] = control::to_string(command.role);
  }
  out["mutates"] = command.mutates;
  out["streams"] = command.streams;
  out["dangerous"] = command.dangerous;
  json::array arguments;
  for (const control::Argument& argument : command.arguments) {
    arguments.push_back(json::object{{"name", argument.name},
                                     {"help", argument.help},
                                     {"optional", argument.optional},
                                     {"repeated", argument.repeated}});
  }
  out["arguments"] = std::move(arguments);
  json::array flags;
  for (const FlagInfo& flag : flags_of(command)) {
    if (flag.use != FlagUse::global) flags.push_back(flag_document(flag));
  }
  out["flags"] = std::move(flags);
  out["examples"] = texts(command.examples);
  return out;
}

}  // namespace

json::object help_tree() {
  json::array globals;
  for (const FlagInfo& flag : global_flag_infos()) globals.push_back(flag_document(flag));
  json::array commands;
  for (const control::Command& command : control::commands()) {
    if (command.is_verb()) commands.push_back(command_document(command));
  }
  json::array errors;
  for (const ErrcInfo& row : errc_table()) {
    errors.push_back(json::object{{"code", row.word},
                                  {"exitCode", row.exit_code},
                                  {"httpStatus", row.http_status},
                                  {"retryable", row.retryable},
                                  {"meaning", row.meaning}});
  }
  json::array codes;
  for (const ExitCode& row : exit_codes()) {
    codes.push_back(json::object{{"code", row.code}, {"word", row.word}, {"meaning", row.meaning}});
  }
  return {{"program", "jlctl"},
          {"version", control::kProgramVersion},
          {"globalFlags", std::move(globals)},
          {"commands", std::move(commands)},
          {"errors", std::move(errors)},
          {"exitCodes", std::move(codes)}};
}

}  // namespace jl::cli
