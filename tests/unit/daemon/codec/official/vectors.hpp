#pragma once
// The vectors of the wire specification (wire.md 7): reading them, and comparing what came out with what they expect.
#include "daemon/codec/protocol.hpp"

#include <algorithm>
#include <boost/json.hpp>
#include <fstream>
#include <sstream>
#include <string>
#include <string_view>

namespace jl::test::vectors {
namespace json = boost::json;

inline constexpr Millis kNow = 1'700'000'000'000;

inline const json::array& all() {
  static const json::array vectors = [] {
    std::ifstream file(JL_SOURCE_DIR "/tests/data/wire-vectors.json");
    std::stringstream text;
    text << file.rdbuf();
    return json::parse(text.str()).as_array();
  }();
  return vectors;
}

inline std::string_view text(const json::object& object, std::string_view key) {
  const auto* found = object.if_contains(key);
  return found == nullptr || found->is_null() ? std::string_view() : std::string_view(found->as_string());
}

inline codec::DeviceIdentity identity_of(const json::object& vector) {
  const json::object& device = vector.at("device").as_object();
  codec::DeviceIdentity identity;
  identity.device_id = text(device, "deviceId");
  identity.product_id = text(device, "productId");
  for (const auto* key : {"secureId", "secureKey", "secureType", "bearer_token"}) {
    if (device.contains(key)) identity.configuration.emplace(key, Secret(std::string(text(device, key))));
  }
  return identity;
}

inline std::string unhex(std::string_view hex) {
  std::string bytes;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2) {
    bytes += static_cast<char>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16));
  }
  return bytes;
}

inline std::string hex(std::string_view bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string out;
  for (const char c : bytes) {
    out += kDigits[static_cast<unsigned char>(c) >> 4u];
    out += kDigits[static_cast<unsigned char>(c) & 15u];
  }
  return out;
}

inline std::string payload_of(const json::object& vector) {
  if (vector.contains("payload_utf8")) return std::string(text(vector, "payload_utf8"));
  return unhex(text(vector, "payload_hex"));
}

/// A reply_hex with the eight bytes of its time filled in.
inline std::string reply_of(const json::object& expected) {
  std::string reply(text(expected, "reply_hex"));
  if (const std::size_t at = reply.find('T'); at != std::string::npos) reply.replace(at, 16, "0000018bcfe56800");
  return reply;
}

/// JSON as values: numbers by amount, "$now" as the clock.
inline bool is_same(const json::value& got, const json::value& want) {
  if (want.is_string() && want.get_string() == "$now") return got.is_int64() && got.get_int64() == kNow;
  if (want.is_number() && got.is_number()) return got == want;
  if (want.is_object() && got.is_object()) {
    if (want.get_object().size() != got.get_object().size()) return false;
    for (const auto& [key, value] : want.get_object()) {
      const auto* other = got.get_object().if_contains(key);
      if (other == nullptr || !is_same(*other, value)) return false;
    }
    return true;
  }
  if (want.is_array() && got.is_array()) {
    return std::equal(got.get_array().begin(), got.get_array().end(), want.get_array().begin(), want.get_array().end(),
                      is_same);
  }
  return got == want;
}

inline codec::DownMessage down_message(const json::object& body) {
  codec::DownMessage message;
  message.body = body;
  message.type = codec::message_type_from(text(body, "messageType")).value();
  return message;
}

}  // namespace jl::test::vectors
