#include "tests/unit/common/text/support.hpp"

using namespace jl;
using namespace jl::text;

namespace {
json::value scalar(const std::string& yaml) { return document("v: " + yaml).at("v"); }
}  // namespace

TEST_SUITE("common.text") {
  TEST_CASE("plain scalars follow the core schema [YAML 1.2.2 10.3.2]") {
    for (const char* text : {"~", "null", "Null", "NULL", ""}) CHECK(scalar(text).is_null());
    for (const char* text : {"true", "True", "TRUE"}) CHECK(scalar(text) == true);
    for (const char* text : {"false", "False", "FALSE"}) CHECK(scalar(text) == false);
    CHECK(scalar("0") == 0);
    CHECK(scalar("-17") == -17);
    CHECK(scalar("+17") == 17);
    CHECK(scalar("0o17") == 15);
    CHECK(scalar("0x1F") == 31);
    CHECK(scalar("0123") == 123);
    CHECK(scalar("2147483648") == 2147483648);
    CHECK(scalar("-9223372036854775808") == std::numeric_limits<std::int64_t>::min());
    CHECK(scalar("18446744073709551615") == std::numeric_limits<std::uint64_t>::max());
    for (const char* text : {"1e5", "1E5", "1.0e+5", "100000.", "+1e5"}) {
      CAPTURE(text);
      CHECK(scalar(text).is_double());
      CHECK(scalar(text) == 1e5);
    }
    CHECK(scalar(".5") == 0.5);
    CHECK(scalar("-0.0").is_double());
  }

  TEST_CASE("everything else is a text, YAML 1.1's other words for true and false among them") {
    for (const char* text : {"yes",   "no",       "on", "off", "y",     "n", "tRUE", "nULL",       "0b1",  "0x",  "0o8",
                             "1_000", "12:30:45", "1e", "e5",  "1.2.3", "-", "+",    "2026-01-31", "温度", "a: b"}) {
      if (std::string(text) == "-" || std::string(text) == "a: b") continue;  // these are YAML's own signs
      CAPTURE(text);
      CHECK(scalar(text) == json::value(text));
    }
    for (const char* text : {"'123'", "\"true\"", "'~'", "\"\""}) CHECK(scalar(text).is_string());
    CHECK(scalar("\"a\\tb\\u6e29\\x41\"") == json::value("a\tb温A"));
    CHECK(document("v: |\n  a\n   b\n\n  c\n").at("v") == json::value("a\n b\n\nc\n"));
    CHECK(document("v: >-\n  a\n  b\n").at("v") == json::value("a b"));
  }

  TEST_CASE("numbers that no JSON number holds are refused rather than changed") {
    for (const char* text :
         {"18446744073709551616", "-9223372036854775809", "0x10000000000000000", "1e400", ".inf", "-.INF", ".nan"}) {
      CAPTURE(text);
      const auto found = troubles("v: " + std::string(text));
      REQUIRE(found.size() == 1);
      CHECK(found[0].starts_with("1:4 v: \"" + std::string(text)));
    }
  }

  TEST_CASE("zeros in front of a number are remarked on") {
    std::vector<std::string> warnings;
    ReadOptions options;
    options.warnings = &warnings;
    (void)documents("id: 007\nname: '007'\n", "m.yaml", options);
    REQUIRE(warnings.size() == 1);
    CHECK(warnings[0].starts_with("m.yaml:1:5: \"007\""));
  }

  TEST_CASE("tags of the core schema are heeded, others refused") {
    CHECK(scalar("!!str 123") == json::value("123"));
    CHECK(scalar("! 123") == json::value("123"));
    CHECK(scalar("!!int '7'") == 7);
    CHECK(scalar("!!float 7").is_double());
    CHECK(scalar("!!map {a: 1}") == js("{'a':1}"));
    CHECK(scalar("!!seq [1]") == js("[1]"));
    for (const char* text : {"!!binary aGk=", "!!set {a}", "!mine x", "!!int x", "!!bool 7", "!!str {}",
                             "!!timestamp 2026-01-31", "!!map []"}) {
      CAPTURE(text);
      CHECK(troubles("v: " + std::string(text)).size() == 1);
    }
  }

  TEST_CASE("several documents in one text; empty ones do not count") {
    const auto all =
        documents("---\nkind: a\n---\n---\n# nothing\n---\n- {kind: b}\n- kind: c\n---\ndocuments: [{kind: d}]\n...\n");
    REQUIRE(all.size() == 4);
    CHECK(all[0].document == js("{'kind':'a'}"));
    CHECK(all[1].document == js("{'kind':'b'}"));
    CHECK(all[2].document == js("{'kind':'c'}"));
    CHECK(all[3].document == js("{'kind':'d'}"));
    CHECK(documents("").empty());
    CHECK(documents("# only a comment\n").empty());
    CHECK(documents("\xEF\xBB\xBFkind: a\n").size() == 1);
    CHECK(troubles("just text") == Lines{"1:1 : a document must be an object with kind, id and spec"});
    CHECK(troubles("- a\n- {kind: b}\n- 7\n").size() == 2);
  }

  TEST_CASE("fields are found where their key stands; missing ones where their parent does") {
    const auto all = documents(
        "kind: network\nspec:\n  port: 1\n  cluster:\n    - serverId: a\n      x: {y: 2}\n    - serverId: "
        "b\n---\nkind: b\n");
    REQUIRE(all.size() == 2);
    CHECK(at(all[0], "kind") == "1:1");
    CHECK(at(all[0], "spec.port") == "3:3");
    CHECK(at(all[0], "spec.cluster[0]") == "5:7");
    CHECK(at(all[0], "spec.cluster[0].x.y") == "6:11");
    CHECK(at(all[0], "spec.cluster[1].serverId") == "7:7");
    CHECK(at(all[0], "spec.cluster[1].x.y") == "7:7");
    CHECK(at(all[0], "spec.cluster[9].x") == "4:3");
    CHECK(at(all[0], "spec.none") == "2:1");
    CHECK(at(all[0], "none") == "1:1");
    CHECK(at(all[0], "") == "1:1");
    CHECK(at(all[1], "kind") == "9:1");
    CHECK(at(all[1], "spec.port") == "9:1");
    const auto list = documents("# list\n- kind: a\n- kind: b\n  id: x\n");
    CHECK(at(list[1], "id") == "4:3");
    CHECK(at(list[1], "none") == "3:3");
    const auto wrapped = documents("documents:\n- kind: a\n- {kind: b, id: x}\n");
    CHECK(at(wrapped[1], "id") == "3:13");
    CHECK(at(wrapped[0], "spec") == "2:3");
  }

  TEST_CASE("a key that stands twice is told with both places") {
    CHECK(troubles("a: 1\nspec: {c: 1, c: 2}\na: 3\n") ==
          Lines{"2:14 spec.c: stands twice; first at m.yaml:2:8", "3:1 a: stands twice; first at m.yaml:1:1"});
    CHECK(troubles("a: 1\na: 2\na: 3\n").size() == 2);
    CHECK(troubles("a: {x: 1}\nb: {x: 1}\n").empty());
  }

  TEST_CASE("keys are texts") {
    CHECK(document("1: a\ntrue: b\n'': c\n") == js("{'1':'a','true':'b','':'c'}"));
    for (const char* text : {"~: 1", "? [a]\n: 1", "? {a: 1}\n: 1", "a: &x b\n*x : 1", "!!int 1: a", "&k a: 1"}) {
      CAPTURE(text);
      CHECK(troubles(text).size() == 1);
    }
  }

  TEST_CASE("aliases stand for what their anchor bears") {
    CHECK(document("a: &x {b: [1, &y 2]}\nc: *x\nd: *y\n") == js("{'a':{'b':[1,2]},'c':{'b':[1,2]},'d':2}"));
    CHECK(document("a: &x 1\nb: &x 2\nc: *x\n").at("c") == 2);
    CHECK(troubles("a: &x [*x]").size() == 1);
    CHECK(troubles("a: *nowhere").size() == 1);
  }

  TEST_CASE("merge keys take over what an object does not say itself") {
    CHECK(document("a: &x {b: 1, c: 1}\nd:\n  c: 2\n  <<: *x\n").at("d") == js("{'c':2,'b':1}"));
    CHECK(document("a: &x {b: 1}\nc: &y {b: 2, d: 2}\ne: {<<: [*x, *y]}\n").at("e") == js("{'b':1,'d':2}"));
    CHECK(document("a: {'<<': 1}\n").at("a") == js("{'<<':1}"));
    CHECK(troubles("a: {<<: 1}\n").size() == 1);
    CHECK(troubles("a: {<<: {b: 1}, <<: {c: 1}}\n").size() == 1);
    const auto all = documents("a: &x {b: 1}\nspec:\n  <<: *x\n");
    CHECK(at(all[0], "spec.b") == "3:3");
  }

  TEST_CASE("what is not YAML is told with its place, and other files are still read") {
    CHECK(troubles("a: [1\nb: 2\n").size() == 1);
    CHECK(troubles("a: b: c\n").size() == 1);
    CHECK(troubles("\tb: 1\n").size() == 1);
    CHECK(troubles("a: 1\n---\n, b\n") == Lines{"3:1 : not YAML: no document can start here"});
    CHECK(troubles("]").size() == 1);
    CHECK(troubles("a: 1\nb: \xFF\n") == Lines{"2:1 : not well-formed UTF-8"});
    CHECK(troubles(std::string("a: 1\nb: \x04 c\n")) == Lines{"2:4 : control character 0x04"});
    CHECK(troubles(std::string("a: \0b\n", 6)).size() == 1);
  }

  TEST_CASE("nesting, values, bytes and documents are bounded") {
    ReadOptions options;
    options.limits.depth = 4;
    CHECK(troubles("[[[{}]]]", "m.yaml", options).size() == 1);  // not documents, but not too deep
    CHECK(read_manifest_text("a: [[[1]]]", "m.yaml", options).has_value());
    CHECK(read_manifest_text("a: [[[[1]]]]", "m.yaml", options).error().code == Errc::too_large);
    CHECK(read_manifest_text("a: &x [[1]]\nb: [[*x]]", "m.yaml", options).error().code == Errc::too_large);
    CHECK(read_manifest_text("a: &x [[1]]\nb: [*x]", "m.yaml", options).has_value());
    CHECK(read_manifest_text(std::string(100'000, '['), "m.yaml").has_error());

    options = {};
    options.limits.nodes = 10;
    CHECK(read_manifest_text("a: [1, 2, 3, 4, 5, 6, 7, 8]", "m.yaml", options).has_value());
    CHECK(read_manifest_text("a: [1, 2, 3, 4, 5, 6, 7, 8, 9]", "m.yaml", options).error().code == Errc::too_large);
    options.limits.nodes = 1000;
    CHECK(read_manifest_text(
              "a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\n",
              "m.yaml", options)
              .error()
              .code == Errc::too_large);

    options = {};
    options.limits.bytes = 100;
    CHECK(read_manifest_text("a: " + std::string(98, 'x'), "m.yaml", options).error().code == Errc::too_large);
    CHECK(read_manifest_text("a: &x " + std::string(40, 'x') + "\nb: [*x, *x]\n", "m.yaml", options).error().code ==
          Errc::too_large);

    options = {};
    options.limits.documents = 2;
    CHECK(read_manifest_text("[{}, {}]", "m.yaml", options).value().size() == 2);
    CHECK(read_manifest_text("[{}, {}, {}, {}]", "m.yaml", options).error().code == Errc::too_large);
    CHECK(read_manifest_text("a: 1\n---\na: 1\n---\na: 1\n", "m.yaml", options).error().code == Errc::too_large);
  }

  TEST_CASE("no text makes endless problems") {
    std::string text;
    for (int i = 0; i < 3000; ++i) text += "- 1\n";
    CHECK(troubles(text).size() == 1000);
  }
}
