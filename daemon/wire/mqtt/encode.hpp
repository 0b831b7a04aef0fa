#pragma once
// Writes the packets that a server sends, each appended to the buffer it is given.
#include "daemon/wire/mqtt/packet.hpp"

#include <cstddef>
#include <cstdint>
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
  bool cancel_session_expiry = false;  ///< the client asked for a session that outlives the connection
  std::uint16_t server_keep_alive = 0;
  bool has_server_keep_alive = false;
  std::string_view assigned_client_id;
};

void append_connack_v3(std::string& out, bool session_present, std::uint8_t code);
void append_connack_v5(std::string& out, bool session_present, const ConnackProperties& properties);
/// A refusal. The text is left out where it is no valid string or would make the packet larger than `limit` (0 = none).
void append_connack_refusal(std::string& out, ReasonCode reason, std::string_view text, std::uint32_t limit);
/// As append_connack_refusal.
void append_disconnect(std::string& out, ReasonCode reason, std::string_view text, std::uint32_t limit);

/// PUBACK, PUBREC, PUBREL or PUBCOMP. A reason other than success needs a MQTT 5 peer.
void append_ack(std::string& out, PacketType type, std::uint16_t packet_id, ReasonCode reason = ReasonCode::success);
/// SUBACK, or UNSUBACK with codes (one byte each; empty for the UNSUBACK of 3.1.1).
void append_suback(std::string& out, PacketType type, std::uint16_t packet_id, std::string_view codes, bool v5);

/// The size of a whole PUBLISH in bytes, or 0 when MQTT cannot carry it. `properties` is the encoded property list.
[[nodiscard]] std::size_t publish_size(const OutgoingPublish& message, bool v5, std::string_view properties);
void append_publish(std::string& out, const OutgoingPublish& message, std::uint16_t packet_id, bool v5,
                    std::string_view properties);

}  // namespace jl::wire::mqtt
