#pragma once
// What the connections of one MQTT server share: its handler, options and counters (any thread), and one lane per I/O
// thread, which only that thread touches. It lives as long as the last of its connections.
#include "daemon/base/log.hpp"
#include "daemon/network/mqtt_server.hpp"
#include "daemon/network/send_buffer.hpp"

#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace jl::network {

class MqttServerConnection;

/// The connections of one thread.
struct MqttLane {
  IoThread* thread = nullptr;
  std::vector<std::shared_ptr<MqttServerConnection>> connections;
  SendBufferPool buffers;
};

class MqttComponent {
 public:
  MqttComponent(const MqttServerOptions& options, IoThreads& threads, std::shared_ptr<MqttServerHandler> handler);

  [[nodiscard]] MqttServerHandler& handler() const { return *handler_; }
  [[nodiscard]] std::vector<MqttLane>& lanes() { return lanes_; }
  /// The lane whose turn it is.
  [[nodiscard]] MqttLane& next_lane();
  [[nodiscard]] std::shared_ptr<const MqttServerOptions> options() const;
  void set_options(const MqttServerOptions& options);

  /// Counts a socket in and out. Those over the limit are counted apart, so that they take no place of the others.
  void count_in(bool over_limit);
  void count_out(bool over_limit);
  [[nodiscard]] std::uint32_t within_limit() const { return within_limit_.load(std::memory_order_relaxed); }
  [[nodiscard]] std::uint32_t over_limit() const { return over_limit_.load(std::memory_order_relaxed); }
  /// Waits until no socket is open; whether that came true.
  [[nodiscard]] bool wait_until_empty(std::chrono::milliseconds limit);

  /// What peers can bring about is logged at a bounded rate, each kind for itself.
  enum class Trouble : std::uint8_t { over_limit, protocol, slow_consumer, storage, tls, count_ };
  void report(Trouble kind, std::string_view peer, std::string_view detail, Millis steady_now);

  MqttServerCounters counters;

 private:
  const std::string id_;
  const std::shared_ptr<MqttServerHandler> handler_;
  std::vector<MqttLane> lanes_;
  std::atomic<std::size_t> next_lane_{0};
  std::atomic<std::uint32_t> within_limit_{0};
  std::atomic<std::uint32_t> over_limit_{0};
  std::array<log::RateLimit, static_cast<std::size_t>(Trouble::count_)> troubles_;
  mutable std::mutex mutex_;  // guards options_; goes with emptied_
  std::condition_variable emptied_;
  std::shared_ptr<const MqttServerOptions> options_;
};

}  // namespace jl::network
