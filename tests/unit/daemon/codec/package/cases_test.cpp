// Test cases of packages: their files, and what counts as the same.
#include "daemon/codec/package/cases.hpp"
#include "daemon/codec/package/json_file.hpp"

#include <doctest/doctest.h>

namespace jl::codec::package {
namespace {

Result<std::vector<Case>> cases_of(std::string text) { return read_cases({{"tests/a.json", std::move(text)}}); }

std::string problem_of(std::string text) {
  const auto cases = cases_of(std::move(text));
  if (cases) return "";
  const std::string line = line_of(cases.error().problems.at(0));
  return line.substr(line.find(": ") + 2);
}

// A case around its input and expectation.
std::string with(const std::string& rest) { return R"({"name":"n","transport":"TCP",)" + rest + "}"; }

}  // namespace

TEST_SUITE("codec.package.cases") {
  TEST_CASE("decode, encode and authenticate are read with all that belongs to them") {
    const auto cases = read_cases({{"protocol.json", "{"},
                                   {"tests/1.json", R"([
  {"name": "report", "transport": "tcp", "device": {"id": "d-1", "productId": "p", "config": {"key": "k", "n": 5}},
   "decode": [{"hex": "01 0aFF"}, {"text": "hi", "topic": "/a", "qos": 1}, {"base64": "AAE="}, {"json": {"a": "5"}}, {}],
   "expect": {"messages": [{"messageType": "REPORT_PROPERTY"}], "sent": []}},
  {"name": "read", "transport": "MQTT", "encode": {"messageType": "READ_PROPERTY", "properties": ["t"]},
   "expect": {"sent": [{"hex": "0102", "topic": "/x"}, {"json": {"a": 1}}, {"text": "t"}, {}]}}])"},
                                   {"tests/sub/2.json", R"({"name": "auth", "transport": "MQTT",
   "authenticate": {"clientId": "d-1", "username": "u", "password": "p"}, "expect": {"success": true}})"}});
    REQUIRE_MESSAGE(cases.has_value(), (cases ? "" : cases.error().message));
    REQUIRE(cases->size() == 3);
    const Case& decode = cases->at(0);
    CHECK(decode.name == "report");
    CHECK(decode.transport == Transport::tcp);
    CHECK(decode.kind == Case::Kind::decode);
    CHECK(decode.position == SourcePosition{"tests/1.json", 2, 3});
    CHECK(decode.device->id == "d-1");
    CHECK(decode.device->config.at("n") == "5");
    REQUIRE(decode.inputs.size() == 5);
    CHECK(decode.inputs[0].payload == "\x01\x0A\xFF");
    CHECK_FALSE(decode.inputs[0].is_text);
    CHECK(decode.inputs[1].payload == "hi");
    CHECK(decode.inputs[1].is_text);
    CHECK(decode.inputs[1].texts == decltype(CaseInput::texts){{"topic", "/a"}});
    CHECK(decode.inputs[1].numbers == decltype(CaseInput::numbers){{"qos", 1.0}});
    CHECK(decode.inputs[2].payload == std::string("\0\x01", 2));
    CHECK(decode.inputs[3].payload == R"({"a":"5"})");
    CHECK(decode.inputs[4].payload.empty());
    CHECK(decode.expect.messages->size() == 1);
    CHECK(decode.expect.sent->empty());

    const Case& encode = cases->at(1);
    CHECK(encode.kind == Case::Kind::encode);
    CHECK(encode.message == R"({"messageType":"READ_PROPERTY","properties":["t"]})");
    CHECK_FALSE(encode.device);
    CHECK_FALSE(encode.expect.messages);
    REQUIRE(encode.expect.sent->size() == 4);
    CHECK(encode.expect.sent->at(0).bytes == "\x01\x02");
    CHECK(*encode.expect.sent->at(0).topic == "/x");
    CHECK(encode.expect.sent->at(1).form == ExpectedWire::Form::json);
    CHECK(encode.expect.sent->at(3).form == ExpectedWire::Form::any);

    const Case& auth = cases->at(2);
    CHECK(auth.kind == Case::Kind::authenticate);
    CHECK(auth.inputs.at(0).texts ==
          decltype(CaseInput::texts){{"clientId", "d-1"}, {"username", "u"}, {"password", "p"}});
    CHECK(*auth.expect.success);
  }

  TEST_CASE("a text that looks like JSON stays a text") {
    const auto cases = cases_of(with(R"("decode":{"json":"[1]"},"expect":{"messages":[]})"));
    REQUIRE(cases.has_value());
    CHECK(cases->at(0).inputs.at(0).payload == R"("[1]")");
  }

  TEST_CASE("what is wrong with a case is told with its place") {
    struct Row {
      const char* rest;
      const char* problem;
    };
    const Row rows[]{
        {R"("expect":{"messages":[]})", "needs one of decode, encode and authenticate"},
        {R"("decode":{},"encode":{"messageType":"X"},"expect":{"messages":[]})",
         "needs one of decode, encode and authenticate"},
        {R"("decode":{})", "expect: is required"},
        {R"("decode":{},"expect":{})", "expect: is empty: it needs messages, sent, error or success"},
        {R"("decode":{"hex":"1"},"expect":{"messages":[]})",
         "decode.hex: must be pairs of hex digits, spaces between them allowed"},
        {R"("decode":{"hex":"0 1g"},"expect":{"messages":[]})",
         "decode.hex: must be pairs of hex digits, spaces between them allowed"},
        {R"("decode":{"hex":"01","text":"a"},"expect":{"messages":[]})",
         "decode: has more than one of hex, text, base64 and json"},
        {R"("decode":{"hax":"01"},"expect":{"messages":[]})", "decode.hax: unknown field; did you mean \"hex\"?"},
        {R"("decode":"01","expect":{"messages":[]})", "decode: must be an object"},
        {R"("decode":[],"expect":{"messages":[]})", "decode: is empty"},
        {R"("decode":[1],"expect":{"messages":[]})", "decode[0]: must be an object"},
        {R"("encode":{"properties":[]},"expect":{"sent":[]})", "encode: must be a device message with its messageType"},
        {R"("decode":{},"expect":{"messages":{}})", "expect.messages: must be a list of device messages"},
        {R"("decode":{},"expect":{"sent":{}})", "expect.sent: must be a list of what is sent to the device"},
        {R"("decode":{},"expect":{"success":true})", "expect: has success, which only authenticate has"},
        {R"("authenticate":{},"expect":{"messages":[]})", "expect: needs success: true or false"},
        {R"("device":{"productId":"p"},"decode":{},"expect":{"messages":[]})", "device.id: is required"},
    };
    for (const Row& row : rows) {
      CAPTURE(row.rest);
      CHECK(problem_of(with(row.rest)) == row.problem);
    }
    CHECK(problem_of("[{},1]") != "");
    CHECK(problem_of("{") == "not JSON: incomplete JSON");
    CHECK(cases_of("[]").has_value());
    CHECK(read_cases({{"a.json", "{"}, {"tests/x.md", "{"}})->empty());
    const auto both = read_cases({{"tests/a.json", "{"}, {"tests/b.json", "[\n7]"}});
    REQUIRE(both.error().problems.size() >= 2);
    CHECK(line_of(both.error().problems[0]).starts_with("tests/a.json:1:"));
    CHECK(line_of(both.error().problems[1]).starts_with("tests/b.json:2:1: [0]"));
  }

  TEST_CASE("objects match as parts, lists wholly, numbers by value; the first difference is told") {
    struct Row {
      const char* expected;
      const char* actual;
      const char* difference;
    };
    const Row rows[]{
        {"{}", R"({"a":1})", ""},
        {R"({"a":1})", R"({"a":1,"b":2})", ""},
        {R"({"a":1})", R"({"a":1.0})", ""},
        {R"({"a":18446744073709551615})", R"({"a":18446744073709551615})", ""},
        {R"({"a":-1})", R"({"a":18446744073709551615})", "m.a: expected -1, got 18446744073709551615"},
        {R"({"a":21.5})", R"({"a":22})", "m.a: expected 21.5, got 22"},
        {R"({"a":{"b":[{"c":1}]}})", R"({"a":{"b":[{"c":2}]}})", "m.a.b[0].c: expected 1, got 2"},
        {R"({"a":"1"})", R"({"a":1})", "m.a: expected \"1\", got 1"},
        {R"({"a":1})", R"({})", "m.a: expected 1, got nothing"},
        {R"({"a":null})", R"({})", ""},
        {R"({"a":null})", R"({"a":null})", ""},
        {R"({"a":null})", R"({"a":1})", "m.a: expected null, got 1"},
        {"[1]", "[1,2]", "m: expected 1 item, got 2 items"},
        {"[1,2]", "[1]", "m: expected 2 items, got 1 item"},
        {"[1,2]", "[1,3,4]", "m[1]: expected 2, got 3"},
        {"[]", "{}", "m: expected [], got {}"},
        {"{}", "[]", "m: expected {}, got []"},
        {"true", "1", "m: expected true, got 1"},
    };
    for (const Row& row : rows) {
      CAPTURE(row.expected);
      CAPTURE(row.actual);
      CHECK(compare(json::parse(row.expected), json::parse(row.actual), "m") == row.difference);
    }
    const std::string long_text(1000, 'x');
    CHECK(compare(json::value(long_text), json::value(1)).size() < 300);
  }

  TEST_CASE("an outcome is held against every part of the expectation") {
    const auto diff = [](const std::string& expect, const Outcome& outcome) {
      const auto cases = cases_of(with(R"("decode":{},"expect":)" + expect));
      REQUIRE_MESSAGE(cases.has_value(), (cases ? "" : cases.error().message));
      return difference(cases->at(0), outcome);
    };
    Outcome outcome;
    outcome.messages = json::parse(R"([{"properties":{"temperature":22}}])").as_array();
    outcome.sent = {{"\x01\x02", "/a"}, {R"({"ok":true,"n":1})"}};
    CHECK(diff(R"({"messages":[{"properties":{"temperature":22}}]})", outcome) == "");
    CHECK(diff(R"({"messages":[{"properties":{"temperature":21.5}}]})", outcome) ==
          "messages[0].properties.temperature: expected 21.5, got 22");
    CHECK(diff(R"({"messages":[]})", outcome) == "messages: expected 0 items, got 1 item");
    CHECK(diff(R"({"sent":[{"hex":"01 02","topic":"/a"},{"json":{"ok":true}}]})", outcome) == "");
    CHECK(diff(R"({"sent":[{"hex":"0103"},{}]})", outcome) == "sent[0]: expected 01 03, got 01 02");
    CHECK(diff(R"({"sent":[{"topic":"/b"},{}]})", outcome) == "sent[0].topic: expected \"/b\", got \"/a\"");
    CHECK(diff(R"({"sent":[{},{"json":{"ok":false}}]})", outcome) == "sent[1].ok: expected false, got true");
    CHECK(diff(R"({"sent":[{"json":1},{}]})", outcome) == "sent[0]: expected JSON, got 01 02");
    CHECK(diff(R"({"sent":[{},{"text":"x"}]})", outcome) == R"(sent[1]: expected "x", got "{\"ok\":true,\"n\":1}")");
    CHECK(diff(R"({"sent":[{}]})", outcome) == "sent: expected 1 item, got 2 items");
    CHECK(diff(R"({"error":"bad"})", outcome) == "error: expected \"bad\", got none");
    outcome.error = "main.js:3:1: RangeError: bad CRC";
    CHECK(diff(R"({"error":"bad CRC"})", outcome) == "");
    CHECK(diff(R"({"error":"worse"})", outcome) == "error: expected \"worse\", got main.js:3:1: RangeError: bad CRC");
    CHECK(diff(R"({"messages":[]})", outcome) == "error: expected none, got main.js:3:1: RangeError: bad CRC");

    const auto auth = cases_of(with(R"("authenticate":{"username":"u"},"expect":{"success":false})"));
    CHECK(difference(auth->at(0), {{}, {}, "", false}) == "");
    CHECK(difference(auth->at(0), {{}, {}, "", true}) == "success: expected false, got true");
    CHECK(difference(auth->at(0), {}) == "success: expected false, got nothing");
  }
}
}  // namespace jl::codec::package
