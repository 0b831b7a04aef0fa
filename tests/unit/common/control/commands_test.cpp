#include "common/control/commands.hpp"

#include <doctest/doctest.h>
#include <algorithm>
#include <set>
#include <string>

using namespace jl;
using namespace jl::control;

namespace {

std::string with_id(std::string path, const std::string& id) {
  if (const auto at = path.find("{id}"); at != std::string::npos) path.replace(at, 4, id);
  return path;
}

}  // namespace

TEST_SUITE("common.control") {
  TEST_CASE("every command's method and path lead to itself") {
    for (const Command& command : commands()) {
      if (command.path.empty()) continue;
      CAPTURE(command.path);
      CAPTURE(command.method);
      const Route found = route(command.method, with_id(command.path, "dev-1"));
      CHECK(found.command == &command);
      CHECK(found.path_known);
      CHECK(found.id == (command.path.find("{id}") == std::string::npos ? "" : "dev-1"));
    }
  }

  TEST_CASE("GET and HEAD of one path are two commands; other methods are told apart from other paths") {
    CHECK(route("GET", "/v1/networks/n").command->verb == "show");
    CHECK(route("HEAD", "/v1/networks/n").command->verb == "exists");
    CHECK(route("PATCH", "/v1/networks/n").command->verb == "edit");
    CHECK(route("DELETE", "/v1/networks/n").command->verb == "delete");
    const Route other_method = route("PUT", "/v1/networks/n");
    CHECK(other_method.command == nullptr);
    CHECK(other_method.path_known);
    for (const char* path : {"/v1/nosuch", "/v1/networks/", "/v1/networks/a/b", "/v1/networks/a/b/enable", "/", "",
                             "/v1/networks//enable"}) {
      CAPTURE(path);
      CHECK_FALSE(route("GET", path).path_known);
    }
  }

  TEST_CASE("ids in paths are percent-decoded [RFC 3986 2.1]") {
    CHECK(route("GET", "/v1/devices/a%2Fb").id == "a/b");
    CHECK(route("GET", "/v1/devices/%e6%b8%a9").id == "温");
    CHECK(route("POST", "/v1/devices/a%20b/enable").id == "a b");
    CHECK(route("GET", "/v1/devices/100%").id == "100%");
    CHECK(route("GET", "/v1/devices/%zz").id == "%zz");
  }

  TEST_CASE("commands are found by noun and verb, and by the aliases of cli.md rule 1") {
    for (const Command& command : commands()) {
      if (command.verb.empty()) continue;
      CAPTURE(command.label());
      CHECK(find_command(command.noun, command.verb) == &command);
      for (const auto& alias : command.aliases) CHECK(find_command(command.noun, alias) == &command);
    }
    CHECK(find_command("network", "ls")->verb == "list");
    CHECK(find_command("network", "rm")->verb == "delete");
    CHECK(find_command("network", "get")->verb == "show");
    CHECK(find_command("network", "set")->verb == "edit");
    CHECK(find_command("network", "nosuch") == nullptr);
    CHECK(find_command("nosuch", "list") == nullptr);
  }

  TEST_CASE("every noun has the fixed verbs [cli.md rule 1]") {
    for (const auto& kind : model::kinds()) {
      for (const char* verb : {"add", "edit", "show", "list", "enable", "disable", "delete", "exists"}) {
        CAPTURE(kind.name);
        CAPTURE(verb);
        const Command* command = find_command(kind.noun(), verb);
        // What cannot be switched has no verbs and no filter for it.
        if (!kind.switchable && (verb == std::string_view("enable") || verb == std::string_view("disable"))) {
          CHECK_FALSE(command);
          CHECK(std::ranges::find(find_command(kind.noun(), "list")->flags, "enabled", &Flag::name) ==
                find_command(kind.noun(), "list")->flags.end());
          continue;
        }
        REQUIRE(command);
        CHECK(command->kind == &kind);
      }
    }
  }

  TEST_CASE("every command that people type has a summary and an example that starts with its own words") {
    for (const Command& command : commands()) {
      if (!command.is_verb()) continue;
      CAPTURE(command.label());
      CHECK_FALSE(command.summary.empty());
      CHECK_FALSE(command.examples.empty());
      for (const auto& example : command.examples) {
        const bool own = example.find("jlctl " + command.label()) != std::string::npos;
        CHECK(own);
        const bool starts = example.starts_with("jlctl ") || command.label() == "completion";
        CHECK(starts);
      }
    }
  }

  TEST_CASE("what changes something needs a role, what may cut sessions can be answered beforehand [cli.md 39, 52]") {
    for (const Command& command : commands()) {
      CAPTURE(command.label());
      if (command.mutates) {
        CHECK(command.role >= Role::operator_);
        for (const char* flag : {"if-revision", "request-id"}) {
          CHECK(std::ranges::count(command.flags, flag, &Flag::name) == 1);
        }
      }
      if (command.dangerous) CHECK(std::ranges::count(command.flags, "yes", &Flag::name) == 1);
      if (!command.path.empty()) CHECK(command.path.front() == '/');
      CHECK(command.path.empty() == command.method.empty());
    }
  }

  TEST_CASE(
      "no command takes one flag or short flag twice, nor one that means something else everywhere [cli.md rule 2]") {
    std::set<std::string> global;
    std::set<char> global_short;
    for (const Flag& flag : global_flags()) {
      CHECK(global.insert(flag.name).second);
      if (flag.short_name) CHECK(global_short.insert(flag.short_name).second);
    }
    for (const Command& command : commands()) {
      CAPTURE(command.label());
      std::set<std::string> names = global;
      std::set<char> shorts = global_short;
      for (const Flag& flag : command.flags) {
        CAPTURE(flag.name);
        CHECK(names.insert(flag.name).second);
        if (flag.short_name) CHECK(shorts.insert(flag.short_name).second);
        CHECK_FALSE(flag.help.empty());
        CHECK_FALSE(flag.key.empty());
      }
      if (!command.spec_flags) continue;
      for (const model::Field& field : command.kind->spec->fields) {
        if (!field.ignored && field.type != model::Type::object) CHECK_FALSE(names.contains(field.flag));
      }
    }
  }

  TEST_CASE("flags of the query have camelCase keys") {
    const Command* disable = find_command("device", "disable");
    const auto flag = std::ranges::find(disable->flags, "max-disconnect", &Flag::name);
    REQUIRE(flag != disable->flags.end());
    CHECK(flag->key == "maxDisconnect");
  }

  TEST_CASE("roles are words, each above the one before") {
    for (const Role role : {Role::none, Role::viewer, Role::operator_, Role::admin})
      CHECK(role_from(to_string(role)) == role);
    CHECK_FALSE(role_from("root"));
    CHECK(Role::admin > Role::operator_);
    CHECK(Role::operator_ > Role::viewer);
  }
}
