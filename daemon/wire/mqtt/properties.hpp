#pragma once
// The properties of MQTT 5 (§2.2.2) that a client may send: one reader for all packets, driven by a table that says
// which property has which type and where it may stand.
#include "daemon/wire/mqtt/fault.hpp"
#include "daemon/wire/mqtt/reader.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace jl::wire::mqtt {

enum class PropertyId : std::uint8_t {
  payload_format = 0x01,
  message_expiry = 0x02,
  content_type = 0x03,
  response_topic = 0x08,
  correlation_data = 0x09,
  subscription_id = 0x0B,
  session_expiry = 0x11,
  assigned_client_id = 0x12,
  server_keep_alive = 0x13,
  authentication_method = 0x15,
  authentication_data = 0x16,
  request_problem_information = 0x17,
  will_delay = 0x18,
  request_response_information = 0x19,
  response_information = 0x1A,
  server_reference = 0x1C,
  reason_string = 0x1F,
  receive_maximum = 0x21,
  topic_alias_maximum = 0x22,
  topic_alias = 0x23,
  retain_available = 0x25,
  user_property = 0x26,
  maximum_packet_size = 0x27,
  wildcard_available = 0x28,
  subscription_id_available = 0x29,
  shared_available = 0x2A,
};

/// Whose properties are being read.
enum class PropertyScope : std::uint8_t {
  connect = 1u << 0,
  will = 1u << 1,
  publish = 1u << 2,
  acknowledgement = 1u << 3,
  subscribe = 1u << 4,
  unsubscribe = 1u << 5,
  disconnect = 1u << 6,
};

/// Every property of one packet; the views point into the packet.
struct Properties {
  std::uint64_t present = 0;  ///< bit n: the property with identifier n was there
  std::uint32_t message_expiry = 0;
  std::uint32_t session_expiry = 0;
  std::uint32_t will_delay = 0;
  std::uint32_t maximum_packet_size = 0;
  std::uint32_t subscription_id = 0;
  std::uint16_t receive_maximum = 65535;
  std::uint16_t topic_alias_maximum = 0;
  std::uint16_t topic_alias = 0;
  std::uint8_t payload_format = 0;
  std::uint8_t request_problem_information = 1;
  std::uint8_t request_response_information = 0;
  std::string_view content_type;
  std::string_view response_topic;
  std::string_view correlation_data;
  std::string_view authentication_method;
  UserProperties user_properties;
  std::string_view encoded;  ///< the whole list without its length

  [[nodiscard]] bool has(PropertyId id) const { return (present >> static_cast<unsigned>(id) & 1u) != 0; }
};

/// Reads a property length and the properties. At most `max_user` user properties are taken (quota_exceeded beyond).
/// A value that its own section calls a protocol error is reported here, too.
[[nodiscard]] Fault read_properties(Reader& packet, PropertyScope scope, std::size_t max_user, Properties& into);

/// What of a message's properties goes on to its subscribers unchanged, encoded: a slice of the packet where nothing is
/// to be left out, else built in `buffer`.
[[nodiscard]] std::string_view forwarded_properties(const Properties& properties, std::string& buffer);

}  // namespace jl::wire::mqtt
