#pragma once
// What the tests of the official protocol share: a device, and decoding in one call.
#include "daemon/codec/protocol.hpp"

#include <boost/json.hpp>
#include <map>
#include <string>
#include <string_view>

namespace jl::test {

inline constexpr Millis kNow = 1'700'000'000'000;

inline codec::DeviceIdentity device(std::map<std::string, std::string> configuration = {}) {
  codec::DeviceIdentity identity;
  identity.device_id = "d1";
  identity.product_id = "p1";
  for (auto& [key, value] : configuration) identity.configuration.emplace(key, Secret(value));
  return identity;
}

/// A decoded message with everything that came with it.
struct Uplink {
  Result<codec::Decoded> result = codec::Decoded::nothing;
  codec::DeviceMessage message;
  codec::Answer answer;

  bool is_message() const { return result && *result == codec::Decoded::message; }
  bool is_nothing() const { return result && *result == codec::Decoded::nothing; }
  Errc error() const { return result ? Errc::count_ : result.error().code; }
  boost::json::object json() const { return boost::json::parse(message.json).as_object(); }
};

inline Uplink decode(std::string_view topic, std::string_view payload,
                     const codec::DeviceIdentity& identity = device()) {
  Uplink up;
  up.result = codec::official_protocol().decode({topic, payload}, {identity}, kNow, up.message, up.answer);
  return up;
}
inline Uplink report(std::string_view payload) { return decode("/p1/d1/properties/report", payload); }

}  // namespace jl::test
