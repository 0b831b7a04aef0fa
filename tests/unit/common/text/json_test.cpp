#include "tests/unit/common/text/support.hpp"

using namespace jl;
using namespace jl::text;

TEST_SUITE("common.text") {
  TEST_CASE("JSON: one document, a list, JSON lines, and {documents}") {
    CHECK(documents("{\"kind\":\"a\"}", "m.json").size() == 1);
    CHECK(documents("[{\"kind\":\"a\"},{\"kind\":\"b\"}]", "m.json").size() == 2);
    const auto lines = documents("{\"kind\":\"a\"}\n{\"kind\":\"b\"}\n\n{\"kind\":\"c\"}", "m.jsonl");
    REQUIRE(lines.size() == 3);
    CHECK(lines[2].document.at("kind") == "c");
    CHECK(documents("{\"documents\":[{\"kind\":\"a\"},{\"kind\":\"b\"}]}", "m.json").size() == 2);
    CHECK(documents("{\"kind\":\"a\",\"documents\":[1]}", "m.json").size() == 1);
    CHECK(documents("", "m.json").empty());
    CHECK(documents("\xEF\xBB\xBF{}", "m.json").size() == 1);
    CHECK(troubles("[1,{}]", "m.json") == Lines{"1:2 : a document must be an object with kind, id and spec"});
  }

  TEST_CASE("a text without a telling name is JSON or YAML by what it holds") {
    CHECK(document("{\"kind\":\"a\"}", "<stdin>") == js("{'kind':'a'}"));
    CHECK(document("{kind: a}", "<stdin>") == js("{'kind':'a'}"));
    CHECK(documents("[]\n", "<stdin>").empty());
    CHECK(document("kind: a", "<stdin>") == js("{'kind':'a'}"));
    CHECK(document("{\"kind\":\"a\"}", "m.yaml") == js("{'kind':'a'}"));
    CHECK(troubles("{\"kind\":\n  \"a\" oops}", "<stdin>").at(0).starts_with("2:7 "));
    CHECK(troubles("{kind: a}", "m.json").size() == 1);
  }

  TEST_CASE("numbers and texts keep their values") {
    const json::object all = document(
        R"({"a":1,"b":-9223372036854775808,"c":18446744073709551615,"d":4.5e300,"e":0.1,"f":"\u6e29\u0000\ud83d\ude00\n","g":null})",
        "m.json");
    CHECK(all.at("b") == std::numeric_limits<std::int64_t>::min());
    CHECK(all.at("c") == std::numeric_limits<std::uint64_t>::max());
    CHECK(all.at("d") == 4.5e300);
    CHECK(all.at("e") == 0.1);
    CHECK(all.at("f") == json::value(json::string_view("温\0\xF0\x9F\x98\x80\n", 9)));
    CHECK(all.at("g").is_null());
    CHECK(troubles("{\"a\":\n 18446744073709551616}", "m.json").at(0).starts_with("1:2 a: "));
    CHECK(troubles("{\"a\":1e400}", "m.json").size() == 1);
  }

  TEST_CASE("positions in JSON are found when asked for") {
    const auto all = documents(
        "\n{\"kind\":\"network\",\n  \"spec\":{\"po\\u0072t\":1,\n \"cluster\":[{\"a\":\"x,]}\\\"\"},\n "
        "{\"b\":[[],{}]} ]}}\n{\"kind\":\"b\"}",
        "m.json");
    REQUIRE(all.size() == 2);
    CHECK(at(all[0], "") == "2:1");
    CHECK(at(all[0], "kind") == "2:2");
    CHECK(at(all[0], "spec.port") == "3:11");
    CHECK(at(all[0], "spec.cluster[0].a") == "4:14");
    CHECK(at(all[0], "spec.cluster[1].b[1]") == "5:11");
    CHECK(at(all[0], "spec.cluster[7].b") == "4:2");
    CHECK(at(all[1], "kind") == "6:2");
    const auto wrapped = documents("{\"documents\": [\n {\"kind\":\"a\"},\n {\"kind\":\"b\"}]}", "m.json");
    CHECK(at(wrapped[1], "kind") == "3:3");
    CHECK(at(wrapped[1], "spec.x") == "3:2");
  }

  TEST_CASE("a key that stands twice is told with both places, unlike most JSON readers do") {
    CHECK(troubles("{\"a\":1,\n \"b\":{\"c\":1,\"c\":2},\n \"a\":3}", "m.json") ==
          Lines{"2:13 b.c: stands twice; first at m.json:2:7", "3:2 a: stands twice; first at m.json:1:2"});
    CHECK(troubles("[{\"a\":1},{\"a\":1,\"a\":2}]", "m.json") ==
          Lines{"1:17 [1].a: stands twice; first at m.json:1:11"});
  }

  TEST_CASE("what is not JSON is told with its place") {
    for (const char* text : {"{", "{\"a\":}", "{\"a\":1,}", "[1,]", "{\"a\":1} x", "{'a':1}", "{\"a\":\"\xFF\"}",
                             "{\"a\":01}", "nul", "{\"a\":\"\t\"}"}) {
      CAPTURE(text);
      CHECK(troubles(text, "m.json").size() == 1);
    }
    CHECK(troubles("{\"a\":1,\n\"b\": oops}", "m.json").at(0).starts_with("2:6 "));
  }

  TEST_CASE("JSON is bounded as YAML is") {
    ReadOptions options;
    options.limits.depth = 4;
    CHECK(read_manifest_text("{\"a\":[[[1]]]}", "m.json", options).has_value());
    CHECK(read_manifest_text("{\"a\":[[[[1]]]]}", "m.json", options).error().code == Errc::too_large);
    CHECK(read_manifest_text(std::string(100'000, '['), "m.json").has_error());
    options = {};
    options.limits.nodes = 3;
    CHECK(read_manifest_text("{\"a\":[1]}", "m.json", options).has_value());
    CHECK(read_manifest_text("{\"a\":[1,2]}", "m.json", options).error().code == Errc::too_large);
    options = {};
    options.limits.documents = 1;
    CHECK(read_manifest_text("{} {}", "m.json", options).error().code == Errc::too_large);
  }
}
