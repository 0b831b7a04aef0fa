#pragma once
// Between libcoap's PDUs and our values. A PDU that libcoap hands over is well-formed; what its options say is judged
// here.
#include "daemon/network/coap_message.hpp"

#include <cstddef>
#include <cstdint>

struct coap_pdu_t;

namespace jl::network {

/// Reads a request. What the server cannot obey is told by `fault`: a path or query that cannot be joined to one text
/// (4.00), If-Match and If-None-Match (4.02, critical and unknown here), a datagram that did not fit libcoap's buffer
/// (4.13).
[[nodiscard]] CoapMessage read_pdu(const coap_pdu_t& pdu);

/// A new PDU with the reply in it, nullptr when there is no memory or it is larger than `limit` bytes. The caller gives
/// it to libcoap. `new_id` is taken when the reply has none of its own. `bytes` is its length.
[[nodiscard]] coap_pdu_t* write_pdu(const CoapReply& reply, std::uint16_t new_id, std::size_t limit,
                                    std::size_t& bytes);

/// Completes a PDU that libcoap has begun, with its type, ID, token and Observe option: code, other options, payload.
/// `bytes` is what they add. False: they do not fit.
[[nodiscard]] bool complete_pdu(coap_pdu_t& pdu, const CoapReply& reply, std::size_t& bytes);

}  // namespace jl::network
