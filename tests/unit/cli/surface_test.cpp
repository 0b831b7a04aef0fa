// Help, completion, settings, explain and the generated files.
#include "cli/app.hpp"
#include "cli/docgen/docgen.hpp"
#include "cli/exit_codes.hpp"
#include "cli/help.hpp"
#include "cli/settings.hpp"
#include "common/control/commands.hpp"

#include "fake_daemon.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <fstream>
#include <set>

using namespace jl;
using namespace jl::cli;
using namespace jl::cli::test;

namespace {

std::string content(const std::string& path) {
  std::ifstream in(path);
  return {std::istreambuf_iterator<char>(in), {}};
}

// The candidates without what they are.
std::vector<std::string> candidates(const Outcome& outcome) {
  std::vector<std::string> out;
  std::string line;
  for (const char c : outcome.out) {
    if (c != '\n') {
      line += c;
      continue;
    }
    out.push_back(line.substr(0, line.find('\t')));
    line.clear();
  }
  return out;
}

bool has(const std::vector<std::string>& all, const std::string& one) {
  return std::ranges::find(all, one) != all.end();
}

}  // namespace

TEST_SUITE("cli.help") {
  TEST_CASE("help goes to standard output with 0 on every level, examples first [cli.md 56]") {
    CHECK(run({"--help"}).out == general_help(false));
    CHECK(run({"help"}).out == general_help(false));
    CHECK(run({"network", "-h"}).out == noun_help("network", false));
    CHECK(run({"help", "network"}).out == noun_help("network", false));
    for (const control::Command& command : control::commands()) {
      if (!command.is_verb()) continue;
      CAPTURE(command.label());
      std::vector<std::string> words = shell_words(command.label());
      words.emplace_back("--help");
      const auto out = run(words);
      CHECK(out.code == 0);
      CHECK(out.err.empty());
      CHECK(out.out.find("Examples:") < out.out.find("Usage:"));
      for (const FlagInfo& flag : flags_of(command)) CHECK(out.out.find("--" + flag.name) != std::string::npos);
    }
  }

  TEST_CASE("no command, or a noun without a verb, is a short usage on standard error with 2 [cli.md 56]") {
    for (const std::vector<std::string>& words : {std::vector<std::string>{}, {"network"}, {"-o", "yaml"}}) {
      const auto out = run(words);
      CHECK(out.code == 2);
      CHECK(out.out.empty());
      CHECK(out.err.starts_with("usage: jlctl"));
    }
  }

  TEST_CASE("help errors and exit-codes list them all; every code an error maps to is explained [cli.md 23, 24]") {
    const std::string errors = run({"help", "errors"}).out;
    const std::string codes = run({"help", "exit-codes"}).out;
    const std::string page = generated_documents().at("man/jlctl.1");
    std::set<int> known;
    for (const ExitCode& row : exit_codes()) {
      known.insert(row.code);
      CHECK(codes.find("  " + std::to_string(row.code) + " " + std::string(row.word)) != std::string::npos);
      CHECK(page.find("\\fB" + std::to_string(row.code) + " " + std::string(row.word) + "\\fR") != std::string::npos);
    }
    for (const ErrcInfo& row : errc_table()) {
      CAPTURE(row.word);
      CHECK(known.contains(row.exit_code));
      CHECK(errors.find("  " + std::string(row.word) + " ") != std::string::npos);
      CHECK(page.find("\\fB" + std::string(row.word) + "\\fR") != std::string::npos);
    }
  }

  TEST_CASE("nouns below nouns have help and man pages of their own") {
    CHECK(run({"help", "modbus", "point"}).out == noun_help("modbus point", false));
    CHECK(run({"modbus", "point", "--help"}).out == noun_help("modbus point", false));
    const auto import = run({"help", "modbus", "point", "import"});
    CHECK(import.code == 0);
    CHECK(import.out.starts_with("jlctl modbus point import - "));
    CHECK(import.out.find("Role: admin.") != std::string::npos);
    CHECK(noun_help("modbus", false).find("  channel VERB ") != std::string::npos);
    const auto usage = run({"modbus"});
    CHECK(usage.code == 2);
    CHECK(usage.err.find("nouns: channel, point\n") != std::string::npos);
    for (const char* page : {"man/jlctl-modbus.1", "man/jlctl-modbus-channel.1", "man/jlctl-modbus-point.1"}) {
      CAPTURE(page);
      CHECK(generated_documents().contains(page));
    }
  }

  TEST_CASE("help --json is the whole command tree [cli.md 5.11]") {
    const auto tree = json::parse(run({"help", "--json"}).out);
    CHECK(tree.at("kind") == "commandTree");
    std::size_t verbs = 0;
    for (const control::Command& command : control::commands()) verbs += command.is_verb() ? 1 : 0;
    CHECK(tree.at("data").at("commands").as_array().size() == verbs);
    CHECK(tree.at("data").at("errors").as_array().size() == errc_table().size());
    CHECK(run({"help", "netwrok"}).code == 2);
    CHECK(run({"help", "network", "add", "x"}).code == 2);
  }
}

TEST_SUITE("cli.output") {
  TEST_CASE("an output that cannot be written ends with 1, a reader that left with 141 and no words [cli.md 20]") {
    const FakeDaemon daemon({{"GET /v1/status", ok(json::object{{"a", 1}})}});
    Environment env;
    env.err = -1;
    env.variable = [&](const char* name) -> std::optional<std::string> {
      return std::string(name) == "JLCTL_SOCKET" ? std::optional<std::string>(daemon.socket()) : std::nullopt;
    };
    env.out = ::open("/dev/full", O_WRONLY | O_CLOEXEC);
    CHECK(jl::cli::run({"status"}, env) == 1);
    ::close(env.out);
    std::array<int, 2> ends{};
    REQUIRE(::pipe(ends.data()) == 0);
    ::close(ends[0]);
    env.out = ends[1];
    const auto before = std::signal(SIGPIPE, SIG_IGN);
    CHECK(jl::cli::run({"status"}, env) == 141);
    std::signal(SIGPIPE, before);
    ::close(ends[1]);
  }

  TEST_CASE("usage errors are JSON too when JSON was asked for, and standard output stays empty [cli.md 9, 22]") {
    for (const std::vector<std::string>& words : {std::vector<std::string>{"network", "lst", "--json"},
                                                  {"-o", "json", "network", "add"},
                                                  {"network", "list", "-ojsonl", "--nope"}}) {
      const auto out = run(words);
      CHECK(out.code == 2);
      CHECK(out.out.empty());
      CHECK(json::parse(out.err).at("error").at("code") == "usage");
    }
    CHECK(run({"status", "--json", "-o", "yaml"}).code == 2);
    CHECK(run({"status", "--schema-version", "2"}).code == 2);
  }
}

TEST_SUITE("cli.explain") {
  TEST_CASE("explain works offline from the tables, and from the daemon's schema [cli.md 57, 60]") {
    const auto port = run({"explain", "network.configuration.port", "--offline"});
    CHECK(port.code == 0);
    CHECK(port.out.find("1 to 65535") != std::string::npos);
    CHECK(run({"explain", "network.port", "--offline"}).out == port.out);
    CHECK(run({"explain", "networks.spec.configuration.port", "--offline"}).out == port.out);
    CHECK(run({"explain", "--offline"}).out.find("gateway") != std::string::npos);
    CHECK(json::parse(run({"explain", "device", "--offline", "--json"}).out).at("data").at("name") == "device");
    const auto typo = run({"explain", "network.configuration.prot", "--offline"});
    CHECK(typo.code == 2);
    CHECK(typo.err.find("network.configuration.port") != std::string::npos);
    CHECK(run({"explain", "netwrok", "--offline"}).err.find("\"network\"") != std::string::npos);
    const auto down = run({"explain", "network", "--socket", "/nonexistent/x"});
    CHECK(down.code == 7);
    CHECK(down.err.find("--offline") != std::string::npos);
    const json::value schema{
        {"kinds",
         {{{"name", "network"},
           {"plural", "networks"},
           {"fields", {{{"path", "newField"}, {"type", "string"}, {"help", "from the daemon"}}}}}}}};
    const FakeDaemon daemon({{"GET /v1/schema", ok(schema)}});
    CHECK(run(daemon, {"explain", "network.newField"}).out.find("from the daemon") != std::string::npos);
  }
}

TEST_SUITE("cli.settings") {
  TEST_CASE("flag wins over variable over the user's file over the system's over the default [cli.md 55]") {
    const TempFolder folder;
    Environment env;
    std::map<std::string, std::string> variables{{"XDG_CONFIG_HOME", folder.path()}};
    env.variable = [&](const char* name) -> std::optional<std::string> {
      const auto found = variables.find(name);
      return found == variables.end() ? std::nullopt : std::optional<std::string>(found->second);
    };
    const std::string system = folder.file("system.yaml", "socket: /system\ntimeout: 5s\noutput: yaml\ncolor: never\n");
    const auto none = load_settings(env, nullptr, folder.path() + "/nothing");
    REQUIRE(none.has_value());
    CHECK(none->socket.value == "/run/jlinkd/control.sock");
    CHECK(none->socket.origin == "default");
    const std::string user = folder.file("jlctl/config.yaml", "# mine\ntimeout: 7s\noutput: json\n");
    variables["JLCTL_OUTPUT"] = "wide";
    const auto args = parse(*control::find_command("", "status"), {"--color", "always"});
    const auto settings = load_settings(env, &*args, system);
    REQUIRE(settings.has_value());
    CHECK(settings->socket.value == "/system");
    CHECK(settings->socket.origin == system + ":1");
    CHECK(settings->timeout.value == "7s");
    CHECK(settings->timeout.origin == user + ":2");
    CHECK(settings->output.value == "wide");
    CHECK(settings->output.origin == "environment JLCTL_OUTPUT");
    CHECK(settings->color.value == "always");
    CHECK(settings->color.origin == "flag --color");
  }

  TEST_CASE("bad settings are usage errors that say where they stand") {
    const TempFolder folder;
    Given given;
    given.variables["XDG_CONFIG_HOME"] = folder.path();
    folder.file("jlctl/config.yaml", "timeuot: 5s\n");
    const auto typo = run({"config", "show"}, given);
    CHECK(typo.code == 2);
    CHECK(typo.err.find("config.yaml:1") != std::string::npos);
    CHECK(typo.err.find("\"timeout\"") != std::string::npos);
    folder.file("jlctl/config.yaml", "timeout: soon\n");
    CHECK(run({"config", "show"}, given).code == 2);
    folder.file("jlctl/config.yaml", "{");
    CHECK(run({"config", "show"}, given).code == 2);
    CHECK(run({"config", "show"}, {.variables = {{"JLCTL_TIMEOUT", "x"}}}).code == 2);
    CHECK(run({"config", "show"}, {.variables = {{"JLCTL_OUTPUT", "xml"}}}).code == 2);
  }

  TEST_CASE("config show --origin tells where each comes from") {
    const auto out = run({"config", "show", "--origin", "--no-header"}, {.variables = {{"JLCTL_SOCKET", "/x"}}});
    CHECK(
        out.out ==
        "socket\t/x\tenvironment JLCTL_SOCKET\noutput\ttable\tdefault\ntimeout\t30s\tdefault\ncolor\tauto\tdefault\n");
    CHECK(run({"config", "show", "--no-header"}).out.starts_with("socket\t/run/jlinkd/control.sock\n"));
  }
}

TEST_SUITE("cli.completion") {
  TEST_CASE("words, flags and legal values come from the tables [cli.md 58]") {
    const auto at = [](std::vector<std::string> words) {
      words.insert(words.begin(), "__complete");
      return candidates(run(words));
    };
    CHECK(has(at({""}), "network"));
    CHECK(has(at({""}), "apply"));
    CHECK(at({"gat"}) == std::vector<std::string>{"gateway"});
    CHECK(at({"network", "en"}) == std::vector<std::string>{"enable"});
    CHECK(at({"network", "add", "a", "--max-m"}) ==
          std::vector<std::string>{"--max-message-rate", "--max-message-size"});
    CHECK(at({"network", "add", "a", "--type", "MQTT"}) == std::vector<std::string>{"MQTT_SERVER", "MQTT_CLIENT"});
    CHECK(at({"network", "add", "a", "--type", ""}).size() == 7);
    CHECK(at({"network", "add", "a", "--type=MQTT_S"}) == std::vector<std::string>{"--type=MQTT_SERVER"});
    CHECK(at({"network", "add", "a", "--type", "=", "MQTT_S"}) == std::vector<std::string>{"MQTT_SERVER"});
    CHECK(has(at({"-o", ""}), "json"));
    CHECK(has(at({"-o", "json", "network", ""}), "list"));
    CHECK(!has(at({"network", "list", "--quiet", "--"}), "--quiet"));
    CHECK(has(at({"network", "list", "--"}), "--quiet"));
    CHECK(at({"network", "show", "--", "--"}).empty());
    CHECK(at({"watch", "de"}) == std::vector<std::string>{"device"});
    CHECK(at({"wait", "net"}) == std::vector<std::string>{"network/"});
    CHECK(at({"completion", "z"}) == std::vector<std::string>{"zsh"});
    CHECK(has(at({"help", "err"}), "errors"));
    CHECK(has(at({"help", "network", "en"}), "enable"));
    CHECK(at({"explain", "network.configuration.po"}) == std::vector<std::string>{"network.configuration.port"});
    CHECK(at({"log", "system", "--level", "W"}) == std::vector<std::string>{"WARN"});
  }

  TEST_CASE("ids come from the daemon; every failure is silent [cli.md 58]") {
    const FakeDaemon daemon(
        {{"GET /v1/names?kind=device&prefix=de&limit=200", ok(json::object{{"names", {"dev-1", "dev-2"}}})},
         {"GET /v1/names?kind=network&prefix=&limit=200", ok(json::object{{"names", {"n"}}})}});
    CHECK(candidates(run(daemon, {"__complete", "device", "show", "de"})) ==
          std::vector<std::string>{"dev-1", "dev-2"});
    CHECK(candidates(run(daemon, {"__complete", "device", "show", "x", "de"})) ==
          std::vector<std::string>{"dev-1", "dev-2"});
    CHECK(candidates(run(daemon, {"__complete", "wait", "device/de"})) ==
          std::vector<std::string>{"device/dev-1", "device/dev-2"});
    CHECK(candidates(run(daemon, {"__complete", "gateway", "add", "g", "--network", ""})) ==
          std::vector<std::string>{"n"});
    CHECK(candidates(run({"__complete", "--socket", daemon.socket(), "message", "tail", "--device", "de"})).size() ==
          2);
    for (const auto& out :
         {run({"__complete", "--socket", "/nonexistent/x", "device", "show", ""}),
          run(daemon, {"__complete", "product", "show", ""}), run({"__complete"}),
          run({"__complete", "nonsense", "more", ""}), run(daemon, {"__complete", "device", "exists", "x", ""})}) {
      CHECK(out.code == 0);
      CHECK(out.err.empty());
    }
  }

  TEST_CASE("nouns below nouns complete one word at a time") {
    const FakeDaemon daemon(
        {{"GET /v1/names?kind=modbus-channel&prefix=&limit=200", ok(json::object{{"names", {"plc-1"}}})},
         {"GET /v1/names?kind=modbus-point&prefix=b&limit=200", ok(json::object{{"names", {"boiler-temp"}}})}});
    const auto at = [&](std::vector<std::string> words) {
      words.insert(words.begin(), "__complete");
      return candidates(run(daemon, words));
    };
    using Words = std::vector<std::string>;
    CHECK(at({"mod"}) == Words{"modbus"});
    const Words below = at({"modbus", ""});
    for (const char* word : {"channel", "point", "read", "bindings"}) CHECK(has(below, word));
    CHECK(at({"modbus", "poi"}) == Words{"point"});
    CHECK(at({"modbus", "-o", "json", "point", "im"}) == Words{"impact", "import"});
    CHECK(at({"modbus", "channel", "show", ""}) == Words{"plc-1"});
    CHECK(at({"modbus-channel", "show", ""}) == Words{"plc-1"});
    CHECK(at({"modbus", "watch", ""}) == Words{"plc-1"});
    CHECK(at({"modbus", "watch", "plc-1", "b"}) == Words{"boiler-temp"});
    CHECK(at({"modbus", "bind", "d", "t", "b"}) == Words{"boiler-temp"});
    CHECK(at({"modbus", "point", "add", "p", "--channel", ""}) == Words{"plc-1"});
    CHECK(at({"modbus", "read", "x", "1", "--order", "CD"}) == Words{"CDAB", "CDABGHEF"});
    CHECK(at({"modbus", "point", "import", "plc-1", ""}).empty());
    CHECK(has(at({"help", "modbus", ""}), "channel"));
    CHECK(at({"help", "modbus", "point", "imp"}) == Words{"impact", "import"});
    CHECK(at({"watch", "modbus"}) == Words{"modbus-channel", "modbus-point"});
    for (const Words& line : {Words{""}, Words{"modbus", ""}, Words{"help", ""}, Words{"help", "modbus", ""}}) {
      for (const std::string& word : at(line)) {
        CAPTURE(word);
        CHECK(word.find(' ') == std::string::npos);
      }
    }
  }

  TEST_CASE("completion prints the scripts") {
    for (const char* shell : {"bash", "zsh", "fish"})
      CHECK(run({"completion", shell}).out.find("__complete") != std::string::npos);
    CHECK(run({"completion", "tcsh"}).code == 2);
  }
}

TEST_SUITE("cli.generated") {
  TEST_CASE("the man pages and completions that are committed are those of the tables [cli.md 59]") {
    const TempFolder folder;
    REQUIRE(run({"__docgen", folder.path()}).code == 0);
    for (const auto& [name, text] : generated_documents()) {
      CAPTURE(name);
      const bool written = content(folder.path() + "/" + name) == text;
      CHECK(written);
      const bool current = content(std::string(JL_SOURCE_DIR) + "/" + name) == text;
      CHECK_MESSAGE(current, "run: jlctl __docgen .");
    }
    CHECK(run({"__docgen", "/nonexistent"}).code == 1);
  }
}
