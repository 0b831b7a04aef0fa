#pragma once
// The part of a MQTT connection that belongs to the session rather than to the network connection (MQTT 5 §4.1): what
// is subscribed, what is in flight both ways, what waits to be sent. It refers to nothing of the connection, so that it
// can be handed over to a later connection or written down. Bounds are kept by the machine that uses it.
#include "daemon/wire/mqtt/packet.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace jl::wire::mqtt {

struct Subscription {
  std::string filter;
  SubscribeOptions options;  ///< qos is the granted one
};

/// A message that waits for an in-flight slot.
struct QueuedPublish {
  std::string text;        ///< topic and payload, one after the other
  std::string properties;  ///< encoded MQTT 5 properties
  std::uint64_t tag = 0;
  std::uint16_t topic_size = 0;
  std::uint8_t qos = 0;
  bool retain = false;

  [[nodiscard]] OutgoingPublish message() const;
};

/// A QoS 1 or 2 message that was sent and is not acknowledged. Its owner finds the message itself by the tag.
struct OutboundExchange {
  enum class Phase : std::uint8_t { await_puback, await_pubrec, await_pubcomp };
  std::uint64_t tag = 0;
  std::uint16_t packet_id = 0;
  Phase phase = Phase::await_puback;
};

/// First in, first out, without the block that a std::deque allocates even when empty.
class OutboundQueue {
 public:
  [[nodiscard]] bool empty() const { return head_ == items_.size(); }
  [[nodiscard]] std::size_t size() const { return items_.size() - head_; }
  void push(QueuedPublish item) { items_.push_back(std::move(item)); }
  /// The oldest; the queue must not be empty.
  QueuedPublish pop();

 private:
  std::vector<QueuedPublish> items_;
  std::size_t head_ = 0;
};

struct SessionState {
  std::vector<Subscription> subscriptions;
  std::vector<std::uint16_t> inbound_qos2;  ///< packet ids between PUBLISH and PUBREL
  std::vector<OutboundExchange> outbound;
  OutboundQueue queue;
  std::uint16_t last_packet_id = 0;

  [[nodiscard]] Subscription* find_subscription(std::string_view filter);
  /// Whether there was one.
  bool remove_subscription(std::string_view filter);
  /// The highest granted QoS among the subscriptions that match, or -1.
  [[nodiscard]] int granted_qos(std::string_view topic) const;
  /// The Subscription Identifiers that a message on this topic must carry, encoded (MQTT 5 §3.3.2.3.8).
  [[nodiscard]] std::string subscription_ids(std::string_view topic) const;

  [[nodiscard]] bool awaits_pubrel(std::uint16_t packet_id) const;
  /// Whether it was there.
  bool release_inbound(std::uint16_t packet_id);

  [[nodiscard]] OutboundExchange* find_outbound(std::uint16_t packet_id);
  void remove_outbound(std::uint16_t packet_id);
  /// A packet identifier that is not in flight; fewer than 65535 messages must be.
  [[nodiscard]] std::uint16_t next_packet_id();
};

}  // namespace jl::wire::mqtt
