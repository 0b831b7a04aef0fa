#pragma once
// What must hold of every decoded message, whatever its transport: a strict reader takes its JSON, the views point into
// it, and decoding the JSON again changes nothing.
#include "common/base/assert.hpp"
#include "daemon/codec/protocol.hpp"

#include <boost/json.hpp>
#include <string>
#include <string_view>

namespace jl::fuzz {

inline constexpr Millis kNow = 1'700'000'000'000;

inline bool is_inside(std::string_view part, const std::string& whole) {
  return part.data() >= whole.data() && part.data() + part.size() <= whole.data() + whole.size();
}

inline boost::json::value parse_strictly(std::string_view text) {
  boost::json::parse_options options;
  options.max_depth = 33;  // one more than the codec lets in: it must be the codec that stops
  return boost::json::parse(text, {}, options);
}

/// One message and those inside it.
inline void check_message(const codec::DeviceMessage& outer) {
  for (const codec::DeviceMessage* message = &outer; message != nullptr;
       message = message->has_child ? message->child.get() : nullptr) {
    const auto json = parse_strictly(message->json);
    JL_ASSERT(json.at("messageType").as_string() == codec::to_string(message->type));
    JL_ASSERT(json.at("deviceId").as_string() == message->device_id);
    JL_ASSERT(json.at("timestamp").as_int64() == message->timestamp);
    JL_ASSERT(message->timestamp > 0);
    JL_ASSERT(message->json.find('\n') == std::string::npos);
    JL_ASSERT(codec::is_upstream(message->type));
    for (const codec::PropertyView& property : message->properties) {
      JL_ASSERT(is_inside(property.value, message->json));
      JL_ASSERT(is_inside(property.name, message->json) || is_inside(property.name, message->scratch));
      static_cast<void>(parse_strictly(property.value));
    }
    if (!message->headers.raw.empty()) JL_ASSERT(parse_strictly(message->headers.raw).is_object());
  }
}

/// Decodes the JSON as a WebSocket message of the same device, which takes every type: it must stay as it is.
inline void check_again(const codec::DeviceMessage& message, const codec::DeviceIdentity& device) {
  static codec::DeviceMessage again;
  static codec::Answer answer;
  codec::Uplink wire;
  wire.transport = codec::Transport::websocket;
  wire.payload = message.json;
  const auto decoded = codec::official_protocol().decode(wire, {device}, kNow + 1, again, answer);
  JL_ASSERT(decoded.has_value() && *decoded == codec::Decoded::message);
  JL_ASSERT(again.type == message.type);
  JL_ASSERT(again.message_id == message.message_id);
  JL_ASSERT(again.success == message.success);
  JL_ASSERT(again.code == message.code);
  JL_ASSERT(again.text == message.text);
  JL_ASSERT(again.properties.size() == message.properties.size());
  for (std::size_t i = 0; i < again.properties.size(); ++i) {
    JL_ASSERT(again.properties[i].name == message.properties[i].name);
    JL_ASSERT(again.properties[i].value == message.properties[i].value);
  }
  JL_ASSERT(again.json == message.json);
}

/// Decodes one message and checks all of the above, and what is said back.
inline void run(const codec::Uplink& wire, const codec::Peer& peer) {
  static codec::DeviceMessage message;  // reused, as in the daemon
  static codec::Answer answer;
  const auto& protocol = codec::official_protocol();
  if (const auto owner = protocol.owner_of(wire)) JL_ASSERT(!owner->device_id.empty());
  const auto decoded = protocol.decode(wire, peer, kNow, message, answer);
  if (!decoded) JL_ASSERT(decoded.error().code == Errc::invalid || decoded.error().code == Errc::denied);
  const bool is_message = decoded && *decoded == codec::Decoded::message;
  JL_ASSERT(message.json.empty() == !is_message);
  JL_ASSERT(is_message || !message.has_child);
  if (is_message) {
    JL_ASSERT(message.device_id == peer.device.device_id);
    check_message(message);
    check_again(message, peer.device);
  }
}

/// The whole text up to the first line feed, which is taken as well.
inline std::string_view take_line(std::string_view& input) {
  const std::string_view line = input.substr(0, input.find('\n'));
  input.remove_prefix(line.size() == input.size() ? line.size() : line.size() + 1);
  return line;
}

}  // namespace jl::fuzz
