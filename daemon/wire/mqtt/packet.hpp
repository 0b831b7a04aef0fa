#pragma once
// The vocabulary of MQTT: versions, reason codes, and the views of packets that the machine hands out.
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace jl::wire::mqtt {

enum class ProtocolVersion : std::uint8_t { v3_1 = 3, v3_1_1 = 4, v5 = 5 };

/// MQTT 5 §2.4; the 3.1.1 CONNACK codes are derived from these.
enum class ReasonCode : std::uint8_t {
  success = 0x00,
  granted_qos1 = 0x01,
  granted_qos2 = 0x02,
  disconnect_with_will = 0x04,
  no_matching_subscribers = 0x10,
  no_subscription_existed = 0x11,
  continue_authentication = 0x18,
  reauthenticate = 0x19,
  unspecified_error = 0x80,
  malformed_packet = 0x81,
  protocol_error = 0x82,
  implementation_specific_error = 0x83,
  unsupported_protocol_version = 0x84,
  client_identifier_not_valid = 0x85,
  bad_user_name_or_password = 0x86,
  not_authorized = 0x87,
  server_unavailable = 0x88,
  server_busy = 0x89,
  banned = 0x8A,
  server_shutting_down = 0x8B,
  bad_authentication_method = 0x8C,
  keep_alive_timeout = 0x8D,
  session_taken_over = 0x8E,
  topic_filter_invalid = 0x8F,
  topic_name_invalid = 0x90,
  packet_identifier_in_use = 0x91,
  packet_identifier_not_found = 0x92,
  receive_maximum_exceeded = 0x93,
  topic_alias_invalid = 0x94,
  packet_too_large = 0x95,
  message_rate_too_high = 0x96,
  quota_exceeded = 0x97,
  administrative_action = 0x98,
  payload_format_invalid = 0x99,
  retain_not_supported = 0x9A,
  qos_not_supported = 0x9B,
  use_another_server = 0x9C,
  server_moved = 0x9D,
  shared_subscriptions_not_supported = 0x9E,
  connection_rate_exceeded = 0x9F,
  maximum_connect_time = 0xA0,
  subscription_identifiers_not_supported = 0xA1,
  wildcard_subscriptions_not_supported = 0xA2,
};
/// The name of a reason code as logs show it: "not_authorized".
[[nodiscard]] std::string_view to_string(ReasonCode reason);

/// Why a connection ended, as logs and counters name it.
enum class CloseCause : std::uint8_t {
  client_disconnect,
  connection_lost,
  protocol_error,
  malformed_packet,
  packet_too_large,
  keep_alive_timeout,
  connect_timeout,
  refused,
  taken_over,
  server_shutdown,
  administrative,
  slow_consumer,
  storage_failure,
};
[[nodiscard]] std::string_view to_string(CloseCause cause);

using UserProperties = std::vector<std::pair<std::string_view, std::string_view>>;

/// A will message, owned: it outlives the CONNECT packet.
struct Will {
  std::string topic;
  std::string payload;
  std::uint8_t qos = 0;
  bool retain = false;
  std::uint32_t delay_seconds = 0;
  std::optional<std::uint32_t> message_expiry{};  ///< seconds, MQTT 5
  std::string properties{};                       ///< as Message::properties
};

struct ConnectView {
  ProtocolVersion version{};
  std::string_view client_id;
  bool has_username = false;
  bool has_password = false;
  std::string_view username;
  std::string_view password;  ///< secret: never log it
  bool clean_start = true;
  std::uint16_t keep_alive = 0;
  std::uint32_t session_expiry = 0;  ///< seconds, MQTT 5
  std::uint16_t receive_maximum = 65535;
  std::uint32_t maximum_packet_size = 0;  ///< 0 = no limit
  std::uint16_t topic_alias_maximum = 0;
  bool request_response_information = false;
  bool request_problem_information = true;
  std::string_view authentication_method;
  const Will* will = nullptr;
  const UserProperties* user_properties = nullptr;
};

struct PublishView {
  std::string_view topic;
  std::string_view payload;
  std::uint8_t qos = 0;
  bool retain = false;
  bool dup = false;
  std::uint16_t packet_id = 0;
  std::optional<std::uint32_t> message_expiry;
  std::string_view content_type;
  std::string_view response_topic;
  std::string_view correlation_data;
  bool payload_is_utf8 = false;
  const UserProperties* user_properties = nullptr;
  std::string_view properties;  ///< as Message::properties
};

struct SubscribeOptions {
  std::uint8_t qos = 0;
  bool no_local = false;
  bool retain_as_published = false;
  std::uint8_t retain_handling = 0;
  std::uint32_t subscription_id = 0;
};

/// A message on its way to subscribers: immutable, shared by all that receive it.
struct Message {
  std::string topic{};
  std::string payload{};
  /// The encoded MQTT 5 properties that a server forwards unchanged (payload format, content type, response topic,
  /// correlation data, user properties in order), without the length.
  std::string properties{};
  std::uint8_t qos = 0;
  bool retain = false;
  std::int64_t expires_at = 0;  ///< ms since 1970; 0 = never
};
using MessagePtr = std::shared_ptr<const Message>;

/// One message for one client.
struct Delivery {
  MessagePtr message{};
  std::uint8_t qos = 0;
  bool retain = false;
  std::uint64_t tag = 0;           ///< comes back in the events of its exchange; 0 = none are wanted
  std::string subscription_ids{};  ///< encoded MQTT 5 properties, usually empty
};

/// What became of a message for a client. All but the first two leave nothing behind.
enum class SendResult : std::uint8_t { sent, queued, expired, too_large, queue_full, closed };

/// A message given as views. QoS 0 is written without a copy.
struct OutgoingPublish {
  std::string_view topic;
  std::string_view payload;
  std::uint8_t qos = 0;
  bool retain = false;
  std::uint64_t tag = 0;  ///< as Delivery::tag
};

/// A session that never ends (MQTT 5 §3.1.2.11.2).
constexpr std::uint32_t kNeverExpires = 0xFFFFFFFF;

/// Topic names and filters (MQTT 5 §4.7).
[[nodiscard]] bool is_valid_topic_name(std::string_view topic);
[[nodiscard]] bool is_valid_topic_filter(std::string_view filter);
[[nodiscard]] bool topic_matches(std::string_view filter, std::string_view topic);

/// "$share/group/filter" (MQTT 5 §4.8.2); the views point into it.
struct SharedFilter {
  std::string_view group;
  std::string_view filter;
};
/// Nothing for a filter that is not shared, and for one that asks for it with a name or filter that may not be.
[[nodiscard]] std::optional<SharedFilter> split_shared(std::string_view filter);

}  // namespace jl::wire::mqtt
