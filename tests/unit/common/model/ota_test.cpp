#include "common/model/ota.hpp"

#include "common/model/resource.hpp"

#include <doctest/doctest.h>

namespace json = boost::json;
using namespace jl::model;

namespace {

std::string wrong(const char* kind, json::object spec) {
  std::vector<jl::Problem> problems;
  (void)read_resource(*find_kind(kind), json::object{{"id", "x"}, {"spec", std::move(spec)}}, problems);
  return problems.empty() ? std::string() : problems.front().field + ": " + problems.front().message;
}

json::object firmware(json::object more = {}) {
  json::object out{{"productId", "meter"},
                   {"version", "1.2.0"},
                   {"versionOrder", 12},
                   {"sign", "auto"},
                   {"fileId", std::string(64, 'a')}};
  for (auto& [key, value] : more) {
    if (value.is_null()) {
      out.erase(key);
    } else {
      out[key] = value;
    }
  }
  return out;
}

json::object task(json::object more = {}) {
  json::object out{{"firmwareId", "fw"}};
  for (auto& [key, value] : more) out[key] = value;
  return out;
}

json::object settled(json::object spec) {
  std::vector<jl::Problem> problems;
  auto out = read_resource(*find_kind("ota-task"), json::object{{"id", "x"}, {"spec", std::move(spec)}}, problems);
  REQUIRE(problems.empty());
  return out.spec;
}

}  // namespace

TEST_CASE("a sign has the digits of its method, in any case (operations.md 1.1)") {
  CHECK(wrong("ota-firmware", firmware()).empty());
  CHECK(wrong("ota-firmware", firmware({{"sign", std::string(64, 'B')}})).empty());
  CHECK(wrong("ota-firmware", firmware({{"sign", std::string(32, 'b')}})).find("64 hex digits") != std::string::npos);
  CHECK(wrong("ota-firmware", firmware({{"signMethod", "MD5"}, {"sign", std::string(32, 'b')}})).empty());
  CHECK(wrong("ota-firmware", firmware({{"signMethod", "md5"}, {"sign", std::string(31, 'b') + "g"}})) != "");
}

TEST_CASE("an image is uploaded, or elsewhere with size and sign (operations.md 1.1)") {
  CHECK(wrong("ota-firmware", firmware({{"fileId", nullptr}})).find("spec.fileId") == 0);
  const json::object elsewhere{{"fileId", nullptr}, {"url", "https://cdn/fw.bin"}, {"sign", std::string(64, 'c')}};
  CHECK(wrong("ota-firmware", firmware(elsewhere)).find("spec.size") == 0);
  json::object whole = elsewhere;
  whole["size"] = 10;
  CHECK(wrong("ota-firmware", firmware(whole)).empty());
  whole["sign"] = "auto";
  CHECK(wrong("ota-firmware", firmware(whole)).find("spec.sign") == 0);
  whole["url"] = "file:///etc/passwd";
  CHECK(wrong("ota-firmware", firmware(whole)).find("spec.url") == 0);
}

TEST_CASE("order, names of files and properties are bounded (operations.md 1.1)") {
  CHECK(wrong("ota-firmware", firmware({{"versionOrder", 0}})) != "");
  CHECK(wrong("ota-firmware", firmware({{"versionOrder", 100'000}})) != "");
  CHECK(wrong("ota-firmware", firmware({{"fileName", "../x"}})).find("spec.fileName") == 0);
  CHECK(wrong("ota-firmware", firmware({{"properties", json::array{json::object{{"id", "a"}}}}})) != "");
  const json::object pair{{"id", "a"}, {"value", "1"}};
  CHECK(wrong("ota-firmware", firmware({{"properties", json::array{pair, pair}}})).find("twice") != std::string::npos);
}

TEST_CASE("response timeout is push only and has a default; releaseType follows the targets (operations.md 1.2)") {
  CHECK(settled(task()).at("responseTimeoutSeconds") == 60);
  CHECK(settled(task()).at("releaseType") == "all");
  CHECK_FALSE(settled(task({{"mode", "pull"}})).contains("responseTimeoutSeconds"));
  CHECK(wrong("ota-task", task({{"mode", "pull"}, {"responseTimeoutSeconds", 5}})) != "");
  CHECK(settled(task({{"deviceId", json::array{"a", "b", "a"}}})).at("deviceId") == json::array{"a", "b"});
  CHECK(settled(task({{"where", json::array{"tag.a=1"}}})).at("releaseType") == "part");
  CHECK(wrong("ota-task", task({{"releaseType", "part"}})) != "");
  CHECK(wrong("ota-task", task({{"releaseType", "all"}, {"deviceId", json::array{"a"}}})) != "");
}

TEST_CASE("groups grow, thresholds and windows are what they look like") {
  CHECK(wrong("ota-task", task({{"groups", json::array{"1%", "10%", "100%"}}})).empty());
  CHECK(wrong("ota-task", task({{"groups", json::array{"10%", "5%"}}})) != "");
  CHECK(wrong("ota-task", task({{"groups", json::array{"10"}}})) != "");
  CHECK(wrong("ota-task", task({{"errorThreshold", "0"}})) != "");
  CHECK(wrong("ota-task", task({{"window", "22:00"}})) != "");
  OtaTask t;
  CHECK(t.group_percents() == std::vector{100});
  t.groups = {"1%", "10%"};
  CHECK(t.group_percents() == std::vector{1, 10, 100});
  CHECK(parse_error_threshold("10%")->percent);
  CHECK(parse_error_threshold("5")->value == 5);
  CHECK_FALSE(parse_error_threshold("101%"));
  CHECK_FALSE(parse_error_threshold("-1"));
  CHECK_FALSE(parse_window("25:00-04:00"));
  CHECK_FALSE(parse_window("04:00-04:00"));
  const auto night = parse_window("22:00-04:00");
  REQUIRE(night);
  CHECK(night->contains(23 * 60));
  CHECK(night->contains(0));
  CHECK_FALSE(night->contains(4 * 60));
  CHECK_FALSE(night->contains(12 * 60));
}

TEST_CASE("conditions are read, and misspelled fields met half-way") {
  const auto equal = parse_condition("tag.site=a=b");
  REQUIRE(equal.has_value());
  CHECK(equal->field == "tag.site");
  CHECK(equal->value == "a=b");
  CHECK(parse_condition("name~pump-*")->op == DeviceCondition::Op::matches);
  CHECK(parse_condition("firmware!=1.2.0")->op == DeviceCondition::Op::not_equal);
  CHECK(parse_condition("firmwear=1").error().hint.find("firmware") != std::string::npos);
  CHECK_FALSE(parse_condition("=x").has_value());
  CHECK_FALSE(parse_condition("name!x").has_value());
  CHECK_FALSE(parse_condition("tag.=x").has_value());
}

TEST_CASE("an ota server's address is one that a way can be appended to") {
  const auto server = [](const char* url) { return wrong("ota-server", {{"networkId", "n"}, {"publicUrl", url}}); };
  CHECK(server("http://gw.example:8848/").empty());
  CHECK(server("https://[::1]:8848/base").empty());
  CHECK(server("gw.example:8848") != "");
  CHECK(server("ftp://gw") != "");
  CHECK(server("http://") != "");
  CHECK(server("http://gw?x=1") != "");
  CHECK(server("http://user@gw") != "");
  CHECK(wrong("ota-server", {{"networkId", "n"}, {"publicUrl", "http://a"}, {"coapUrl", "coap://a"}}) != "");
}
