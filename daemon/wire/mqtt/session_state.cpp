#include "daemon/wire/mqtt/session_state.hpp"

#include "daemon/wire/mqtt/encode.hpp"
#include "daemon/wire/mqtt/properties.hpp"

#include <algorithm>

namespace jl::wire::mqtt {

OutgoingPublish QueuedPublish::message() const {
  const std::string_view all = text;
  return {
      .topic = all.substr(0, topic_size), .payload = all.substr(topic_size), .qos = qos, .retain = retain, .tag = tag};
}

QueuedPublish OutboundQueue::pop() {
  QueuedPublish item = std::move(items_[head_++]);
  if (empty()) {
    items_ = {};
    head_ = 0;
  } else if (head_ * 2 >= items_.size()) {
    items_.erase(items_.begin(), items_.begin() + static_cast<std::ptrdiff_t>(head_));
    head_ = 0;
  }
  return item;
}

Subscription* SessionState::find_subscription(std::string_view filter) {
  const auto at = std::ranges::find(subscriptions, filter, &Subscription::filter);
  return at == subscriptions.end() ? nullptr : &*at;
}

bool SessionState::remove_subscription(std::string_view filter) {
  return std::erase_if(subscriptions, [&](const Subscription& each) { return each.filter == filter; }) > 0;
}

int SessionState::granted_qos(std::string_view topic) const {
  int granted = -1;
  for (const Subscription& each : subscriptions) {
    if (each.options.qos > granted && topic_matches(each.filter, topic)) granted = each.options.qos;
  }
  return granted;
}

std::string SessionState::subscription_ids(std::string_view topic) const {
  std::string encoded;
  for (const Subscription& each : subscriptions) {
    if (each.options.subscription_id == 0 || !topic_matches(each.filter, topic)) continue;
    encoded.push_back(static_cast<char>(PropertyId::subscription_id));
    append_varint(encoded, each.options.subscription_id);
  }
  return encoded;
}

bool SessionState::awaits_pubrel(std::uint16_t packet_id) const {
  return std::ranges::find(inbound_qos2, packet_id) != inbound_qos2.end();
}

bool SessionState::release_inbound(std::uint16_t packet_id) { return std::erase(inbound_qos2, packet_id) > 0; }

OutboundExchange* SessionState::find_outbound(std::uint16_t packet_id) {
  const auto at = std::ranges::find(outbound, packet_id, &OutboundExchange::packet_id);
  return at == outbound.end() ? nullptr : &*at;
}

void SessionState::remove_outbound(std::uint16_t packet_id) {
  std::erase_if(outbound, [&](const OutboundExchange& each) { return each.packet_id == packet_id; });
}

std::uint16_t SessionState::next_packet_id() {
  do {
    ++last_packet_id;
  } while (last_packet_id == 0 || find_outbound(last_packet_id) != nullptr);
  return last_packet_id;
}

}  // namespace jl::wire::mqtt
