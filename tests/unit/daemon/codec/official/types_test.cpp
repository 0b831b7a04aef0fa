#include "support.hpp"

#include <doctest/doctest.h>

using namespace jl;
using namespace jl::test;
using codec::MessageType;

namespace {
bool refuses(std::string_view suffix, std::string_view payload) {
  return decode("/p1/d1/" + std::string(suffix), payload).error() == Errc::invalid;
}
Uplink at(std::string_view suffix, std::string_view payload) {
  return decode("/p1/d1/" + std::string(suffix), payload);
}
std::string own(const Uplink& up) {
  constexpr std::string_view kFirst = "\"timestamp\":1700000000000";
  const auto start = up.message.json.find(kFirst);
  return start == std::string::npos ? "" : up.message.json.substr(start + kFirst.size());
}
}  // namespace

TEST_SUITE("codec.official") {
  TEST_CASE("a failed reply carries code and text [wire.md 1.1]") {
    const auto up =
        at("properties/read/reply", R"({"messageId":"r","success":false,"code":42,"message":"sensor lost"})");
    CHECK(up.message.type == MessageType::read_property_reply);
    CHECK(!up.message.success);
    CHECK(up.message.code == "42");
    CHECK(up.message.text == "sensor lost");
    CHECK(own(up) == R"(,"success":false,"message":"sensor lost","code":"42"})");
  }

  TEST_CASE("read and write replies carry properties [wire.md 1.2]") {
    for (const auto* suffix : {"properties/read/reply", "properties/write/reply"}) {
      const auto up = at(suffix, R"({"properties":{"a":1},"propertySourceTimes":{"a":5}})");
      REQUIRE(up.message.properties.size() == 1);
      CHECK(up.message.properties[0].name == "a");
      CHECK(up.message.properties[0].source_time == 5);
      CHECK(own(up) == R"(,"success":true,"properties":{"a":1},"propertySourceTimes":{"a":5}})");
    }
  }

  TEST_CASE("a function's output is any value [wire.md 1.2]") {
    const auto up = at("function/invoke/reply", R"({"functionId":"reboot","output":[1,"x"],"properties":{"a":1}})");
    CHECK(up.message.name == "reboot");
    CHECK(up.message.properties.empty());
    CHECK(own(up) == R"(,"success":true,"functionId":"reboot","output":[1,"x"]})");
    CHECK(refuses("function/invoke/reply", R"({"functionId":[]})"));
  }

  TEST_CASE("tags fill the properties [wire.md 1.2]") {
    const auto up = at("tags", R"({"tags":{"site":"north","floor":3}})");
    REQUIRE(up.message.properties.size() == 2);
    CHECK(up.message.properties[1].name == "floor");
    CHECK(up.message.properties[1].value == "3");
    CHECK(own(up) == R"(,"tags":{"site":"north","floor":3}})");
    CHECK(refuses("tags", R"({"tags":[]})"));
  }

  TEST_CASE("fields of other types are dropped [wire.md 1.1]") {
    CHECK(own(at("online", R"({"properties":{"a":1},"success":false,"data":[]})")) == "}");
    CHECK(own(at("log", R"({"log":12,"state":[]})")) == R"(,"log":"12"})");
    CHECK(refuses("log", R"({"log":["x"]})"));
  }

  TEST_CASE("derived metadata is a string and merges by default [wire.md 1.2]") {
    CHECK(own(at("metadata/derived", R"({"metadata":"{}"})")) == R"(,"metadata":"{}","all":false})");
    CHECK(refuses("metadata/derived", R"({"metadata":[]})"));
    CHECK(refuses("metadata/derived", R"({"all":"maybe"})"));
  }

  TEST_CASE("a state is an int8, 0 by default [wire.md 1.2]") {
    CHECK(at("state-check/reply", R"({"state":-1})").message.number == -1);
    CHECK(own(at("state-check/reply", "{}")) == R"(,"success":true,"state":0})");
    CHECK(refuses("state-check/reply", R"({"state":128})"));
    CHECK(refuses("state-check/reply", R"({"state":true})"));
  }

  TEST_CASE("firmware versions travel by name [wire.md 6]") {
    const auto report_version = at("firmware/report", R"({"version":"1.0","properties":{"board":"A"}})");
    CHECK(report_version.message.name == "1.0");
    CHECK(report_version.message.properties.empty());
    CHECK(own(report_version) == R"(,"version":"1.0","properties":{"board":"A"}})");
    CHECK(refuses("firmware/report", R"({"properties":[]})"));
    CHECK(at("firmware/read/reply", R"({"version":2})").message.name == "2");
    const auto pull =
        at("firmware/pull", R"({"currentVersion":"1","requestVersion":"2","headers":{"force":true,"latest":true}})");
    CHECK(pull.message.name == "2");
    CHECK(pull.message.headers.force);
    CHECK(own(pull) == R"(,"currentVersion":"1","requestVersion":"2","headers":{"force":true,"latest":true}})");
  }

  TEST_CASE("firmware progress defaults to no success and takes either name of the reason [wire.md 6]") {
    auto up = at("firmware/upgrade/progress", R"({"progress":"80","complete":"true","message":"bad hash"})");
    CHECK(up.message.number == 80);
    CHECK(!up.message.success);
    CHECK(up.message.text == "bad hash");
    CHECK(own(up) == R"(,"progress":80,"complete":true,"success":false,"errorReason":"bad hash"})");
    up = at("firmware/upgrade/progress",
            R"({"errorReason":"e","message":"m","success":true,"firmwareId":"f","version":"v"})");
    CHECK(up.message.text == "e");
    CHECK(up.message.success);
    CHECK(own(up) ==
          R"(,"progress":0,"complete":false,"version":"v","success":true,"errorReason":"e","firmwareId":"f"})");
    CHECK(refuses("firmware/upgrade/progress", R"({"progress":3000000000})"));
  }

  TEST_CASE("direct payloads are any bytes, even none [wire.md 1.2]") {
    CHECK(own(at("direct", "")) == R"(,"payload":""})");
    CHECK(own(at("direct", "{not json")) == R"(,"payload":"e25vdCBqc29u"})");
  }

  TEST_CASE("collector items are brought to one form [wire.md 1.2]") {
    CHECK(
        own(at(
            "collector/report",
            R"({"data":[{"value":{"a":[1]},"address":7,"x":1,"state":null,"timestamp":"9","success":true},{"address":"b","timestamp":0}]})")) ==
        R"(,"data":[{"address":"7","value":{"a":[1]},"timestamp":9},{"address":"b"}]})");
    CHECK(own(at("collector/read/reply", R"({"data":[{"address":"a","errorReason":"e"}]})")) ==
          R"(,"success":true,"data":[{"address":"a","success":false,"errorReason":"e"}]})");
    CHECK(own(at("collector/write/reply", R"({"data":[]})")) == R"(,"success":true,"data":[]})");
    CHECK(own(at("collector/report", "{}")) == "}");
    for (const auto* payload :
         {R"({"data":{}})", R"({"data":1})", R"({"data":[1]})", R"({"data":[{}]})", R"({"data":[{"address":[]}]})",
          R"({"data":[{"address":"a","address":"a"}]})", R"({"data":[{"address":"a","state":{}}]})",
          R"({"data":[{"address":"a","timestamp":"x"}]})"}) {
      CAPTURE(payload);
      CHECK(refuses("collector/report", payload));
    }
    CHECK(refuses("collector/read/reply", R"({"data":[{"address":"a","success":"x"}]})"));
    CHECK(refuses("collector/read/reply", R"({"data":[{"address":"a","errorReason":[]}]})"));
    std::string many = R"({"data":[{"address":"a"})";
    for (int i = 1; i < 1024; ++i) many += R"(,{"address":"a"})";
    CHECK(at("collector/report", many + "]}").is_message());
    CHECK(refuses("collector/report", many + R"(,{"address":"a"}]})"));
  }

  TEST_CASE("headers that jlinkd acts upon are read, coerced, and ignored where they make no sense [wire.md 1.4]") {
    const auto up = at(
        "online", R"({"headers":{"keepOnline":"true","keepOnlineTimeoutSeconds":"30","force":1,"ignoreSession":true,)"
                  R"("ignoreStorage":true,"ignoreLog":true,"ignoreIfOffline":true,"replyNoMessageId":true,)"
                  R"("productId":5,"deviceName":"n","frag_msg_id":"f","frag_num":3,"frag_part":2,"frag_last":true}})");
    const auto& headers = up.message.headers;
    CHECK(headers.keep_online);
    CHECK(headers.keep_online_timeout_seconds == 30);
    CHECK(headers.force);
    CHECK(headers.ignore_session);
    CHECK(headers.ignore_storage);
    CHECK(headers.ignore_log);
    CHECK(headers.ignore_if_offline);
    CHECK(headers.reply_no_message_id);
    CHECK(headers.product_id == "5");
    CHECK(headers.device_name == "n");
    CHECK(headers.frag_msg_id == "f");
    CHECK(headers.frag_num == 3);
    CHECK(headers.frag_part == 2);
    CHECK(headers.frag_last);
    const auto odd =
        at("online", R"({"headers":{"force":[1],"keepOnlineTimeoutSeconds":-1,"deviceName":{},"frag_num":9e99}})");
    REQUIRE(odd.is_message());
    CHECK(!odd.message.headers.force);
    CHECK(odd.message.headers.keep_online_timeout_seconds == 600);
    CHECK(odd.message.headers.device_name.empty());
    CHECK(odd.message.headers.frag_num == 0);
  }

  TEST_CASE("null headers and the token are dropped, secrets never show [wire.md 1.4]") {
    const auto up = at(
        "register", R"({"headers":{"a":null,"token":"t0","deviceName":"n","configuration":{"secureKey":"s1","list":[)"
                    R"({"dbPassWord":"s2","x":1}],"clientSecret":{"deep":"s3"},"secure\u004bey2":"s4","none":null}}})");
    CHECK(own(up) ==
          R"(,"headers":{"deviceName":"n","configuration":{"secureKey":"***","list":[{"dbPassWord":"***","x":1}],)"
          R"("clientSecret":"***","secure\u004bey2":"***","none":null}}})");
    CHECK(up.message.headers.raw ==
          R"({"deviceName":"n","configuration":{"secureKey":"s1","list":[{"dbPassWord":"s2","x":1}],)"
          R"("clientSecret":{"deep":"s3"},"secure\u004bey2":"s4","none":null}})");
    CHECK(own(at("online", R"({"headers":{"token":"x","a":null}})")) == "}");
    CHECK(at("online", R"({"headers":{}})").message.headers.raw.empty());
  }
}
