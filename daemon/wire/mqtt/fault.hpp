#pragma once
// What is wrong with a packet: the code a peer is told and a few words for people. Converts to true when there is a
// fault.
#include "daemon/wire/mqtt/packet.hpp"

#include <string_view>

namespace jl::wire::mqtt {

struct Fault {
  ReasonCode reason = ReasonCode::success;
  std::string_view text{};  ///< static storage; lower case, no full stop

  explicit operator bool() const { return reason != ReasonCode::success; }
};

inline Fault malformed(std::string_view text) { return {ReasonCode::malformed_packet, text}; }
inline Fault violation(std::string_view text) { return {ReasonCode::protocol_error, text}; }

/// How logs and counters name the end that this fault brings.
inline CloseCause cause_of(ReasonCode reason) {
  switch (reason) {
    case ReasonCode::malformed_packet:
      return CloseCause::malformed_packet;
    case ReasonCode::packet_too_large:
      return CloseCause::packet_too_large;
    default:
      return CloseCause::protocol_error;
  }
}

}  // namespace jl::wire::mqtt
