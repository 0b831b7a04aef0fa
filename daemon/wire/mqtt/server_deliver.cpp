// PUBLISH to the client: the window, the queue, the topic aliases, the acknowledgements (MQTT 5 §3.3 to §3.7, §4.3,
// §4.4, §4.9).
#include "daemon/wire/mqtt/reasons.hpp"
#include "daemon/wire/mqtt/server_impl.hpp"

#include <algorithm>
#include <utility>

namespace jl::wire::mqtt {

// ---- what the owner hands over

bool ServerMachine::Impl::publish(const OutgoingPublish& message, std::string& out) {
  if (state != State::connected || message.qos > 2 || !is_valid_topic_name(message.topic)) return false;
  std::string ids;
  if (is_v5() && session) ids = session->subscription_ids(message.topic);
  const PublishPacket packet{.topic = message.topic,
                             .payload = message.payload,
                             .qos = message.qos,
                             .retain = message.retain,
                             .subscription_ids = ids};
  if (!fits(packet)) return false;
  if (message.qos == 0) {
    write(packet, out);
    return true;
  }
  auto shared = std::make_shared<const Message>(Message{.topic = std::string(message.topic),
                                                        .payload = std::string(message.payload),
                                                        .properties = {},
                                                        .qos = message.qos,
                                                        .retain = message.retain});
  const SendResult result = publish({.message = std::move(shared),
                                     .qos = message.qos,
                                     .retain = message.retain,
                                     .tag = message.tag,
                                     .subscription_ids = std::move(ids)},
                                    out);
  return result == SendResult::sent || result == SendResult::queued;
}

SendResult ServerMachine::Impl::publish(Delivery delivery, std::string& out) {
  if (state != State::connected) return SendResult::closed;
  if (is_expired(*delivery.message)) return SendResult::expired;
  const PublishPacket packet = packet_of(delivery);
  if (!fits(packet)) return SendResult::too_large;
  if (delivery.qos == 0) {
    write(packet, out);
    return SendResult::sent;
  }
  if (!own_session().queue.empty() || !has_slot()) {
    return session->enqueue(std::move(delivery), limits.max_outbound_queued);
  }
  send(std::move(delivery), out);
  return SendResult::sent;
}

// ---- sending

PublishPacket ServerMachine::Impl::packet_of(const Delivery& delivery) const {
  const Message& message = *delivery.message;
  PublishPacket packet{.topic = message.topic,
                       .payload = message.payload,
                       .qos = delivery.qos,
                       .retain = delivery.retain,
                       .properties = message.properties,
                       .subscription_ids = delivery.subscription_ids};
  if (message.expires_at != 0 && is_v5()) {
    // A second that has begun counts. One that is sent again may have none left.
    const std::int64_t left = (std::max<std::int64_t>(message.expires_at - now, 0) + 999) / 1000;
    packet.message_expiry = static_cast<std::uint32_t>(std::min<std::int64_t>(left, 0xFFFFFFFF));
  }
  return packet;
}

bool ServerMachine::Impl::fits(const PublishPacket& packet) const {
  const std::size_t size = publish_size(packet, is_v5());
  return size != 0 && fits_client(size);
}

bool ServerMachine::Impl::is_expired(const Message& message) const {
  return message.expires_at != 0 && message.expires_at <= now;
}

// Gives the topic its alias, old or new, where the client takes them. The packet itself fits.
void ServerMachine::Impl::write(PublishPacket packet, std::string& out) {
  if (newer && newer->alias_max > 0 && packet.topic.size() > kNoAliasBelow) {
    std::vector<std::string>& aliases = newer->outbound_aliases;
    const auto known = std::ranges::find(aliases, packet.topic);
    packet.topic_alias = static_cast<std::uint16_t>(known - aliases.begin() + 1);
    if (known != aliases.end()) {
      packet.topic = {};
    } else if (aliases.size() < std::min<std::size_t>(newer->alias_max, kOutboundAliases) &&
               packet.topic.size() <= limits.max_topic_bytes && fits(packet)) {
      aliases.emplace_back(packet.topic);
    } else {
      packet.topic_alias = 0;
    }
  }
  append_publish(out, packet, is_v5());
}

void ServerMachine::Impl::send(Delivery delivery, std::string& out) {
  using Phase = OutboundExchange::Phase;
  const std::uint64_t tag = delivery.tag;
  const std::uint8_t qos = delivery.qos;
  const std::uint16_t packet_id = session->next_packet_id();
  PublishPacket packet = packet_of(delivery);
  packet.packet_id = packet_id;
  write(packet, out);
  session->outbound.push_back({.delivery = std::move(delivery),
                               .packet_id = packet_id,
                               .phase = qos == 1 ? Phase::await_puback : Phase::await_pubrec});
  if (tag != 0) events.on_sent(tag, packet_id, qos);
}

// Whatever waits and may be sent now. Events may end the connection in between.
void ServerMachine::Impl::send_waiting(std::string& out) {
  if (to_resend > 0) send_again(out);
  if (state == State::connected && to_resend == 0) send_queued(out);
}

void ServerMachine::Impl::send_again(std::string& out) {
  using Phase = OutboundExchange::Phase;
  for (OutboundExchange& each : session->outbound) {  // PUBREL first: it needs no room in the window
    if (!each.waits || each.phase != Phase::await_pubcomp) continue;
    each.waits = false;
    --to_resend;
    append_ack(out, PacketType::pubrel, each.packet_id);
  }
  for (std::size_t i = 0; i < session->outbound.size() && to_resend > 0;) {
    OutboundExchange& each = session->outbound[i];
    if (!each.waits) {
      ++i;
      continue;
    }
    if (session->outbound.size() - to_resend >= window()) return;
    PublishPacket packet = packet_of(each.delivery);
    packet.packet_id = each.packet_id;
    packet.dup = true;
    each.waits = false;
    --to_resend;
    if (fits(packet)) {
      write(packet, out);
      ++i;
      continue;
    }
    // The client takes less than it did when this was sent [MQTT-3.1.2-25].
    const std::uint64_t tag = each.delivery.tag;
    session->remove_outbound(packet.packet_id);
    if (tag != 0) events.on_discarded(tag);
    if (state != State::connected) return;
  }
}

void ServerMachine::Impl::send_queued(std::string& out) {
  while (state == State::connected && !session->queue.empty() && has_slot()) {
    Delivery next = session->queue.pop();
    if (!is_expired(*next.message) && fits(packet_of(next))) {
      send(std::move(next), out);
    } else if (next.tag != 0) {
      events.on_discarded(next.tag);
    }
  }
}

// MQTT 5 §4.9: the client's receive maximum. Below 65535, so that a free packet identifier always exists.
std::size_t ServerMachine::Impl::window() const {
  const std::size_t own = std::clamp<std::size_t>(limits.max_outbound_inflight, 1, 65534);
  return newer ? std::min<std::size_t>(own, newer->receive_max) : own;
}

bool ServerMachine::Impl::has_slot() const { return to_resend == 0 && session->outbound.size() < window(); }

// ---- acknowledgements

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
    return;
  }
  const bool failed = packet.reason >= ReasonCode::unspecified_error;
  if (type == PacketType::pubrec && exchange->phase != Phase::await_puback) {
    if (exchange->phase == Phase::await_pubrec) {
      if (failed) return complete(*exchange, packet.reason, out);
      if (exchange->waits) --to_resend;
      const std::uint64_t tag = exchange->delivery.tag;
      session->mark_received(*exchange);
      append_ack(out, PacketType::pubrel, packet.packet_id);
      if (tag != 0) events.on_received(tag);
      return;
    }
    return append_ack(out, PacketType::pubrel, packet.packet_id);
  }
  const bool expected = (type == PacketType::puback && exchange->phase == Phase::await_puback) ||
                        (type == PacketType::pubcomp && exchange->phase == Phase::await_pubcomp);
  if (!expected) return fail(violation("acknowledgement does not fit the QoS of the message"), out);
  complete(*exchange, packet.reason, out);
}

void ServerMachine::Impl::complete(const OutboundExchange& exchange, ReasonCode reason, std::string& out) {
  const std::uint64_t tag = exchange.delivery.tag;
  if (exchange.waits) --to_resend;
  session->remove_outbound(exchange.packet_id);
  if (tag != 0) {
    // PUBCOMP with "not found" says that the peer has no such exchange any more: it had completed it.
    if (reason >= ReasonCode::unspecified_error && reason != ReasonCode::packet_identifier_not_found) {
      events.on_refused(tag, reason);
    } else {
      events.on_delivered(tag);
    }
  }
  if (state == State::connected) send_waiting(out);
}

}  // namespace jl::wire::mqtt
