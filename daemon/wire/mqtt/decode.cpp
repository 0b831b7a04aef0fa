#include "daemon/wire/mqtt/decode.hpp"

#include "daemon/wire/mqtt/reasons.hpp"

namespace jl::wire::mqtt {
namespace {
// The flags of the fixed header (MQTT 5 §2.1.3), and the types that only a server sends.
Fault check_first_byte(std::uint8_t first, ProtocolVersion version) {
  const unsigned flags = first & 0x0Fu;
  switch (static_cast<PacketType>(first >> 4)) {
    case PacketType::publish:
      return (flags & 0x06u) == 0x06u ? malformed("QoS is 3") : Fault{};
    case PacketType::pubrel:
    case PacketType::subscribe:
    case PacketType::unsubscribe: {
      // MQTT 3.1 §2.1: these three are QoS 1 messages there and may carry the DUP flag.
      const unsigned ignored = version == ProtocolVersion::v3_1 ? 0x08u : 0x00u;
      return (flags & ~ignored) != 0x02u ? malformed("flags of the fixed header are wrong") : Fault{};
    }
    case PacketType::connack:
    case PacketType::suback:
    case PacketType::unsuback:
    case PacketType::pingresp:
      return violation("packet type that only a server sends");
    case PacketType::reserved:
      return malformed("reserved packet type");
    case PacketType::auth:
      if (version != ProtocolVersion::v5) return malformed("reserved packet type");
      return flags != 0 ? malformed("flags of the fixed header are wrong")
                        : violation("AUTH without enhanced authentication");
    default:
      return flags != 0 ? malformed("flags of the fixed header are wrong") : Fault{};
  }
}

Fault check_filter(std::string_view filter, ProtocolVersion version) {
  if (filter.empty()) return malformed("topic filter is empty");
  if (!is_valid_topic_filter(filter)) return malformed("topic filter is malformed");
  // Older versions know no shares: there a wrong one is an ordinary filter, which the machine refuses.
  const bool wrong_share = version == ProtocolVersion::v5 && is_shared(filter) && !split_shared(filter);
  return wrong_share ? malformed("shared subscription is malformed") : Fault{};
}
}  // namespace

Frame read_frame(std::string_view in, ProtocolVersion version, std::uint32_t max_body) {
  Frame frame;
  frame.first = static_cast<std::uint8_t>(in.front());
  frame.fault = check_first_byte(frame.first, version);
  if (frame.fault) return frame;
  std::uint32_t length = 0;
  for (std::size_t i = 1;; ++i) {
    if (i >= in.size()) {
      frame.missing = 1;
      return frame;
    }
    const auto next = static_cast<std::uint8_t>(in[i]);
    length |= static_cast<std::uint32_t>(next & 0x7Fu) << (7 * (i - 1));
    if ((next & 0x80u) == 0) {
      frame.header = i + 1;
      if (next == 0 && i > 1 && version == ProtocolVersion::v5) {  // MQTT 5 §1.5.5; 3.1.1 has no such rule
        frame.fault = malformed("remaining length is not in its shortest form");
        return frame;
      }
      break;
    }
    if (i == 4) {
      frame.fault = malformed("remaining length is longer than four bytes");
      return frame;
    }
  }
  frame.body = length;
  if (length > max_body) {
    frame.fault = {ReasonCode::packet_too_large, "packet is larger than the limit"};
    return frame;
  }
  const std::size_t whole = frame.header + frame.body;
  frame.missing = in.size() < whole ? whole - in.size() : 0;
  return frame;
}

Fault decode_publish(std::uint8_t first, std::string_view bytes, ProtocolVersion version, const ServerLimits& limits,
                     PublishView& view, Properties& properties) {
  const bool v5 = version == ProtocolVersion::v5;
  view.qos = static_cast<std::uint8_t>(first >> 1 & 3u);
  view.retain = (first & 0x01u) != 0;
  view.dup = (first & 0x08u) != 0;
  if (view.dup && view.qos == 0 && version != ProtocolVersion::v3_1) return malformed("DUP is set on QoS 0");
  Reader body(bytes);
  view.topic = body.binary();
  if (view.qos > 0) view.packet_id = body.u16();
  if (!body.ok()) return malformed("PUBLISH is too short");
  if (!view.topic.empty() && !is_valid_topic_name(view.topic)) return malformed("topic is not a topic name");
  if (view.topic.size() > limits.max_topic_bytes) return {ReasonCode::topic_name_invalid, "topic is too long"};
  if (view.qos > 0 && view.packet_id == 0) return violation("packet identifier is zero");
  if (v5) {
    if (const Fault fault = read_properties(body, PropertyScope::publish, limits.max_properties, properties)) {
      return fault;
    }
    if (properties.has(PropertyId::subscription_id)) return violation("subscription identifier sent by a client");
    if (properties.has(PropertyId::message_expiry)) view.message_expiry = properties.message_expiry;
    view.content_type = properties.content_type;
    view.response_topic = properties.response_topic;
    view.correlation_data = properties.correlation_data;
    view.payload_is_utf8 = properties.payload_format == 1;
    view.user_properties = properties.user_properties.empty() ? nullptr : &properties.user_properties;
  }
  if (view.topic.empty() && !properties.has(PropertyId::topic_alias)) {
    return v5 ? violation("neither a topic nor a topic alias") : malformed("topic is empty");
  }
  view.payload = body.rest();
  return {};
}

Fault decode_ack(PacketType type, std::string_view bytes, ProtocolVersion version, const ServerLimits& limits,
                 AckPacket& packet) {
  Reader body(bytes);
  packet.packet_id = body.u16();
  if (!body.ok()) return malformed("acknowledgement is too short");
  if (version == ProtocolVersion::v5) {
    if (!body.empty()) packet.reason = static_cast<ReasonCode>(body.u8());
    if (!is_client_reason(type, packet.reason)) return malformed("reason code is not one of this packet");
    if (!body.empty()) {
      Properties properties;
      if (const Fault fault =
              read_properties(body, PropertyScope::acknowledgement, limits.max_properties, properties)) {
        return fault;
      }
    }
  }
  if (!body.empty()) return malformed("bytes after the end of the packet");
  return packet.packet_id == 0 ? violation("packet identifier is zero") : Fault{};
}

Fault decode_filters(PacketType type, std::string_view bytes, ProtocolVersion version, const ServerLimits& limits,
                     FilterList& list) {
  const bool subscribe = type == PacketType::subscribe;
  Reader body(bytes);
  list.packet_id = body.u16();
  if (!body.ok()) return malformed("packet is too short");
  if (list.packet_id == 0) return violation("packet identifier is zero");
  if (version == ProtocolVersion::v5) {
    Properties properties;
    const PropertyScope scope = subscribe ? PropertyScope::subscribe : PropertyScope::unsubscribe;
    if (const Fault fault = read_properties(body, scope, limits.max_properties, properties)) return fault;
    list.subscription_id = properties.subscription_id;
  }
  list.filters = body.rest();
  if (list.filters.empty()) return violation("no topic filter");
  // Bits above the QoS are reserved before MQTT 5; 3.1 only says that they are not used.
  const unsigned reserved = version == ProtocolVersion::v5 ? 0xC0u : version == ProtocolVersion::v3_1_1 ? 0xFCu : 0u;
  for (Reader entries(list.filters); !entries.empty();) {
    const std::string_view filter = entries.text();
    const unsigned raw = subscribe ? entries.u8() : 0u;
    if (!entries.ok()) return malformed("topic filter is malformed");
    if (const Fault fault = check_filter(filter, version)) return fault;
    if ((raw & reserved) != 0 || (raw & 0x03u) == 0x03u) return malformed("subscription options are wrong");
    if (version != ProtocolVersion::v5) continue;
    if ((raw & 0x30u) == 0x30u) return violation("retain handling is 3");
    if ((raw & 0x04u) != 0 && is_shared(filter)) return violation("no local on a shared subscription");
  }
  return {};
}

std::string_view next_filter(PacketType type, Reader& entries, SubscribeOptions& options) {
  const std::string_view filter = entries.text();
  if (type == PacketType::subscribe) {
    const unsigned raw = entries.u8();
    options.qos = static_cast<std::uint8_t>(raw & 0x03u);
    options.no_local = (raw & 0x04u) != 0;
    options.retain_as_published = (raw & 0x08u) != 0;
    options.retain_handling = static_cast<std::uint8_t>(raw >> 4 & 0x03u);
  }
  return filter;
}

bool is_shared(std::string_view filter) { return filter.starts_with("$share/"); }

Fault decode_disconnect(std::string_view bytes, ProtocolVersion version, const ServerLimits& limits,
                        DisconnectPacket& packet) {
  Reader body(bytes);
  if (version == ProtocolVersion::v5 && !body.empty()) {
    packet.reason = static_cast<ReasonCode>(body.u8());
    if (!is_client_reason(PacketType::disconnect, packet.reason)) {
      return malformed("reason code is not one of this packet");
    }
    if (!body.empty()) {
      Properties properties;
      if (const Fault fault = read_properties(body, PropertyScope::disconnect, limits.max_properties, properties)) {
        return fault;
      }
      packet.has_session_expiry = properties.has(PropertyId::session_expiry);
      packet.session_expiry = properties.session_expiry;
    }
  }
  return body.empty() ? Fault{} : malformed("bytes after the end of the packet");
}

}  // namespace jl::wire::mqtt
