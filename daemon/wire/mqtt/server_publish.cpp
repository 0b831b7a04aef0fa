// PUBLISH and its acknowledgements, both ways (MQTT 5 §3.3 to §3.7, §4.3).
#include "daemon/wire/mqtt/reasons.hpp"
#include "daemon/wire/mqtt/server_impl.hpp"

#include <algorithm>

namespace jl::wire::mqtt {

// ---- from the client

void ServerMachine::Impl::handle_publish(std::uint8_t first, std::string_view body, std::string& out) {
  PublishView view;
  Properties properties;
  if (const Fault fault = decode_publish(first, body, version, limits, view, properties)) return fail(fault, out);
  // We announce Retain Available 0; before MQTT 5 there is no way to say so, and the owner sees the flag.
  if (view.retain && is_v5())
    return fail({ReasonCode::retain_not_supported, "retained messages are not supported"}, out);
  if (properties.topic_alias != 0) {
    if (const Fault fault = apply_alias(properties.topic_alias, view)) return fail(fault, out);
  }
  if (view.qos == 2) return receive_qos2(view, out);
  const ReasonCode reason = events.on_publish(view);
  if (view.qos == 0 || state != State::connected) return;
  // Before MQTT 5 a PUBACK cannot refuse; without one the client would send the message for ever.
  append_ack(out, PacketType::puback, view.packet_id,
             is_v5() ? fit_server_reason(PacketType::puback, reason) : ReasonCode::success);
}

Fault ServerMachine::Impl::apply_alias(std::uint16_t alias, PublishView& view) {
  if (alias > kTopicAliasMaximum) return {ReasonCode::topic_alias_invalid, "topic alias is above the maximum"};
  if (!aliases) aliases = std::make_unique<AliasTable>();
  std::string& topic = (*aliases)[alias - 1u];
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
  if (own.inbound_qos2.size() >= std::max<std::uint16_t>(limits.max_inbound_qos2, 1)) {
    return fail({ReasonCode::receive_maximum_exceeded, "too many QoS 2 messages without PUBREL"}, out);
  }
  own.inbound_qos2.push_back(view.packet_id);
  ReasonCode reason = events.on_publish(view);
  if (state != State::connected) return;
  reason = is_v5() ? fit_server_reason(PacketType::pubrec, reason) : ReasonCode::success;
  if (reason >= ReasonCode::unspecified_error) own.release_inbound(view.packet_id);  // MQTT 5 §4.3.3: no PUBREL follows
  append_ack(out, PacketType::pubrec, view.packet_id, reason);
}

void ServerMachine::Impl::handle_pubrel(std::string_view body, std::string& out) {
  AckPacket packet;
  if (const Fault fault = decode_ack(PacketType::pubrel, body, version, limits, packet)) return fail(fault, out);
  const bool known = session && session->release_inbound(packet.packet_id);
  append_ack(out, PacketType::pubcomp, packet.packet_id,
             known || !is_v5() ? ReasonCode::success : ReasonCode::packet_identifier_not_found);
}

// ---- to the client

void ServerMachine::Impl::handle_ack(PacketType type, std::string_view body, std::string& out) {
  using Phase = OutboundExchange::Phase;
  AckPacket packet;
  if (const Fault fault = decode_ack(type, body, version, limits, packet)) return fail(fault, out);
  OutboundExchange* exchange = session ? session->find_outbound(packet.packet_id) : nullptr;
  if (exchange == nullptr) {
    if (type == PacketType::pubrec) {
      append_ack(out, PacketType::pubrel, packet.packet_id,
                 is_v5() ? ReasonCode::packet_identifier_not_found : ReasonCode::success);
    }
    return;  // an answer to nothing needs none itself (MQTT 5 §4.3)
  }
  const bool failed = packet.reason >= ReasonCode::unspecified_error;
  if (type == PacketType::pubrec && exchange->phase != Phase::await_puback) {
    if (failed && exchange->phase == Phase::await_pubrec) return complete(*exchange, packet.reason, out);
    exchange->phase = Phase::await_pubcomp;
    return append_ack(out, PacketType::pubrel, packet.packet_id);
  }
  const bool expected = (type == PacketType::puback && exchange->phase == Phase::await_puback) ||
                        (type == PacketType::pubcomp && exchange->phase == Phase::await_pubcomp);
  if (!expected) return fail(violation("acknowledgement does not fit the QoS of the message"), out);
  complete(*exchange, packet.reason, out);
}

void ServerMachine::Impl::complete(const OutboundExchange& exchange, ReasonCode reason, std::string& out) {
  const std::uint64_t tag = exchange.tag;
  session->remove_outbound(exchange.packet_id);
  send_queued(out);
  if (tag == 0) return;
  // PUBCOMP with "not found" says that the peer has no such exchange any more: it had completed it.
  if (reason >= ReasonCode::unspecified_error && reason != ReasonCode::packet_identifier_not_found) {
    events.on_refused(tag, reason);
  } else {
    events.on_delivered(tag);
  }
}

bool ServerMachine::Impl::publish(const OutgoingPublish& message, std::string& out) {
  if (state != State::connected || message.qos > 2 || !is_valid_topic_name(message.topic)) return false;
  std::string properties;
  if (is_v5() && session) properties = session->subscription_ids(message.topic);
  const std::size_t size = publish_size(message, is_v5(), properties);
  if (size == 0 || !fits_client(size)) return false;
  if (message.qos == 0) {
    append_publish(out, message, 0, is_v5(), properties);
    return true;
  }
  SessionState& own = own_session();
  if (own.outbound.size() < window()) {  // a slot that came free was filled at once: nothing waits
    send(message, properties, out);
    return true;
  }
  if (own.queue.size() >= limits.max_outbound_queued) return false;
  QueuedPublish item;
  item.text.reserve(message.topic.size() + message.payload.size());
  item.text.append(message.topic).append(message.payload);
  item.properties = std::move(properties);
  item.tag = message.tag;
  item.topic_size = static_cast<std::uint16_t>(message.topic.size());
  item.qos = message.qos;
  item.retain = message.retain;
  own.queue.push(std::move(item));
  return true;
}

void ServerMachine::Impl::send(const OutgoingPublish& message, std::string_view properties, std::string& out) {
  using Phase = OutboundExchange::Phase;
  const std::uint16_t packet_id = session->next_packet_id();
  session->outbound.push_back({.tag = message.tag,
                               .packet_id = packet_id,
                               .phase = message.qos == 1 ? Phase::await_puback : Phase::await_pubrec});
  append_publish(out, message, packet_id, is_v5(), properties);
}

void ServerMachine::Impl::send_queued(std::string& out) {
  while (!session->queue.empty() && session->outbound.size() < window()) {
    const QueuedPublish item = session->queue.pop();
    send(item.message(), item.properties, out);
  }
}

// MQTT 5 §4.9: the client's receive maximum. Below 65535, so that a free packet identifier always exists.
std::size_t ServerMachine::Impl::window() const {
  const std::size_t own = std::clamp<std::size_t>(limits.max_outbound_inflight, 1, 65534);
  return std::min<std::size_t>(own, client_receive_max);
}

}  // namespace jl::wire::mqtt
