#pragma once
// One socket of a UDP component in the turns of its I/O thread: what comes goes to the handler, through DTLS or not,
// and what the handler sends leaves once the turn is committed.
#include "daemon/network/datagram_queue.hpp"
#include "daemon/network/datagram_socket.hpp"
#include "daemon/network/dtls_peers.hpp"
#include "daemon/network/peer_rates.hpp"
#include "daemon/network/udp_component.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <span>

namespace jl::network {

class UdpSocketLane final : public UdpLane, private TurnMember, private DtlsPeers::Owner {
 public:
  static constexpr int kReadRounds = 8;  ///< of full batches per turn

  /// Any thread. Whether there is DTLS is settled here, by the component's options.
  UdpSocketLane(std::shared_ptr<UdpComponent> shared, DatagramSocket socket, IoThread& thread);
  UdpSocketLane(const UdpSocketLane&) = delete;
  ~UdpSocketLane();

  /// Starts serving. Any thread.
  static void start(const std::shared_ptr<UdpSocketLane>& self);
  /// From the moment that this is worked on, the handler is not called any more. What it sent leaves with the commit,
  /// then the sessions and the socket are closed, and `done` is called. Any thread.
  static void stop(const std::shared_ptr<UdpSocketLane>& self, std::function<void()> done);

  bool send(const PeerAddress& to, std::string_view datagram) override;
  void close(const PeerAddress& peer) override;
  IoThread& thread() const override { return thread_; }

 private:
  void on_readable() override;
  void on_writable() override;
  void on_flush(bool committed) override;
  void transmit(const PeerAddress& to, std::string_view datagram, std::int32_t payload) override;
  void on_payload(const PeerAddress& from, std::string_view payload, std::string_view subject) override;
  void on_end(const PeerAddress& peer) override;

  void take_options();
  [[nodiscard]] bool enqueue(const PeerAddress& to, std::string_view datagram, std::int32_t payload);
  void send_what_is_ready();
  void count_sent(std::span<const std::int32_t> payloads);
  void finish();
  template <class Call>
  void tell_handler(const PeerAddress& peer, Call call);

  const std::shared_ptr<UdpComponent> shared_;
  IoThread& thread_;
  DatagramSocket socket_;
  DatagramQueue queue_;
  PeerRates rates_;
  std::optional<DtlsPeers> peers_;  // nothing = in the clear
  std::uint32_t version_ = 0;       // of the options
  std::uint32_t max_rate_ = 0;
  bool blocked_ = false;   // the socket took less than there was; on_writable is due
  bool stopping_ = false;  // the handler is not called any more
  bool at_once_ = false;   // datagrams leave without waiting for a commit
};

}  // namespace jl::network
