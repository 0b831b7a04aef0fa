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
}
