#include "daemon/wire/mqtt/packet.hpp"

#include "daemon/wire/mqtt/text.hpp"

namespace jl::wire::mqtt {
namespace {
constexpr std::size_t kMaxString = 65535;  // MQTT 5 §1.5.4

// Cuts the first level off a topic or filter; `last` says that nothing follows it.
std::string_view take_level(std::string_view& rest, bool& last) {
  const std::size_t slash = rest.find('/');
  last = slash == std::string_view::npos;
  const std::string_view level = rest.substr(0, slash);
  rest = last ? std::string_view{} : rest.substr(slash + 1);
  return level;
}
}  // namespace

std::string_view to_string(CloseCause cause) {
  switch (cause) {
    case CloseCause::client_disconnect:
      return "client_disconnect";
    case CloseCause::connection_lost:
      return "connection_lost";
    case CloseCause::protocol_error:
      return "protocol_error";
    case CloseCause::malformed_packet:
      return "malformed_packet";
    case CloseCause::packet_too_large:
      return "packet_too_large";
    case CloseCause::keep_alive_timeout:
      return "keep_alive_timeout";
    case CloseCause::connect_timeout:
      return "connect_timeout";
    case CloseCause::refused:
      return "refused";
    case CloseCause::taken_over:
      return "taken_over";
    case CloseCause::server_shutdown:
      return "server_shutdown";
    case CloseCause::administrative:
      return "administrative";
    case CloseCause::slow_consumer:
      return "slow_consumer";
    case CloseCause::storage_failure:
      return "storage_failure";
  }
  return "unknown";
}

std::string_view to_string(ReasonCode reason) {
  switch (reason) {
    case ReasonCode::success:
      return "success";
    case ReasonCode::granted_qos1:
      return "granted_qos1";
    case ReasonCode::granted_qos2:
      return "granted_qos2";
    case ReasonCode::disconnect_with_will:
      return "disconnect_with_will";
    case ReasonCode::no_matching_subscribers:
      return "no_matching_subscribers";
    case ReasonCode::no_subscription_existed:
      return "no_subscription_existed";
    case ReasonCode::continue_authentication:
      return "continue_authentication";
    case ReasonCode::reauthenticate:
      return "reauthenticate";
    case ReasonCode::unspecified_error:
      return "unspecified_error";
    case ReasonCode::malformed_packet:
      return "malformed_packet";
    case ReasonCode::protocol_error:
      return "protocol_error";
    case ReasonCode::implementation_specific_error:
      return "implementation_specific_error";
    case ReasonCode::unsupported_protocol_version:
      return "unsupported_protocol_version";
    case ReasonCode::client_identifier_not_valid:
      return "client_identifier_not_valid";
    case ReasonCode::bad_user_name_or_password:
      return "bad_user_name_or_password";
    case ReasonCode::not_authorized:
      return "not_authorized";
    case ReasonCode::server_unavailable:
      return "server_unavailable";
    case ReasonCode::server_busy:
      return "server_busy";
    case ReasonCode::banned:
      return "banned";
    case ReasonCode::server_shutting_down:
      return "server_shutting_down";
    case ReasonCode::bad_authentication_method:
      return "bad_authentication_method";
    case ReasonCode::keep_alive_timeout:
      return "keep_alive_timeout";
    case ReasonCode::session_taken_over:
      return "session_taken_over";
    case ReasonCode::topic_filter_invalid:
      return "topic_filter_invalid";
    case ReasonCode::topic_name_invalid:
      return "topic_name_invalid";
    case ReasonCode::packet_identifier_in_use:
      return "packet_identifier_in_use";
    case ReasonCode::packet_identifier_not_found:
      return "packet_identifier_not_found";
    case ReasonCode::receive_maximum_exceeded:
      return "receive_maximum_exceeded";
    case ReasonCode::topic_alias_invalid:
      return "topic_alias_invalid";
    case ReasonCode::packet_too_large:
      return "packet_too_large";
    case ReasonCode::message_rate_too_high:
      return "message_rate_too_high";
    case ReasonCode::quota_exceeded:
      return "quota_exceeded";
    case ReasonCode::administrative_action:
      return "administrative_action";
    case ReasonCode::payload_format_invalid:
      return "payload_format_invalid";
    case ReasonCode::retain_not_supported:
      return "retain_not_supported";
    case ReasonCode::qos_not_supported:
      return "qos_not_supported";
    case ReasonCode::use_another_server:
      return "use_another_server";
    case ReasonCode::server_moved:
      return "server_moved";
    case ReasonCode::shared_subscriptions_not_supported:
      return "shared_subscriptions_not_supported";
    case ReasonCode::connection_rate_exceeded:
      return "connection_rate_exceeded";
    case ReasonCode::maximum_connect_time:
      return "maximum_connect_time";
    case ReasonCode::subscription_identifiers_not_supported:
      return "subscription_identifiers_not_supported";
    case ReasonCode::wildcard_subscriptions_not_supported:
      return "wildcard_subscriptions_not_supported";
  }
  return "unknown";
}

bool is_valid_topic_name(std::string_view topic) {
  if (topic.empty() || topic.size() > kMaxString) return false;
  const TextTraits traits = inspect_text(topic);
  return traits.well_formed && !traits.wildcard;
}

bool is_valid_topic_filter(std::string_view filter) {
  if (filter.empty() || filter.size() > kMaxString) return false;
  const TextTraits traits = inspect_text(filter);
  if (!traits.well_formed || !traits.wildcard) return traits.well_formed;
  for (bool last = false; !last;) {
    const std::string_view level = take_level(filter, last);
    if (level.size() > 1 && level.find_first_of("+#") != std::string_view::npos) return false;  // MQTT 5 §4.7.1
    if (level == "#" && !last) return false;
  }
  return true;
}

bool topic_matches(std::string_view filter, std::string_view topic) {
  if (filter.empty() || topic.empty()) return false;
  // MQTT 5 §4.7.2: a leading wildcard does not reach the server's own topics.
  if (topic.front() == '$' && (filter.front() == '#' || filter.front() == '+')) return false;
  bool filter_ended = false;
  bool topic_ended = false;
  while (!filter_ended && !topic_ended) {
    const std::string_view wanted = take_level(filter, filter_ended);
    if (wanted == "#") return true;
    const std::string_view level = take_level(topic, topic_ended);
    if (wanted != "+" && wanted != level) return false;
  }
  // MQTT 5 §4.7.1.2: "sport/#" includes its parent "sport".
  return topic_ended && (filter_ended || filter == "#");
}

std::optional<SharedFilter> split_shared(std::string_view filter) {
  constexpr std::string_view kPrefix = "$share/";
  if (!filter.starts_with(kPrefix)) return std::nullopt;
  filter.remove_prefix(kPrefix.size());
  const std::size_t slash = filter.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  const SharedFilter parts{.group = filter.substr(0, slash), .filter = filter.substr(slash + 1)};
  if (parts.group.empty() || parts.group.find_first_of("+#") != std::string_view::npos) return std::nullopt;
  if (!is_valid_topic_filter(parts.filter)) return std::nullopt;
  return parts;
}

}  // namespace jl::wire::mqtt
