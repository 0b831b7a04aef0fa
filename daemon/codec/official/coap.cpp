#include "daemon/codec/official/coap.hpp"

#include "daemon/codec/cbor.hpp"
#include "daemon/codec/official/aes.hpp"
#include "daemon/codec/official/auth.hpp"
#include "daemon/codec/official/decode.hpp"
#include "daemon/codec/official/encode.hpp"
#include "daemon/codec/official/payload.hpp"
#include "daemon/codec/official/session_state.hpp"

namespace jl::codec::official {
namespace {
constexpr int kJson = 50, kCbor = 60;  // RFC 7252 §12.3, RFC 8949 §9.4
constexpr int kCreated = 201, kContent = 205, kBadRequest = 400, kUnauthorized = 401, kNotFound = 404,
              kUnavailable = 503;

Error denied(Answer& answer, std::string_view what) {
  answer.status = kUnauthorized;
  return {Errc::denied, std::string(what)};
}

// Whether the message may speak for `device` as far as it says itself.
Status check_owner(const Uplink& wire, std::string_view device, TopicMatch& topic, Answer& answer) {
  if (!wire.proven_id.empty() && wire.proven_id != device) return denied(answer, "DTLS has proven another device");
  if (!wire.device_option.empty() && wire.device_option != device) {
    return denied(answer, "option 2100 names another device");
  }
  if (topic.device == device) return {};
  if (wire.device_option.empty()) return denied(answer, "the path names another device");
  move_below(topic, device);
  return {};
}

Result<Decoded> answer_time_sync(std::string_view payload, bool is_cbor, Millis now, Answer& answer) {
  JL_TRY(const std::string_view message_id, decode_time_sync(payload));
  answer.status = kContent;
  answer.content_format = is_cbor ? kCbor : kJson;
  if (is_cbor) {
    append_cbor_time(answer.body, message_id, now);
  } else {
    append_time(answer.body, message_id, now);
  }
  return Decoded::reply;
}

// The payload in the clear, in `buffer` unless it came so; nothing when it was not made with the device's key.
std::optional<std::string_view> open_payload(const Uplink& wire, const DeviceIdentity& device, std::string& buffer) {
  if (!wire.proven_id.empty()) return wire.payload;
  if (!aes_decrypt(device.config("secureKey"), wire.payload, buffer)) return {};
  return std::string_view(buffer);
}
// "/{product}/{device}" and no more: where messages to the device are observed.
bool is_downlink_path(std::string_view path) {
  while (path.ends_with('/')) path.remove_suffix(1);
  if (path.starts_with('/')) path.remove_prefix(1);
  const std::size_t slash = path.find('/');
  return slash != std::string_view::npos && path.find('/', slash + 1) == std::string_view::npos;
}

// Who asks for the messages to a device says ONLINE with that. Its proof is the encryption of a recent time, so that
// one that was overheard is not good for long.
Result<Decoded> decode_observation(const Uplink& wire, const Peer& peer, Millis now, DeviceMessage& out,
                                   Answer& answer) {
  thread_local std::string plain;
  answer.status = kUnauthorized;  // until all is well
  const std::string online = std::string(wire.topic.substr(0, wire.topic.find_last_not_of('/') + 1)) + "/online";
  const TopicMatch topic = match_up_topic(online, false);
  if (topic.kind != TopicMatch::Kind::message || topic.device != peer.device.device_id ||
      (!wire.proven_id.empty() && wire.proven_id != peer.device.device_id)) {
    return Error(Errc::denied, "it asks for the messages of another device");
  }
  const bool is_proven = !wire.proven_id.empty();
  const auto payload = open_payload(wire, peer.device, plain);
  if (!payload || (!is_proven && payload->empty())) return Decoded::refused;
  // A time that stands in for one that is missing would prove nothing.
  JL_CHECK(decode_topic(topic, payload->empty() ? std::string_view("{}") : *payload, is_proven ? now : 0, out));
  if (!is_proven && (out.timestamp < now - kClockTolerance || out.timestamp > now + kClockTolerance)) {
    out.clear();
    return Decoded::refused;
  }
  answer.status = kContent;
  if (SessionState* const state = state_of(peer)) state->is_plain = is_proven;
  return Decoded::message;
}
}  // namespace

std::optional<TopicOwner> coap_owner(const Uplink& wire) {
  auto owner = path_owner(wire.topic);
  if (owner && !wire.device_option.empty()) {
    if (!is_topic_segment(wire.device_option)) return {};
    owner->device_id = wire.device_option;
  }
  return owner;
}

Result<Decoded> decode_coap(const Uplink& wire, const Peer& peer, Millis now, DeviceMessage& out, Answer& answer) {
  thread_local std::string plain, json;
  out.clear();
  answer.clear();
  if (wire.method != "POST" && is_downlink_path(wire.topic)) return decode_observation(wire, peer, now, out, answer);
  TopicMatch topic = match_up_topic(wire.topic, is_v1_compatible(peer.device));
  if (topic.kind != TopicMatch::Kind::none) JL_CHECK(check_owner(wire, peer.device.device_id, topic, answer));
  if (topic.kind == TopicMatch::Kind::none) {
    answer.status = kNotFound;
    return Decoded::nothing;
  }
  answer.status = kBadRequest;  // until all is well
  if (topic.kind == TopicMatch::Kind::too_deep) {
    return Error(Errc::invalid, "the path nests child devices deeper than 8 levels");
  }
  auto payload = open_payload(wire, peer.device, plain);
  if (!payload) return Decoded::refused;
  const bool is_cbor = wire.content_format == kCbor && topic.type != MessageType::direct;
  if (is_cbor) {
    JL_CHECK(cbor_to_json(*payload, json));
    payload = json;
  }
  Decoded decoded = Decoded::message;
  if (topic.kind == TopicMatch::Kind::time_sync) {
    JL_TRY(decoded, answer_time_sync(*payload, is_cbor, now, answer));
  } else {
    JL_CHECK(decode_topic(topic, *payload, now, out));
    answer.status = kCreated;
  }
  if (SessionState* const state = state_of(peer)) state->is_plain = !wire.proven_id.empty();
  return decoded;
}

void refuse_coap(Stranger why, Answer& answer) {
  answer.clear();
  switch (why) {
    case Stranger::nameless:
      answer.status = kNotFound;
      return;
    case Stranger::unknown:
      answer.status = kUnauthorized;
      return;
    case Stranger::unavailable:
      answer.status = kUnavailable;
      return;
  }
}

Result<Encoded> encode_coap(const DownMessage& message, const Peer& peer) {
  JL_TRY(Encoded encoded, encode_json(message, peer.device, Transport::coap));
  const SessionState* const state = state_of(peer);
  if (state != nullptr && state->is_plain) return encoded;
  for (Downlink& downlink : encoded.sends) {
    std::string bytes;
    if (!aes_encrypt(peer.device.config("secureKey"), downlink.payload, bytes)) {
      return Error(Errc::unsupported_message, "the device has no secureKey of 16 characters to encrypt with");
    }
    downlink.payload = std::move(bytes);
    downlink.text = false;
  }
  return encoded;
}

}  // namespace jl::codec::official
