#pragma once
// What the connections of one listening component share, whatever they speak: options and counters (any thread), and
// one lane per I/O thread, which only that thread touches. It lives as long as the last of its connections.
#include "daemon/base/log.hpp"
#include "daemon/network/io_thread.hpp"
#include "daemon/network/send_buffer.hpp"
#include "daemon/network/tls_context.hpp"

#include <array>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace jl::network {

class StreamConnection;

/// What every component that listens on TCP is configured with.
struct StreamOptions {
  std::string id;                ///< of the component, for logs
  std::string host = "0.0.0.0";  ///< address, or a name that resolves to one
  std::uint16_t port = 0;        ///< 0 = any free one (tests)
  std::uint32_t max_connections = 100'000;
  std::uint32_t max_connect_rate = 0;        ///< connections accepted in one second; 0 = no limit
  std::uint32_t max_message_rate = 0;        ///< messages of one connection in one second; 0 = no limit
  std::chrono::seconds connect_timeout{10};  ///< from accept until the client is admitted, TLS handshake included
  std::uint32_t max_send_bytes = 1u << 20u;  ///< unsent bytes after which a slow consumer is closed
  std::shared_ptr<const TlsContext> tls;     ///< for connections accepted from now on; nullptr = in the clear
};

/// Counters of one component since it started. Written by the I/O threads, read by anyone. Bytes are those of the
/// protocol, with or without TLS below it.
struct StreamCounters {
  std::atomic<std::uint64_t> accepted{0}, connected{0}, rejected{0}, disconnected{0}, received_messages{0},
      sent_messages{0}, received_bytes{0}, sent_bytes{0}, protocol_errors{0}, over_limit{0}, slow_consumers{0},
      rate_limited{0}, tls_handshakes{0}, tls_failures{0};  // handshakes that ended well, and those that did not
  std::atomic<std::uint32_t> connections{0};                ///< open sockets now
};

/// Adds to a counter that nobody orders anything by.
inline void add(std::atomic<std::uint64_t>& counter, std::uint64_t by = 1) {
  counter.fetch_add(by, std::memory_order_relaxed);
}

/// The connections of one thread.
struct StreamLane {
  IoThread* thread = nullptr;
  std::vector<std::shared_ptr<StreamConnection>> connections;
  SendBufferPool buffers;
};

class StreamComponent {
 public:
  /// `logger` names the protocol in logs: "network.mqtt".
  StreamComponent(std::shared_ptr<const StreamOptions> options, IoThreads& threads, std::string_view logger);
  virtual ~StreamComponent() = default;
  StreamComponent(const StreamComponent&) = delete;

  [[nodiscard]] std::vector<StreamLane>& lanes() { return lanes_; }
  /// The lane whose turn it is.
  [[nodiscard]] StreamLane& next_lane();
  [[nodiscard]] std::shared_ptr<const StreamOptions> stream_options() const;
  void set_options(std::shared_ptr<const StreamOptions> options);
  [[nodiscard]] std::string_view logger() const { return logger_; }

  /// Counts a socket in and out. Those over the limit are counted apart, so that they take no place of the others.
  void count_in(bool over_limit);
  void count_out(bool over_limit);
  [[nodiscard]] std::uint32_t within_limit() const { return within_limit_.load(std::memory_order_relaxed); }
  [[nodiscard]] std::uint32_t over_limit() const { return over_limit_.load(std::memory_order_relaxed); }
  /// Waits until no socket is open; whether that came true.
  [[nodiscard]] bool wait_until_empty(std::chrono::milliseconds limit);

  /// What peers can bring about is logged at a bounded rate, each kind for itself.
  enum class Trouble : std::uint8_t { over_limit, protocol, slow_consumer, storage, tls, file, count_ };
  void report(Trouble kind, std::string_view peer, std::string_view detail, Millis steady_now);

  StreamCounters counters;

 private:
  const std::string id_;
  const std::string_view logger_;
  std::vector<StreamLane> lanes_;
  std::atomic<std::size_t> next_lane_{0};
  std::atomic<std::uint32_t> within_limit_{0};
  std::atomic<std::uint32_t> over_limit_{0};
  std::array<log::RateLimit, static_cast<std::size_t>(Trouble::count_)> troubles_;
  mutable std::mutex mutex_;  // guards options_; goes with emptied_
  std::condition_variable emptied_;
  std::shared_ptr<const StreamOptions> options_;
};

}  // namespace jl::network
