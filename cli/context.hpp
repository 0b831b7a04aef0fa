#pragma once
// What a command works with: its arguments, the daemon, and where results go.
#include "cli/args.hpp"
#include "cli/client.hpp"
#include "cli/console.hpp"
#include "cli/environment.hpp"
#include "cli/output/printer.hpp"
#include "cli/settings.hpp"

namespace jl::cli {

struct Context {
  const Environment& env;
  const Invocation& args;
  const Settings& settings;
  Client& client;
  Printer& out;
  Console& console;

  /// Whether a question can be asked.
  [[nodiscard]] bool can_ask() const { return env.in_is_tty && env.err_is_tty && !args.has("no-input"); }
};

/// Runs one command. The value is the exit code; an error becomes the message and its own exit code.
using Handler = Result<int> (*)(Context& context);

/// The handler of a command of the table; nullptr for rows that are no verbs of jlctl.
[[nodiscard]] Handler handler_of(const control::Command& command);

inline constexpr int kExitOk = 0;
inline constexpr int kExitChanged = 21;  ///< --exit-changed

/// The path of a call with its id: "/v1/networks/mqtt-1".
[[nodiscard]] std::string path_for(const control::Command& command, const std::string& id);
/// A request for the command with its query flags.
[[nodiscard]] Request request_for(const Context& context, const std::string& id = {});
/// Members of a body out of flags that belong there.
void add_body_flags(const Context& context, json::object& body);
/// Whether the answer is for somebody at a terminal or a log to read: tables of all there is to say.
[[nodiscard]] bool for_people(const Context& context);
/// The kind that a word on the command line names. Errors: usage.
[[nodiscard]] Result<const model::Kind*> kind_word(std::string_view word);
/// Whether an error is about the daemon rather than about one object, so that asking for the next one is of no use.
[[nodiscard]] bool concerns_all(const Error& error);
/// The exit code of a mutation that had this result.
[[nodiscard]] int exit_after(const Context& context, std::string_view result);

}  // namespace jl::cli
