// The command line against the tables.
#include "cli/args.hpp"
#include "cli/context.hpp"

#include "fake_daemon.hpp"

#include <doctest/doctest.h>

#include <set>

using namespace jl;
using namespace jl::cli;
using jl::cli::test::shell_words;

namespace {

Result<Invocation> parse_line(const std::string& line) {
  const auto words = shell_words(line);
  auto target = locate(words);
  if (!target) return target.error();
  REQUIRE(target->command != nullptr);
  return parse(*target->command, target->rest);
}

Errc code_of(const std::string& line) {
  const auto parsed = parse_line(line);
  return parsed ? Errc::count_ : parsed.error().code;
}

}  // namespace

TEST_SUITE("cli.args") {
  TEST_CASE("every verb of the command table has a handler, and every example of it parses [cli.md 2]") {
    std::size_t examples = 0;
    for (const control::Command& command : control::commands()) {
      if (!command.is_verb()) continue;
      CAPTURE(command.label());
      CHECK((handler_of(command) != nullptr));
      CHECK(!command.examples.empty());
      for (const std::string& example : command.examples) {
        CAPTURE(example);
        const std::size_t pipe = example.find("| ");
        auto words = shell_words(pipe == std::string::npos ? example : example.substr(pipe + 2));
        if (words.front() == "source") continue;  // source <(jlctl completion bash)
        REQUIRE(words.front() == "jlctl");
        words.erase(words.begin());
        const auto target = locate(words);
        REQUIRE(target.has_value());
        CHECK(target->command == &command);
        const auto parsed = parse(command, target->rest);
        CHECK_MESSAGE(parsed.has_value(), (parsed ? "" : parsed.error().message));
        ++examples;
      }
    }
    CHECK(examples > 50);
  }

  TEST_CASE("rows of the table that are no verbs have no handler") {
    for (const control::Command& command : control::commands()) {
      if (!command.is_verb()) CHECK((handler_of(command) == nullptr));
    }
  }

  TEST_CASE("no verb has two flags of one name or one letter [cli.md 2]") {
    for (const control::Command& command : control::commands()) {
      CAPTURE(command.label());
      std::set<std::string> names;
      std::set<char> letters;
      for (const FlagInfo& flag : flags_of(command)) {
        CAPTURE(flag.name);
        CHECK(names.insert(flag.name).second);
        if (flag.short_name) CHECK(letters.insert(flag.short_name).second);
        CHECK(!flag.help.empty());
      }
    }
  }

  TEST_CASE("aliases are the verbs that they stand for [cli.md 1]") {
    CHECK(parse_line("network ls")->command().verb == "list");
    CHECK(parse_line("network rm a")->command().verb == "delete");
    CHECK(parse_line("network get a")->command().verb == "show");
    CHECK(parse_line("network set a --name x")->command().verb == "edit");
  }

  TEST_CASE("global flags stand before the noun, between noun and verb, or after [cli.md 2]") {
    for (const char* line : {"--timeout 5s -o json network list", "network --timeout=5s -ojson list",
                             "network list -o json --timeout 5s", "-qo json --timeout 5s network list"}) {
      CAPTURE(line);
      const auto parsed = parse_line(line);
      REQUIRE(parsed.has_value());
      CHECK(parsed->value("timeout") == "5s");
      CHECK(parsed->value("output") == "json");
    }
  }

  TEST_CASE("unknown words are usage errors that name the nearest legal one [cli.md 7]") {
    struct Row {
      const char* line;
      const char* nearest;
    };
    for (const Row& row :
         {Row{"gatway list", "gateway"}, Row{"network lst", "list"}, Row{"network add x --prot 1", "--port"},
          Row{"--outptu json network list", "--output"}, Row{"network list --type MQTT_SERVR", "MQTT_SERVER"},
          Row{"list networks", "jlctl network list"}, Row{"aply -f x", "apply"}}) {
      CAPTURE(row.line);
      const auto parsed = parse_line(row.line);
      REQUIRE(parsed.has_error());
      CHECK(parsed.error().code == Errc::usage);
      CHECK(parsed.error().hint.find(row.nearest) != std::string::npos);
    }
  }

  TEST_CASE("a single-value flag given twice is an error, a list flag repeats [cli.md 6]") {
    CHECK(code_of("network add a --port 1 --port 2") == Errc::usage);
    CHECK(code_of("network list --limit 1 --limit=2") == Errc::usage);
    const auto twice = parse_line("device add d --config a=1 --config b=2");
    REQUIRE(twice.has_value());
    CHECK(twice->values("config") == Words{"a=1", "b=2"});
  }

  TEST_CASE("flags without a value take none, flags with one need it [cli.md 5]") {
    CHECK(code_of("network delete a --yes=true") == Errc::usage);
    CHECK(code_of("network add a --port") == Errc::usage);
    CHECK(code_of("network add a --type tpc") == Errc::usage);
    CHECK(parse_line("network edit a --description=")->value("description") == "");
    CHECK(parse_line("network edit a --name --port")->value("name") == "--port");
  }

  TEST_CASE("a flag that a verb does not have is an error [cli.md 8]") {
    CHECK(code_of("network list --if-revision 3") == Errc::usage);
    CHECK(code_of("network show a --port 3") == Errc::usage);
    CHECK(code_of("status -y") == Errc::usage);
  }

  TEST_CASE("-- ends the flags [cli.md 3]") {
    const auto parsed = parse_line("device write d -- --x=1 -y=2");
    REQUIRE(parsed.has_value());
    CHECK(parsed->words() == Words{"d", "--x=1", "-y=2"});
  }

  TEST_CASE("words are taken as they are typed: lists and negative numbers too") {
    for (const char* line : {"modbus write plc-1 1 [1,2]", "modbus write plc-1 1 -21.5", "modbus write plc-1 1 {}",
                             "modbus write plc-1 1 a,b", "modbus write plc-1 --unit 3 1 -1 --verify"}) {
      CAPTURE(line);
      const auto parsed = parse_line(line);
      REQUIRE(parsed.has_value());
      CHECK(parsed->words().size() == 3);
    }
    CHECK(parse_line("network pub mqtt-1 a [1,2]")->words() == Words{"mqtt-1", "a", "[1,2]"});
    std::string many = "network show";
    for (int i = 0; i < 500; ++i) many += " n" + std::to_string(i);
    CHECK(parse_line(many)->words().size() == 500);
  }

  TEST_CASE("nouns below nouns: words before the verb, global flags between them [cli.md 1]") {
    CHECK(parse_line("modbus channel list")->command().kind->name == "modbus-channel");
    CHECK(parse_line("modbus point ls")->command().label() == "modbus point list");
    CHECK(parse_line("modbus -o json point --timeout 5s list")->value("output") == "json");
    CHECK(parse_line("modbus read plc-1 1")->command().label() == "modbus read");
    CHECK(parse_line("modbus-point read p")->command().label() == "modbus point read");
    CHECK(code_of("modbus channels list") == Errc::usage);
    CHECK(code_of("modbus chanel list") == Errc::usage);
    CHECK(parse_line("modbus chanel list").error().hint.find("jlctl modbus channel") != std::string::npos);
    CHECK(parse_line("modbus point lst").error().hint.find("jlctl modbus point list") != std::string::npos);
    const auto unfinished = locate(Words{"modbus", "point"});
    REQUIRE(unfinished.has_value());
    CHECK(unfinished->noun == "modbus point");
    CHECK(unfinished->command == nullptr);
    CHECK(nouns_below("modbus") == Words{"channel", "point"});
    CHECK(nouns_below("network").empty());
    CHECK(noun_named("modbus-channel") == "modbus channel");
    CHECK(noun_named("modbus-channels").empty());
  }

  TEST_CASE("words of flags are checked: numbers, durations, times, enumerations") {
    CHECK(code_of("network list --limit many") == Errc::usage);
    CHECK(code_of("status --timeout soon") == Errc::usage);
    CHECK(code_of("log access --since yesterday") == Errc::usage);
    CHECK(code_of("log access --since 1h") == Errc::count_);
    CHECK(code_of("log access --since 2026-01-31T12:00:00Z") == Errc::count_);
    CHECK(code_of("log system --level LOUD") == Errc::usage);
    CHECK(parse_line("log system --level warn")->value("level") == "WARN");
    CHECK(parse_line("network list --type mqtt-server")->value("type") == "MQTT_SERVER");
    CHECK(parse_line("network add a --type mqtt-server")->value("type") == "MQTT_SERVER");
    CHECK(parse_line("status -o value=memory")->value("output") == "value=memory");
    CHECK(code_of("status -o value=") == Errc::count_);  // settings refuse it
    CHECK(code_of("status -o xml") == Errc::usage);
  }

  TEST_CASE("missing and superfluous words are errors") {
    CHECK(code_of("network show") == Errc::usage);
    CHECK(code_of("network add a b") == Errc::usage);
    CHECK(code_of("status now") == Errc::usage);
    CHECK(parse_line("network show a b c")->words().size() == 3);
    CHECK(parse_line("can delete")->words().size() == 1);
  }

  TEST_CASE("KIND/ID is an id where the noun is that kind") {
    CHECK(parse_line("network show network/a b")->words() == Words{"a", "b"});
    CHECK(parse_line("device write device/d device/x=1")->words() == Words{"d", "device/x=1"});
    CHECK(parse_line("network show device/a")->words() == Words{"device/a"});
    CHECK(parse_line("modbus point show modbus-point/p")->words() == Words{"p"});
    CHECK(parse_line("modbus bind device/d device/t modbus-point/p")->words() == Words{"d", "device/t", "p"});
  }
}
