// help
#include "cli/commands/handlers.hpp"
#include "cli/help.hpp"
#include "cli/pager.hpp"

namespace jl::cli {

Result<int> run_help(Context& context) {
  const Words& words = context.args.words();
  const OutputOptions& options = context.out.options();
  if (words.empty() && context.out.document("commandTree", help_tree())) return kExitOk;
  const bool colour = options.table.colour;
  std::string text;
  if (words.empty()) {
    text = general_help(colour);
  } else if (words.size() == 1 && (words[0] == "errors" || words[0] == "exit-codes")) {
    const json::object tree = help_tree();
    const bool errors = words[0] == "errors";
    const json::object data{{"items", tree.at(errors ? "errors" : "exitCodes")}};
    if (context.out.document(errors ? "errorList" : "exitCodeList", data)) return kExitOk;
    text = errors ? errors_help(colour) : exit_codes_help(colour);
  } else {
    JL_TRY(const Target target, locate(words));
    if (!target.rest.empty())
      return Error(Errc::usage, "there is no help on \"" + target.rest.front() + "\"", "see \"jlctl help\"");
    text = target.command ? command_help(*target.command, colour) : noun_help(target.noun, colour);
  }
  if (!show_text(context.env, text, !context.args.has("no-pager")))
    return Error(Errc::output, "standard output cannot be written");
  return kExitOk;
}

}  // namespace jl::cli
