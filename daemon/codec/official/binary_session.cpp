#include "daemon/codec/official/binary_session.hpp"

#include "daemon/codec/official/auth.hpp"
#include "daemon/codec/official/binary_decode.hpp"
#include "daemon/codec/official/binary_encode.hpp"
#include "daemon/codec/official/binary_format.hpp"
#include "daemon/codec/official/session_state.hpp"

#include <array>
#include <charconv>

namespace jl::codec::official {
namespace {
Result<BinaryMessage> message_of(const Uplink& wire) {
  if (wire.transport == Transport::tcp) return read_tcp_frame(wire.payload);
  JL_TRY(const Datagram datagram, read_datagram(wire.payload));
  return datagram.message;
}

// Acks repeat the message's sequence number and id.
void ack(Answer& answer, Transport transport, AckCode code, Millis now, const BinaryMessage& message,
         std::string_view device_id) {
  answer.has_reply = true;
  answer.reply.text = false;
  answer.reply.payload.clear();
  append_ack(answer.reply.payload, transport, code, now, message.sequence,
             message.device_id.empty() ? device_id : message.device_id);
}

bool may_answer(FrameType type) {
  return type == FrameType::read_property_reply || type == FrameType::write_property_reply ||
         type == FrameType::function_reply || type == FrameType::ack;
}

// wire.md 5.5: the messageId of what is answered, else the number itself; 0 is none. Reports never take one: theirs are
// numbers of the device's own.
Status decode_message(const BinaryMessage& message, const Peer& peer, Millis now, DeviceMessage& out) {
  std::array<char, 8> digits{};
  const char* const end = std::to_chars(digits.data(), digits.data() + digits.size(), message.sequence).ptr;
  std::string_view id(digits.data(), static_cast<std::size_t>(end - digits.data()));
  if (message.sequence == 0) id = {};
  Sequences* const sequences = may_answer(message.type) && peer.state != nullptr ? &state_of(peer)->sequences : nullptr;
  if (sequences != nullptr) id = sequences->find(message.sequence, now).value_or(id);
  Status decoded = decode_binary(message, peer.device.device_id, id, now, out);
  if (!decoded) {
    out.clear();
  } else if (sequences != nullptr) {
    sequences->release(message.sequence);
  }
  return decoded;
}

bool is_from(const BinaryMessage& message, const DeviceIdentity& device) {
  return message.device_id.empty() || message.device_id == device.device_id;
}

Error foreign() { return {Errc::denied, "the message names another device"}; }

// A login, the first or a later one, which must prove itself as well but is not acknowledged (wire.md 5.6).
Result<Decoded> log_in(const BinaryMessage& message, const Peer& peer, Millis now, DeviceMessage& out, Answer& answer) {
  BinaryReader reader(message.body);
  const std::string_view key = reader.string();
  if (reader.has_failed()) return Error(Errc::invalid, "the login ends within its key");
  if (!is_from(message, peer.device) || !is_secret(key, peer.device.config("secureKey"))) {
    ack(answer, Transport::tcp, AckCode::no_auth, now, message, peer.device.device_id);
    answer.close = true;
    return Decoded::refused;
  }
  JL_CHECK(decode_message(message, peer, now, out));
  if (!peer.logged_in) ack(answer, Transport::tcp, AckCode::ok, now, message, peer.device.device_id);
  return Decoded::message;
}
}  // namespace

std::optional<TopicOwner> binary_owner(const Uplink& wire) {
  const auto message = message_of(wire);
  if (!message || message->type == FrameType::keepalive || message->device_id.empty()) return {};
  if (wire.transport == Transport::tcp && message->type != FrameType::online) return {};
  return TopicOwner{{}, message->device_id};
}

Result<Decoded> decode_tcp(const Uplink& wire, const Peer& peer, Millis now, DeviceMessage& out, Answer& answer) {
  out.clear();
  answer.clear();
  JL_TRY(const BinaryMessage message, read_tcp_frame(wire.payload));
  if (message.type == FrameType::keepalive) return Decoded::reply;  // never answered (wire.md 5.4)
  if (message.type == FrameType::online) return log_in(message, peer, now, out, answer);
  if (!peer.logged_in) {
    ack(answer, Transport::tcp, AckCode::no_auth, now, message, peer.device.device_id);
    return Decoded::refused;
  }
  if (!is_from(message, peer.device)) return foreign();
  if (is_down_type(message.type)) {
    ack(answer, Transport::tcp, AckCode::unsupported_message, now, message, peer.device.device_id);
    return Decoded::reply;
  }
  JL_CHECK(decode_message(message, peer, now, out));
  return Decoded::message;
}

Result<Decoded> decode_udp(const Uplink& wire, const Peer& peer, Millis now, DeviceMessage& out, Answer& answer) {
  out.clear();
  answer.clear();
  JL_TRY(const Datagram datagram, read_datagram(wire.payload));
  const BinaryMessage& message = datagram.message;
  if (message.type == FrameType::keepalive) return Decoded::reply;  // never answered (wire.md 5.4)
  if (!is_from(message, peer.device)) return foreign();
  if (datagram.auth != 0 || !is_secret(datagram.key, peer.device.config("secureKey"))) {
    ack(answer, Transport::udp, AckCode::no_auth, now, message, peer.device.device_id);
    answer.close = message.type == FrameType::online;
    return Decoded::refused;
  }
  if (is_down_type(message.type)) {
    ack(answer, Transport::udp, AckCode::unsupported_message, now, message, peer.device.device_id);
    return Decoded::reply;
  }
  JL_CHECK(decode_message(message, peer, now, out));
  ack(answer, Transport::udp, AckCode::ok, now, message, peer.device.device_id);
  return Decoded::message;
}

void refuse_binary(const Uplink& wire, Stranger why, Millis now, Answer& answer) {
  answer.clear();
  if (why == Stranger::unavailable) {
    answer.close = true;
    return;
  }
  const auto message = message_of(wire);
  if (!message || message->type == FrameType::keepalive) return;
  ack(answer, wire.transport, AckCode::no_auth, now, *message, {});
  // Without an id it is no login of anybody: more may come.
  answer.close = message->type == FrameType::online && why == Stranger::unknown;
}

}  // namespace jl::codec::official
