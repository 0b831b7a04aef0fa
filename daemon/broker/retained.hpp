#pragma once
// Retained messages of one broker (MQTT 5 §3.3.1.3), in memory and in the store. Any thread: setting one and asking for
// them at a subscription take a lock; ordinary messages never come here.
#include "daemon/device/turn_log.hpp"
#include "daemon/wire/mqtt/packet.hpp"

#include <functional>
#include <map>
#include <mutex>
#include <string>

namespace jl::broker {

class Retained {
 public:
  struct Limits {
    std::size_t messages = 10'000;
    std::size_t bytes = 64u << 20u;
  };
  Retained(std::string network_id, Limits limits) : network_id_(std::move(network_id)), limits_(limits) {}

  void set_limits(Limits limits);
  /// Keeps the message for its topic, or forgets that topic's when the payload is empty. False when it would go over a
  /// limit; then nothing changes.
  [[nodiscard]] bool set(const wire::mqtt::MessagePtr& message, device::TurnLog& log);
  /// Those whose topic the filter matches, in topic order, without those that have expired at `now` (epoch ms).
  [[nodiscard]] std::vector<wire::mqtt::MessagePtr> match(std::string_view filter, Millis now) const;
  /// Takes over what the store holds, at the start.
  void load(wire::mqtt::Message message);
  /// Forgets what has expired.
  void forget_expired(Millis now, device::TurnLog& log);
  [[nodiscard]] std::size_t size() const;

 private:
  void erase(std::map<std::string, wire::mqtt::MessagePtr, std::less<>>::iterator at, device::TurnLog& log);
  static std::size_t bytes_of(const wire::mqtt::Message& message) {
    return message.topic.size() * 2 + message.payload.size() + message.properties.size() + 128;
  }
  const std::string network_id_;
  mutable std::mutex mutex_;
  Limits limits_;
  std::map<std::string, wire::mqtt::MessagePtr, std::less<>> messages_;
  std::size_t bytes_ = 0;
};

}  // namespace jl::broker
