// Mutations: what they report, batches, and questions before dangerous ones.
#include "fake_daemon.hpp"

#include <doctest/doctest.h>

#include <atomic>

using namespace jl;
using namespace jl::cli::test;

namespace {

json::object mutation(const std::string& result, const std::string& id = "a", const std::string& kind = "network") {
  return {{"result", result}, {"kind", kind}, {"id", id}, {"revision", 8}};
}

json::object impact(int sessions, json::array used_by = {}) {
  return {{"sessions", sessions}, {"usedBy", std::move(used_by)}};
}

json::value parsed(const std::string& text) { return json::parse(text); }

std::string error_code_of(const Outcome& outcome) {
  const auto value = parsed(outcome.err.substr(0, outcome.err.find('\n')));
  return std::string(value.at("error").at("code").as_string());
}

}  // namespace

TEST_SUITE("cli.mutations") {
  TEST_CASE(
      "mutations say what they did: documents for programs, a remark on a terminal, ids with -q [cli.md 16, 29]") {
    const FakeDaemon daemon({{"POST /v1/networks/a/enable", ok(mutation("updated"))},
                             {"POST /v1/networks/b/enable", ok(mutation("unchanged", "b"))}});
    const auto quiet = run(daemon, {"network", "enable", "a"});
    CHECK((quiet.out + quiet.err).empty());
    Given terminal;
    terminal.err_is_tty = true;
    CHECK(run(daemon, {"network", "enable", "a"}, terminal).err == "network/a updated (revision 8)\n");
    CHECK(run(daemon, {"network", "enable", "a", "-q"}).out == "a\n");
    CHECK(run(daemon, {"network", "enable", "a", "-o", "name"}).out == "network/a\n");
    CHECK(run(daemon, {"network", "enable", "a", "-o", "value=revision"}).out == "8\n");
    const auto document = parsed(run(daemon, {"network", "enable", "a", "--json"}).out);
    CHECK(document.at("kind") == "mutation");
    CHECK(document.at("data").at("result") == "updated");
    CHECK(run(daemon, {"network", "enable", "a", "--exit-changed"}).code == 21);
    CHECK(run(daemon, {"network", "enable", "b", "--exit-changed"}).code == 0);
  }

  TEST_CASE("a batch does every item, tells each, and exits 11 when some failed [cli.md 27]") {
    const FakeDaemon daemon({{"POST /v1/networks/a/enable", ok(mutation("updated"))},
                             {"POST /v1/networks/c/enable", ok(mutation("unchanged", "c"))}});
    const auto table = run(daemon, {"network", "enable", "a", "b", "c", "--no-header", "--fields", "id,result"});
    CHECK(table.code == 11);
    CHECK(table.out == "a\tupdated\nb\tfailed\nc\tunchanged\n");
    const auto document = run(daemon, {"network", "enable", "a", "b", "c", "--json"});
    CHECK(document.code == 11);
    const auto items = parsed(document.out).at("data").at("items").as_array();
    REQUIRE(items.size() == 3);
    CHECK(items[1].at("error").at("code") == "not_found");
    CHECK(error_code_of(document) == "partial");
    const auto before = daemon.requests().size();
    CHECK(run(daemon, {"network", "enable", "a", "b", "c", "--fail-fast"}).code == 11);
    CHECK(daemon.requests().size() == before + 2);
    CHECK(run(daemon, {"network", "enable", "b"}).code == 3);
    CHECK(run(daemon, {"network", "enable", "a", "c"}).code == 0);
  }

  TEST_CASE("one request id serves a batch: each object gets its own, the same each time [cli.md 34]") {
    const FakeDaemon daemon({{"POST /v1/networks/a/enable?requestId=r.a", ok(mutation("updated"))},
                             {"POST /v1/networks/b/enable?requestId=r.b", ok(mutation("updated", "b"))}});
    CHECK(run(daemon, {"network", "enable", "a", "b", "--request-id", "r"}).code == 0);
  }

  TEST_CASE("dangerous verbs refuse without a terminal, with the blast radius and \"pass --yes\" [cli.md 39, 40]") {
    const FakeDaemon daemon({{"GET /v1/networks/a/impact", ok(impact(12, {"gateway/gw-1"}))},
                             {"DELETE /v1/networks/a", ok(mutation("deleted"))}});
    for (const bool no_input : {false, true}) {
      Given given;
      given.in_is_tty = given.err_is_tty = no_input;
      std::vector<std::string> words{"network", "delete", "a"};
      if (no_input) words.emplace_back("--no-input");
      const auto out = run(daemon, words, given);
      CHECK(out.code == 12);
      CHECK(out.out.empty());
      CHECK(out.err.find("would disconnect 12 device sessions; used by gateway/gw-1") != std::string::npos);
      CHECK(out.err.find("pass --yes") != std::string::npos);
    }
    for (const auto& request : daemon.requests()) CHECK(request.method == "GET");
    CHECK(run(daemon, {"network", "delete", "a", "--yes"}).code == 0);
    CHECK(daemon.requests().back().method == "DELETE");
  }

  TEST_CASE("on a terminal they ask, and the default is no [cli.md 39]") {
    const FakeDaemon daemon(
        {{"GET /v1/networks/a/impact", ok(impact(1))}, {"DELETE /v1/networks/a", ok(mutation("deleted"))}});
    Given terminal;
    terminal.in_is_tty = terminal.err_is_tty = true;
    for (const char* answer : {"\n", "n\n", "", "maybe\n"}) {
      terminal.input = answer;
      const auto out = run(daemon, {"network", "delete", "a"}, terminal);
      CHECK(out.code == 12);
      CHECK(out.err.find("[y/N]") != std::string::npos);
      CHECK(out.err.find("1 device session;") == std::string::npos);
    }
    CHECK(daemon.requests().back().method == "GET");
    terminal.input = "y\n";
    CHECK(run(daemon, {"network", "delete", "a"}, terminal).code == 0);
    CHECK(daemon.requests().back().method == "DELETE");
  }

  TEST_CASE("disable asks only when sessions would be cut; deleting what is not there needs no question") {
    const FakeDaemon daemon({{"GET /v1/networks/a/impact", ok(impact(0, {"gateway/g"}))},
                             {"POST /v1/networks/a/disable", ok(mutation("updated"))}});
    CHECK(run(daemon, {"network", "disable", "a"}).code == 0);
    CHECK(run(daemon, {"network", "delete", "gone"}).code == 3);
  }

  TEST_CASE("delete --dry-run asks nothing and shows what would go, and what would be unbound [operations.md 2.1]") {
    json::object plan = mutation("planned", "plc-1", "modbus-channel");
    plan["alsoDeleted"] = json::array{"modbus-point/p1", "modbus-point/p2"};
    plan["unbound"] =
        json::array{json::object{{"resource", "device/boiler-1"}, {"property", "temperature"}, {"point", "p1"}}};
    const FakeDaemon daemon(
        {{"DELETE /v1/modbus-channels/plc-1?dryRun=true", ok(plan)},
         {"DELETE /v1/modbus-channels/plc-2?dryRun=true", ok(mutation("planned", "plc-2", "modbus-channel"))},
         {"DELETE /v1/networks/a?dryRun=true", ok(mutation("planned"))}});
    const std::vector<std::string> words{"modbus", "channel", "delete", "plc-1", "--dry-run"};
    const auto out = run(daemon, words);
    CHECK(out.code == 0);
    CHECK(out.out ==
          "- modbus-channel/plc-1\n- modbus-point/p1\n- modbus-point/p2\n"
          "~ device/boiler-1: property temperature, point p1: unbound\n");
    CHECK(daemon.requests().size() == 1);
    auto with_json = words;
    with_json.insert(with_json.end(), {"--json", "--exit-changed"});
    const auto document = run(daemon, with_json);
    CHECK(document.code == 0);
    CHECK(parsed(document.out).at("data") == json::value(plan));
    auto two = words;
    two.emplace_back("plc-2");
    CHECK(run(daemon, two).out == out.out + "- modbus-channel/plc-2\n");
    auto gone = words;
    gone.emplace_back("plc-3");
    const auto some = run(daemon, gone);
    CHECK(some.code == 11);
    CHECK(some.out == out.out);
    CHECK(some.err.find("modbus-channel/plc-3") != std::string::npos);
    CHECK(run(daemon, {"network", "delete", "a", "--dry-run"}).out == "- network/a\n");
  }

  TEST_CASE("deleting what takes others along names them in the question and in the remark [cli.md 39]") {
    json::object deleted = mutation("deleted", "plc-1", "modbus-channel");
    json::array points;
    for (int i = 0; i < 30; ++i) points.emplace_back("modbus-point/p" + std::to_string(i));
    deleted["alsoDeleted"] = points;
    deleted["unbound"] = json::array{json::object{{"resource", "device/d"}, {"property", "t"}, {"point", "p1"}}};
    json::object plan = deleted;
    plan["result"] = "planned";
    const FakeDaemon daemon({{"DELETE /v1/modbus-channels/plc-1?dryRun=true", ok(plan)},
                             {"DELETE /v1/modbus-channels/plc-1", ok(deleted)}});
    const auto refused = run(daemon, {"modbus", "channel", "delete", "plc-1"});
    CHECK(refused.code == 12);
    CHECK(refused.err.find("delete modbus-channel/plc-1: would also delete modbus-point/p0, ") != std::string::npos);
    CHECK(refused.err.find("modbus-point/p9 and 20 more; would unbind device/d: property t, point p1") !=
          std::string::npos);
    for (const auto& request : daemon.requests()) CHECK(request.target.ends_with("dryRun=true"));
    Given terminal;
    terminal.err_is_tty = true;
    const auto out = run(daemon, {"modbus", "channel", "delete", "plc-1", "--yes"}, terminal);
    CHECK(out.code == 0);
    CHECK(out.out.empty());
    CHECK(out.err.starts_with("modbus-channel/plc-1 deleted (revision 8)\nmodbus-point/p0 deleted as well\n"));
    CHECK(out.err.ends_with("... and 11 more\n"));
  }

  TEST_CASE("what cannot be deleted is said before anybody is asked") {
    const FakeDaemon daemon([](const SeenRequest&) {
      return failure(Error(Errc::enabled, "modbus-point \"p1\" is enabled", "jlctl modbus point disable p1"));
    });
    Given terminal;
    terminal.in_is_tty = terminal.err_is_tty = true;
    const auto out = run(daemon, {"modbus", "point", "delete", "p1"}, terminal);
    CHECK(out.code == info(Errc::enabled).exit_code);
    CHECK(out.err.find("[y/N]") == std::string::npos);
    CHECK(daemon.requests().size() == 1);
    // Of several, each is told for itself; the question comes first all the same.
    CHECK(run(daemon, {"modbus", "point", "delete", "p1", "p2"}).code == 12);
    CHECK(run(daemon, {"modbus", "point", "delete", "p1", "p2", "--yes"}).code == 11);
  }
}
