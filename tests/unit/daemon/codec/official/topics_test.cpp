#include "daemon/codec/official/topics.hpp"
#include "support.hpp"

#include <doctest/doctest.h>
#include <algorithm>
#include <set>

using namespace jl;
using codec::MessageType;
using codec::official::match_up_topic;
using codec::official::TopicMatch;

TEST_SUITE("codec.official") {
  TEST_CASE("every up topic leads to its message type and no down topic does [wire.md 2.3]") {
    const std::pair<std::string_view, MessageType> up[] = {
        {"properties/report", MessageType::report_property},
        {"properties/read/reply", MessageType::read_property_reply},
        {"properties/write/reply", MessageType::write_property_reply},
        {"event/overheat", MessageType::event},
        {"function/invoke/reply", MessageType::invoke_function_reply},
        {"tags", MessageType::update_tag},
        {"register", MessageType::register_device},
        {"unregister", MessageType::unregister_device},
        {"firmware/upgrade/reply", MessageType::upgrade_firmware_reply},
        {"firmware/upgrade/progress", MessageType::upgrade_firmware_progress},
        {"firmware/pull", MessageType::request_firmware},
        {"firmware/report", MessageType::report_firmware},
        {"firmware/read/reply", MessageType::read_firmware_reply},
        {"metadata/derived", MessageType::derived_metadata},
        {"direct", MessageType::direct},
        {"disconnect/reply", MessageType::disconnect_reply},
        {"online", MessageType::online},
        {"offline", MessageType::offline},
        {"log", MessageType::log},
        {"state-check/reply", MessageType::state_check_reply},
        {"collector/report", MessageType::report_collector},
        {"collector/read/reply", MessageType::read_collector_data_reply},
        {"collector/write/reply", MessageType::write_collector_data_reply},
    };
    for (const auto& [suffix, type] : up) {
      CAPTURE(suffix);
      for (const std::string prefix : {"/p1/d1/", "p1/d1/", "//d1/"}) {
        const std::string topic = prefix + std::string(suffix) + "//";
        const auto match = match_up_topic(topic, false);
        CHECK(match.kind == TopicMatch::Kind::message);
        CHECK(match.type == type);
        CHECK(match.device == "d1");
      }
      const std::string child = "/p1/d1/child/c1/" + std::string(suffix);
      const auto below = match_up_topic(child, true);
      CHECK(below.kind == TopicMatch::Kind::message);
      CHECK(below.type == type);
      REQUIRE(below.child_depth == 1);
      CHECK(below.children[0].id == "c1");
    }
    for (const std::string_view suffix :
         {"properties/read", "properties/write", "function/invoke", "firmware/upgrade", "firmware/pull/reply",
          "firmware/read", "disconnect", "state-check", "collector/read", "collector/write", "time-sync/reply"}) {
      CAPTURE(suffix);
      CHECK(match_up_topic("/p1/d1/" + std::string(suffix), true).kind == TopicMatch::Kind::none);
    }
  }

  TEST_CASE("patterns are exact in their segments and * is no wildcard [wire.md 2.2]") {
    for (const std::string_view topic : {"",
                                         "/",
                                         "//",
                                         "///",
                                         "/p1",
                                         "/p1/d1",
                                         "/p1/d1/",
                                         "p1/d1",
                                         "/p1/d1/event",
                                         "/p1/d1/event/",
                                         "/p1/d1/event/a/b",
                                         "/p1/d1/event//b",
                                         "/p1/d1/properties",
                                         "/p1/d1/properties/report/x",
                                         "/p1/d1//properties/report",
                                         "/p1/d1/properties/*",
                                         "/p1/d1/*/report",
                                         "/p1/d1/*",
                                         "/*/*/*/*",
                                         "/p1/d1/Properties/report",
                                         "/p1/d1/child",
                                         "/p1/d1/child/c1",
                                         "/p1/d1/child/c1/",
                                         "/p1/d1/child//online",
                                         "/p1/d1/child-reply/c1",
                                         "/p1/d1/child/c1/time-sync",
                                         "/p1/d1/childs/c1/online",
                                         "p1/d1/time-sync",
                                         "properties/report"}) {
      CAPTURE(topic);
      CHECK(match_up_topic(topic, true).kind == TopicMatch::Kind::none);
    }
    CHECK(match_up_topic("/p1/*/online", false).device == "*");
    CHECK(match_up_topic("/p1/d1/time-sync/", false).kind == TopicMatch::Kind::time_sync);
  }

  TEST_CASE("the topics of v1 children count only with v1Compat [wire.md 2.5, 8]") {
    const std::pair<std::string_view, MessageType> rows[] = {{"connected", MessageType::online},
                                                             {"disconnect", MessageType::offline},
                                                             {"disconnected", MessageType::offline}};
    for (const auto& [suffix, type] : rows) {
      const std::string child = "/p1/d1/child/c1/" + std::string(suffix), own = "/p1/d1/" + std::string(suffix);
      CHECK(match_up_topic(child, false).kind == TopicMatch::Kind::none);
      CHECK(match_up_topic(child, true).type == type);
      CHECK(match_up_topic(own, true).kind == TopicMatch::Kind::none);
    }
  }

  TEST_CASE("the routes announce each topic once, in one direction or both [access.md 4.1]") {
    const auto routes = codec::official_protocol().descriptor()->routes("MQTT");
    CHECK(routes.size() == 37);
    std::set<std::string> topics;
    for (const auto& route : routes) {
      CAPTURE(route.topic);
      CHECK(topics.insert(route.topic).second);
      CHECK(route.topic.starts_with("/{productId:"));
      CHECK((route.upstream || route.downstream));
      CHECK(!route.group.empty());
      CHECK(!route.description.empty());
      CHECK(!route.example.empty());
      CHECK(route.qos == 1);
    }
    CHECK(std::count_if(routes.begin(), routes.end(), [](const auto& route) { return route.upstream; }) == 26);
    CHECK(std::count_if(routes.begin(), routes.end(), [](const auto& route) { return route.downstream; }) == 12);
  }
}
