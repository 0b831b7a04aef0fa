#pragma once
// Writes the packets that a server sends, each appended to the buffer it is given.
#include "daemon/wire/mqtt/packet.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace jl::wire::mqtt {

/// The control packet types (MQTT 5 §2.1.2), the upper half of the first byte.
enum class PacketType : std::uint8_t {
  reserved = 0,
  connect = 1,
  connack = 2,
  publish = 3,
  puback = 4,
  pubrec = 5,
  pubrel = 6,
  pubcomp = 7,
  subscribe = 8,
  suback = 9,
  unsubscribe = 10,
  unsuback = 11,
  pingreq = 12,
  pingresp = 13,
  disconnect = 14,
  auth = 15,
};

constexpr std::uint32_t kMaxRemainingLength = 268'435'455;  // MQTT 5 §2.1.4

/// Bytes that a Variable Byte Integer takes (1 to 4).
[[nodiscard]] constexpr std::size_t varint_size(std::uint32_t value) {
  return value < 128 ? 1 : value < 16'384 ? 2 : value < 2'097'152 ? 3 : 4;
}
void append_varint(std::string& out, std::uint32_t value);
void append_u16(std::string& out, std::uint16_t value);
void append_u32(std::string& out, std::uint32_t value);
/// A two-byte length and the bytes; the caller has checked that they are at most 65535.
void append_string(std::string& out, std::string_view value);

/// The code of a 3.1 or 3.1.1 CONNACK (MQTT 3.1.1 §3.2.2.3) that says the same as the reason.
[[nodiscard]] std::uint8_t connack_code_v3(ReasonCode reason);

/// What a MQTT 5 CONNACK that accepts tells the client.
struct ConnackProperties {
  std::uint16_t receive_maximum = 0;
  std::uint32_t maximum_packet_size = 0;
  std::uint16_t topic_alias_maximum = 0;
  std::optional<std::uint32_t> session_expiry{};  ///< where it is not what the client asked for
  std::uint16_t server_keep_alive = 0;
  bool has_server_keep_alive = false;
  std::string_view assigned_client_id{};
  std::string_view response_information{};
};

void append_connack_v3(std::string& out, bool session_present, std::uint8_t code);
void append_connack_v5(std::string& out, bool session_present, const ConnackProperties& properties);
/// What a refusal or a DISCONNECT says beside its code. Each is left out where it is no valid string, and where it
/// would make the packet larger than `limit`.
struct ReasonDetails {
  std::string_view text{};
  std::string_view server_reference{};
  std::uint32_t limit = 0;  ///< bytes of the whole packet; 0 = none
};
void append_connack_refusal(std::string& out, ReasonCode reason, const ReasonDetails& details);
void append_disconnect(std::string& out, ReasonCode reason, const ReasonDetails& details);

/// PUBACK, PUBREC, PUBREL or PUBCOMP. A reason other than success needs a MQTT 5 peer.
void append_ack(std::string& out, PacketType type, std::uint16_t packet_id, ReasonCode reason = ReasonCode::success);
/// SUBACK, or UNSUBACK with codes (one byte each; empty for the UNSUBACK of 3.1.1).
void append_suback(std::string& out, PacketType type, std::uint16_t packet_id, std::string_view codes, bool v5);

/// A PUBLISH as it is written.
struct PublishPacket {
  std::string_view topic;
  std::string_view payload;
  std::uint8_t qos = 0;
  bool retain = false;
  bool dup = false;
  std::uint16_t packet_id = 0;
  // MQTT 5 only
  std::uint16_t topic_alias = 0;  ///< 0 = none
  std::optional<std::uint32_t> message_expiry{};
  std::string_view properties{};        ///< encoded
  std::string_view subscription_ids{};  ///< encoded
};
/// The size of the whole packet in bytes, or 0 when MQTT cannot carry it.
[[nodiscard]] std::size_t publish_size(const PublishPacket& packet, bool v5);
void append_publish(std::string& out, const PublishPacket& packet, bool v5);

}  // namespace jl::wire::mqtt
