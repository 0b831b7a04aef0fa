#pragma once
// What a session of the official protocol remembers between messages. On the session's thread.
#include "daemon/codec/official/sequences.hpp"
#include "daemon/codec/protocol.hpp"

namespace jl::codec::official {

/// One class for all transports, so that Protocol::open_state and its users cannot mix them up.
class SessionState final : public CodecState {
 public:
  Sequences sequences;    ///< TCP, UDP
  bool is_plain = false;  ///< CoAP: the last message was proven by DTLS, so what goes down is not encrypted again
};

/// The peer's state; nullptr when it has none.
[[nodiscard]] inline SessionState* state_of(const Peer& peer) { return static_cast<SessionState*>(peer.state); }

}  // namespace jl::codec::official
