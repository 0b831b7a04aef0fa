#include "daemon/wire/mqtt/session_state.hpp"

#include "daemon/wire/mqtt/encode.hpp"
#include "daemon/wire/mqtt/properties.hpp"

#include <algorithm>

namespace jl::wire::mqtt {

Delivery OutboundQueue::pop() {
  Delivery item = std::move(items_[head_++]);
  if (empty()) {
    items_ = {};
    head_ = 0;
  } else if (head_ * 2 >= items_.size()) {
    items_.erase(items_.begin(), items_.begin() + static_cast<std::ptrdiff_t>(head_));
    head_ = 0;
  }
  return item;
}

std::optional<Delivery> OutboundQueue::take_qos0() {
  const auto front = items_.begin() + static_cast<std::ptrdiff_t>(head_);
  const auto at = std::find_if(front, items_.end(), [](const Delivery& each) { return each.qos == 0; });
  if (at == items_.end()) return std::nullopt;
  if (at == front) return pop();
  Delivery item = std::move(*at);
  items_.erase(at);
  return item;
}

Subscription* SessionState::find_subscription(std::string_view filter) {
  const auto at = std::ranges::find(subscriptions, filter, &Subscription::filter);
  return at == subscriptions.end() ? nullptr : &*at;
}

bool SessionState::remove_subscription(std::string_view filter) {
  return std::erase_if(subscriptions, [&](const Subscription& each) { return each.filter == filter; }) > 0;
}

namespace {
bool subscription_matches(const Subscription& subscription, std::string_view topic) {
  const auto shared = split_shared(subscription.filter);
  return topic_matches(shared ? shared->filter : subscription.filter, topic);
}
}  // namespace

int SessionState::granted_qos(std::string_view topic) const {
  int granted = -1;
  for (const Subscription& each : subscriptions) {
    if (each.options.qos > granted && subscription_matches(each, topic)) granted = each.options.qos;
  }
  return granted;
}

std::string SessionState::subscription_ids(std::string_view topic) const {
  std::string encoded;
  for (const Subscription& each : subscriptions) {
    if (each.options.subscription_id == 0 || !subscription_matches(each, topic)) continue;
    encoded.push_back(static_cast<char>(PropertyId::subscription_id));
    append_varint(encoded, each.options.subscription_id);
  }
  return encoded;
}

SendResult SessionState::enqueue(Delivery delivery, std::size_t limit) {
  if (queue.size() >= limit) return SendResult::queue_full;
  queue.push(std::move(delivery));
  return SendResult::queued;
}

bool SessionState::awaits_pubrel(std::uint16_t packet_id) const {
  return std::ranges::find(inbound_qos2, packet_id) != inbound_qos2.end();
}

bool SessionState::release_inbound(std::uint16_t packet_id) { return std::erase(inbound_qos2, packet_id) > 0; }

bool SessionState::add_inbound(std::uint16_t packet_id) {
  if (packet_id == 0 || awaits_pubrel(packet_id)) return false;
  inbound_qos2.push_back(packet_id);
  return true;
}

OutboundExchange* SessionState::find_outbound(std::uint16_t packet_id) {
  const auto at = std::ranges::find(outbound, packet_id, &OutboundExchange::packet_id);
  return at == outbound.end() ? nullptr : &*at;
}

void SessionState::remove_outbound(std::uint16_t packet_id) {
  std::erase_if(outbound, [&](const OutboundExchange& each) { return each.packet_id == packet_id; });
}

bool SessionState::add_outbound(Delivery delivery, std::uint16_t packet_id, OutboundExchange::Phase phase) {
  using Phase = OutboundExchange::Phase;
  if (packet_id == 0 || find_outbound(packet_id) != nullptr) return false;
  if (delivery.qos != (phase == Phase::await_puback ? 1 : 2)) return false;
  if (delivery.message == nullptr && phase != Phase::await_pubcomp) return false;
  outbound.push_back({.delivery = std::move(delivery), .packet_id = packet_id, .phase = phase});
  return true;
}

void SessionState::mark_received(OutboundExchange& exchange) {
  exchange.phase = OutboundExchange::Phase::await_pubcomp;
  exchange.waits = false;
  exchange.delivery.message.reset();
  const auto at = outbound.begin() + (&exchange - outbound.data());
  std::rotate(at, at + 1, outbound.end());
}

std::uint16_t SessionState::next_packet_id() {
  do {
    ++last_packet_id;
  } while (last_packet_id == 0 || find_outbound(last_packet_id) != nullptr);
  return last_packet_id;
}

}  // namespace jl::wire::mqtt
