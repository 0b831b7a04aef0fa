#pragma once
// Decodes the packets that a client sends into views of the packet. Pure: what depends on the connection (in-flight
// identifiers, aliases, limits on how many) is judged by the machine.
#include "daemon/wire/mqtt/encode.hpp"
#include "daemon/wire/mqtt/fault.hpp"
#include "daemon/wire/mqtt/properties.hpp"
#include "daemon/wire/mqtt/server.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

namespace jl::wire::mqtt {

/// The longest client identifier that is accepted, bytes.
constexpr std::size_t kMaxClientId = 256;

/// Where one packet lies at the front of a buffer.
struct Frame {
  std::uint8_t first = 0;   ///< type and flags
  std::size_t header = 0;   ///< bytes of the fixed header
  std::size_t body = 0;     ///< the remaining length
  std::size_t missing = 0;  ///< bytes that must still arrive before more can be said; 0 = the packet is whole
  Fault fault{};

  [[nodiscard]] PacketType type() const { return static_cast<PacketType>(first >> 4); }
};
/// Reads a fixed header from non-empty input. A fault is found as soon as the bytes that show it are there.
[[nodiscard]] Frame read_frame(std::string_view in, ProtocolVersion version, std::uint32_t max_body);

struct ConnectPacket {
  ConnectView view;
  std::unique_ptr<Will> will;
  UserProperties user_properties;
};
/// Decodes the body of a CONNECT. `packet.view.version` is set as soon as it is known, so that a refusal can be worded
/// in the client's version. The views of `packet` point into `body` and into `packet`.
[[nodiscard]] Fault decode_connect(std::string_view body, const ServerLimits& limits, ConnectPacket& packet);

/// `view.topic` stays empty where a topic alias stands for it. `properties` is filled for MQTT 5 only.
[[nodiscard]] Fault decode_publish(std::uint8_t first, std::string_view body, ProtocolVersion version,
                                   const ServerLimits& limits, PublishView& view, Properties& properties);

/// PUBACK, PUBREC, PUBREL and PUBCOMP.
struct AckPacket {
  std::uint16_t packet_id = 0;
  ReasonCode reason = ReasonCode::success;
};
[[nodiscard]] Fault decode_ack(PacketType type, std::string_view body, ProtocolVersion version,
                               const ServerLimits& limits, AckPacket& packet);

/// The head of SUBSCRIBE and UNSUBSCRIBE; `filters` is read entry by entry with next_filter.
struct FilterList {
  std::uint16_t packet_id = 0;
  std::uint32_t subscription_id = 0;
  std::string_view filters;
};
/// Checks every entry, so that a packet is either carried out in whole or not at all.
[[nodiscard]] Fault decode_filters(PacketType type, std::string_view body, ProtocolVersion version,
                                   const ServerLimits& limits, FilterList& list);
/// Takes the next entry off a list that decode_filters has checked; `options` are untouched for UNSUBSCRIBE.
[[nodiscard]] std::string_view next_filter(PacketType type, Reader& entries, SubscribeOptions& options);
/// Whether the filter asks for a shared subscription, be it well-formed or not (MQTT 5 §4.8.2).
[[nodiscard]] bool is_shared(std::string_view filter);

struct DisconnectPacket {
  ReasonCode reason = ReasonCode::success;
  bool has_session_expiry = false;
  std::uint32_t session_expiry = 0;
};
[[nodiscard]] Fault decode_disconnect(std::string_view body, ProtocolVersion version, const ServerLimits& limits,
                                      DisconnectPacket& packet);

}  // namespace jl::wire::mqtt
