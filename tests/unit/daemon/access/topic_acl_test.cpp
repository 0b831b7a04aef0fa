#include "daemon/access/topic_acl.hpp"

#include "daemon/access/topic_filters.hpp"

#include <doctest/doctest.h>
#include <initializer_list>

namespace jl::access {
namespace {
using Action = model::TopicAction;

const codec::DeviceIdentity kDevice{"d1", "p1", {}};

bool publishes(const char* grant, std::string_view topic, const codec::DeviceIdentity& device = kDevice) {
  return TopicAcl({{grant, Action::publish}}).may_publish(topic, device);
}
bool subscribes(const char* grant, std::string_view filter, const codec::DeviceIdentity& device = kDevice) {
  return TopicAcl({{grant, Action::subscribe}}).may_subscribe(filter, device);
}

}  // namespace

TEST_SUITE("access.topic_acl") {
  TEST_CASE("without grants nothing is allowed") {
    CHECK(TopicAcl().empty());
    CHECK_FALSE(TopicAcl().may_publish("a", kDevice));
    CHECK_FALSE(TopicAcl().may_subscribe("a", kDevice));
  }

  TEST_CASE("a grant is for what its action says") {
    const TopicAcl acl({{"up", Action::publish}, {"down", Action::subscribe}, {"both", Action::all}});
    CHECK(acl.may_publish("up", kDevice));
    CHECK_FALSE(acl.may_subscribe("up", kDevice));
    CHECK(acl.may_subscribe("down", kDevice));
    CHECK_FALSE(acl.may_publish("down", kDevice));
    CHECK(acl.may_publish("both", kDevice));
    CHECK(acl.may_subscribe("both", kDevice));
  }

  TEST_CASE("placeholders stand for the device's own ids, as whole levels and within one") {
    CHECK(publishes("/ota/{productId}/{deviceId}/up", "/ota/p1/d1/up"));
    CHECK_FALSE(publishes("/ota/{productId}/{deviceId}/up", "/ota/p1/d2/up"));
    CHECK_FALSE(publishes("/ota/{productId}/{deviceId}/up", "/ota/p2/d1/up"));
    CHECK(publishes("x-{productId}.{deviceId}-y", "x-p1.d1-y"));
    CHECK_FALSE(publishes("x-{productId}.{deviceId}-y", "x-p1.d1-yy"));
    CHECK_FALSE(publishes("x-{deviceId}", "x-"));
    CHECK_FALSE(publishes("x/{deviceId}", "x/{deviceId}"));
    CHECK(subscribes("{deviceId}/#", "d1/+/x"));
    CHECK_FALSE(subscribes("{deviceId}/#", "+/x"));
  }

  TEST_CASE("an id never widens a grant: it is compared, not parsed") {
    CHECK_FALSE(publishes("t/{deviceId}", "t/anything", {"+", "p", {}}));
    CHECK_FALSE(publishes("t/{deviceId}", "t/a/b", {"#", "p", {}}));
    CHECK_FALSE(publishes("t/{deviceId}", "t/a/b", {"a/b", "p", {}}));
    CHECK_FALSE(subscribes("t/{deviceId}", "t/+", {"+", "p", {}}));
    CHECK_FALSE(subscribes("t/{deviceId}", "t/#", {"#", "p", {}}));
    CHECK_FALSE(publishes("t/{deviceId}", "t/", {"", "p", {}}));
  }

  TEST_CASE("wildcards of a grant match levels as in a subscription [MQTT 5 4.7]") {
    CHECK(publishes("a/+/c", "a/b/c"));
    CHECK(publishes("a/+/c", "a//c"));
    CHECK_FALSE(publishes("a/+/c", "a/b/b/c"));
    CHECK(publishes("a/#", "a"));
    CHECK(publishes("a/#", "a/b/c"));
    CHECK_FALSE(publishes("a/#", "ab"));
    CHECK_FALSE(publishes("a", "a/"));
    CHECK_FALSE(publishes("a/", "a"));
  }

  TEST_CASE("a wildcard at the start of a grant does not open the server's own topics [MQTT-4.7.2-1]") {
    CHECK_FALSE(publishes("#", "$SYS/x"));
    CHECK_FALSE(publishes("+/x", "$SYS/x"));
    CHECK_FALSE(subscribes("#", "$SYS/#"));
    CHECK(subscribes("$SYS/#", "$SYS/x"));
  }

  TEST_CASE("one grant must cover the whole filter: two that do so together do not count") {
    CHECK(subscribes("a/#", "a/#"));
    CHECK(subscribes("a/#", "a/+/c"));
    CHECK(subscribes("a/+", "a/+"));
    CHECK_FALSE(subscribes("a/+", "a/#"));
    CHECK_FALSE(subscribes("a/b", "a/+"));
    CHECK_FALSE(subscribes("a/b/#", "a/#"));
    CHECK_FALSE(subscribes("+", "#"));
    const TopicAcl acl({{"a", Action::all}, {"a/+/#", Action::all}});
    CHECK_FALSE(acl.may_subscribe("a/#", kDevice));
    CHECK(acl.may_subscribe("a/+/#", kDevice));
  }

  TEST_CASE("of a shared subscription its filter counts [MQTT 5 4.8.2]") {
    CHECK(subscribes("a/#", "$share/g/a/b"));
    CHECK_FALSE(subscribes("a/#", "$share/g/b"));
    CHECK_FALSE(subscribes("#", "$share/g"));
    CHECK_FALSE(subscribes("#", "$share/g/"));
    CHECK_FALSE(subscribes("#", "$share/g/$SYS/x"));
  }

  TEST_CASE("nobody publishes on a filter, and an empty text is neither") {
    CHECK_FALSE(publishes("#", "a/+"));
    CHECK_FALSE(publishes("#", "#"));
    CHECK_FALSE(publishes("#", ""));
    CHECK_FALSE(subscribes("#", ""));
  }

  TEST_CASE("grants without placeholders judge as filters that cover each other") {
    const std::initializer_list<const char*> filters{"#",   "+",    "a",    "a/b",   "a/+",   "a/#",   "+/b",
                                                     "+/+", "+/#",  "/",    "//",    "/a",    "a/",    "a//b",
                                                     "$s",  "$s/#", "$s/+", "a/+/b", "a/+/#", "+/+/+", "a/b/c"};
    for (const char* grant : filters) {
      for (const char* asked : filters) {
        CAPTURE(grant);
        CAPTURE(asked);
        CHECK(subscribes(grant, asked) == covers(grant, asked));
      }
    }
  }
}

}  // namespace jl::access
