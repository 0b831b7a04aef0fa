#pragma once
// How MQTT clients of the official protocol prove who they are (wire.md 2.1), and the comparison of secrets that every
// transport uses.
#include "daemon/codec/protocol.hpp"

namespace jl::codec::official {

/// How far a device's clock may be off in md5 mode, inclusive.
inline constexpr Millis kClockTolerance = 300'000;

/// Checks username and password against secureId and secureKey by secureType (auto, md5, plaintext). Compares in
/// constant time. The client id is the caller's: it found the device by it.
[[nodiscard]] AuthOutcome authenticate(const MqttCredentials& credentials, const DeviceIdentity& device, Millis now);

/// Whether what a peer gave is the secret, in a time that depends on neither's content. An empty secret is one that is
/// not configured: nothing equals it.
[[nodiscard]] bool is_secret(std::string_view given, std::string_view secret);

}  // namespace jl::codec::official
