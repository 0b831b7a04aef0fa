// jlctl import jetlinks: streams, files and exit codes.
#include "../fake_daemon.hpp"

#include <doctest/doctest.h>
#include <sys/stat.h>

#include <fstream>

using namespace jl;
using namespace jl::cli::test;

namespace {

constexpr const char* kFine = R"({"id":"net","type":"UDP","configuration":{"port":1}})";
constexpr const char* kPartial =
    R"([{"id":"net","type":"UDP","configuration":{"port":1}},{"id":"x","type":"TCP_CLIENT","configuration":{}}])";
constexpr const char* kManifest =
    "---\nkind: network\nid: net\nenabled: true\nspec:\n  type: UDP\n  configuration:\n    port: 1\n";

std::string content(const std::string& path) {
  std::ifstream in(path);
  return {std::istreambuf_iterator<char>(in), {}};
}

unsigned mode_of(const std::string& path) {
  struct stat about {};
  return ::stat(path.c_str(), &about) == 0 ? about.st_mode & 0777U : 0;
}

}  // namespace

TEST_SUITE("cli.import") {
  TEST_CASE("manifests go to standard output and notes to standard error; 0 when all was carried, 11 when not") {
    const TempFolder folder;
    const auto fine = run({"import", "jetlinks", folder.file("a.json", kFine)});
    CHECK(fine.code == 0);
    CHECK(fine.out == kManifest);
    CHECK(fine.err.empty());
    const std::string file = folder.file("b.json", kPartial);
    const auto partial = run({"import", "jetlinks", file});
    CHECK(partial.code == 11);
    CHECK(partial.out == kManifest);
    CHECK(partial.err.starts_with(file + ": network/x: type: not carried: "));
    CHECK(partial.err.find("error[partial]: 1 object could not be carried") != std::string::npos);
    Given given;
    given.input = kFine;
    CHECK(run({"import", "jetlinks", "-"}, given).out == kManifest);
  }

  TEST_CASE("--out writes a file, or a file for each kind into a folder, for the owner's eyes only") {
    const TempFolder folder;
    const std::string input = folder.file("a.json", kFine);
    const std::string file = folder.path() + "/out.yaml";
    const auto one = run({"import", "jetlinks", input, "--out", file});
    CHECK(one.code == 0);
    CHECK(one.out.empty());
    CHECK(content(file) == kManifest);
    CHECK(mode_of(file) == 0600);
    const auto many = run({"import", "jetlinks", input, "--out", folder.path() + "/site/"});
    CHECK(many.code == 0);
    CHECK(content(folder.path() + "/site/network.yaml") == kManifest);
    CHECK(mode_of(folder.path() + "/site/network.yaml") == 0600);
    const auto nowhere = run({"import", "jetlinks", input, "--out", folder.path() + "/none/out.yaml"});
    CHECK(nowhere.code == 1);
    CHECK(nowhere.err.find("error[output]") != std::string::npos);
  }

  TEST_CASE("-o json is a report of what became of the files, and needs --out") {
    const TempFolder folder;
    const std::string input = folder.file("b.json", kPartial);
    CHECK(run({"import", "jetlinks", input, "-o", "json"}).code == 2);
    const std::string file = folder.path() + "/out.yaml";
    const auto out = run({"import", "jetlinks", input, "-o", "json", "--out", file});
    CHECK(out.code == 11);
    const auto report = json::parse(out.out);
    CHECK(report.at("schema") == "jlctl/v1");
    CHECK(report.at("kind") == "importResult");
    CHECK(report.at("data").at("documents") == 1);
    CHECK(report.at("data").at("files") == json::array{file});
    const auto& note = report.at("data").at("notes").at(0);
    CHECK(note.at("file") == json::value(input));
    CHECK(note.at("object") == "network/x");
    CHECK(note.at("field") == "type");
    CHECK(note.at("severity") == "error");
    CHECK(run({"import", "jetlinks", input, "-o", "name", "--out", file}).out == "network/net\n");
    CHECK(run({"import", "jetlinks", input, "-q", "--out", file}).out == "net\n");
  }

  TEST_CASE("a file that is not understood is 5 and leaves standard output empty; a wrong call is 2") {
    const TempFolder folder;
    for (const char* text : {"", "[]", "{", "id,name", R"({"a":1})"}) {
      CAPTURE(text);
      const auto out = run({"import", "jetlinks", folder.file("fine.json", kFine), folder.file("x.json", text)});
      CHECK(out.code == 5);
      CHECK(out.out.empty());
      CHECK(out.err.find("x.json") != std::string::npos);
    }
    CHECK(run({"import"}).code == 2);
    CHECK(run({"import", "jetlinks"}).code == 2);
    CHECK(run({"import", "thingsboard", "x"}).code == 2);
    CHECK(run({"import", "jetlinks", folder.path() + "/none"}).code == 2);
    CHECK(run({"import", "jetlinks", "-", "-"}).code == 2);
    CHECK(run({"import", "jetlinks", "-", "--kind", "user"}).code == 2);
    CHECK(run({"import", "jetlinks", "-", "--existing", "produkt"}).code == 2);
  }

  TEST_CASE("--existing and --official are taken more than once") {
    const TempFolder folder;
    const std::string device = folder.file("d.json", R"({"id":"d","productId":"p","parentId":"q"})");
    CHECK(run({"import", "jetlinks", device}).code == 11);
    const auto kept = run({"import", "jetlinks", device, "--existing", "product/p", "--existing", "devices"});
    CHECK(kept.code == 0);
    CHECK(kept.err.empty());
    CHECK(kept.out.find("parentId: q") != std::string::npos);
    const std::string protocol = folder.file("p.json", R"({"id":"1702","type":"jar"})");
    CHECK(run({"import", "jetlinks", protocol}).code == 11);
    CHECK(run({"import", "jetlinks", protocol, "--official", "8", "--official", "1702"}).code == 0);
  }
}
