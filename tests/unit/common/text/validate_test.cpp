#include "tests/unit/common/text/support.hpp"

#include <fcntl.h>
#include <unistd.h>
#include <cstdio>

using namespace jl;
using namespace jl::text;

namespace {

// "line:column object field" of every problem.
Lines wrong(const std::string& text) {
  std::vector<Problem> problems;
  (void)validate_documents(documents(text), problems);
  Lines out;
  for (const Problem& p : problems) {
    REQUIRE(p.position);
    out.push_back(std::to_string(p.position->line) + ":" + std::to_string(p.position->column) + " " + p.object + " " +
                  p.field);
  }
  return out;
}

}  // namespace

TEST_SUITE("common.text") {
  TEST_CASE("good documents become resources") {
    std::vector<Problem> problems;
    const auto resources =
        validate_documents(documents("{kind: networks, id: n, spec: {type: mqtt-server, configuration: {port: "
                                     "1883}}}\n---\n{kind: device, id: d, spec: {productId: t}}"),
                           problems);
    CHECK(problems.empty());
    REQUIRE(resources.size() == 2);
    CHECK(resources[0].label() == "network/n");
    CHECK(resources[1].spec.at("productId") == "t");  // whether it exists is the daemon's to say
  }

  TEST_CASE("all problems of all documents are told, each with its object and place [cli.md 26]") {
    CHECK(wrong("kind: netwrok\nid: a\n---\nid: b\n---\nkind: network\nid: n\nspec:\n  type: MQTT_SERVER\n  "
                "configuration:\n    prot: 1\n---\nkind: device\nid: d\n") ==
          Lines{"1:1 netwrok/a kind", "4:1 ?/b kind", "10:3 network/n spec.configuration.port",
                "11:5 network/n spec.configuration.prot", "13:1 device/d spec.productId"});
  }

  TEST_CASE("an object may stand once in a set, whatever its kind is called") {
    CHECK(wrong("{kind: device, id: d, spec: {productId: t}}\n---\n{kind: devices, id: d, spec: {productId: "
                "t}}\n---\n{kind: product, id: d}\n") == Lines{"3:17 device/d id"});
    std::vector<Problem> problems;
    (void)validate_documents(
        documents("{kind: device, id: 7, spec: {productId: t}}\n---\n{kind: device, id: '7', spec: {productId: t}}"),
        problems);
    REQUIRE(problems.size() == 1);
    CHECK(problems[0].message == "this object stands twice; first at m.yaml:1:16");
  }

  TEST_CASE("secrets that are still references count as given") {
    CHECK(wrong("{kind: device, id: d, spec: {productId: t, configuration: {secureKey: {fromFile: d.key}}}}").empty());
    CHECK(wrong("{kind: product, id: t, spec: {metadata: {fromFile: model.json}}}").empty());
    CHECK(wrong("{kind: device, id: d, spec: {productId: t, configuration: {secureKey: {other: d.key}}}}").size() == 1);
  }

  TEST_CASE("the daemon's problems get their places by object and field") {
    const auto all = documents("kind: device\nid: d\nspec:\n  productId: t\n");
    std::vector<Problem> problems{{"spec.productId", "no such product", Errc::not_found, "device/d"},
                                  {"spec.productId", "no such product", Errc::not_found, "device/other"},
                                  {"x", "has one", Errc::invalid, "device/d", SourcePosition{"y", 1, 1}}};
    add_positions(all, problems);
    CHECK(problems[0].position == SourcePosition{"m.yaml", 4, 3});
    CHECK_FALSE(problems[1].position);
    CHECK(problems[2].position == SourcePosition{"y", 1, 1});
  }

  TEST_CASE("the examples are right [examples/]") {
    for (const auto& [name, count] : {std::pair("quickstart.yaml", 5), std::pair("fleet.yaml", 10'004)}) {
      CAPTURE(name);
      std::vector<std::string> warnings;
      ReadOptions options;
      options.warnings = &warnings;
      const auto read = read_manifests({std::string(JL_SOURCE_DIR) + "/examples/" + name}, options);
      REQUIRE(read.has_value());
      CHECK(read->size() == static_cast<std::size_t>(count));
      CHECK(warnings.empty());
      std::vector<Problem> problems;
      const auto resources = validate_documents(*read, problems);
      CHECK(problems.empty());
      // Every reference stays within the file, and to something that stands before.
      std::vector<std::string> seen;
      for (const auto& resource : resources) {
        for (const auto& use : model::references_of(resource))
          CHECK(std::ranges::find(seen, use.kind + "/" + use.id) != seen.end());
        if (resource.kind != "device") seen.push_back(resource.label());
        CHECK(resource.enabled);
      }
    }
  }

  TEST_CASE("fleet.yaml is what make-fleet prints [examples/]") {
    const std::string examples = std::string(JL_SOURCE_DIR) + "/examples/";
    std::FILE* made = ::popen(("'" + examples + "make-fleet'").c_str(), "r");
    REQUIRE(made);
    const auto printed = read_all(::fileno(made), "make-fleet", 4u << 20u);
    CHECK(::pclose(made) == 0);
    const int kept = ::open((examples + "fleet.yaml").c_str(), O_RDONLY | O_CLOEXEC);
    REQUIRE(kept >= 0);
    const auto stored = read_all(kept, "fleet.yaml", 4u << 20u);
    ::close(kept);
    CHECK(bool(printed.value() == stored.value()));
  }
}
