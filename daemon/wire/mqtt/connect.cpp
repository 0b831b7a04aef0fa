// CONNECT (MQTT 3.1.1 §3.1, MQTT 5 §3.1).
#include "daemon/wire/mqtt/decode.hpp"

#include <string>

namespace jl::wire::mqtt {
namespace {
struct ConnectFlags {
  bool clean_start = false;
  bool will = false;
  std::uint8_t will_qos = 0;
  bool will_retain = false;
  bool password = false;
  bool username = false;
};

Fault read_version(Reader& body, ConnectView& view) {
  const std::string_view name = body.text();
  const std::uint8_t level = body.u8();
  if (!body.ok() || (name != "MQTT" && name != "MQIsdp")) return malformed("not the protocol name of MQTT");
  if (name == "MQIsdp" && level == 3) {
    view.version = ProtocolVersion::v3_1;
  } else if (name == "MQTT" && level == 4) {
    view.version = ProtocolVersion::v3_1_1;
  } else if (name == "MQTT" && level == 5) {
    view.version = ProtocolVersion::v5;
  } else {
    // A newer client reads the newest answer that we know (MQTT 5 §3.1.2.2), an older one the old answer.
    view.version = name == "MQTT" && level > 5 ? ProtocolVersion::v5 : ProtocolVersion::v3_1_1;
    return {ReasonCode::unsupported_protocol_version, "unsupported protocol level"};
  }
  return {};
}

Fault read_flags(Reader& body, ProtocolVersion version, ConnectFlags& flags) {
  const unsigned raw = body.u8();
  flags = {.clean_start = (raw & 0x02u) != 0,
           .will = (raw & 0x04u) != 0,
           .will_qos = static_cast<std::uint8_t>(raw >> 3 & 3u),
           .will_retain = (raw & 0x20u) != 0,
           .password = (raw & 0x40u) != 0,
           .username = (raw & 0x80u) != 0};
  if ((raw & 0x01u) != 0) return malformed("reserved connect flag is set");
  if (flags.will_qos > 2) return malformed("will QoS is 3");
  if (!flags.will && (flags.will_qos != 0 || flags.will_retain)) return malformed("will flags without a will");
  if (version != ProtocolVersion::v5 && flags.password && !flags.username)
    return malformed("password without user name");
  return {};
}

Fault read_connect_properties(Reader& body, const ServerLimits& limits, ConnectPacket& packet) {
  Properties properties;
  if (const Fault fault = read_properties(body, PropertyScope::connect, limits.max_properties, properties))
    return fault;
  const bool has_method = properties.has(PropertyId::authentication_method);
  if (properties.has(PropertyId::authentication_data) && !has_method) {
    return violation("authentication data without a method");
  }
  ConnectView& view = packet.view;
  view.session_expiry = properties.session_expiry;
  view.receive_maximum = properties.receive_maximum;
  view.maximum_packet_size = properties.maximum_packet_size;
  view.topic_alias_maximum = properties.topic_alias_maximum;
  view.request_response_information = properties.request_response_information != 0;
  view.request_problem_information = properties.request_problem_information != 0;
  view.authentication_method = properties.authentication_method;
  packet.user_properties = std::move(properties.user_properties);
  if (has_method) return {ReasonCode::bad_authentication_method, "enhanced authentication is not supported"};
  return {};
}

Fault read_will(Reader& body, const ConnectFlags& flags, const ServerLimits& limits, ConnectPacket& packet) {
  const bool v5 = packet.view.version == ProtocolVersion::v5;
  Properties properties;
  if (v5) {
    if (const Fault fault = read_properties(body, PropertyScope::will, limits.max_properties, properties)) return fault;
  }
  const std::string_view topic = body.text();
  const std::string_view payload = body.binary();
  if (!body.ok()) return malformed("will is malformed");
  if (!is_valid_topic_name(topic)) return malformed("will topic is not a topic name");
  if (topic.size() > limits.max_topic_bytes) return {ReasonCode::topic_name_invalid, "will topic is too long"};
  packet.will = std::make_unique<Will>(Will{.topic = std::string(topic),
                                            .payload = std::string(payload),
                                            .qos = flags.will_qos,
                                            .retain = flags.will_retain,
                                            .delay_seconds = properties.will_delay,
                                            .message_expiry = {},
                                            .properties = {}});
  if (properties.has(PropertyId::message_expiry)) packet.will->message_expiry = properties.message_expiry;
  std::string buffer;
  packet.will->properties = forwarded_properties(properties, buffer);
  return {};
}

Fault read_credentials(Reader& body, const ConnectFlags& flags, ConnectView& view) {
  // MQTT 3.1 §3.1: the remaining length takes precedence over the flags.
  const bool lenient = view.version == ProtocolVersion::v3_1;
  if (flags.username && !(lenient && body.empty())) {
    view.username = body.text();
    view.has_username = true;
  }
  if (flags.password && !(lenient && body.empty())) {
    view.password = body.binary();
    view.has_password = true;
  }
  if (!body.ok()) return malformed("user name or password is malformed");
  return body.empty() ? Fault{} : malformed("bytes after the end of CONNECT");
}

Fault check_client_id(const ConnectView& view) {
  if (view.client_id.size() > kMaxClientId) {
    return {ReasonCode::client_identifier_not_valid, "client identifier is too long"};
  }
  const bool may_be_empty =
      view.version == ProtocolVersion::v5 || (view.version == ProtocolVersion::v3_1_1 && view.clean_start);
  if (view.client_id.empty() && !may_be_empty) {
    return {ReasonCode::client_identifier_not_valid, "client identifier is empty"};
  }
  return {};
}
}  // namespace

Fault decode_connect(std::string_view bytes, const ServerLimits& limits, ConnectPacket& packet) {
  Reader body(bytes);
  ConnectView& view = packet.view;
  ConnectFlags flags;
  if (const Fault fault = read_version(body, view)) return fault;
  if (const Fault fault = read_flags(body, view.version, flags)) return fault;
  view.clean_start = flags.clean_start;
  view.keep_alive = body.u16();
  if (view.version == ProtocolVersion::v5) {
    if (const Fault fault = read_connect_properties(body, limits, packet)) return fault;
  }
  view.client_id = body.text();
  if (!body.ok()) return malformed("CONNECT is malformed");
  if (flags.will) {
    if (const Fault fault = read_will(body, flags, limits, packet)) return fault;
  }
  if (const Fault fault = read_credentials(body, flags, view)) return fault;
  if (const Fault fault = check_client_id(view)) return fault;
  view.will = packet.will.get();
  view.user_properties = packet.user_properties.empty() ? nullptr : &packet.user_properties;
  return {};
}

}  // namespace jl::wire::mqtt
