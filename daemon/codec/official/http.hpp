#pragma once
// HTTP devices (wire.md 3.1): POST to the topic as path, a bearer token, answers in JSON; no way down.
#include "daemon/codec/protocol.hpp"

namespace jl::codec::official {

/// Protocol::decode. `answer` always has a status and a body. Errors: Errc::invalid (400), Errc::denied when the path
/// names another device (401).
[[nodiscard]] Result<Decoded> decode_http(const Uplink& wire, const DeviceIdentity& device, Millis now,
                                          DeviceMessage& out, Answer& answer);

/// Protocol::refuse: 400 for a path without a device, 401 for an unknown one, 503 when the failure is ours.
void refuse_http(const Uplink& wire, Stranger why, Answer& answer);

}  // namespace jl::codec::official
