#include "tests/unit/common/text/support.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace jl;
using namespace jl::text;

namespace {

Lines ids(const Result<std::vector<ManifestDocument>>& read) {
  Lines out;
  if (!read) return {"error: " + read.error().message};
  for (const auto& entry : *read) out.push_back(entry.label());
  return out;
}

}  // namespace

TEST_SUITE("common.text") {
  TEST_CASE("files, folders below folders, and standard input, in order") {
    const TempFolder folder;
    const std::string one = folder.write("one.yaml", "{kind: network, id: one}\n");
    (void)folder.write("site/b.yml", "kind: network\nid: b\n");
    (void)folder.write("site/a.json", "{\"kind\":\"network\",\"id\":\"a\"}");
    (void)folder.write("site/deep/c.yaml", "kind: networks\nid: c\n");
    (void)folder.write("site/notes.txt", "not: read");
    (void)folder.write("site/.hidden.yaml", "kind: network\nid: hidden\n");
    (void)folder.write("site/.git/x.yaml", "kind: network\nid: git\n");
    ReadOptions options;
    options.read_stdin = [](std::size_t) -> Result<std::string> { return std::string("{kind: network, id: in}"); };
    const auto read = read_manifests({one, (folder.path() / "site").string(), "-"}, options);
    CHECK(ids(read) == Lines{"network/one", "network/a", "network/b", "network/c", "network/in"});
    CHECK(read->at(0).file == one);
    CHECK(read->at(4).file == "<stdin>");
  }

  TEST_CASE("what cannot be read is a usage error that names it") {
    const TempFolder folder;
    CHECK(read_manifests({(folder.path() / "none.yaml").string()}).error().code == Errc::usage);
    CHECK(read_manifests({folder.path().string()}).error().code == Errc::usage);  // a folder without manifests
    CHECK(read_manifests({"-"}).error().code == Errc::usage);
    ReadOptions options;
    options.read_stdin = [](std::size_t) -> Result<std::string> { return std::string("{}"); };
    CHECK(read_manifests({"-", "-"}, options).error().code == Errc::usage);
    options.read_stdin = [](std::size_t) -> Result<std::string> { return Error(Errc::usage, "closed"); };
    CHECK(read_manifests({"-"}, options).error().message == "closed");
    CHECK(read_manifests({}).value().empty());
  }

  TEST_CASE("the problems of all files are told together [cli.md 26]") {
    const TempFolder folder;
    const std::string a = folder.write("a.yaml", "a: [\n");
    const std::string b = folder.write("b.json", "{\"a\":1,\"a\":2}");
    const std::string c = folder.write("c.yaml", "kind: network\n");
    const auto read = read_manifests({a, b, c});
    REQUIRE(read.has_error());
    CHECK(read.error().code == Errc::invalid);
    REQUIRE(read.error().problems.size() == 2);
    CHECK(read.error().problems[0].position->file == a);
    CHECK(read.error().problems[1].position->file == b);
  }

  TEST_CASE("limits count all files together") {
    const TempFolder folder;
    const std::string a = folder.write("a.yaml", "kind: network\n");
    ReadOptions options;
    options.limits.bytes = 27;
    CHECK(read_manifests({a}, options).has_value());
    CHECK(read_manifests({a, a}, options).error().code == Errc::too_large);
    options = {};
    options.limits.files = 1;
    CHECK(read_manifests({a, a}, options).error().code == Errc::too_large);
    (void)folder.write("b.yaml", "kind: network\n");
    CHECK(read_manifests({folder.path().string()}, options).error().code == Errc::too_large);
    options = {};
    options.limits.nodes = 3;
    CHECK(read_manifests({a, a}, options).error().code == Errc::too_large);
  }

  TEST_CASE("read_all reads pipes to their end and no further than it may") {
    int ends[2];
    REQUIRE(::pipe(ends) == 0);
    REQUIRE(::write(ends[1], "hello", 5) == 5);
    ::close(ends[1]);
    CHECK(read_all(ends[0], "pipe", 5).value() == "hello");
    ::close(ends[0]);
    const int zero = ::open("/dev/zero", O_RDONLY | O_CLOEXEC);
    REQUIRE(zero >= 0);
    CHECK(read_all(zero, "zero", 1'000'000).error().code == Errc::too_large);
    ::close(zero);
    CHECK(read_all(-1, "closed", 10).error().code == Errc::usage);
  }

  TEST_CASE("secrets come from files beside the manifest and from the environment") {
    const TempFolder folder;
    (void)folder.write("keys/d.key", "s3cret\n");
    const std::string manifest =
        folder.write("m.yaml",
                     "kind: device\nid: d\nspec:\n  configuration:\n    secureKey: {fromFile: keys/d.key}\n"
                     "    token: {fromEnv: TOKEN}\n  list: [{fromEnv: TOKEN}]\n");
    ReadOptions options;
    options.resolve_secrets = true;
    options.environment = [](const std::string& name) {
      return name == "TOKEN" ? std::optional<std::string>("t\n") : std::nullopt;
    };
    std::vector<std::string> warnings;
    options.warnings = &warnings;
    const auto read = read_manifests({manifest}, options);
    REQUIRE(read.has_value());
    CHECK(read->at(0).document.at("spec") ==
          js("{'configuration':{'secureKey':'s3cret','token':'t\\n'},'list':['t\\n']}"));
    CHECK(warnings.empty());

    options.resolve_secrets = false;
    CHECK(read_manifests({manifest}, options).value().at(0).document.at("spec").at("configuration").at("secureKey") ==
          js("{'fromFile':'keys/d.key'}"));
  }

  TEST_CASE("a secret file that others can read is remarked on with its place") {
    const TempFolder folder;
    const std::string key = folder.write("d.key", "x");
    const std::string manifest = folder.write("m.yaml", "kind: device\nspec:\n  k: {fromFile: d.key}\n");
    std::vector<std::string> warnings;
    ReadOptions options;
    options.resolve_secrets = true;
    options.warnings = &warnings;
    REQUIRE(::chmod(key.c_str(), 0640) == 0);
    CHECK(read_manifests({manifest}, options).has_value());
    REQUIRE(warnings.size() == 1);
    CHECK(warnings[0].starts_with(manifest + ":3:3: secret file"));
  }

  TEST_CASE("secrets that cannot be had are problems of their field") {
    const TempFolder folder;
    (void)folder.write("large.key", std::string((64u << 10u) + 1, 'x'));
    const std::string manifest = folder.write(
        "m.yaml",
        "kind: device\nid: d\nspec:\n  a: {fromFile: none.key}\n  b: {fromEnv: JL_TEST_NOT_SET}\n"
        "  c: {fromFile: large.key}\n  d: {fromFile: .}\n  e: {fromFile: 7}\n  f: {fromFile: x, fromEnv: y}\n");
    ReadOptions options;
    options.resolve_secrets = true;
    const auto read = read_manifests({manifest}, options);
    REQUIRE(read.has_error());
    Lines fields;
    for (const Problem& problem : read.error().problems) {
      fields.push_back(problem.field);
      CHECK(problem.object == "device/d");
      CHECK(problem.position.has_value());
    }
    CHECK(fields == Lines{"spec.a", "spec.b", "spec.c", "spec.d"});
    CHECK(read.error().problems[1].position == SourcePosition{manifest, 5, 3});
  }
}
