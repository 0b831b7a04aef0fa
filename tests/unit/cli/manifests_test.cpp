// apply, diff, validate, export.
#include "fake_daemon.hpp"

#include <doctest/doctest.h>
#include <sys/stat.h>

#include <fstream>

using namespace jl;
using namespace jl::cli::test;

namespace {

constexpr const char* kManifest =
    "kind: network\nid: a\nspec:\n  type: MQTT_SERVER\n  configuration:\n    port: 1883\n---\n"
    "kind: protocol\nid: official\nspec: {type: builtin, configuration: {builtin: jetlinks-official}}\n";

json::object result(int created, int updated, int deleted, const char* word = "applied") {
  json::array changes;
  if (updated) {
    changes.push_back(json::object{
        {"kind", "network"},
        {"id", "a"},
        {"result", "updated"},
        {"fields", {json::object{{"field", "spec.configuration.port"}, {"before", 1883}, {"after", 1884}}}}});
  }
  if (created)
    changes.push_back(json::object{{"kind", "device"}, {"id", "d"}, {"result", "created"}, {"fields", json::array()}});
  if (deleted)
    changes.push_back(json::object{{"kind", "device"}, {"id", "e"}, {"result", "deleted"}, {"fields", json::array()}});
  return {
      {"result", word},
      {"revision", 9},
      {"changes", changes},
      {"disconnected", deleted},
      {"summary", json::object{{"created", created}, {"updated", updated}, {"unchanged", 1}, {"deleted", deleted}}}};
}

std::string content(const std::string& path) {
  std::ifstream in(path);
  return {std::istreambuf_iterator<char>(in), {}};
}

}  // namespace

TEST_SUITE("cli.manifests") {
  TEST_CASE("apply sends every document in one call and shows what changed [cli.md 35]") {
    const FakeDaemon daemon(
        {{"POST /v1/apply?set=site",
          lines({json::object{{"progress", json::object{{"phase", "checking"}, {"done", 1}, {"total", 2}}}},
                 result(1, 1, 0)})}});
    const std::string file = daemon.folder().file("all.yaml", kManifest);
    const auto out = run(daemon, {"apply", "-f", file, "--set", "site"});
    CHECK(out.code == 0);
    CHECK(out.out == "network/a\tupdated\ndevice/d\tcreated\n");
    CHECK(out.err.empty());
    const auto documents = daemon.requests().at(0).json().at("documents").as_array();
    REQUIRE(documents.size() == 2);
    CHECK(documents[0].at("id") == "a");
    CHECK(documents[1].at("kind") == "protocol");

    Given terminal;
    terminal.err_is_tty = true;
    CHECK(run(daemon, {"apply", "-f", file, "--set", "site"}, terminal).err.find("checking 1/2") != std::string::npos);
    Given from_stdin;
    from_stdin.input = kManifest;
    const auto document = run(daemon, {"apply", "-f", "-", "--set", "site", "--json", "--exit-changed"}, from_stdin);
    CHECK(document.code == 21);
    CHECK(json::parse(document.out).at("data").at("summary").at("created") == 1);
    CHECK(run(daemon, {"apply"}).code == 2);
    CHECK(run(daemon, {"apply", "-f", "/nonexistent/x.yaml"}).code == 2);
  }

  TEST_CASE("dry run and diff list the fields and exit 20 when something would change [cli.md 36]") {
    const FakeDaemon daemon({{"POST /v1/apply?dryRun=true", lines({result(1, 1, 1, "planned")})},
                             {"POST /v1/diff", ok(result(0, 0, 0, "unchanged"))}});
    const std::string file = daemon.folder().file("all.yaml", kManifest);
    const auto out = run(daemon, {"apply", "-f", file, "--dry-run"});
    CHECK(out.code == 20);
    CHECK(out.out ==
          "~ network/a\n    - spec.configuration.port: 1883\n    + spec.configuration.port: 1884\n+ device/d\n- "
          "device/e\n");
    const auto same = run(daemon, {"diff", "-f", file});
    CHECK(same.code == 0);
    CHECK(same.out.empty());
  }

  TEST_CASE("problems of the daemon come with file, line and column [cli.md 26]") {
    Error error(Errc::invalid, "two problems");
    error.problems = {{"spec.configuration.port", "is taken", Errc::invalid, "network/a", {}},
                      {"spec", "is odd", Errc::invalid, "protocol/official", {}}};
    json::object problem = json::parse(failure(error).body).as_object();
    const FakeDaemon daemon(
        {{"POST /v1/apply", failure(error)}, {"POST /v1/diff", lines({json::object{{"error", problem}}})}});
    const std::string file = daemon.folder().file("all.yaml", kManifest);
    for (const char* verb : {"apply", "diff"}) {
      const auto out = run(daemon, {verb, "-f", file});
      CHECK(out.code == 5);
      CHECK(out.out.empty());
      CHECK(out.err.find(file + ":6:") != std::string::npos);
      CHECK(out.err.find(file + ":10:") != std::string::npos);
      const auto structured = run(daemon, {verb, "-f", file, "--json"});
      const auto problems = json::parse(structured.err).at("error").at("problems").as_array();
      REQUIRE(problems.size() == 2);
      CHECK(problems[0].at("position").at("line") == 6);
    }
  }

  TEST_CASE("prune needs a set, shows what it would delete, and asks [cli.md 37, 39]") {
    const FakeDaemon daemon([](const SeenRequest& request) {
      const bool dry = request.target.find("dryRun") != std::string::npos;
      return lines({result(0, 0, 1, dry ? "planned" : "applied")});
    });
    const std::string file = daemon.folder().file("all.yaml", kManifest);
    CHECK(run(daemon, {"apply", "-f", file, "--prune"}).code == 2);
    const auto refused = run(daemon, {"apply", "-f", file, "--prune", "--set", "s"});
    CHECK(refused.code == 12);
    CHECK(refused.err.find("would delete 1 object and disconnect 1 device sessions") != std::string::npos);
    CHECK(daemon.requests().size() == 1);
    CHECK(run(daemon, {"apply", "-f", file, "--prune", "--set", "s", "--yes"}).code == 0);
    CHECK(daemon.requests().back().target == "/v1/apply?set=s&prune=true");
  }

  TEST_CASE("validate needs no daemon and tells all problems at once [cli.md 26, 60]") {
    const TempFolder folder;
    CHECK(run({"validate", "-f", folder.file("good.yaml", kManifest)}).code == 0);
    const std::string bad = folder.file(
        "bad.yaml",
        "kind: network\nid: a\nspec:\n  type: MQTT_SERVER\n  colour: red\n  configuration:\n    port: 99999\n");
    const auto out = run({"validate", "-f", bad});
    CHECK(out.code == 5);
    CHECK(out.out.empty());
    CHECK(out.err.find(bad + ":5:") != std::string::npos);
    CHECK(out.err.find(bad + ":7:") != std::string::npos);
    CHECK(run({"validate", "-f", folder.file("good2.yaml", kManifest), "--json"}).out.find("\"documents\": 2") !=
          std::string::npos);
  }

  TEST_CASE("diff --against compares two files without a daemon [cli.md 60]") {
    const TempFolder folder;
    std::string changed = kManifest;
    changed.replace(changed.find("1883"), 4, "1884");
    const std::string before = folder.file("old.yaml", kManifest);
    const std::string after = folder.file("new.yaml", changed);
    CHECK(run({"diff", "-f", before, "--against", before}).code == 0);
    const auto out = run({"diff", "-f", after, "--against", before});
    CHECK(out.code == 20);
    CHECK(out.out == "~ network/a\n    - spec.configuration.port: 1883\n    + spec.configuration.port: 1884\n");
  }

  TEST_CASE("diff --against masks secrets [cli.md 36]") {
    const TempFolder folder;
    const auto manifest = [](const char* key) {
      return "kind: device\nid: d\nspec:\n  productId: p\n  configuration:\n    secureKey: " + std::string(key) +
             "\n    a: " + key + "x\n";
    };
    const std::string before = folder.file("old.yaml", manifest("canary1"));
    const auto out = run({"diff", "-f", folder.file("new.yaml", manifest("canary2")), "--against", before});
    CHECK(out.code == 20);
    CHECK(out.out.find("\"canary2\"") == std::string::npos);
    CHECK(out.out.find("canary2x") != std::string::npos);
  }

  TEST_CASE("export writes what apply reads, in every format that can hold it [cli.md 38]") {
    const json::object a{
        {"kind", "network"},
        {"id", "a"},
        {"spec", json::object{{"type", "MQTT_SERVER"},
                              {"configuration", json::object{{"port", 1883}, {"publicHost", "yes"}}}}}};
    const json::object d{
        {"kind", "device"},
        {"id", "d"},
        {"name", "a: \"b\"\n# c"},
        {"spec", json::object{{"productId", "p"}, {"configuration", json::object{{"secureKey", "sealed:00"}}}}}};
    const FakeDaemon daemon([&](const SeenRequest& request) {
      if (request.method == "GET") return lines({a, d});
      return lines({result(0, 0, 0, "unchanged")});
    });
    for (const char* format : {"table", "yaml", "jsonl", "json"}) {
      CAPTURE(format);
      const auto exported = run(daemon, {"export", "-o", format});
      REQUIRE(exported.code == 0);
      Given piped;
      piped.input = exported.out;
      CHECK(run(daemon, {"apply", "-f", "-"}, piped).code == 0);
      CHECK(daemon.requests().back().json() == json::value{{"documents", {a, d}}});
    }
    CHECK(run(daemon, {"export", "network", "devices", "-o", "name"}).out == "network/a\ndevice/d\n");
    CHECK(daemon.requests().back().target == "/v1/export?kind=network&kind=device");
  }

  TEST_CASE("export with secrets goes only into a file of mode 0600 [cli.md 49]") {
    const FakeDaemon daemon(
        {{"GET /v1/export?withSecrets=true", lines({json::object{{"kind", "network"}, {"id", "a"}}})}});
    CHECK(run(daemon, {"export", "--with-secrets"}).code == 2);
    CHECK(run(daemon, {"export", "--with-secrets", "-f", "-"}).code == 2);
    const std::string file = daemon.folder().file("out.yaml", "old", 0644);
    CHECK(run(daemon, {"export", "--with-secrets", "-f", file}).code == 0);
    struct stat about {};
    REQUIRE(::stat(file.c_str(), &about) == 0);
    CHECK((about.st_mode & 0777U) == 0600U);
    CHECK(content(file).find("kind: network") != std::string::npos);
    CHECK(run(daemon, {"export", "-f", "/nonexistent/out.yaml"}).code == 1);
  }
}
