#include "daemon/wire/mqtt/encode.hpp"

#include "daemon/wire/mqtt/properties.hpp"

namespace jl::wire::mqtt {
namespace {
constexpr std::size_t kMaxString = 65535;

constexpr char byte(std::uint32_t value) { return static_cast<char>(static_cast<unsigned char>(value & 0xFFu)); }
constexpr char first_byte(PacketType type, std::uint32_t flags = 0) {
  return byte((static_cast<std::uint32_t>(type) << 4) | flags);
}
void append_id(std::string& out, PropertyId id) { out.push_back(byte(static_cast<std::uint32_t>(id))); }

// Appends a string property where it is a valid string and the packet stays within the limit.
void append_detail(std::string& list, PropertyId id, std::string_view text, std::size_t head, std::uint32_t limit) {
  if (text.empty() || text.size() > kMaxString || !is_valid_text(text)) return;
  const auto listed = static_cast<std::uint32_t>(list.size() + 3 + text.size());
  const auto body = static_cast<std::uint32_t>(head + varint_size(listed)) + listed;
  if (limit != 0 && 1 + varint_size(body) + body > limit) return;
  append_id(list, id);
  append_string(list, text);
}

std::string encode_details(const ReasonDetails& details, std::size_t head) {
  std::string list;
  append_detail(list, PropertyId::server_reference, details.server_reference, head, details.limit);
  append_detail(list, PropertyId::reason_string, details.text, head, details.limit);
  return list;
}

void append_with_properties(std::string& out, char first, std::string_view head, std::string_view properties) {
  const auto listed = static_cast<std::uint32_t>(properties.size());
  out.push_back(first);
  append_varint(out, static_cast<std::uint32_t>(head.size() + varint_size(listed)) + listed);
  out.append(head);
  append_varint(out, listed);
  out.append(properties);
}
}  // namespace

void append_varint(std::string& out, std::uint32_t value) {
  for (; value >= 128; value >>= 7) out.push_back(byte(value | 0x80u));
  out.push_back(byte(value));
}

void append_u16(std::string& out, std::uint16_t value) {
  const char raw[2] = {byte(static_cast<std::uint32_t>(value) >> 8), byte(value)};
  out.append(raw, sizeof raw);
}

void append_u32(std::string& out, std::uint32_t value) {
  append_u16(out, static_cast<std::uint16_t>(value >> 16));
  append_u16(out, static_cast<std::uint16_t>(value & 0xFFFFu));
}

void append_string(std::string& out, std::string_view value) {
  append_u16(out, static_cast<std::uint16_t>(value.size()));
  out.append(value);
}

std::uint8_t connack_code_v3(ReasonCode reason) {
  switch (reason) {
    case ReasonCode::success:
      return 0;
    case ReasonCode::unsupported_protocol_version:
      return 1;
    case ReasonCode::client_identifier_not_valid:
      return 2;
    case ReasonCode::bad_user_name_or_password:
    case ReasonCode::bad_authentication_method:
      return 4;
    case ReasonCode::not_authorized:
    case ReasonCode::banned:
      return 5;
    default:
      return 3;
  }
}

void append_connack_v3(std::string& out, bool session_present, std::uint8_t code) {
  const char raw[4] = {first_byte(PacketType::connack), 2, session_present ? '\1' : '\0', byte(code)};
  out.append(raw, sizeof raw);
}

void append_connack_v5(std::string& out, bool session_present, const ConnackProperties& properties) {
  std::string list;
  if (properties.session_expiry) {
    append_id(list, PropertyId::session_expiry);
    append_u32(list, *properties.session_expiry);
  }
  append_id(list, PropertyId::receive_maximum);
  append_u16(list, properties.receive_maximum);
  append_id(list, PropertyId::maximum_packet_size);
  append_u32(list, properties.maximum_packet_size);
  if (!properties.assigned_client_id.empty()) {
    append_id(list, PropertyId::assigned_client_id);
    append_string(list, properties.assigned_client_id.substr(0, kMaxString));
  }
  append_id(list, PropertyId::topic_alias_maximum);
  append_u16(list, properties.topic_alias_maximum);
  if (properties.has_server_keep_alive) {
    append_id(list, PropertyId::server_keep_alive);
    append_u16(list, properties.server_keep_alive);
  }
  if (!properties.response_information.empty()) {
    append_id(list, PropertyId::response_information);
    append_string(list, properties.response_information.substr(0, kMaxString));
  }
  // What is available needs no property: retained messages, wildcards, subscription identifiers, shares, every QoS.
  const char head[2] = {session_present ? '\1' : '\0', 0};
  append_with_properties(out, first_byte(PacketType::connack), {head, sizeof head}, list);
}

void append_connack_refusal(std::string& out, ReasonCode reason, const ReasonDetails& details) {
  const char head[2] = {0, byte(static_cast<std::uint32_t>(reason))};
  append_with_properties(out, first_byte(PacketType::connack), {head, sizeof head},
                         encode_details(details, sizeof head));
}

void append_disconnect(std::string& out, ReasonCode reason, const ReasonDetails& details) {
  const char head[1] = {byte(static_cast<std::uint32_t>(reason))};
  append_with_properties(out, first_byte(PacketType::disconnect), {head, sizeof head},
                         encode_details(details, sizeof head));
}

void append_ack(std::string& out, PacketType type, std::uint16_t packet_id, ReasonCode reason) {
  const char first = first_byte(type, type == PacketType::pubrel ? 2 : 0);
  const auto id = static_cast<std::uint32_t>(packet_id);
  const bool plain = reason == ReasonCode::success;
  const char raw[5] = {first, plain ? '\2' : '\3', byte(id >> 8), byte(id), byte(static_cast<std::uint32_t>(reason))};
  out.append(raw, plain ? 4 : 5);  // MQTT 5 §3.4.2.1: a plain success may leave the code out
}

void append_suback(std::string& out, PacketType type, std::uint16_t packet_id, std::string_view codes, bool v5) {
  out.push_back(first_byte(type));
  append_varint(out, static_cast<std::uint32_t>(2 + (v5 ? 1 : 0) + codes.size()));
  append_u16(out, packet_id);
  if (v5) out.push_back('\0');
  out.append(codes);
}

namespace {
std::size_t listed_size(const PublishPacket& packet) {
  return (packet.topic_alias != 0 ? 3 : 0) + (packet.message_expiry ? 5 : 0) + packet.properties.size() +
         packet.subscription_ids.size();
}

std::size_t publish_body(const PublishPacket& packet, bool v5) {
  const std::size_t listed = v5 ? listed_size(packet) : 0;
  const std::size_t list = v5 ? varint_size(static_cast<std::uint32_t>(listed)) + listed : 0;
  return 2 + packet.topic.size() + (packet.qos > 0 ? 2 : 0) + list + packet.payload.size();
}
}  // namespace

std::size_t publish_size(const PublishPacket& packet, bool v5) {
  const std::size_t body = publish_body(packet, v5);
  if (body > kMaxRemainingLength || packet.topic.size() > kMaxString) return 0;
  return 1 + varint_size(static_cast<std::uint32_t>(body)) + body;
}

void append_publish(std::string& out, const PublishPacket& packet, bool v5) {
  const std::uint32_t flags =
      (packet.dup ? 8u : 0u) | (static_cast<std::uint32_t>(packet.qos) << 1) | (packet.retain ? 1u : 0u);
  out.push_back(first_byte(PacketType::publish, flags));
  append_varint(out, static_cast<std::uint32_t>(publish_body(packet, v5)));
  append_string(out, packet.topic);
  if (packet.qos > 0) append_u16(out, packet.packet_id);
  if (v5) {
    append_varint(out, static_cast<std::uint32_t>(listed_size(packet)));
    if (packet.topic_alias != 0) {
      append_id(out, PropertyId::topic_alias);
      append_u16(out, packet.topic_alias);
    }
    if (packet.message_expiry) {
      append_id(out, PropertyId::message_expiry);
      append_u32(out, *packet.message_expiry);
    }
    out.append(packet.properties).append(packet.subscription_ids);
  }
  out.append(packet.payload);
}

}  // namespace jl::wire::mqtt
