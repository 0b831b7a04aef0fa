#include "tests/unit/daemon/logs/log_support.hpp"

using namespace jl;
using namespace jl::test;
namespace json = boost::json;

TEST_SUITE_BEGIN("logs.records");

TEST_CASE("keys sort by class, then time, then sequence number, and name their place") {
  const std::vector<std::string> keys{
      logs::class_begin(LogClass::access),        logs::record_key(LogClass::access, {5, 9}),
      logs::record_key(LogClass::access, {6, 1}), logs::record_key(LogClass::access, {256, 0}),
      logs::class_end(LogClass::access),          logs::record_key(LogClass::system, {0, 0}),
      logs::class_end(LogClass::system)};
  CHECK(std::is_sorted(keys.begin(), keys.end()));
  const auto place = logs::place_of(keys[1]);
  REQUIRE(place.has_value());
  CHECK(place->time == 5);
  CHECK(place->seq == 9);
  CHECK_FALSE(logs::place_of("a").has_value());
  CHECK(logs::record_id({255, 16}) == "00000000000000ff0000000000000010");
  CHECK(logs::record_key(LogClass::access, {-7, 1}) == logs::record_key(LogClass::access, {0, 1}));
}

TEST_CASE("texts are cut by characters and made well-formed UTF-8") {
  struct Row {
    std::string text;
    std::size_t characters;
    std::string want;
  };
  const std::string bad = "\xEF\xBF\xBD";
  for (const auto& row : std::vector<Row>{{"hello", 10, "hello"},
                                          {"hello", 3, "hel"},
                                          {"网关网关", 2, "网关"},
                                          {"a\xFF"
                                           "b",
                                           9, "a" + bad + "b"},
                                          {"\xC0\x80", 9, bad + bad},
                                          {"\xED\xA0\x80", 9, bad + bad + bad},
                                          {"\xF4\x90\x80\x80", 9, bad + bad + bad + bad},
                                          {"\xF0\x9F\x98\x80!", 9, "\xF0\x9F\x98\x80!"},
                                          {"x\xE7\xBD", 9, "x" + bad + bad},
                                          {"", 5, ""}}) {
    CAPTURE(row.text);
    CHECK(logs::clean_text(row.text, row.characters) == row.want);
  }
}

TEST_CASE("a record is stored without secrets, without its own id, and within limits") {
  json::object record{{"id", "forged"},
                      {"time", "forged"},
                      {"message", std::string(6000, 'm')},
                      {"action", std::string(6000, 'a')},
                      {"duration", 0.5},
                      {"parameters", {{"password", "canary"}, {"port", 1883}}}};
  const auto out = logs::prepared(record);
  CHECK_FALSE(out.contains("id"));
  CHECK_FALSE(out.contains("time"));
  CHECK(out.at("message").as_string().size() == logs::kMaxText);
  CHECK(out.at("action").as_string().size() == logs::kMaxWord);
  CHECK(out.at("duration") == 0.5);
  CHECK(out.at("parameters").at("port") == 1883);
  CHECK(json::serialize(out).find("canary") == std::string::npos);
}

TEST_CASE("parameters that stay large after cutting are left out, and their size is kept") {
  json::object parameters;
  for (int i = 0; i < 200; ++i) parameters["field" + std::to_string(i)] = std::string(400, 'x');
  const json::object record{{"action", "apply"}, {"parameters", parameters}};
  const auto out = logs::prepared(record);
  REQUIRE(out.at("parameters").as_object().size() == 1);
  CHECK(out.at("parameters").at("omittedBytes").to_number<std::uint64_t>() > logs::kMaxRecord);
}

TEST_CASE("queries filter by every member they have") {
  const json::object access{{"action", "network add"}, {"user", "bob"}, {"status", "failed"}, {"error", "Port TAKEN"}};
  const json::object system{{"level", "WARN"}, {"logger", "network.mqtt"}, {"message", "x"}};
  const auto passes = [](const json::object& record, LogClass log, auto change) {
    auto q = query(log);
    change(q);
    return logs::matches(q, record, 1000);
  };
  const auto a = LogClass::access;
  const auto s = LogClass::system;
  CHECK(passes(access, a, [](auto&) {}));
  CHECK(passes(access, a, [](auto& q) { q.user = "bob"; }));
  CHECK_FALSE(passes(access, a, [](auto& q) { q.user = "bo"; }));
  CHECK(passes(access, a, [](auto& q) { q.status = "failed"; }));
  CHECK_FALSE(passes(access, a, [](auto& q) { q.status = "ok"; }));
  CHECK(passes(access, a, [](auto& q) { q.action = "network *"; }));
  CHECK_FALSE(passes(access, a, [](auto& q) { q.action = "device *"; }));
  CHECK(passes(access, a, [](auto& q) { q.grep = "port taken"; }));
  CHECK_FALSE(passes(access, a, [](auto& q) { q.grep = "action"; }));
  CHECK(passes(access, a, [](auto& q) { q.since = 1000; }));
  CHECK_FALSE(passes(access, a, [](auto& q) { q.since = 1001; }));
  CHECK(passes(access, a, [](auto& q) { q.until = 1001; }));
  CHECK_FALSE(passes(access, a, [](auto& q) { q.until = 1000; }));
  CHECK(passes(system, s, [](auto& q) { q.level = log::Level::warn; }));
  CHECK_FALSE(passes(system, s, [](auto& q) { q.level = log::Level::error; }));
  CHECK(passes(system, s, [](auto& q) { q.logger = "network.*"; }));
  CHECK_FALSE(passes(system, s, [](auto& q) { q.logger = "device.*"; }));
}

TEST_SUITE_END();
