// PUBLISH from the client and what completes it (MQTT 5 §3.3 to §3.7, §4.3).
#include "daemon/wire/mqtt/reasons.hpp"
#include "daemon/wire/mqtt/server_impl.hpp"

#include <algorithm>

namespace jl::wire::mqtt {

void ServerMachine::Impl::handle_publish(std::uint8_t first, std::string_view body, std::string& out) {
  PublishView view;
  Properties properties;
  if (const Fault fault = decode_publish(first, body, version, limits, view, properties)) return fail(fault, out);
  if (properties.topic_alias != 0) {
    if (const Fault fault = apply_alias(properties.topic_alias, view)) return fail(fault, out);
  }
  if (is_v5()) read_forwarded(properties, view);
  if (view.qos == 2) return receive_qos2(view, out);
  const ReasonCode reason = events.on_publish(view);
  if (view.qos == 0 || state != State::connected) return;
  // Before MQTT 5 a PUBACK cannot refuse; without one the client would send the message for ever.
  append_ack(out, PacketType::puback, view.packet_id,
             is_v5() ? fit_server_reason(PacketType::puback, reason) : ReasonCode::success);
}

void ServerMachine::Impl::read_forwarded(const Properties& properties, PublishView& view) {
  constexpr std::size_t kKept = 256;  // bytes; what one message needed more is not kept for the next
  if (newer->forwarded.capacity() > kKept) newer->forwarded = {};
  view.properties = forwarded_properties(properties, newer->forwarded);
}

Fault ServerMachine::Impl::apply_alias(std::uint16_t alias, PublishView& view) {
  if (alias > kTopicAliasMaximum) return {ReasonCode::topic_alias_invalid, "topic alias is above the maximum"};
  if (!newer->inbound_aliases) newer->inbound_aliases = std::make_unique<AliasTable>();
  std::string& topic = (*newer->inbound_aliases)[alias - 1u];
  if (!view.topic.empty()) {
    topic.assign(view.topic);
  } else if (topic.empty()) {
    return violation("topic alias stands for no topic");
  }
  view.topic = topic;
  return {};
}

void ServerMachine::Impl::receive_qos2(const PublishView& view, std::string& out) {
  SessionState& own = own_session();
  if (own.awaits_pubrel(view.packet_id)) return append_ack(out, PacketType::pubrec, view.packet_id);
  // The client counts anew on each connection (MQTT 5 §4.9): what it left open before comes on top.
  if (own.inbound_qos2.size() >= inbound_limit() + inherited_inbound) {
    return fail({ReasonCode::receive_maximum_exceeded, "too many QoS 2 messages without PUBREL"}, out);
  }
  own.inbound_qos2.push_back(view.packet_id);
  events.on_inbound_held(view.packet_id);
  if (state != State::connected) return;
  ReasonCode reason = events.on_publish(view);
  if (state != State::connected) return;
  reason = is_v5() ? fit_server_reason(PacketType::pubrec, reason) : ReasonCode::success;
  append_ack(out, PacketType::pubrec, view.packet_id, reason);
  if (reason < ReasonCode::unspecified_error) return;
  own.release_inbound(view.packet_id);  // MQTT 5 §4.3.3: no PUBREL follows
  events.on_inbound_released(view.packet_id);
}

void ServerMachine::Impl::handle_pubrel(std::string_view body, std::string& out) {
  AckPacket packet;
  if (const Fault fault = decode_ack(PacketType::pubrel, body, version, limits, packet)) return fail(fault, out);
  const bool known = session && session->release_inbound(packet.packet_id);
  append_ack(out, PacketType::pubcomp, packet.packet_id,
             known || !is_v5() ? ReasonCode::success : ReasonCode::packet_identifier_not_found);
  if (known) events.on_inbound_released(packet.packet_id);
}

}  // namespace jl::wire::mqtt
