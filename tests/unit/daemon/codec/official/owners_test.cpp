#include "daemon/codec/official/topics.hpp"

#include <doctest/doctest.h>
#include <string>

namespace jl::codec {
namespace {

const DeviceIdentity kDevice{"d1", "p1", {}};

bool owns(std::string_view topic_or_filter) { return official_protocol().owns_topic(topic_or_filter, kDevice); }

std::string owner(std::string_view topic) {
  const auto found = official_protocol().owner_of(codec::Uplink{topic, {}});
  return found ? std::string(found->product_id) + " " + std::string(found->device_id) : "nobody";
}

}  // namespace

TEST_SUITE("codec.official.owners") {
  TEST_CASE("a device owns its topics and those of its children, wildcards below its id included [access 5.2]") {
    for (const char* mine :
         {"/p1/d1/properties/report", "/p1/d1/child/c1/properties/read", "/p1/d1/child-reply/c1/online", "/p1/d1/#",
          "/p1/d1/+/read", "/p1/d1/child/+/#", "/p1/d1/not/of/the/protocol", "/p1/d1"}) {
      CAPTURE(mine);
      CHECK(owns(mine));
    }
  }

  TEST_CASE("a filter that can match a topic of somebody else is not the device's [access 5.2]") {
    for (const char* other : {"#",       "+",         "/#",        "/+/d1/#",   "/p1/+/#",           "/p1/#",
                              "/+/+/#",  "+/p1/d1/#", "/p1/d2/#",  "/p2/d1/#",  "/p1/d11/x",         "/p1/d1#",
                              "/p1/d1+", "p1/d1/x",   "//p1/d1/x", "/p1//d1/x", "$share/g//p1/d1/#", "$SYS/#",
                              "",        "/",         "/p1",       "/p1/",      "/p1/d/1",           "/P1/d1/x",
                              "/p1/D1/x"}) {
      CAPTURE(other);
      CHECK_FALSE(owns(other));
    }
  }

  TEST_CASE("an id that is not one level of a topic owns nothing") {
    for (const char* id : {"", "+", "#", "a/b", "a+"}) {
      CAPTURE(id);
      const std::string below_device = "/p1/" + std::string(id) + "/x";
      const std::string below_product = "/" + std::string(id) + "/d1/x";
      CHECK_FALSE(official_protocol().owns_topic(below_device, {id, "p1", {}}));
      CHECK_FALSE(official_protocol().owns_topic(below_product, {"d1", id, {}}));
    }
  }

  TEST_CASE("the owner of an up topic is the device at its second level, whatever child it speaks for [access 5.3]") {
    CHECK(owner("/p1/d1/properties/report") == "p1 d1");
    CHECK(owner("p1/d1/properties/report/") == "p1 d1");
    CHECK(owner("/p1/gw/child/c1/event/e") == "p1 gw");
    CHECK(owner("/p1/gw/child/c1/connected") == "p1 gw");
    CHECK(owner("/p1/d1/time-sync") == "p1 d1");
    CHECK(owner("/p1/d1/register") == "p1 d1");
    std::string deep = "/p1/gw";
    for (std::size_t i = 0; i <= official::kMaxChildDepth; ++i) deep += "/child/c";
    CHECK(owner(deep + "/online") == "p1 gw");
  }

  TEST_CASE("topics down, and what is not the protocol's, have no owner") {
    for (const char* topic : {"/p1/d1/properties/read", "/p1/gw/child/c1/properties/write", "/p1/d1/time-sync/reply",
                              "/p1/d1", "/p1", "", "/", "/p1//online", "$SYS/broker/uptime", "/p1/d1/event/a/b"}) {
      CAPTURE(topic);
      CHECK(owner(topic) == "nobody");
    }
    CHECK(owner("/p1/" + std::string(official::kMaxIdBytes + 1, 'x') + "/online") == "nobody");
    CHECK(owner("/" + std::string(official::kMaxIdBytes + 1, 'x') + "/d1/online") == "nobody");
    CHECK(owner("/p1/d\n1/online") == "nobody");
    CHECK(owner("/p\xff/d1/online") == "nobody");
  }
}

}  // namespace jl::codec
