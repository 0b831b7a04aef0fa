#pragma once
// Devices on a UDP component (access.md 5.4): every datagram says and proves whose it is; a device is answered at the
// address of its last one. One per component; its calls come on the lanes' own threads, where each has its sessions.
#include "daemon/access/virtual_sessions.hpp"
#include "daemon/base/log.hpp"
#include "daemon/network/udp_server.hpp"

#include <vector>

namespace jl::access {

class UdpAccess final : public network::UdpServerHandler, public std::enable_shared_from_this<UdpAccess> {
 public:
  /// A device is offline after `silence` milliseconds without a datagram.
  UdpAccess(const Context& context, std::string network_id, network::IoThreads& threads, std::size_t max_devices,
            Millis silence);

  /// The gateways from now on; none = datagrams are dropped and counted. Any thread.
  void attach(const std::shared_ptr<const AttachedGateways>& gateways);
  void set_silence(Millis silence);
  /// Ends every session. Call it after the server's own stop(), not from an I/O thread.
  void stop();
  [[nodiscard]] std::uint64_t unheard() const { return unheard_.load(std::memory_order_relaxed); }

  void on_datagram(network::UdpLane& lane, const network::PeerAddress& from, std::string_view datagram,
                   std::string_view tls_subject) override;
  void on_gone(network::UdpLane& lane, const network::PeerAddress& peer) override;

 private:
  class Link;
  /// What one thread knows.
  struct Home {
    Home(const Context& context, const std::string& network_id, network::IoThread& t, std::size_t max, Millis silence)
        : thread(t), sessions(context, network_id, t, max, silence) {}
    network::IoThread& thread;
    VirtualSessions sessions;
    bool stopped = false;
  };
  void refuse(network::UdpLane& lane, const network::PeerAddress& from, const codec::Uplink& uplink,
              const codec::Protocol& codec, codec::Stranger why);

  Context context_;
  const std::string network_id_;
  std::vector<std::unique_ptr<Home>> homes_;  // by the thread's index
  std::atomic<std::uint64_t> unheard_{0};     // datagrams that came while there was no gateway
  log::RateLimit refusal_log_;
};

}  // namespace jl::access
