#include "daemon/wire/mqtt/reasons.hpp"

namespace jl::wire::mqtt {
namespace {
using enum ReasonCode;

bool is_message_reason(ReasonCode reason) {
  switch (reason) {
    case success:
    case no_matching_subscribers:
    case unspecified_error:
    case implementation_specific_error:
    case not_authorized:
    case topic_name_invalid:
    case packet_identifier_in_use:
    case quota_exceeded:
    case payload_format_invalid:
      return true;
    default:
      return false;
  }
}

bool is_connack_reason(ReasonCode reason) {
  switch (reason) {
    case success:
    case unspecified_error:
    case malformed_packet:
    case protocol_error:
    case implementation_specific_error:
    case unsupported_protocol_version:
    case client_identifier_not_valid:
    case bad_user_name_or_password:
    case not_authorized:
    case server_unavailable:
    case server_busy:
    case banned:
    case bad_authentication_method:
    case topic_name_invalid:
    case packet_too_large:
    case quota_exceeded:
    case payload_format_invalid:
    case retain_not_supported:
    case qos_not_supported:
    case use_another_server:
    case server_moved:
    case connection_rate_exceeded:
      return true;
    default:
      return false;
  }
}

bool is_suback_reason(ReasonCode reason) {
  switch (reason) {
    case success:
    case granted_qos1:
    case granted_qos2:
    case unspecified_error:
    case implementation_specific_error:
    case not_authorized:
    case topic_filter_invalid:
    case packet_identifier_in_use:
    case quota_exceeded:
    case shared_subscriptions_not_supported:
    case subscription_identifiers_not_supported:
    case wildcard_subscriptions_not_supported:
      return true;
    default:
      return false;
  }
}

// Both sides may send these in DISCONNECT.
bool is_disconnect_reason(ReasonCode reason) {
  switch (reason) {
    case success:
    case unspecified_error:
    case malformed_packet:
    case protocol_error:
    case implementation_specific_error:
    case topic_name_invalid:
    case receive_maximum_exceeded:
    case topic_alias_invalid:
    case packet_too_large:
    case message_rate_too_high:
    case quota_exceeded:
    case administrative_action:
    case payload_format_invalid:
      return true;
    default:
      return false;
  }
}

bool is_server_disconnect_reason(ReasonCode reason) {
  switch (reason) {
    case not_authorized:
    case server_busy:
    case server_shutting_down:
    case bad_authentication_method:
    case keep_alive_timeout:
    case session_taken_over:
    case topic_filter_invalid:
    case retain_not_supported:
    case qos_not_supported:
    case use_another_server:
    case server_moved:
    case shared_subscriptions_not_supported:
    case connection_rate_exceeded:
    case maximum_connect_time:
    case subscription_identifiers_not_supported:
    case wildcard_subscriptions_not_supported:
      return true;
    default:
      return is_disconnect_reason(reason);
  }
}

bool is_server_reason(PacketType type, ReasonCode reason) {
  switch (type) {
    case PacketType::connack:
      return is_connack_reason(reason);
    case PacketType::puback:
    case PacketType::pubrec:
      return is_message_reason(reason);
    case PacketType::suback:
      return is_suback_reason(reason);
    case PacketType::disconnect:
      return is_server_disconnect_reason(reason);
    default:
      return reason == success || reason == packet_identifier_not_found;
  }
}
}  // namespace

bool is_client_reason(PacketType type, ReasonCode reason) {
  switch (type) {
    case PacketType::puback:
    case PacketType::pubrec:
      return is_message_reason(reason);
    case PacketType::disconnect:
      return reason == disconnect_with_will || is_disconnect_reason(reason);
    default:
      return reason == success || reason == packet_identifier_not_found;
  }
}

ReasonCode fit_server_reason(PacketType type, ReasonCode reason) {
  if (is_server_reason(type, reason)) return reason;
  if (type == PacketType::connack && reason == server_shutting_down) return server_unavailable;
  if (type == PacketType::disconnect && reason == server_unavailable) return server_shutting_down;
  const bool acknowledges = type == PacketType::puback || type == PacketType::pubrec;
  return acknowledges && reason < unspecified_error ? success : unspecified_error;
}

}  // namespace jl::wire::mqtt
