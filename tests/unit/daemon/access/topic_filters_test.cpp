#include "daemon/access/topic_filters.hpp"

#include "daemon/wire/mqtt/packet.hpp"
#include "tests/unit/daemon/access/route_protocol.hpp"

#include <doctest/doctest.h>
#include <map>
#include <set>
#include <string>

namespace jl::access {
namespace {

std::string brief(const std::vector<network::MqttClientFilter>& filters) {
  std::string out;
  for (const auto& f : filters) out += (out.empty() ? "" : " ") + f.filter + ":" + std::to_string(f.qos);
  return out;
}

}  // namespace

TEST_SUITE("access.topic_filters") {
  TEST_CASE("a filter covers another when it matches all that the other can match [MQTT 5 4.7]") {
    const std::multimap<std::string, std::string> yes{
        {"a", "a"},       {"a/b", "a/b"}, {"#", "a"},      {"#", "+/+"},       {"#", "#"},     {"#", "/"},
        {"a/#", "a"},     {"a/#", "a/b"}, {"a/#", "a/+"},  {"a/#", "a/b/#"},   {"+", "+"},     {"+", "a"},
        {"+/b", "+/b"},   {"+/+", "a/b"}, {"+/+", "/"},    {"a/+/c", "a/b/c"}, {"+/#", "+/#"}, {"+/#", "+"},
        {"/+/+", "/a/+"}, {"$a/#", "$a"}, {"$a/+", "$a/b"}};
    for (const auto& [wide, narrow] : yes) {
      CAPTURE(wide);
      CAPTURE(narrow);
      CHECK(covers(wide, narrow));
    }
    const std::multimap<std::string, std::string> no{
        {"a", "b"},  {"a", "+"},      {"a", "#"},   {"a", "a/"},    {"a/", "a"},      {"+", "#"},       {"+", "a/b"},
        {"+", "/a"}, {"a/+", "a"},    {"a/+", "+"}, {"a/+", "a/#"}, {"a/b/#", "a/#"}, {"a/b/#", "a/+"}, {"+/+", "#"},
        {"#", "$a"}, {"+/#", "$a/#"}, {"+", "$a"},  {"+/#", "#"},   {"a/b", "a/+"},   {"a/#", "ab"},    {"", "a"}};
    for (const auto& [wide, narrow] : no) {
      CAPTURE(wide);
      CAPTURE(narrow);
      CHECK_FALSE(covers(wide, narrow));
    }
  }

  TEST_CASE("covering agrees with matching, topic by topic, for all short filters [MQTT 5 4.7]") {
    const std::vector<std::string> levels{"", "a", "b", "+", "#", "$s"};
    std::vector<std::string> filters;
    std::vector<std::string> topics;
    const auto keep = [&](const std::string& text) {
      if (wire::mqtt::is_valid_topic_filter(text)) filters.push_back(text);
      if (wire::mqtt::is_valid_topic_name(text)) topics.push_back(text);
    };
    for (const auto& one : levels) {
      keep(one);
      for (const auto& two : levels) {
        keep(one + "/" + two);
        for (const auto& three : levels) keep(one + "/" + two + "/" + three);
      }
    }
    // Levels that no filter names, and one more than filters have, stand for all others.
    for (const char* other :
         {"x",    "x/x",   "x/x/x", "a/x",   "a/x/x", "a/a/x", "x/a",   "x/a/x", "x/x/a", "a/a/a/x", "x/x/x/x",
          "b/x",  "b/x/x", "b/b/x", "b/a/x", "a/b/x", "x/b",   "x/b/x", "x/x/b", "$s/x",  "$s/x/x",  "/x",
          "/x/x", "//x",   "x/",    "x//",   "x//x",  "x/x/",  "a//x",  "a/x/",  "$s/a/x"}) {
      topics.emplace_back(other);
    }
    REQUIRE(filters.size() > 100);
    std::size_t covered = 0;
    for (const auto& wide : filters) {
      for (const auto& narrow : filters) {
        if (!covers(wide, narrow)) continue;
        ++covered;
        for (const auto& topic : topics) {
          if (wire::mqtt::topic_matches(narrow, topic) && !wire::mqtt::topic_matches(wide, topic))
            FAIL_CHECK(wide << " is said to cover " << narrow << " but does not match " << topic);
        }
      }
    }
    CHECK(covered > filters.size());
    for (const auto& wide : filters) {
      for (const auto& topic : topics) {
        if (wire::mqtt::topic_matches(wide, topic) != covers(wide, topic))
          FAIL_CHECK(wide << " and topic " << topic << " are judged differently");
      }
    }
  }

  TEST_CASE("upstream routes become filters: placeholders are +, {#:...} is #, with the route's QoS [access 5.3]") {
    RouteProtocol routes;
    routes.up("/{productId:product}/{deviceId:device}/properties/report", 2)
        .up("/{p}/{d}/child/{c:child}/{#:any of the above}", 0)
        .up("fixed/topic")
        .down("/{p}/{d}/properties/read");
    CHECK(brief(filters_of(routes)) == "/+/+/properties/report:2 /+/+/child/+/#:0 fixed/topic:1");
  }

  TEST_CASE("a filter that another one covers at the same or a higher QoS is left out, else both stay") {
    CHECK(brief(filters_of(RouteProtocol().up("a/b").up("a/b"))) == "a/b:1");
    CHECK(brief(filters_of(RouteProtocol().up("a/{x}").up("a/b"))) == "a/+:1");
    CHECK(brief(filters_of(RouteProtocol().up("a/b").up("c").up("a/{#:x}"))) == "c:1 a/#:1");
    CHECK(brief(filters_of(RouteProtocol().up("a/b", 2).up("a/{x}", 1))) == "a/b:2 a/+:1");
  }

  TEST_CASE("the official protocol's filters match every topic that its devices publish on [access 5.3]") {
    const auto filters = filters_of(codec::official_protocol());
    const auto matched = [&](std::string_view topic) {
      return std::ranges::count_if(filters, [&](const auto& f) { return wire::mqtt::topic_matches(f.filter, topic); });
    };
    for (const char* topic :
         {"/p/d/properties/report", "/p/d/properties/read/reply", "/p/d/properties/write/reply", "/p/d/event/fire",
          "/p/d/function/invoke/reply", "/p/d/tags", "/p/d/online", "/p/d/offline", "/p/d/register", "/p/d/time-sync",
          "/p/d/child/c/properties/report", "/p/d/child-reply/c/function/invoke/reply", "/p/d/log", "/p/d/direct"}) {
      CAPTURE(topic);
      CHECK(matched(topic) == 1);
    }
    for (const char* topic : {"/p/d/properties/read", "/p/d/function/invoke", "/p/d/time-sync/reply", "/p/d"}) {
      CAPTURE(topic);
      CHECK(matched(topic) == 0);
    }
    for (const auto& f : filters) {
      CHECK(wire::mqtt::is_valid_topic_filter(f.filter));
      CHECK(f.qos == 1);
    }
  }

  TEST_CASE("gateways that share a component are subscribed for once") {
    const RouteProtocol routes = RouteProtocol().up("x/{a}");
    AttachedGateways gateways(4);
    gateways[0].codec = &codec::official_protocol();
    gateways[1].codec = &codec::official_protocol();
    gateways[2].codec = &routes;  // the fourth has no protocol right now
    auto expected = filters_of(codec::official_protocol());
    expected.push_back({"x/+", 1});
    CHECK(filters_of(gateways) == expected);
    CHECK(filters_of(AttachedGateways()).empty());
  }
}

}  // namespace jl::access
