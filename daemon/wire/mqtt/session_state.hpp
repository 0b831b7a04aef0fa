#pragma once
// The part of a MQTT connection that belongs to the session rather than to the network connection (MQTT 5 §4.1): what
// is subscribed, what is in flight both ways, what waits to be sent. It refers to nothing of the connection: it is
// handed from one connection to the next, lives alone while the client is away, and can be rebuilt from records.
// Bounds are kept by who fills it.
#include "daemon/wire/mqtt/packet.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace jl::wire::mqtt {

struct Subscription {
  std::string filter;
  SubscribeOptions options;  ///< qos is the granted one
};

/// A QoS 1 or 2 message that was sent and is not acknowledged.
struct OutboundExchange {
  enum class Phase : std::uint8_t { await_puback, await_pubrec, await_pubcomp };
  Delivery delivery;  ///< its message is gone once PUBREC came
  std::uint16_t packet_id = 0;
  Phase phase = Phase::await_puback;
  bool waits = false;  ///< to be sent again on the present connection
};

/// First in, first out, without the block that a std::deque allocates even when empty.
class OutboundQueue {
 public:
  [[nodiscard]] bool empty() const { return head_ == items_.size(); }
  [[nodiscard]] std::size_t size() const { return items_.size() - head_; }
  /// All of them, oldest first; valid until the queue changes.
  [[nodiscard]] std::span<const Delivery> items() const { return std::span(items_).subspan(head_); }
  void push(Delivery item) { items_.push_back(std::move(item)); }
  /// The oldest; the queue must not be empty.
  Delivery pop();
  /// Takes the oldest of QoS 0 out, or nothing.
  std::optional<Delivery> take_qos0();

 private:
  std::vector<Delivery> items_;
  std::size_t head_ = 0;
};

struct SessionState {
  std::vector<Subscription> subscriptions;
  std::vector<std::uint16_t> inbound_qos2;  ///< packet ids between PUBLISH and PUBREL
  /// Messages in the order in which they were first sent; behind them, those after PUBREC in the order of the PUBRECs.
  std::vector<OutboundExchange> outbound;
  OutboundQueue queue;
  std::uint16_t last_packet_id = 0;

  [[nodiscard]] Subscription* find_subscription(std::string_view filter);
  /// Whether there was one.
  bool remove_subscription(std::string_view filter);
  /// The highest granted QoS among the subscriptions that match, shared ones too, or -1.
  [[nodiscard]] int granted_qos(std::string_view topic) const;
  /// The Subscription Identifiers that a message on this topic must carry, encoded (MQTT 5 §3.3.2.3.8).
  [[nodiscard]] std::string subscription_ids(std::string_view topic) const;

  /// Takes a message for a client that is not there, or whose window is full: queued, or queue_full when `limit`
  /// messages wait already.
  SendResult enqueue(Delivery delivery, std::size_t limit);

  [[nodiscard]] bool awaits_pubrel(std::uint16_t packet_id) const;
  /// Whether it was there.
  bool release_inbound(std::uint16_t packet_id);
  /// From records. False for a packet identifier that is 0 or there already.
  bool add_inbound(std::uint16_t packet_id);

  [[nodiscard]] OutboundExchange* find_outbound(std::uint16_t packet_id);
  void remove_outbound(std::uint16_t packet_id);
  /// From records, in the order in which they were sent. The message may be missing in await_pubcomp only. False for
  /// what cannot be: a missing message, a QoS that does not fit the phase, a packet identifier that is 0 or in use.
  bool add_outbound(Delivery delivery, std::uint16_t packet_id, OutboundExchange::Phase phase);
  /// PUBREC came: the message is let go and the exchange moves behind the others.
  void mark_received(OutboundExchange& exchange);
  /// A packet identifier that is not in flight; fewer than 65535 messages must be.
  [[nodiscard]] std::uint16_t next_packet_id();
};

}  // namespace jl::wire::mqtt
