#include "cli/app.hpp"

#include "cli/complete.hpp"
#include "cli/context.hpp"
#include "cli/docgen/docgen.hpp"
#include "cli/help.hpp"
#include "cli/output/colour.hpp"
#include "cli/pager.hpp"
#include "common/base/words.hpp"
#include "common/control/api.hpp"

#include <algorithm>
#include <cstring>

namespace jl::cli {
namespace {

constexpr int kExitPipe = 128 + 13;  // as if SIGPIPE had ended us

int exit_code(const Error& error) { return info(error.code).exit_code; }

// Whether errors must be JSON, before the command line could be understood.
bool looks_like_json(const Words& words, const Environment& env) {
  std::string format = env.variable_or_empty("JLCTL_OUTPUT");
  for (std::size_t i = 0; i < words.size() && words[i] != "--"; ++i) {
    const std::string& word = words[i];
    if (word == "--json") return true;
    if ((word == "-o" || word == "--output") && i + 1 < words.size()) format = words[i + 1];
    if (word.starts_with("--output=")) format = word.substr(9);
    if (word.starts_with("-o") && word.size() > 2) format = word.substr(2);
  }
  return format == "json" || format == "jsonl";
}

Result<OutputOptions> output_options(const Environment& env, const Invocation& args, const Settings& settings) {
  OutputOptions out;
  const auto parsed = parse_format(settings.output.value);
  out.format = parsed->format;
  out.value_path = parsed->path;
  out.quiet = args.has("quiet");
  out.raw = !env.out_is_tty;
  if (const auto fields = args.value("fields")) {
    std::string field;
    for (const char c : *fields + ",") {
      if (c != ',') {
        field += c;
      } else if (!field.empty()) {
        out.fields.push_back(std::exchange(field, {}));
      }
    }
    if (out.fields.empty()) return Error(Errc::usage, "--fields names no field");
  }
  if (args.value("schema-version").value_or("1") != "1") {
    return Error(Errc::usage, "--schema-version: \"" + *args.value("schema-version") + "\" is not 1, the only one");
  }
  out.table.aligned = env.out_is_tty;
  out.table.header = !args.has("no-header");
  out.table.colour = wants_colour(env, settings.color.value, env.out_is_tty);
  out.table.columns = out.format == Format::wide ? 0 : env.columns;
  return out;
}

// What sudo and ssh claim goes into the access log; only what fits into a header line.
void add_claim(ClientOptions& options, std::string_view header, const std::string& value) {
  const bool fits =
      !value.empty() && value.size() <= 200 && std::ranges::all_of(value, [](char c) { return c >= ' ' && c <= '~'; });
  if (fits) options.headers.emplace_back(header, value);
}

ClientOptions client_options(const Environment& env, const Invocation& args, const Settings& settings,
                             Console& console) {
  ClientOptions out;
  out.socket = settings.socket.value;
  out.time_limit = settings.time_limit();
  if (const auto retry = args.value("connect-retry"))
    out.connect_retry = duration_or(*retry, std::chrono::milliseconds(0));
  add_claim(out, control::kHeaderClaimedUser, env.variable_or_empty("SUDO_USER"));
  add_claim(out, control::kHeaderClaimedFrom, env.variable_or_empty("SSH_CONNECTION"));
  if (args.has("debug")) out.trace = [&console](std::string_view line) { console.line(line); };
  if (env.err_is_tty) out.warn = [&console](std::string_view text) { console.warning(text); };
  return out;
}

int run_command(const control::Command& command, const Words& words, const Environment& env, Console& console) {
  auto args = parse(command, words);
  if (!args) {
    console.error(args.error());
    return exit_code(args.error());
  }
  auto settings = load_settings(env, &*args);
  if (!settings) {
    console.error(settings.error());
    return exit_code(settings.error());
  }
  auto options = output_options(env, *args, *settings);
  if (!options) {
    console.error(options.error());
    return exit_code(options.error());
  }
  console.set_json(is_json(options->format));
  console.set_quiet(options->quiet);
  console.set_colour(wants_colour(env, settings->color.value, env.err_is_tty));

  Sink sink(env.out);
  Printer printer(sink, std::move(*options));
  Client client(client_options(env, *args, *settings, console));
  Context context{env, *args, *settings, client, printer, console};
  const Result<int> result = handler_of(command)(context);
  sink.flush();
  console.end_progress();
  if (sink.reader_gone()) return kExitPipe;
  if (!result) {
    console.error(result.error(), args->object(), client.request_id());
    return exit_code(result.error());
  }
  if (sink.failed()) {
    const Error error(Errc::output, std::string("standard output cannot be written: ") + std::strerror(sink.error()));
    console.error(error);
    return exit_code(error);
  }
  return *result;
}

// --color before the command line is parsed, for help.
std::string colour_setting(const Words& words) {
  std::string out = "auto";
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (words[i] == "--color" && i + 1 < words.size()) out = words[i + 1];
    if (words[i].starts_with("--color=")) out = words[i].substr(8);
  }
  return out;
}

// A command line that names no command.
int incomplete(Console& console, const std::string& usage, bool as_json) {
  if (as_json) {
    console.error(Error(Errc::usage, "the command line names no command", "see \"jlctl help\""));
  } else {
    console.line(usage);
  }
  return info(Errc::usage).exit_code;
}

int print_help(const std::string& text, const Words& words, const Environment& env) {
  const bool paged = std::ranges::find(words, "--no-pager") == words.end();
  return show_text(env, text, paged) ? kExitOk : info(Errc::output).exit_code;
}

int run_words(const Words& given, const Environment& env, Console& console) {
  Words words = given;
  if (words.empty()) return incomplete(console, short_usage(), looks_like_json(words, env));
  if (words.front() == "__complete") {
    complete(Words(words.begin() + 1, words.end()), env);
    return kExitOk;
  }
  if (words.front() == "__docgen" && words.size() == 2) {
    const Status written = write_documents(words[1]);
    if (!written) console.error(written.error());
    return written ? kExitOk : exit_code(written.error());
  }
  // What every program is asked for once.
  if (words.front() == "--version") words.front() = "version", words.emplace_back("--client");

  auto target = locate(words);
  if (!target) {
    console.error(target.error());
    return exit_code(target.error());
  }
  const bool colour = wants_colour(env, colour_setting(words), env.out_is_tty);
  if (target->wants_help) {
    const std::string text = target->command        ? command_help(*target->command, colour)
                             : target->noun.empty() ? general_help(colour)
                                                    : noun_help(target->noun, colour);
    return print_help(text, words, env);
  }
  if (!target->command) {
    return incomplete(console, target->noun.empty() ? short_usage() : noun_usage(target->noun),
                      looks_like_json(words, env));
  }
  return run_command(*target->command, target->rest, env, console);
}

}  // namespace

int run(const std::vector<std::string>& words, const Environment& env) {
  Console console(env);
  console.set_json(looks_like_json(words, env));
  console.set_colour(wants_colour(env, "auto", env.err_is_tty));
  try {
    return run_words(words, env, console);
  } catch (const std::exception& bug) {
    const Error error(Errc::failed, std::string("internal error: ") + bug.what());
    console.error(error);
    return exit_code(error);
  }
}

}  // namespace jl::cli
