#include "cli/docgen/man.hpp"

#include "cli/args.hpp"
#include "cli/exit_codes.hpp"
#include "cli/help.hpp"
#include "common/control/api.hpp"

#include <algorithm>

namespace jl::cli {
namespace {

// man(7): a backslash is an escape, a hyphen must be told from a minus, a line must not begin with a dot or quote.
std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\\') {
      out += "\\e";
    } else if (c == '-') {
      out += "\\-";
    } else {
      out += c;
    }
  }
  if (out.starts_with('.') || out.starts_with('\'')) out.insert(0, "\\&");
  return out;
}

std::string sentence(std::string_view text) {
  std::string out = escaped(text);
  if (!out.empty() && out[0] >= 'a' && out[0] <= 'z') out[0] = static_cast<char>(out[0] - 'a' + 'A');
  return out + ".";
}

class Page {
 public:
  Page(const std::string& name, const std::string& summary) {
    std::string upper = name;
    std::ranges::transform(upper, upper.begin(),
                           [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; });
    line(".\\\" Made by \"jlctl __docgen\" from the command table; changes here get lost.");
    line(".TH " + escaped(upper) + " 1 \"\" \"jlinkd " + std::string(control::kProgramVersion) +
         "\" \"jlinkd manual\"");
    line(".SH NAME");
    line(escaped(name) + " \\- " + escaped(summary));
  }

  void line(const std::string& text) { text_ += text + "\n"; }
  void section(const std::string& name) { line(".SH " + name); }
  void subsection(const std::string& name) { line(".SS \"" + escaped(name) + "\""); }
  void paragraph(const std::string& text) { line(".PP"), line(escaped(text)); }
  void item(const std::string& label, const std::string& text) {
    line(".TP");
    line("\\fB" + escaped(label) + "\\fR");
    line(escaped(text));
  }
  void commands(const std::vector<std::string>& lines) {
    line(".PP");
    line(".RS 4");
    line(".nf");
    for (const auto& command : lines) line(escaped(command));
    line(".fi");
    line(".RE");
  }
  [[nodiscard]] std::string text() const { return text_; }

 private:
  std::string text_;
};

void describe(Page& page, const control::Command& command) {
  page.subsection(usage_line(command));
  page.line(sentence(command.summary));
  if (!command.description.empty()) page.paragraph(command.description);
  if (!command.aliases.empty()) page.paragraph("Also: " + command.aliases.front() + ".");
  std::string needs;
  if (!is_for_anybody(command)) needs = "Needs the role " + std::string(control::to_string(command.role)) + ".";
  if (command.dangerous) needs += " Asks before it cuts sessions or loses data.";
  if (!needs.empty()) page.paragraph(needs);
  for (const control::Argument& argument : command.arguments) page.item(argument.name, argument.help);
  for (const FlagInfo& flag : flags_of(command)) {
    if (flag.use != FlagUse::global) page.item(flag_label(flag), flag_text(flag));
  }
  page.commands(command.examples);
}

void see_also(Page& page, std::string_view noun) {
  page.section("SEE ALSO");
  std::string line;
  if (!noun.empty()) line = "\\fBjlctl\\fR(1)";
  for (const std::string& other : nouns()) {
    if (other != noun) line += (line.empty() ? "" : ", ") + ("\\fB" + escaped(manual_page(other)) + "\\fR(1)");
  }
  page.line(line + ", \\fBjlinkd\\fR(8), \\fBjlinkd.yaml\\fR(5)");
}

void codes(Page& page) {
  page.section("EXIT STATUS");
  for (const ExitCode& row : exit_codes())
    page.item(std::to_string(row.code) + " " + std::string(row.word), std::string(row.meaning));
  page.section("ERRORS");
  page.line(
      "Errors go to standard error as \\(lqjlctl: error[CODE]: what happened (object)\\(rq and a hint; as JSON with");
  page.line("\\fB\\-o json\\fR or \\fB\\-o jsonl\\fR. The codes:");
  for (const ErrcInfo& row : errc_table()) {
    page.item(std::string(row.word), "exit " + std::to_string(row.exit_code) +
                                         (row.retryable ? ", retryable: " : ": ") + std::string(row.meaning));
  }
}

void surroundings(Page& page) {
  page.section("OUTPUT");
  page.paragraph(
      "Results go to standard output, everything else to standard error. On a terminal tables are aligned; elsewhere "
      "their "
      "columns are separated by tabs and nothing is cut. JSON and YAML documents are "
      "{\"schema\":\"jlctl/v1\",\"kind\":...,\"data\":...}; jsonl is one object per line. Fields are only ever added.");
  page.section("SETTINGS");
  page.paragraph(
      "A flag wins over a variable, a variable over $XDG_CONFIG_HOME/jlctl/config.yaml, that over "
      "/etc/jlctl/config.yaml. "
      "The files hold the keys socket, output, timeout and color. \"jlctl config show --origin\" shows where each "
      "comes from.");
  page.section("ENVIRONMENT");
  page.item("JLCTL_SOCKET, JLCTL_OUTPUT, JLCTL_TIMEOUT, JLCTL_COLOR", "as the flags of these names");
  page.item("JLCTL_PAGER, PAGER", "shows long help and explain texts");
  page.item("NO_COLOR, CLICOLOR_FORCE, TERM", "whether there is colour, when --color is auto");
  page.item("CREDENTIALS_DIRECTORY", "where the -credential flags look (systemd)");
  page.section("FILES");
  page.item(std::string(control::kDefaultSocket), "the control socket of jlinkd");
  page.item("/etc/jlctl/config.yaml, ~/.config/jlctl/config.yaml", "settings");
}

}  // namespace

std::string main_page() {
  Page page("jlctl", "configure and watch jlinkd, the IoT access gateway");
  page.section("SYNOPSIS");
  page.line("\\fBjlctl\\fR [\\fIflags\\fR] \\fINOUN\\fR \\fIVERB\\fR [\\fIID\\fR...] [\\fIflags\\fR]");
  page.section("DESCRIPTION");
  page.paragraph(
      "jlctl turns words into one call on the control socket of jlinkd and shows the answer. Every noun has the verbs "
      "add, "
      "edit, show, list, enable, disable, delete and exists; some have verbs of their own. It never opens the store "
      "itself.");
  for (const std::string& noun : nouns()) page.item(manual_page(noun) + "(1)", noun_summary(noun));
  page.section("EXAMPLES");
  page.commands({"jlctl status", "jlctl network add mqtt-1 --type mqtt-server --port 1883",
                 "jlctl apply -f examples/fleet.yaml", "jlctl device show dev-1 -o value=status.state",
                 "jlctl message tail --product th-sensor"});
  page.section("COMMANDS");
  for (const control::Command& command : control::commands()) {
    if (command.noun.empty() && command.is_verb()) describe(page, command);
  }
  page.section("FLAGS OF EVERY COMMAND");
  page.line("They may stand before or after the noun and verb.");
  for (const FlagInfo& flag : global_flag_infos()) page.item(flag_label(flag), flag_text(flag));
  surroundings(page);
  codes(page);
  see_also(page, "");
  return page.text();
}

std::string noun_page(std::string_view noun) {
  Page page(manual_page(noun), noun_summary(noun));
  page.section("SYNOPSIS");
  page.line("\\fBjlctl " + escaped(noun) + "\\fR \\fIVERB\\fR [\\fIID\\fR...] [\\fIflags\\fR]");
  if (const model::Kind* kind = model::find_kind(noun)) {
    page.section("DESCRIPTION");
    page.line(escaped(kind->description));
  }
  page.section("COMMANDS");
  for (const control::Command& command : control::commands()) {
    if (command.noun == noun && command.is_verb()) describe(page, command);
  }
  page.section("EXIT STATUS");
  page.line("As of \\fBjlctl\\fR(1).");
  see_also(page, noun);
  return page.text();
}

}  // namespace jl::cli
