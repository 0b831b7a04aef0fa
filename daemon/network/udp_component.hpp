#pragma once
// What the lanes of one UDP component share: options and counters (any thread), and the words for what goes wrong.
#include "daemon/base/log.hpp"
#include "daemon/base/published.hpp"
#include "daemon/network/dtls_cookie.hpp"
#include "daemon/network/udp_server.hpp"

#include <array>
#include <atomic>
#include <memory>
#include <string>
#include <string_view>

namespace jl::network {

class UdpComponent {
 public:
  UdpComponent(const UdpServerOptions& options, std::shared_ptr<UdpServerHandler> server_handler)
      : handler(std::move(server_handler)),
        id_(options.id),
        options_(std::make_shared<const UdpServerOptions>(options)) {}

  /// Grows with each set_options(), after they are there to be taken.
  [[nodiscard]] std::uint32_t version() const { return version_.load(std::memory_order_acquire); }
  [[nodiscard]] std::shared_ptr<const UdpServerOptions> options() const { return options_.load(); }
  void set_options(const UdpServerOptions& options) {
    options_.store(std::make_shared<const UdpServerOptions>(options));
    version_.fetch_add(1, std::memory_order_release);
  }

  /// Whether there is room for one more handshake, and for the session it becomes unless that replaces another.
  [[nodiscard]] bool has_room(const UdpServerOptions& limits, bool replaces) const;
  /// Takes that room, if it is still there. Give it back with end_handshake(), and end_session() in any case.
  [[nodiscard]] bool begin_handshake(const UdpServerOptions& limits);
  void end_handshake() { handshakes_.fetch_sub(1, std::memory_order_relaxed); }
  void end_session() { counters.sessions.fetch_sub(1, std::memory_order_relaxed); }

  /// What peers can bring about is logged at a bounded rate, each kind for itself.
  enum class Trouble : std::uint8_t { over_limit, handshake, storage, sending, handler, count_ };
  void report(Trouble kind, const PeerAddress& peer, std::string_view detail, Millis steady_now);

  const std::shared_ptr<UdpServerHandler> handler;
  const DtlsCookies cookies;
  UdpCounters counters;

 private:
  const std::string id_;
  Published<UdpServerOptions> options_;
  std::atomic<std::uint32_t> version_{0};
  std::atomic<std::uint32_t> handshakes_{0};  // on their way
  std::array<log::RateLimit, static_cast<std::size_t>(Trouble::count_)> troubles_;
};

}  // namespace jl::network
