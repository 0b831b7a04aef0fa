#include "support.hpp"

#include <doctest/doctest.h>

using namespace jl;
using namespace jl::test;
using codec::Decoded;
using codec::MessageType;
using codec::Stranger;

namespace {
constexpr std::string_view kToken = "Bearer tok-42";
constexpr std::string_view kBadRequest = R"({"success":false,"code":"bad_request"})";

std::string unauthorized(std::string_view message) {
  return R"({"success":false,"code":"unauthorized","message":")" + std::string(message) + "\"}";
}

codec::Uplink request(std::string_view path, std::string_view payload, std::string_view authorization) {
  codec::Uplink wire;
  wire.transport = codec::Transport::http;
  wire.method = "POST";
  wire.topic = path;
  wire.payload = payload;
  wire.authorization = authorization;
  return wire;
}

Uplink post(std::string_view path, std::string_view payload = "{}", std::string_view authorization = kToken,
            const codec::DeviceIdentity& identity = device({{"bearer_token", "tok-42"}})) {
  Uplink up;
  up.result =
      codec::official_protocol().decode(request(path, payload, authorization), {identity}, kNow, up.message, up.answer);
  CHECK(up.answer.status != 0);
  CHECK(boost::json::parse(up.answer.body).is_object());
  CHECK(!up.answer.has_reply);
  CHECK(!up.answer.close);
  return up;
}

codec::Answer refuse(std::string_view path, Stranger why, std::string_view authorization = kToken) {
  codec::Answer answer;
  codec::official_protocol().refuse(request(path, "{}", authorization), why, kNow, answer);
  return answer;
}

std::string owner(std::string_view path) {
  const auto found = codec::official_protocol().owner_of(request(path, "", ""));
  return found ? std::string(found->product_id) + " " + std::string(found->device_id) : "nobody";
}
}  // namespace

TEST_SUITE("codec.official.http") {
  TEST_CASE("every up suffix can be posted and gives the message of MQTT [wire.md 3.1]") {
    const struct {
      std::string_view suffix;
      std::string_view payload;
      MessageType type;
    } rows[] = {{"properties/report", R"({"properties":{"t":1}})", MessageType::report_property},
                {"properties/read/reply", R"({"messageId":"1"})", MessageType::read_property_reply},
                {"properties/write/reply", R"({"messageId":"1"})", MessageType::write_property_reply},
                {"function/invoke/reply", R"({"messageId":"1","output":1})", MessageType::invoke_function_reply},
                {"event/fire", R"({"data":1})", MessageType::event},
                {"tags", R"({"tags":{"a":1}})", MessageType::update_tag},
                {"online", "{}", MessageType::online},
                {"offline", "{}", MessageType::offline},
                {"register", "{}", MessageType::register_device},
                {"unregister", "{}", MessageType::unregister_device},
                {"firmware/upgrade/reply", "{}", MessageType::upgrade_firmware_reply},
                {"firmware/upgrade/progress", "{}", MessageType::upgrade_firmware_progress},
                {"firmware/pull", "{}", MessageType::request_firmware},
                {"firmware/report", "{}", MessageType::report_firmware},
                {"firmware/read/reply", "{}", MessageType::read_firmware_reply},
                {"metadata/derived", R"({"metadata":"{}"})", MessageType::derived_metadata},
                {"direct", "any bytes", MessageType::direct},
                {"disconnect/reply", "{}", MessageType::disconnect_reply},
                {"log", R"({"log":"x"})", MessageType::log},
                {"state-check/reply", "{}", MessageType::state_check_reply},
                {"collector/report", R"({"data":[]})", MessageType::report_collector},
                {"collector/read/reply", "{}", MessageType::read_collector_data_reply},
                {"collector/write/reply", "{}", MessageType::write_collector_data_reply},
                {"child/c1/online", "{}", MessageType::child},
                {"child-reply/c1/properties/read/reply", "{}", MessageType::child_reply}};
    CHECK(std::size(rows) == codec::official_protocol().descriptor()->routes("HTTP").size());
    for (const auto& row : rows) {
      CAPTURE(row.suffix);
      const std::string path = "/p1/d1/" + std::string(row.suffix);
      const Uplink up = post(path, row.payload);
      REQUIRE(up.is_message());
      CHECK(up.message.type == row.type);
      CHECK(up.message.json == decode(path, row.payload).message.json);
      CHECK(up.answer.status == 200);
      CHECK(up.answer.body == R"({"success":true})");
    }
    CHECK(post("/any/d1/online/").is_message());
  }

  TEST_CASE("who does not show the device's token is not authorized [wire.md 3.1]") {
    const std::pair<std::string_view, std::string_view> rows[] = {
        {"", "Authorization header is required"},
        {"tok-42", "Illegal token format"},
        {"Bearer", "Illegal token format"},
        {"Bearer ", "Illegal token format"},
        {"Bearertok-42", "Illegal token format"},
        {"Basic tok-42", "Illegal token format"},
        {"Bearer tok-4", "Device no register or token not match"},
        {"Bearer tok-421", "Device no register or token not match"},
        {"Bearer TOK-42", "Device no register or token not match"},
    };
    for (const auto& [authorization, message] : rows) {
      CAPTURE(authorization);
      const Uplink up = post("/p1/d1/online", "{}", authorization);
      REQUIRE(up.result.has_value());
      CHECK(*up.result == Decoded::refused);
      CHECK(up.answer.status == 401);
      CHECK(up.answer.body == unauthorized(message));
      CHECK(up.message.json.empty());
    }
    for (const auto* authorization : {"bearer tok-42", "BEARER tok-42", "Bearer  tok-42", "Bearer tok-42 "}) {
      CHECK(post("/p1/d1/online", "{}", authorization).is_message());
    }
    for (const auto& identity : {device(), device({{"bearer_token", ""}})}) {
      CHECK(post("/p1/d1/online", "{}", kToken, identity).answer.status == 401);
    }
  }

  TEST_CASE("what cannot be read is a bad request [wire.md 3.1]") {
    const std::pair<std::string_view, std::string_view> rows[] = {
        {"/p1/d1/no/such", "{}"},
        {"/p1/d1/properties/read", "{}"},
        {"/p1/d1/time-sync", R"({"messageId":"1"})"},
        {"/p1/d1", "{}"},
        {"/p1/d1/properties/report", ""},
        {"/p1/d1/properties/report", "{"},
        {"/p1/d1/properties/report", "[]"},
        {"/p1/d1/event/a/b", "{}"},
        {"/p1/d1/tags", R"({"tags":[]})"},
        {"/p1/d1/child/c1", "{}"},
        {"/p1/d1/event/\x01", "{}"},
    };
    for (const auto& [path, payload] : rows) {
      CAPTURE(path);
      const Uplink up = post(path, payload);
      CHECK(!up.is_message());
      CHECK(up.answer.status == 400);
      CHECK(up.answer.body == kBadRequest);
      CHECK(up.message.json.empty());
    }
    std::string deep = "/p1/d1";
    for (int i = 0; i < 9; ++i) deep += "/child/c";
    CHECK(post(deep + "/online").error() == Errc::invalid);
    CHECK(post(deep + "/online").answer.status == 400);
  }

  TEST_CASE("the path of another device is not authorized, whatever the token") {
    const Uplink up = post("/p1/d2/online");
    CHECK(up.error() == Errc::denied);
    CHECK(up.answer.status == 401);
    CHECK(up.answer.body == unauthorized("Device no register or token not match"));
  }

  TEST_CASE("strangers get 400 without a device id, 401 otherwise, 503 when it is our fault [wire.md 3.1]") {
    CHECK(refuse("/p1", Stranger::nameless).status == 400);
    CHECK(refuse("/p1", Stranger::nameless).body == kBadRequest);
    CHECK(refuse("/p1/ghost/online", Stranger::unknown).status == 401);
    CHECK(refuse("/p1/ghost/online", Stranger::unknown).body == unauthorized("Device no register or token not match"));
    CHECK(refuse("/p1/ghost/online", Stranger::unknown, "").body == unauthorized("Authorization header is required"));
    CHECK(refuse("/p1/ghost/online", Stranger::unknown, "x").body == unauthorized("Illegal token format"));
    CHECK(refuse("/p1/d1/online", Stranger::unavailable).status == 503);
    CHECK(refuse("/p1/d1/online", Stranger::unavailable).body == R"({"success":false,"code":"server_error"})");
  }

  TEST_CASE("the owner is the path's second segment, whatever stands behind it") {
    CHECK(owner("/p1/d1/properties/report") == "p1 d1");
    CHECK(owner("/p1/d1/no/such") == "p1 d1");
    CHECK(owner("/p1/d1") == "p1 d1");
    CHECK(owner("//d1/online") == " d1");
    for (const std::string path : {"", "/", "/p1", "/p1/", "/p1//online", "/p1/d+/x", "/p1/d\n1/x"}) {
      CAPTURE(path);
      CHECK(owner(path) == "nobody");
    }
    CHECK(owner("/p1/" + std::string(257, 'x') + "/online") == "nobody");
    CHECK(owner("/\xff/d1/online") == "nobody");
  }

  TEST_CASE("there is no way down over HTTP but to disconnect [wire.md 3.2]") {
    for (const auto* type : {"READ_PROPERTY", "WRITE_PROPERTY", "INVOKE_FUNCTION", "UPGRADE_FIRMWARE", "CHILD",
                             "STATE_CHECK", "ACKNOWLEDGE"}) {
      codec::DownMessage message;
      message.type = *codec::message_type_from(type);
      const auto encoded = codec::official_protocol().encode(message, codec::Transport::http, {device()});
      REQUIRE(encoded.has_error());
      CHECK(encoded.error().code == Errc::unsupported_message);
    }
    codec::DownMessage message;
    message.type = MessageType::disconnect;
    const auto encoded = codec::official_protocol().encode(message, codec::Transport::http, {device()});
    REQUIRE(encoded.has_value());
    CHECK(encoded->disconnect);
    CHECK(encoded->sends.empty());
  }
}
