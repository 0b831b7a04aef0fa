#include "daemon/codec/cbor.hpp"
#include "daemon/codec/official/aes.hpp"
#include "support.hpp"

#include <doctest/doctest.h>
#include <openssl/err.h>
#include <memory>

using namespace jl;
using namespace jl::test;
using codec::Decoded;
using codec::MessageType;
using codec::Stranger;
using namespace std::string_literals;

namespace {
constexpr std::string_view kKey = "0123456789abcdef";

std::string encrypted(std::string_view plain, std::string_view key = kKey) {
  std::string bytes;
  REQUIRE(codec::official::aes_encrypt(key, plain, bytes));
  return bytes;
}
std::string decrypted(std::string_view bytes) {
  std::string plain;
  REQUIRE(codec::official::aes_decrypt(kKey, bytes, plain));
  return plain;
}

codec::Uplink request(std::string_view path, std::string_view payload) {
  codec::Uplink wire;
  wire.transport = codec::Transport::coap;
  wire.method = "POST";
  wire.topic = path;
  wire.payload = payload;
  return wire;
}

struct Session {
  codec::DeviceIdentity identity = device({{"secureKey", std::string(kKey)}});
  std::unique_ptr<codec::CodecState> state = codec::official_protocol().open_state(codec::Transport::coap);

  Uplink receive(const codec::Uplink& wire) {
    Uplink up;
    up.result = codec::official_protocol().decode(wire, {identity, state.get()}, kNow, up.message, up.answer);
    CHECK(!up.answer.has_reply);
    CHECK(!up.answer.close);
    CHECK(up.answer.status != 0);
    if (!up.is_message()) CHECK(up.message.json.empty());
    return up;
  }
  Result<codec::Encoded> send(std::string_view body) {
    codec::DownMessage message;
    message.body = boost::json::parse(body).as_object();
    message.type = codec::message_type_from(message.body.at("messageType").as_string()).value();
    return codec::official_protocol().encode(message, codec::Transport::coap, {identity, state.get()});
  }
};

Uplink post(std::string_view path, std::string_view plain) {
  const std::string bytes = encrypted(plain);
  return Session().receive(request(path, bytes));
}

std::string owner(const codec::Uplink& wire) {
  const auto found = codec::official_protocol().owner_of(wire);
  return found ? std::string(found->product_id) + " " + std::string(found->device_id) : "nobody";
}

int refusal(Stranger why) {
  codec::Answer answer;
  codec::official_protocol().refuse(request("/p1/d1/online", ""), why, kNow, answer);
  CHECK(answer.body.empty());
  return answer.status;
}
}  // namespace

TEST_SUITE("codec.official.coap") {
  TEST_CASE("every up suffix can be posted, encrypted, and gives the message of MQTT [wire.md 4]") {
    std::size_t checked = 0;
    for (const auto& route : codec::official_protocol().descriptor()->routes("CoAP")) {
      std::string path = route.topic;
      const auto put = [&path](std::string_view from, std::string_view to) {
        const std::size_t at = path.find(from);
        if (at != std::string::npos) path.replace(at, path.find('}', at) + 1 - at, to);
      };
      put("{productId:", "p1"), put("{deviceId:", "d1"), put("{eventId:", "e"), put("{childId:", "c1");
      put("{#:", "properties/read/reply");
      if (route.downstream || path.ends_with("time-sync")) continue;
      CAPTURE(path);
      ++checked;
      const Uplink up = post(path, route.example), same = decode(path, route.example);
      REQUIRE(same.is_message());
      REQUIRE(up.is_message());
      CHECK(up.message.json == same.message.json);
      CHECK(up.answer.status == 201);
      CHECK(up.answer.body.empty());
    }
    CHECK(checked == 25);
  }

  TEST_CASE("the payload is CBOR when the Content-Format says so, else JSON [wire.md 4]") {
    const std::string cbor = encrypted("\xa1\x6a"s + "properties" + "\xa1\x61t\x0a"s);
    codec::Uplink wire = request("/p1/d1/properties/report", cbor);
    wire.content_format = 60;
    const Uplink up = Session().receive(wire);
    REQUIRE(up.is_message());
    CHECK(up.message.json ==
          R"({"messageType":"REPORT_PROPERTY","deviceId":"d1","timestamp":1700000000000,"properties":{"t":10}})");
    for (const int format : {-1, 0, 42, 50, 61}) {
      CAPTURE(format);
      wire.content_format = format;
      CHECK(Session().receive(wire).error() == Errc::invalid);
      const std::string json = encrypted(R"({"properties":{"t":10}})");
      codec::Uplink other = wire;
      other.payload = json;
      CHECK(Session().receive(other).is_message());
    }
    // The bytes of DIRECT are whatever they are.
    codec::Uplink direct = request("/p1/d1/direct", cbor);
    direct.content_format = 60;
    CHECK(Session().receive(direct).is_message());
    const std::string broken = encrypted("\xa1\x61"s);
    codec::Uplink bad = request("/p1/d1/online", broken);
    bad.content_format = 60;
    CHECK(Session().receive(bad).error() == Errc::invalid);
    CHECK(Session().receive(bad).answer.status == 400);
  }

  TEST_CASE("what was not encrypted with the device's key is 4.00 [wire.md 4]") {
    const std::string good = encrypted("{}"), other = encrypted("{}", "fedcba9876543210");
    for (const std::string& payload : {""s, "{}"s, good.substr(1), good + "x", good + good.substr(0, 8), other,
                                       std::string(16, '\0'), std::string(160, 'x')}) {
      const Uplink up = Session().receive(request("/p1/d1/online", payload));
      REQUIRE(up.result.has_value());
      CHECK(*up.result == Decoded::refused);
      CHECK(up.answer.status == 400);
    }
    CHECK(ERR_peek_error() == 0);  // nothing is left for the TLS code of this thread to stumble on
    for (const auto* plain : {"", "[]", "{", R"({"tags":[]})"}) {
      const Uplink up = post("/p1/d1/tags", plain);
      CHECK(up.error() == Errc::invalid);
      CHECK(up.answer.status == 400);
    }
  }

  TEST_CASE("a key that is not of 16 characters is one that nobody has [wire.md 4]") {
    for (const std::string key :
         {"", "short", "0123456789abcde", "0123456789abcdef0", "0123456789abcdef0123456789abcdef"}) {
      Session session;
      session.identity = device({{"secureKey", key}});
      const std::string bytes = encrypted("{}");
      const Uplink up = session.receive(request("/p1/d1/online", bytes));
      REQUIRE(up.result.has_value());
      CHECK(*up.result == Decoded::refused);
      CHECK(up.answer.status == 400);
      CHECK(session.send(R"({"messageType":"READ_PROPERTY"})").error().code == Errc::unsupported_message);
    }
  }

  TEST_CASE("paths that are none of ours are 4.04 [wire.md 4]") {
    for (const auto* path : {"/p1/d1/no/such", "/p1/d1", "/p1/d1/properties/read", "/p1/d1/request-token"}) {
      CAPTURE(path);
      const Uplink up = post(path, "{}");
      CHECK(up.is_nothing());
      CHECK(up.answer.status == 404);
    }
    std::string deep = "/p1/d1";
    for (int i = 0; i < 9; ++i) deep += "/child/c";
    CHECK(post(deep + "/online", "{}").error() == Errc::invalid);
    CHECK(refusal(Stranger::nameless) == 404);
    CHECK(refusal(Stranger::unknown) == 401);
    CHECK(refusal(Stranger::unavailable) == 503);
  }

  TEST_CASE("the time is answered at once, not encrypted, in the format of the question [wire.md 4]") {
    const std::string json = encrypted(R"({"messageId":"t1"})");
    codec::Uplink wire = request("/p1/d1/time-sync", json);
    Uplink up = Session().receive(wire);
    CHECK(*up.result == Decoded::reply);
    CHECK(up.answer.status == 205);
    CHECK(up.answer.content_format == 50);
    CHECK(up.answer.body == R"({"messageId":"t1","timestamp":1700000000000})");
    const std::string cbor = encrypted("\xa1\x69"s + "messageId" + "\x62t1");
    wire.payload = cbor;
    wire.content_format = 60;
    up = Session().receive(wire);
    CHECK(up.answer.status == 205);
    CHECK(up.answer.content_format == 60);
    std::string text;
    REQUIRE(codec::cbor_to_json(up.answer.body, text).has_value());
    CHECK(text == R"({"messageId":"t1","timestamp":1700000000000})");
    CHECK(post("/p1/d1/time-sync", "{}").answer.body == R"({"timestamp":1700000000000})");
    CHECK(post("/p1/d1/time-sync", "[]").answer.status == 400);
    CHECK(post("/p1/d1/child/c1/time-sync", "{}").answer.status == 404);
  }

  TEST_CASE("option 2100 names the device, or the gateway that speaks for the path's [wire.md 4]") {
    const std::string bytes = encrypted(R"({"timestamp":5})");
    codec::Uplink wire = request("/p1/d1/online", bytes);
    wire.device_option = "d1";
    CHECK(owner(wire) == "p1 d1");
    CHECK(Session().receive(wire).message.type == MessageType::online);
    wire.topic = "/p2/c1/online";
    CHECK(owner(wire) == "p2 d1");
    const Uplink up = Session().receive(wire);
    REQUIRE(up.is_message());
    CHECK(up.message.json == decode("/p1/d1/child/c1/online", R"({"timestamp":5})").message.json);
    wire.topic = "/p2/c1/child/c2/online";
    CHECK(Session().receive(wire).message.json ==
          decode("/p1/d1/child/c1/child/c2/online", R"({"timestamp":5})").message.json);
    wire.topic = "/p2/c1/time-sync";
    CHECK(Session().receive(wire).answer.status == 404);
    std::string deep = "/p2/c1";
    for (int i = 0; i < 8; ++i) deep += "/child/c";
    deep += "/online";
    wire.topic = deep;
    CHECK(Session().receive(wire).error() == Errc::invalid);
    wire.device_option = "d2";
    wire.topic = "/p1/d1/online";
    CHECK(Session().receive(wire).error() == Errc::denied);
    CHECK(Session().receive(wire).answer.status == 401);
    wire.device_option = "a/b";
    CHECK(owner(wire) == "nobody");
    wire.device_option = "";
    wire.topic = "/p1/d2/online";
    CHECK(owner(wire) == "p1 d2");
    CHECK(Session().receive(wire).error() == Errc::denied);
    CHECK(owner(request("/p1", "")) == "nobody");
  }

  TEST_CASE("after DTLS with the device's key the payload is plain, as an addition of ours") {
    codec::Uplink wire = request("/p1/d1/tags", R"({"tags":{"a":1}})");
    wire.proven_id = "d1";
    CHECK(Session().receive(wire).is_message());
    Session keyless;
    keyless.identity = device();
    CHECK(keyless.receive(wire).is_message());
    const std::string bytes = encrypted(R"({"tags":{"a":1}})");
    wire.payload = bytes;
    CHECK(Session().receive(wire).error() == Errc::invalid);
    wire.proven_id = "d2";
    CHECK(Session().receive(wire).error() == Errc::denied);
    CHECK(Session().receive(wire).answer.status == 401);
  }

  TEST_CASE("messages go down in the wrapping of the device's last message, as an addition of ours") {
    constexpr std::string_view kRead = R"({"messageType":"READ_PROPERTY","messageId":"m","properties":["t"]})";
    constexpr std::string_view kWant =
        R"({"messageType":"READ_PROPERTY","messageId":"m","deviceId":"d1","properties":["t"]})";
    Session session;
    CHECK(decrypted(session.send(kRead)->sends.at(0).payload) == kWant);
    codec::Uplink plain = request("/p1/d1/online", "{}");
    plain.proven_id = "d1";
    REQUIRE(session.receive(plain).is_message());
    CHECK(session.send(kRead)->sends.at(0).payload == kWant);
    // What proves nothing changes nothing.
    REQUIRE(!session.receive(request("/p1/d1/online", "{}")).is_message());
    CHECK(session.send(kRead)->sends.at(0).payload == kWant);
    const std::string bytes = encrypted("{}");
    REQUIRE(session.receive(request("/p1/d1/online", bytes)).is_message());
    CHECK(decrypted(session.send(kRead)->sends.at(0).payload) == kWant);
    session.state.reset();
    CHECK(decrypted(session.send(kRead)->sends.at(0).payload) == kWant);
    CHECK(session.send(R"({"messageType":"EVENT"})").error().code == Errc::unsupported_message);
    CHECK(session.send(R"({"messageType":"DISCONNECT"})")->disconnect);
  }

  TEST_CASE("the cipher is AES-128-ECB with PKCS#7 padding [FIPS 197 B, wire.md 4]") {
    using codec::official::aes_decrypt;
    using codec::official::aes_encrypt;
    const std::string key = "\x2b\x7e\x15\x16\x28\xae\xd2\xa6\xab\xf7\x15\x88\x09\xcf\x4f\x3c";
    const std::string plain = "\x32\x43\xf6\xa8\x88\x5a\x30\x8d\x31\x31\x98\xa2\xe0\x37\x07\x34";
    std::string bytes, again;
    REQUIRE(aes_encrypt(key, plain, bytes));
    CHECK(bytes.size() == 32);
    CHECK(bytes.substr(0, 16) == "\x39\x25\x84\x1d\x02\xdc\x09\xfb\xdc\x11\x85\x97\x19\x6a\x0b\x32"s);
    for (std::size_t size = 0; size < 40; ++size) {
      CAPTURE(size);
      REQUIRE(aes_encrypt(key, std::string(size, 'x'), bytes));
      CHECK(bytes.size() == (size / 16 + 1) * 16);
      REQUIRE(aes_decrypt(key, bytes, again));
      CHECK(again == std::string(size, 'x'));
    }
    CHECK(!aes_encrypt("short", "x", bytes));
    CHECK(bytes.empty());
  }

  TEST_CASE("who observes proves itself by a recent time, encrypted, and says ONLINE with it") {
    const auto observe = [](std::string_view path, std::string_view payload, std::string_view proven = {}) {
      codec::Uplink wire = request(path, payload);
      wire.method = proven.empty() ? "FETCH" : "GET";
      wire.proven_id = proven;
      return Session().receive(wire);
    };
    const auto timed = [](Millis time) { return encrypted(R"({"timestamp":)" + std::to_string(time) + "}"); };
    for (const std::string_view path : {"/p1/d1", "/p1/d1/", "p1/d1"}) {
      const Uplink up = observe(path, timed(kNow - 300'000));
      REQUIRE(up.is_message());
      CHECK(up.message.type == codec::MessageType::online);
      CHECK(up.answer.status == 205);
    }
    for (const Millis time : {kNow - 300'001, kNow + 300'001, Millis{0}, Millis{-1}}) {
      const Uplink up = observe("/p1/d1", timed(time));
      CHECK(up.result.has_value());
      CHECK(*up.result == codec::Decoded::refused);
      CHECK(up.answer.status == 401);
    }
    CHECK(observe("/p1/d1", encrypted("{}")).answer.status == 401);
    CHECK(observe("/p1/d1", "").answer.status == 401);
    CHECK(observe("/p1/d1", R"({"timestamp":1700000000000})").answer.status == 401);
    CHECK(observe("/p1/d2", timed(kNow)).error() == Errc::denied);
    // DTLS has proven the device: nothing more is asked.
    CHECK(observe("/p1/d1", "", "d1").is_message());
    CHECK(observe("/p1/d1", "", "d2").error() == Errc::denied);
  }
}
