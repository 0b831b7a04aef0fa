#include "support.hpp"

#include <doctest/doctest.h>

using namespace jl;
using namespace jl::test;
using codec::MessageType;

namespace {
std::string object_of(int entries) {
  std::string text = "{";
  for (int i = 0; i < entries; ++i) text += (i == 0 ? "\"k" : ",\"k") + std::to_string(i) + "\":" + std::to_string(i);
  return text + '}';
}
}  // namespace

TEST_SUITE("codec.official") {
  TEST_CASE("the canonical text starts with type, id, device and time and passes values on verbatim [wire.md 1.1]") {
    const auto up = report(
        "{ \"unknown\": {\"a\": 1}, \"headers\": {\"force\": true}, \"properties\": { \"t\" : 1.50 , \"e\":1E5,\n"
        "\"big\":9223372036854775807, \"s\":\"\\u4e09 \\/\", \"n\":null, \"o\":{ \"x\" : [ 1 , 2 ] } }, \"timestamp\": "
        "5, "
        "\"messageId\": \"m\\\"1\", \"code\": 7}");
    REQUIRE(up.is_message());
    CHECK(up.message.json ==
          R"({"messageType":"REPORT_PROPERTY","messageId":"m\"1","deviceId":"d1","timestamp":5,)"
          R"("properties":{"t":1.50,"e":1E5,"big":9223372036854775807,"s":"\u4e09 \/","n":null,"o":{"x":[1,2]}},)"
          R"("code":"7","headers":{"force":true}})");
    CHECK(up.message.type == MessageType::report_property);
    CHECK(up.message.device_id == "d1");
    CHECK(up.message.message_id == "m\"1");
    CHECK(up.message.timestamp == 5);
    CHECK(up.message.code == "7");
    REQUIRE(up.message.properties.size() == 6);
    CHECK(up.message.properties[0].name == "t");
    CHECK(up.message.properties[0].value == "1.50");
    CHECK(up.message.properties[5].value == R"({"x":[1,2]})");
  }

  TEST_CASE("property views point into the message's own text, escaped names into its scratch") {
    auto up =
        report(R"({"properties":{"a":1,"b\u0063\n":[2],"三":"x","":0},"propertySourceTimes":{"三":"77","bc\n":88,)"
               R"("zz":1,"a":null},"propertyStates":{"a":1,"三":null}})");
    REQUIRE(up.is_message());
    const auto& message = up.message;
    REQUIRE(message.properties.size() == 4);
    CHECK(message.properties[0].name == "a");
    CHECK(message.properties[0].source_time == 0);
    CHECK(message.properties[1].name == "bc\n");
    CHECK(message.properties[1].value == "[2]");
    CHECK(message.properties[1].source_time == 88);
    CHECK(message.properties[2].name == "三");
    CHECK(message.properties[2].source_time == 77);
    CHECK(message.properties[3].name.empty());
    const auto is_inside = [](std::string_view part, const std::string& whole) {
      return part.data() >= whole.data() && part.data() + part.size() <= whole.data() + whole.size();
    };
    for (const auto& property : message.properties) CHECK(is_inside(property.value, message.json));
    CHECK(is_inside(message.properties[0].name, message.json));
    CHECK(is_inside(message.properties[1].name, message.scratch));
    CHECK(up.json()["propertySourceTimes"] == boost::json::parse(R"({"三":77,"bc\n":88,"zz":1})"));
    CHECK(up.json()["propertyStates"] == boost::json::parse(R"({"a":"1"})"));
  }

  TEST_CASE("timestamps that say nothing become the receive time [wire.md 1.1]") {
    for (const auto* time : {"null", "0", "-5", "\"\"", "\"0\"", "0.5"}) {
      CHECK(report(std::string("{\"timestamp\":") + time + "}").message.timestamp == kNow);
    }
    CHECK(report("{}").message.timestamp == kNow);
    CHECK(report(R"({"timestamp":" 1699 "})").message.timestamp == 1699);
    CHECK(report(R"({"timestamp":1.7e12})").message.timestamp == 1'700'000'000'000);
    CHECK(report(R"({"timestamp":253402300799999})").message.timestamp == 253'402'300'799'999);
    for (const auto* time :
         {"true", "[]", "{}", "\"x\"", "\"1.5\"", "253402300800000", "18446744073709551615", "1e300"}) {
      CAPTURE(time);
      CHECK(report(std::string("{\"timestamp\":") + time + "}").error() == Errc::invalid);
    }
  }

  TEST_CASE("scalars stand in for one another, containers do not [wire.md 1.1]") {
    CHECK(report(R"({"messageId":12.50})").message.message_id == "12.50");
    CHECK(report(R"({"messageId":true})").json()["messageId"] == "true");
    CHECK(!report(R"({"messageId":null})").json().contains("messageId"));
    for (const auto* payload :
         {R"({"messageId":[]})", R"({"messageId":{}})", R"({"code":[]})", R"({"headers":[]})", R"({"headers":"x"})",
          R"({"properties":[1]})", R"({"properties":"x"})", R"({"properties":1})", R"({"propertySourceTimes":[]})",
          R"({"propertySourceTimes":{"a":"x"}})", R"({"propertySourceTimes":{"a":[]}})",
          R"({"propertyStates":{"a":{}}})", R"({"propertyStates":1})"}) {
      CAPTURE(payload);
      CHECK(report(payload).error() == Errc::invalid);
    }
    const auto reply = [](std::string_view success) {
      return decode("/p1/d1/properties/write/reply", "{\"success\":" + std::string(success) + "}");
    };
    for (const auto* yes : {"true", "\"true\"", "\"TRUE\"", "1", "-1", "null"}) CHECK(reply(yes).message.success);
    for (const auto* no : {"false", "\"false\"", "0", "\"\""}) {
      CHECK(reply(no).is_message());
      CHECK(!reply(no).message.success);
    }
    for (const auto* bad : {"\"yes\"", "{}", "[]", "1.5"}) CHECK(reply(bad).error() == Errc::invalid);
  }

  TEST_CASE("a key given twice is an error, also when it is spelled with escapes") {
    for (const auto* payload :
         {R"({"properties":{"a":1},"properties":{}})", R"({"properties":null,"propertie\u0073":{}})",
          R"({"timestamp":1,"timestamp":2})", R"({"properties":{"a":1,"b":2,"a":1}})",
          R"({"properties":{"a":1,"\u0061":1}})", R"({"propertySourceTimes":{"a":1,"a":1}})",
          R"({"propertyStates":{"a":1,"a":1}})", R"({"headers":{"a":1,"a":2}})"}) {
      CAPTURE(payload);
      CHECK(report(payload).error() == Errc::invalid);
    }
    CHECK(report(R"({"unknown":1,"unknown":2})").is_message());
    const auto many = object_of(40);
    CHECK(report("{\"properties\":" + many.substr(0, many.size() - 1) + ",\"k7\":1}}").error() == Errc::invalid);
  }

  TEST_CASE("a message holds at most 1024 properties") {
    const auto full =
        report("{\"properties\":" + object_of(1024) + ",\"propertySourceTimes\":" + object_of(1024) + "}");
    REQUIRE(full.is_message());
    REQUIRE(full.message.properties.size() == 1024);
    CHECK(full.message.properties[1000].name == "k1000");
    CHECK(full.message.properties[1000].source_time == 1000);
    CHECK(report("{\"properties\":" + object_of(1025) + "}").error() == Errc::invalid);
    CHECK(report("{\"propertyStates\":" + object_of(1025) + "}").error() == Errc::invalid);
    CHECK(report("{\"propertySourceTimes\":" + object_of(1025) + "}").error() == Errc::invalid);
    CHECK(report("{\"headers\":" + object_of(128) + "}").is_message());
    CHECK(report("{\"headers\":" + object_of(129) + "}").error() == Errc::invalid);
    CHECK(report("{\"properties\":{\"" + std::string(256, 'n') + "\":1}}").is_message());
    CHECK(report("{\"properties\":{\"" + std::string(257, 'n') + "\":1}}").error() == Errc::invalid);
  }

  TEST_CASE("errors name the field and leave no half message") {
    const auto up = report(R"({"messageId":"secret","properties":[1]})");
    REQUIRE(up.result.has_error());
    CHECK(up.result.error().field == "properties");
    CHECK(up.result.error().message == "\"properties\" must be an object");
    CHECK(up.message.json.empty());
    CHECK(up.message.message_id.empty());
    CHECK(up.message.type == MessageType::unknown);
  }

  TEST_CASE("another device's topic is refused [wire.md 2.2]") {
    CHECK(decode("/p1/d2/properties/report", "{}").error() == Errc::denied);
    CHECK(decode("/p1/*/properties/report", "{}").error() == Errc::denied);
    CHECK(decode("/p1//properties/report", "{}").error() == Errc::denied);
    CHECK(decode("/p1/d2/child/d1/online", "{}").error() == Errc::denied);
    CHECK(decode("/p1/d2/time-sync", "{}").error() == Errc::denied);
    CHECK(decode("/p1/d2/unknown", "{}").is_nothing());
  }

  TEST_CASE("an event's name must be printable and short") {
    CHECK(decode("/p1/d1/event/过热", R"({"data":1})").message.name == "过热");
    CHECK(decode("/p1/d1/event/a\"b", R"({"data":1})").json()["event"] == "a\"b");
    CHECK(decode("/p1/d1/event/" + std::string(256, 'e'), "{}").is_message());
    CHECK(decode("/p1/d1/event/" + std::string(257, 'e'), "{}").error() == Errc::invalid);
    CHECK(decode("/p1/d1/event/a\x01", "{}").error() == Errc::invalid);
    CHECK(decode("/p1/d1/event/\xff", "{}").error() == Errc::invalid);
    CHECK(!decode("/p1/d1/event/a", R"({"data":null})").json().contains("data"));
  }

  TEST_CASE("time-sync is answered on its own topic with the id as a string [wire.md 2.4]") {
    auto up = decode("/other/d1/time-sync/", R"({"messageId":9})");
    REQUIRE(up.result.has_value());
    CHECK(*up.result == codec::Decoded::reply);
    CHECK(up.answer.reply.topic == "/other/d1/time-sync/reply");
    CHECK(up.answer.reply.payload == R"({"messageId":"9","timestamp":1700000000000})");
    CHECK(up.answer.reply.qos == 1);
    CHECK(up.message.json.empty());
    up = decode("/p1/d1/time-sync", "{}", device({{"downQos", "0"}}));
    CHECK(up.answer.reply.payload == R"({"timestamp":1700000000000})");
    CHECK(up.answer.reply.qos == 0);
    for (const auto* payload : {"", "[]", "x", R"({"messageId":{}})", R"({"messageId":"a","messageId":"b"})"}) {
      CHECK(decode("/p1/d1/time-sync", payload).error() == Errc::invalid);
    }
    CHECK(decode("p1/d1/time-sync", "{}").is_nothing());
  }

  TEST_CASE("decoding into a used message leaves nothing of the message before") {
    codec::DeviceMessage message;
    codec::Answer answer;
    const auto& protocol = codec::official_protocol();
    REQUIRE(protocol
                .decode({"/p1/d1/child/c1/properties/read/reply",
                         R"({"messageId":"1","success":false,"code":"E","message":"no","headers":{"force":true},)"
                         R"("properties":{"a\n":1}})"},
                        {device()}, kNow, message, answer)
                .has_value());
    REQUIRE(message.has_child);
    REQUIRE(protocol.decode({"/p1/d1/online", "{}"}, {device()}, kNow, message, answer).has_value());
    CHECK(!message.has_child);
    CHECK(message.json == R"({"messageType":"ONLINE","deviceId":"d1","timestamp":1700000000000})");
    REQUIRE(protocol.decode({"/p1/d1/child/c2/online", "{}"}, {device()}, kNow, message, answer).has_value());
    REQUIRE(message.has_child);
    CHECK(message.child->code.empty());
    CHECK(message.child->text.empty());
    CHECK(message.child->success);
    CHECK(!message.child->headers.force);
    CHECK(message.child->properties.empty());
    CHECK(message.child->device_id == "c2");
  }
}
