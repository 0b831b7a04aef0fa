#include "cli/help.hpp"

#include "cli/args.hpp"
#include "cli/exit_codes.hpp"
#include "cli/output/colour.hpp"
#include "cli/output/json_text.hpp"
#include "cli/output/width.hpp"
#include "common/base/words.hpp"

#include <algorithm>

namespace jl::cli {
namespace {

constexpr std::size_t kWidth = 100;
using Lines = std::vector<std::pair<std::string, std::string>>;

std::string title(std::string_view text, bool colour) { return styled(text, Style::bold, colour) + "\n"; }

std::string two_columns(const Lines& lines) {
  std::size_t width = 0;
  for (const auto& [left, right] : lines) width = std::max(width, std::min<std::size_t>(display_width(left), 34));
  std::string out;
  for (const auto& [left, right] : lines) {
    out += "  " + left;
    const std::size_t used = display_width(left);
    if (used > width) {
      out += "\n" + std::string(width + 4, ' ');
    } else {
      out.append(width - used + 2, ' ');
    }
    out += wrapped(right, kWidth > width + 4 ? kWidth - width - 4 : 40, width + 4) + "\n";
  }
  return out;
}

std::string examples(const std::vector<std::string>& lines, bool colour) {
  if (lines.empty()) return {};
  std::string out = title("Examples:", colour);
  for (const auto& line : lines) out += "  " + line + "\n";
  return out + "\n";
}

Lines flag_lines(const std::vector<FlagInfo>& flags, bool (*which)(const FlagInfo&)) {
  Lines out;
  for (const FlagInfo& flag : flags) {
    if (which(flag)) out.emplace_back((flag.short_name ? "" : "    ") + flag_label(flag), flag_text(flag));
  }
  return out;
}

std::string section(const std::string& name, const Lines& lines, bool colour) {
  return lines.empty() ? std::string() : title(name, colour) + two_columns(lines) + "\n";
}

Lines verb_lines(std::string_view noun) {
  Lines out;
  for (const std::string& below : nouns_below(noun))
    out.emplace_back(below + " VERB", noun_summary(std::string(noun) + " " + below));
  for (const control::Command& c : control::commands()) {
    if (c.noun == noun && c.is_verb()) out.emplace_back(c.verb, c.summary);
  }
  return out;
}

}  // namespace

std::string wrapped(std::string_view text, std::size_t width, std::size_t indent) {
  std::string out;
  std::size_t used = 0;
  while (!text.empty()) {
    const std::size_t end = text.find(' ');
    const std::string_view word = text.substr(0, end);
    text = end == text.npos ? std::string_view() : text.substr(end + 1);
    const std::size_t length = display_width(word);
    if (used > 0 && used + 1 + length > width) {
      out += "\n" + std::string(indent, ' ');
      used = 0;
    } else if (used > 0) {
      out += ' ';
      ++used;
    }
    out += word;
    used += length;
  }
  return out;
}

std::string flag_label(const FlagInfo& flag) {
  std::string out;
  if (flag.short_name) out = std::string("-") + flag.short_name + ", ";
  out += "--" + flag.name;
  if (flag.takes_value()) out += " " + flag.value;
  return out;
}

std::string flag_text(const FlagInfo& flag) {
  std::string out = flag.help;
  if (!flag.words.empty()) {
    const bool listed = std::ranges::all_of(
        flag.words, [&](const std::string& word) { return flag.help.find(word) != std::string::npos; });
    if (!listed) out += "; one of " + join(flag.words);
  }
  if (flag.field && flag.takes_value() && !flag.is_secret()) {
    if (flag.field->has_range())
      out += "; " + std::to_string(flag.field->min) + " to " + std::to_string(flag.field->max);
    if (flag.field->required && flag.use == FlagUse::field) out += "; required";
    const auto& value = flag.field->default_value;
    if (!value.is_null() && !value.is_bool()) out += "; default " + plain_text(value);
  }
  if (flag.use == FlagUse::field && !flag.takes_value() && flag.field->default_value == boost::json::value(true))
    out += "; the default";
  if (!flag.when.empty()) out += " (" + flag.when + ")";
  if (flag.repeated && flag.help.find("may repeat") == std::string::npos) out += "; may repeat";
  return out;
}

std::string noun_summary(std::string_view noun) {
  if (const model::Kind* kind = model::find_kind(noun)) return kind->summary + " (" + kind->zh + ")";
  if (noun == "log") return "the access log and the system log";
  if (noun == "message") return "device messages as they arrive";
  if (noun == "daemon") return "the daemon itself";
  if (noun == "import") return "configurations of other systems, made into manifests";
  if (noun == "config") return "jlctl's own settings";
  if (noun == "media") return "video: media servers (视频)";
  if (noun == "ota") return "remote upgrade: servers, firmware, tasks, and whether images can be had (远程升级)";
  if (noun == "modbus") return "slaves on Modbus: channels, points, and ad-hoc requests (Modbus采集)";
  return {};
}

std::string manual_page(std::string_view noun) {
  std::string out = "jlctl-" + std::string(noun);
  std::ranges::replace(out, ' ', '-');
  return out;
}

std::string short_usage() {
  return "usage: jlctl NOUN VERB [ID...] [flags]\n"
         "nouns: " +
         join(nouns()) +
         "\n"
         "other: " +
         join(verbs_of("")) +
         "\n"
         "help:  jlctl help, jlctl NOUN --help, jlctl NOUN VERB --help";
}

std::string noun_usage(std::string_view noun) {
  const std::string name(noun);
  const auto below = nouns_below(noun);
  return "usage: jlctl " + name + " VERB [ID...] [flags]\nverbs: " + join(verbs_of(noun)) +
         (below.empty() ? "" : "\nnouns: " + join(below)) + "\nhelp:  jlctl " + name + " --help";
}

std::string general_help(bool colour) {
  std::string out = "jlctl - configure and watch jlinkd, the IoT access gateway\n\n";
  out += examples(
      {"jlctl status", "jlctl network add mqtt-1 --type mqtt-server --port 1883", "jlctl apply -f examples/fleet.yaml",
       "jlctl device show dev-1", "jlctl message tail --product th-sensor"},
      colour);
  out += title("Usage:", colour) + "  jlctl [flags] NOUN VERB [ID...] [flags]\n\n";
  Lines lines;
  for (const std::string& noun : nouns()) lines.emplace_back(noun, noun_summary(noun));
  out += section("Nouns:", lines, colour);
  out += section("Other commands:", verb_lines(""), colour);
  out +=
      section("Flags of every command:", flag_lines(global_flag_infos(), [](const FlagInfo&) { return true; }), colour);
  return out + "More: jlctl NOUN --help, jlctl explain NOUN, jlctl help errors, jlctl help exit-codes, man jlctl\n";
}

std::string noun_help(std::string_view noun, bool colour) {
  std::string out = "jlctl " + std::string(noun) + " - " + noun_summary(noun) + "\n\n";
  std::vector<std::string> shown;
  for (const control::Command& c : control::commands()) {
    if (c.noun == noun && c.is_verb() && !c.examples.empty() && shown.size() < 5) shown.push_back(c.examples.front());
  }
  out += examples(shown, colour);
  if (const model::Kind* kind = model::find_kind(noun)) out += wrapped(kind->description, kWidth, 0) + "\n\n";
  out += title("Usage:", colour) + "  jlctl " + std::string(noun) + " VERB [ID...] [flags]\n\n";
  out += section("Verbs:", verb_lines(noun), colour);
  return out + "More: jlctl " + std::string(noun) + " VERB --help" +
         (model::find_kind(noun) ? ", jlctl explain " + model::find_kind(noun)->name : std::string()) + ", man " +
         manual_page(noun) + "\n";
}

bool is_for_anybody(const control::Command& command) {
  // What jlctl does by itself needs no more than the calls that it makes on the way.
  return command.role == control::Role::none || (command.method.empty() && command.role == control::Role::viewer);
}

std::string command_help(const control::Command& command, bool colour) {
  std::string out = "jlctl " + command.label() + " - " + command.summary + "\n\n";
  out += examples(command.examples, colour);
  if (!command.description.empty()) out += wrapped(command.description, kWidth, 0) + "\n\n";
  out += title("Usage:", colour) + "  " + usage_line(command) + "\n";
  if (!command.aliases.empty()) out += "  also: " + join(command.aliases) + "\n";
  out += "\n";
  Lines arguments;
  for (const control::Argument& argument : command.arguments) arguments.emplace_back(argument.name, argument.help);
  out += section("Arguments:", arguments, colour);
  const std::vector<FlagInfo> flags = flags_of(command);
  out += section("Fields:", flag_lines(flags, [](const FlagInfo& f) { return f.field != nullptr; }), colour);
  out += section("Flags:", flag_lines(flags, [](const FlagInfo& f) { return f.use == FlagUse::command; }), colour);
  out += section(
      "Flags of every command:", flag_lines(flags, [](const FlagInfo& f) { return f.use == FlagUse::global; }), colour);
  std::string needs = "Role: ";
  needs += is_for_anybody(command) ? "none" : std::string(control::to_string(command.role));
  if (command.dangerous) needs += ". Asks before it cuts sessions or loses data; --yes does not ask";
  return out + needs + ".\n";
}

std::string errors_help(bool colour) {
  std::string out =
      "Error codes of jlctl and of the control API. Each has an exit code; \"retry\" means that the same call can\n"
      "succeed later.\n\n";
  Lines lines;
  for (const ErrcInfo& row : errc_table()) {
    lines.emplace_back(std::string(row.word), "exit " + std::to_string(row.exit_code) +
                                                  (row.retryable ? ", retry: " : ": ") + std::string(row.meaning));
  }
  return out + section("Errors:", lines, colour);
}

std::string exit_codes_help(bool colour) {
  Lines lines;
  for (const ExitCode& row : exit_codes())
    lines.emplace_back(std::to_string(row.code) + " " + std::string(row.word), std::string(row.meaning));
  return section("Exit codes:", lines, colour);
}

}  // namespace jl::cli
