#include "common/text/yaml_writer.hpp"

#include "tests/unit/common/text/support.hpp"

#include <random>

using namespace jl;
using namespace jl::text;

namespace {

// Random JSON that leans towards what is hard to write in YAML.
class RandomJson {
 public:
  explicit RandomJson(unsigned seed) : random_(seed) {}

  json::object object(int depth) {
    json::object out;
    for (int i = pick(5); i > 0; --i) out[text()] = value(depth);
    return out;
  }

 private:
  int pick(int n) { return std::uniform_int_distribution<int>(0, n - 1)(random_); }

  json::value value(int depth) {
    switch (pick(depth > 0 ? 8 : 6)) {
      case 0:
        return nullptr;
      case 1:
        return pick(2) == 0;
      case 2:
        return std::uniform_int_distribution<std::int64_t>()(random_) * (pick(2) ? 1 : -1);
      case 3:
        return real();
      case 6:
        return object(depth - 1);
      case 7: {
        json::array out;
        for (int i = pick(5); i > 0; --i) out.push_back(value(depth - 1));
        return out;
      }
      default:
        return json::value(text());
    }
  }

  double real() {
    for (;;) {
      const std::uint64_t bits = random_();
      double out = 0;
      std::memcpy(&out, &bits, sizeof out);
      if (std::fpclassify(out) == FP_NORMAL || out == 0) return pick(2) ? out : static_cast<double>(pick(1000)) / 8;
    }
  }

  std::string text() {
    static const std::vector<std::string> pieces{"a",
                                                 "word",
                                                 " ",
                                                 "\n",
                                                 "\n\n",
                                                 "\t",
                                                 ":",
                                                 ": ",
                                                 " #",
                                                 "#",
                                                 "- ",
                                                 "---",
                                                 "...",
                                                 "'",
                                                 "\"",
                                                 "\\",
                                                 "{",
                                                 "}",
                                                 "[",
                                                 "]",
                                                 ",",
                                                 "&",
                                                 "*",
                                                 "!",
                                                 "|",
                                                 ">",
                                                 "%",
                                                 "@",
                                                 "`",
                                                 "?",
                                                 "? ",
                                                 "=",
                                                 "<<",
                                                 "~",
                                                 "null",
                                                 "true",
                                                 "no",
                                                 "0",
                                                 "0123",
                                                 "1e5",
                                                 "0x1F",
                                                 ".5",
                                                 ".inf",
                                                 "-",
                                                 "+1",
                                                 "\r",
                                                 "\x01",
                                                 "\x7f",
                                                 "\u0085",
                                                 "\u2028",
                                                 "\uFEFF",
                                                 "温度",
                                                 "\xF0\x9F\x98\x80",
                                                 "  x",
                                                 "$",
                                                 "12:30",
                                                 "\u00a0",
                                                 "/",
                                                 "_",
                                                 "\x1b[0m",
                                                 "\uFFFF",
                                                 std::string("\0", 1)};
    std::string out;
    for (int i = pick(6); i > 0; --i) out += pieces[static_cast<std::size_t>(pick(static_cast<int>(pieces.size())))];
    return out;
  }

  std::mt19937_64 random_;
};

}  // namespace

TEST_SUITE("common.text") {
  TEST_CASE("YAML is written in block style, quoted only where needed") {
    const json::value value =
        js("{'kind':'network','id':'mqtt-1','enabled':true,'spec':{'port':1883,'host':'0.0.0.0','ratio':0.5,'list':[1,'"
           "two',{'a':1,'b':[]},[3]],"
           "'none':null,'empty':{},'version':'1.10','yes':'no','note':'a: b','text':'one\\ntwo\\n','last':'one\\n  "
           "two'}}");
    CHECK(to_yaml(value) ==
          "kind: network\nid: mqtt-1\nenabled: true\nspec:\n  port: 1883\n  host: 0.0.0.0\n  ratio: 0.5\n  list:\n    "
          "- 1\n    - two\n"
          "    - a: 1\n      b: []\n    - - 3\n  none: null\n  empty: {}\n  version: \"1.10\"\n  \"yes\": \"no\"\n  "
          "note: \"a: b\"\n"
          "  text: |\n    one\n    two\n  last: |-\n    one\n      two\n");
    CHECK(to_yaml_document(js("{'a':1}").as_object()) == "---\na: 1\n");
    CHECK(to_yaml(json::object()) == "{}\n");
    CHECK(to_yaml("x") == "x\n");
    CHECK(to_yaml(1e5) == "100000.0\n");
  }

  TEST_CASE("texts that look like something else come back as texts") {
    for (const char* text :
         {"",     "~",   "null", "true",  "False", "yes",        "On",    "y",      "0",    "-1",
          "0x1F", "0o7", "1e5",  ".5",    ".inf",  ".nan",       "- a",   "? a",    "a: b", "a #b",
          "#a",   "a:",  "[a",   "{a",    "*a",    "&a",         "!a",    "%a",     "@a",   "`a",
          "|",    ">",   "'a'",  "\"a\"", "a\nb",  "\na",        "a\n\n", " a",     "a ",   "a\tb",
          "---",  "...", "<<",   "=",     "a\\b",  "2026-01-31", "12:30", "a\r\nb", "\x01", "\xEF\xBB\xBF"}) {
      CAPTURE(text);
      const json::object before{{"v", text}, {text, 1}};
      CHECK(document(to_yaml_document(before)) == before);
    }
  }

  TEST_CASE("keys of any length come back") {
    for (const std::size_t length : {1000u, 1023u, 1024u, 1025u, 5000u}) {
      const json::object before{{std::string(length, 'k'), 1},
                                {"o", {{std::string(length, ':'), json::array{1, 2}}, {"x", {{"y", 1}}}}}};
      CHECK(document(to_yaml_document(before)) == before);
    }
  }

  TEST_CASE("bytes that are no UTF-8 are replaced, not written") {
    CHECK(document(to_yaml_document({{"v", "a\xFFz"}})).at("v") == json::value("a\uFFFDz"));
  }

  TEST_CASE("whatever JSON is written reads back the same") {
    for (unsigned seed = 0; seed < 3000; ++seed) {
      CAPTURE(seed);
      json::object before = RandomJson(seed).object(4);
      before["kind"] = "x";
      const std::string yaml = to_yaml_document(before);
      CAPTURE(yaml);
      const auto after = read_manifest_text(yaml, "m.yaml");
      REQUIRE(after.has_value());
      REQUIRE(after->size() == 1);
      REQUIRE(after->at(0).document == before);
      REQUIRE(document(json::serialize(before), "m.json") == before);
    }
  }
}
