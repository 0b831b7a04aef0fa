#include "vectors.hpp"

#include <doctest/doctest.h>
#include <set>

using namespace jl;
using codec::Transport;

namespace {
constexpr std::string_view kTransports[] = {"MQTT", "TCP", "UDP", "HTTP", "WebSocket", "CoAP"};

const codec::Protocol& protocol() { return codec::official_protocol(); }

std::string keys_of(std::string_view transport) {
  std::string keys;
  for (const auto& key : protocol().descriptor()->config_keys(transport)) {
    CAPTURE(key.key);
    keys += (keys.empty() ? "" : " ") + key.key + ":" + key.type + ":" + key.default_value;
    CHECK(!key.name.empty());
    CHECK(!key.help.empty());
    CHECK(!key.required);
    CHECK(key.product_scope);
    CHECK(key.device_scope == (key.key != "downQos" && key.key != "encAlg"));
    CHECK((key.type == "enum") == !key.words.empty());
  }
  return keys;
}

std::string without_spaces(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c != ' ') out += c;
  }
  return out;
}

// The samples of a document: its lines of hexadecimal digits that begin with `start`.
std::vector<std::string> samples(std::string_view document, std::string_view start) {
  std::vector<std::string> found;
  std::stringstream lines{std::string(document)};
  for (std::string line; std::getline(lines, line);) {
    const std::string plain = without_spaces(line);
    if (line.starts_with("    " + std::string(start)) && plain.size() > 20 &&
        plain.find_first_not_of("0123456789abcdef") == std::string::npos) {
      found.push_back(test::vectors::unhex(plain));
    }
  }
  return found;
}

// Sends the samples of a binary transport through the codec in their order: what a device sends must decode, what the
// platform sends must be what is encoded or answered.
void check_samples(Transport transport, std::string_view start, std::size_t count) {
  codec::DeviceIdentity device{"d1", "p1", {}};
  device.configuration.emplace("secureKey", Secret("key1"));
  const auto state = protocol().open_state(transport);
  codec::DeviceMessage message;
  codec::Answer answer;
  std::size_t seen = 0;
  bool logged_in = false;
  const std::size_t type_at = transport == Transport::tcp ? 4 : 7;
  for (const std::string& bytes : samples(protocol().descriptor()->document(codec::to_string(transport)), start)) {
    CAPTURE(test::vectors::hex(bytes));
    ++seen;
    if (answer.has_reply && bytes == answer.reply.payload) continue;
    if (bytes.at(type_at) == 4) {
      const auto body = test::vectors::json::parse(
          R"({"messageType":"READ_PROPERTY","messageId":"m","timestamp":1700000000000,"properties":["temp"]})");
      const auto encoded =
          protocol().encode(test::vectors::down_message(body.as_object()), transport, {device, state.get()});
      REQUIRE(encoded.has_value());
      CHECK(encoded->sends.at(0).payload == bytes);
      continue;
    }
    codec::Uplink wire;
    wire.transport = transport;
    wire.payload = bytes;
    const auto decoded =
        protocol().decode(wire, {device, state.get(), logged_in}, test::vectors::kNow, message, answer);
    REQUIRE(decoded.has_value());
    if (bytes.size() > 5) CHECK(*decoded == codec::Decoded::message);
    logged_in = true;
  }
  CHECK(seen == count);
  CHECK(message.type == codec::MessageType::read_property_reply);
  CHECK(message.message_id == "m");
}
}  // namespace

TEST_SUITE("codec.official") {
  TEST_CASE("the protocol speaks six transports, which are found in any case [access.md 4.5]") {
    REQUIRE(protocol().descriptor()->transport_names().size() == std::size(kTransports));
    for (std::size_t i = 0; i < std::size(kTransports); ++i) {
      CHECK(protocol().descriptor()->transport_names()[i] == kTransports[i]);
      CHECK(codec::transport_from(kTransports[i]) == static_cast<Transport>(i));
    }
    CHECK(protocol().descriptor()->config_keys("websocket").size() == 1);
    CHECK(protocol().descriptor()->config_keys("Gateway").empty());
    CHECK(protocol().descriptor()->routes("Gateway").empty());
    CHECK(protocol().descriptor()->document("Gateway").empty());
  }

  TEST_CASE("the protocol says what it needs to know of a device [access.md 4.1, 4.5]") {
    CHECK(protocol().descriptor()->id == "jetlinks-official");
    CHECK(keys_of("MQTT") ==
          "secureId:string: secureKey:password: secureType:enum:auto downQos:enum:1 "
          "v1Compat:boolean:false");
    CHECK(keys_of("TCP") == "secureKey:password:");
    CHECK(keys_of("UDP") == "secureKey:password:");
    CHECK(keys_of("HTTP") == "bearer_token:password:");
    CHECK(keys_of("WebSocket") == "bearer_token:password:");
    CHECK(keys_of("CoAP") == "encAlg:enum:AES secureKey:password:");
  }

  TEST_CASE("HTTP and CoAP take a POST to every topic that devices publish to [wire.md 3.1, 4]") {
    std::set<std::string> published;
    for (const auto& route : protocol().descriptor()->routes("MQTT")) {
      if (route.upstream && !route.topic.ends_with("time-sync")) published.insert(route.topic);
    }
    std::set<std::string> http, coap;
    for (const auto& route : protocol().descriptor()->routes("HTTP")) {
      CHECK(route.method == "POST");
      CHECK(route.upstream);
      CHECK(!route.downstream);
      CHECK(http.insert(route.topic).second);
    }
    CHECK(http == published);
    std::set<std::string> observed;
    for (const auto& route : protocol().descriptor()->routes("CoAP")) {
      CHECK(route.upstream);
      CHECK(route.downstream == (route.method != "POST"));
      if (route.downstream) observed.insert(route.method + " " + route.topic);
      if (!route.downstream && !route.topic.ends_with("/time-sync")) coap.insert(route.topic);
    }
    CHECK(coap == published);
    CHECK(protocol().descriptor()->routes("CoAP").size() == published.size() + 3);
    CHECK(observed == std::set<std::string>{"FETCH /{productId:product 产品ID}/{deviceId:device 设备ID}",
                                            "GET /{productId:product 产品ID}/{deviceId:device 设备ID}"});
  }

  TEST_CASE("a WebSocket has one path, and TCP and UDP have none [access.md 4.5]") {
    REQUIRE(protocol().descriptor()->routes("WebSocket").size() == 1);
    const auto& socket = protocol().descriptor()->routes("WebSocket").front();
    CHECK(socket.topic == "/{productId:product 产品ID}/{deviceId:device 设备ID}/socket");
    CHECK(socket.upstream);
    CHECK(socket.downstream);
    CHECK(protocol().descriptor()->routes("TCP").empty());
    CHECK(protocol().descriptor()->routes("UDP").empty());
  }

  TEST_CASE("every transport tells its developers how to connect, report and answer [access.md 4.1]") {
    for (const std::string_view transport : kTransports) {
      CAPTURE(transport);
      const std::string_view document = protocol().descriptor()->document(transport);
      CHECK(document.starts_with("# " + std::string(transport) + "\n"));
      CHECK(document.find("**Report**") != std::string_view::npos);
      CHECK(document.find("**Commands**") != std::string_view::npos);
      for (const auto& key : protocol().descriptor()->config_keys(transport)) {
        if (key.type == "password") CHECK(document.find(key.key) != std::string_view::npos);
      }
    }
  }

  TEST_CASE("the samples of the binary documents are what the codec reads and writes [wire.md 5.8]") {
    check_samples(Transport::tcp, "0000", 5);
    check_samples(Transport::udp, "00 ", 4);
  }

  TEST_CASE("the pre-shared key of DTLS is the secureKey; only binary and CoAP sessions remember anything") {
    codec::DeviceIdentity device{"d1", "p1", {}};
    CHECK(protocol().pre_shared_key(device).empty());
    device.configuration.emplace("secureKey", Secret("k"));
    CHECK(protocol().pre_shared_key(device) == "k");
    for (const Transport transport : {Transport::tcp, Transport::udp, Transport::coap}) {
      CHECK(protocol().open_state(transport) != nullptr);
    }
    for (const Transport transport : {Transport::mqtt, Transport::http, Transport::websocket}) {
      CHECK(protocol().open_state(transport) == nullptr);
    }
  }
}
