#include "daemon/network/udp_component.hpp"

namespace jl::network {
namespace {

constexpr std::string_view kLogger = "network.udp";

/// Counts one more, unless that is too many.
bool count_in(std::atomic<std::uint32_t>& counter, std::uint32_t most) {
  if (counter.fetch_add(1, std::memory_order_relaxed) < most) return true;
  counter.fetch_sub(1, std::memory_order_relaxed);
  return false;
}

}  // namespace

bool UdpComponent::has_room(const UdpServerOptions& limits, bool replaces) const {
  return handshakes_.load(std::memory_order_relaxed) < limits.max_handshakes &&
         (replaces || counters.sessions.load(std::memory_order_relaxed) < limits.max_sessions);
}

bool UdpComponent::begin_handshake(const UdpServerOptions& limits) {
  if (!count_in(handshakes_, limits.max_handshakes)) return false;
  if (count_in(counters.sessions, limits.max_sessions)) return true;
  end_handshake();
  return false;
}

void UdpComponent::report(Trouble kind, const PeerAddress& peer, std::string_view detail, Millis steady_now) {
  static constexpr std::array<std::string_view, static_cast<std::size_t>(Trouble::count_)> kWhat{
      "DTLS session over the limit", "DTLS handshake failed", "log write failed", "cannot send",
      "datagram not handled"};
  std::uint64_t held = 0;
  if (!troubles_[static_cast<std::size_t>(kind)].allow(steady_now, held)) return;
  log::warn(kLogger, "{} component={} peer={} detail=\"{}\" suppressed={}", kWhat[static_cast<std::size_t>(kind)], id_,
            peer.to_string(), detail, held);
}

}  // namespace jl::network
