#include "daemon/control/request.hpp"

#include <doctest/doctest.h>
#include <array>

using namespace jl;
using control::BodyParser;

namespace {

const control::Command& command(std::string_view noun, std::string_view verb) {
  const auto* found = control::find_command(noun, verb);
  REQUIRE(found != nullptr);
  return *found;
}

Result<boost::json::object> parse(std::string_view text, std::size_t piece = SIZE_MAX, std::size_t max = 1000) {
  BodyParser parser(max);
  while (!text.empty()) {
    JL_CHECK(parser.feed(text.substr(0, piece)));
    text.remove_prefix(std::min(piece, text.size()));
  }
  return parser.finish();
}

}  // namespace

TEST_SUITE_BEGIN("control.request");

TEST_CASE("targets are taken apart in origin and absolute form [RFC 9112 3.2]") {
  struct Row {
    std::string target, path;
    control::Query query;
  };
  for (const auto& row :
       std::vector<Row>{{"/v1/status", "/v1/status", {}},
                        {"/v1/devices?limit=5&name=a%2Ab", "/v1/devices", {{"limit", "5"}, {"name", "a*b"}}},
                        {"/v1/devices?ifExists", "/v1/devices", {{"ifExists", ""}}},
                        {"/v1/x?", "/v1/x", {}},
                        {"/v1/x?&&a=1&", "/v1/x", {{"a", "1"}}},
                        {"/v1/x?a=b=c?d", "/v1/x", {{"a", "b=c?d"}}},
                        {"/v1/x?since=2026-01-01T00:00:00+08:00", "/v1/x", {{"since", "2026-01-01T00:00:00+08:00"}}},
                        {"/v1/x?kind=a&kind=b", "/v1/x", {{"kind", "a"}, {"kind", "b"}}},
                        {"/v1/x?name=%E7%BD%91", "/v1/x", {{"name", "网"}}},
                        {"/v1/n/a%20b", "/v1/n/a%20b", {}},
                        {"http://localhost/v1/status?a=1", "/v1/status", {{"a", "1"}}},
                        {"HTTP://localhost:80/v1/status", "/v1/status", {}},
                        {"http://localhost", "/", {}}}) {
    CAPTURE(row.target);
    const auto got = control::parse_target(row.target);
    REQUIRE(got.has_value());
    CHECK(got->path == row.path);
    CHECK(got->query == row.query);
  }
}

TEST_CASE("targets that are not what a client may send are refused") {
  std::string many = "/v1/x?";
  for (int i = 0; i < 65; ++i) many += "a" + std::to_string(i) + "=1&";
  for (const std::string& target : {std::string(),
                                    std::string("*"),
                                    std::string("v1/status"),
                                    std::string("localhost:80"),
                                    std::string("/a b"),
                                    std::string("/a#b"),
                                    std::string("/a%"),
                                    std::string("/a%2"),
                                    std::string("/a%zz"),
                                    std::string("/x?a=%f"),
                                    std::string("/x?a=%00"),
                                    std::string("/x?a=%0A"),
                                    std::string("/x?a=%FF"),
                                    std::string("/x?=1"),
                                    std::string("/x?a\tb"),
                                    std::string("/\x80"),
                                    std::string("http://h?x"),
                                    std::string("ftp://h/v1"),
                                    std::string("/a\0b", 4),
                                    many}) {
    CAPTURE(target);
    const auto got = control::parse_target(target);
    REQUIRE_FALSE(got.has_value());
    CHECK(got.error().code == Errc::bad_request);
  }
}

TEST_CASE("only parameters of the command are taken, and each once unless it repeats") {
  struct Row {
    const control::Command& command;
    std::string target;
    std::string field;  // at fault; "" = fine
  };
  const auto& watch = command("", "watch");
  const auto& list = command("device", "list");
  for (const auto& row :
       {Row{list, "/?name=x&productId=p&state=online&limit=3&enabled=true", ""}, Row{list, "/?nam=x", "nam"},
        Row{list, "/?name=x&name=y", "name"},
        Row{command("network", "delete"), "/?ifExists&ifRevision=3&requestId=r&maxDisconnect=0", ""},
        Row{command("network", "delete"), "/?yes", "yes"}, Row{watch, "/?kind=a&limit=1", ""},
        Row{watch, "/?kind=a&kind=b", "kind"}, Row{watch, "/?prefix=a", "prefix"},
        Row{command("", "export"), "/?kind=a&kind=b&withSecrets", ""}, Row{command("", "export"), "/?file=x", "file"},
        Row{command("", "can"), "/?verb=add&noun=device", ""}, Row{command("", "can"), "/?verb=add&verb=edit", "verb"},
        Row{command("", "status"), "/?x=1", "x"},
        Row{*control::route("GET", "/v1/names").command, "/?kind=device&prefix=a&limit=2", ""},
        Row{command("device", "read"), "/?timeout=3s", "timeout"}}) {
    CAPTURE(row.target);
    const auto target = control::parse_target(row.target);
    REQUIRE(target.has_value());
    const auto status = control::check_query(row.command, target->query);
    CHECK(status.has_value() == row.field.empty());
    if (status) continue;
    CHECK(status.error().code == Errc::bad_request);
    CHECK(status.error().field == row.field);
  }
  const auto typo = control::check_query(list, {{"limt", "1"}});
  REQUIRE_FALSE(typo.has_value());
  CHECK(typo.error().hint == "did you mean \"limit\"?");
}

TEST_CASE("mistyped paths lead to the nearest, known ones to their methods") {
  CHECK(control::nearest_path("/v1/netwroks") == "/v1/networks");
  CHECK(control::nearest_path("/v1/netwrks/mqtt-1/enable") == "/v1/networks/mqtt-1/enable");
  CHECK(control::nearest_path("/v1/statu") == "/v1/status");
  CHECK(control::nearest_path("/completely/else/where/far") == "");
  CHECK(control::nearest_path("/") == "");
  CHECK(control::allowed_methods("/v1/networks") == "GET, POST");
  CHECK(control::allowed_methods("/v1/networks/a") == "GET, HEAD, PATCH, DELETE");
  CHECK(control::allowed_methods("/v1/nothing") == "");
}

TEST_CASE("bodies arrive in pieces of any size") {
  const std::string text = "{\"a\": [1, 2.5, \"\\\"[,{\\\\\"], \"b\": {\"网\": null}}\n ";
  for (std::size_t piece = 1; piece <= text.size(); ++piece) {
    CAPTURE(piece);
    const auto got = parse(text, piece);
    REQUIRE(got.has_value());
    CHECK(boost::json::serialize(*got) == "{\"a\":[1,2.5E0,\"\\\"[,{\\\\\"],\"b\":{\"网\":null}}");
  }
  const auto none = BodyParser().finish();
  REQUIRE(none.has_value());
  CHECK(none->empty());
}

TEST_CASE("what is not one JSON object is refused with its place") {
  struct Row {
    std::string text;
    std::uint32_t line, column;
  };
  for (const auto& row : std::vector<Row>{{"{\"a\": 1,\n  \"b\": x}", 2, 8},
                                          {"{\"a\" 1}", 1, 6},
                                          {"{} {}", 1, 4},
                                          {"{\"网\": ]", 1, 7},
                                          {"{\n\n\"a\":1", 3, 6},
                                          {" ", 1, 2},
                                          {"{\"a\":\"\xFF\"}", 1, 7}}) {
    CAPTURE(row.text);
    for (const std::size_t piece : {std::size_t{1}, SIZE_MAX}) {
      const auto got = parse(row.text, piece);
      REQUIRE_FALSE(got.has_value());
      CHECK(got.error().code == Errc::bad_request);
      REQUIRE(got.error().problems.size() == 1);
      const auto position = got.error().problems[0].position;
      REQUIRE(position.has_value());
      CHECK(position->line == row.line);
      CHECK(position->column == row.column);
    }
  }
  for (const auto* text : {"[]", "1", "\"a\"", "null"}) {
    const auto got = parse(text);
    REQUIRE_FALSE(got.has_value());
    CHECK(got.error().code == Errc::bad_request);
  }
}

TEST_CASE("bodies are bounded in depth and number of values") {
  const auto nested = [](std::size_t depth) {
    return "{\"a\":" + std::string(depth - 1, '[') + std::string(depth - 1, ']') + "}";
  };
  CHECK(parse(nested(control::kMaxDepth)).has_value());
  CHECK_FALSE(parse(nested(control::kMaxDepth + 1)).has_value());
  const auto numbers = [](std::size_t count) {
    std::string text = "{\"a\":[0";
    for (std::size_t i = 1; i < count; ++i) text += ",0";
    return text + "]}";
  };
  CHECK(parse(numbers(98), 7, 100).has_value());
  const auto many = parse(numbers(200), 7, 100);
  REQUIRE_FALSE(many.has_value());
  CHECK(many.error().code == Errc::too_large);
  CHECK(parse("{\"a\":\"" + std::string(500, ',') + "\"}", 7, 100).has_value());
}

TEST_SUITE_END();
