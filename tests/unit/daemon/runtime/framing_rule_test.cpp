#include "daemon/runtime/framing_rule.hpp"

#include <doctest/doctest.h>
#include <algorithm>
#include <string>
#include <vector>

namespace jl::runtime {
namespace {

namespace json = boost::json;

/// A configuration as it is written, with ' for quotes; the problems of its shape fail the test.
model::TcpServer configuration(std::string text) {
  std::ranges::replace(text, '\'', '"');
  json::object given = json::parse(text).as_object();
  given["port"] = 1;
  std::vector<Problem> problems;
  const auto canonical = model::normalize(model::table_of<model::TcpServer>(), given, given, "", problems);
  for (const Problem& problem : problems) FAIL_CHECK(problem.field << ": " << problem.message);
  return model::from_json<model::TcpServer>(canonical);
}

class FrameList final : public wire::framing::FrameSink {
 public:
  bool on_frame(std::string_view frame) override {
    all += "[" + std::string(frame) + "]";
    return true;
  }
  std::string all;
};

/// "[frame][frame]" of the bytes, by the rule of a configuration; "refused" when the stream cannot be cut.
std::string cut(const std::string& text, std::string_view bytes) {
  const auto rule = framing_rule(configuration(text));
  REQUIRE_MESSAGE(rule.has_value(), (rule ? std::string() : rule.error().message));
  auto framer = (*rule)->open();
  REQUIRE(framer.has_value());
  FrameList frames;
  return (*framer)->feed(bytes, frames) ? frames.all : "refused";
}

}  // namespace

TEST_SUITE("runtime.framing_rule") {
  TEST_CASE("each parser type cuts as its configuration says [network 2]") {
    struct Row {
      const char* text;
      std::string bytes, frames;
    };
    const Row rows[] = {
        {"{'parserType':'DIRECT'}", "abc", "[abc]"},
        {"{'parserType':'DELIMITED','parserConfiguration':{'delimited':'@@'}}", "a@@b@@c", "[a][b]"},
        {"{'parserType':'DELIMITED','parserConfiguration':{'delimited':'0x0A'}}", "a\nb\n", "[a][b]"},
        {"{'parserType':'FIXED_LENGTH','parserConfiguration':{'size':3}}", "abcdefg", "[abc][def]"},
        {"{'parserType':'LENGTH_FIELD','parserConfiguration':{'offset':1,'length':1}}", "x\x02yz", "[x\x02yz]"},
        {"{'parserType':'LENGTH_FIELD','parserConfiguration':{'length':2,'little':true}}", std::string("\x01\x00z", 3),
         std::string("[\x01\x00z]", 5)},
        {"{'parserType':'SCRIPT','parserConfiguration':{'script':'parser.fixed(2).handler(function(b){parser.result(b)"
         ".complete()})'}}",
         "abcd", "[ab][cd]"},
    };
    for (const Row& row : rows) {
      CAPTURE(std::string(row.text));
      CHECK(cut(row.text, row.bytes) == row.frames);
    }
  }

  TEST_CASE("a length field without a length ends at the fourth byte [network 2.3]") {
    struct Row {
      const char* parameters;
      std::string bytes;
    };
    const Row rows[] = {{"{}", std::string("\0\0\0\1z", 5)},
                        {"{'offset':0}", std::string("\0\0\0\1z", 5)},
                        {"{'offset':1}", std::string("h\0\0\1z", 5)},
                        {"{'offset':2}", std::string("hh\0\1z", 5)},
                        {"{'offset':3}", std::string("hhh\1z", 5)}};
    for (const Row& row : rows) {
      CAPTURE(std::string(row.parameters));
      CHECK(cut(std::string("{'parserType':'LENGTH_FIELD','parserConfiguration':") + row.parameters + "}", row.bytes) ==
            "[" + row.bytes + "]");
    }
  }

  TEST_CASE("the form of JetLinks' UI: numbers and truths as texts, \"\" for what is not set [network 1.5]") {
    const std::string form =
        "'delimited':'','lang':'','script':'','size':'','offset':'0','length':'4','little':'false'";
    CHECK(cut("{'parserType':'length_field','parserConfiguration':{" + form + "}}", std::string("\0\0\0\1z", 5)) ==
          "[" + std::string("\0\0\0\1z", 5) + "]");
    CHECK(cut("{'parserType':'fixed_length','parserConfiguration':{'size':'2','offset':'','length':'','little':'','"
              "delimited':''}}",
              "abcd") == "[ab][cd]");
    CHECK(cut("{'parserType':{'text':'x','value':'LENGTH_FIELD'},'parserConfiguration':{'offset':'2','length':''}}",
              std::string("hh\0\1z", 5)) == "[" + std::string("hh\0\1z", 5) + "]");
  }

  TEST_CASE("what cannot be followed names the key at fault [network 4.8]") {
    struct Row {
      const char *text, *field;
    };
    const Row rows[] = {
        {"{'parserType':'DELIMITED'}", "parserConfiguration.delimited"},
        {"{'parserType':'DELIMITED','parserConfiguration':{'delimited':'0x0'}}", "parserConfiguration.delimited"},
        {"{'parserType':'FIXED_LENGTH'}", "parserConfiguration.size"},
        {"{'parserType':'FIXED_LENGTH','maxFrameLength':10,'parserConfiguration':{'size':11}}",
         "parserConfiguration.size"},
        {"{'parserType':'LENGTH_FIELD','parserConfiguration':{'length':5}}", "parserConfiguration.length"},
        {"{'parserType':'LENGTH_FIELD','parserConfiguration':{'length':7}}", "parserConfiguration.length"},
        {"{'parserType':'LENGTH_FIELD','parserConfiguration':{'offset':4}}", "parserConfiguration.length"},
        {"{'parserType':'LENGTH_FIELD','parserConfiguration':{'offset':65535}}", "parserConfiguration.length"},
        {"{'parserType':'LENGTH_FIELD','maxFrameLength':5,'parserConfiguration':{'offset':2,'length':4}}",
         "parserConfiguration.offset"},
        {"{'parserType':'SCRIPT'}", "parserConfiguration.script"},
        {"{'parserType':'SCRIPT','parserConfiguration':{'script':'  '}}", "parserConfiguration.script"},
        {"{'parserType':'SCRIPT','parserConfiguration':{'script':'parser.('}}", "parserConfiguration.script"},
        {"{'parserType':'SCRIPT','parserConfiguration':{'script':'parser.fixed(1)','lang':'groovy'}}",
         "parserConfiguration.lang"},
        {"{'parserType':'SCRIPT','parserConfiguration':{'script':'throw 1'}}", "parserConfiguration.script"},
    };
    for (const Row& row : rows) {
      CAPTURE(std::string(row.text));
      const auto rule = framing_rule(configuration(row.text));
      REQUIRE_FALSE(rule.has_value());
      CHECK(rule.error().code == Errc::invalid);
      CHECK(rule.error().field == row.field);
      CHECK_FALSE(rule.error().message.empty());
    }
  }

  TEST_CASE("maxFrameLength bounds every rule [network 2.6]") {
    for (const char* const rule :
         {"'parserType':'DIRECT'", "'parserType':'DELIMITED','parserConfiguration':{'delimited':'@'}",
          "'parserType':'LENGTH_FIELD','parserConfiguration':{'length':1}"}) {
      CAPTURE(std::string(rule));
      CHECK(cut(std::string("{'maxFrameLength':4,") + rule + "}",
                "\x09"
                "23456789@") == "refused");
    }
  }
}

}  // namespace jl::runtime
