#pragma once
// The DTLS sessions of one UDP socket, by the address of the peer. A peer gets one when it has shown with a cookie that
// the address is its own; until then nothing is kept of it. On the thread of the socket's lane.
#include "daemon/network/dtls_session.hpp"
#include "daemon/network/udp_component.hpp"

#include <memory>
#include <string_view>
#include <unordered_map>

namespace jl::network {

class DtlsPeers {
 public:
  /// The lane.
  class Owner : public DtlsOutput {
   public:
    /// One datagram came out of a session. It may send, and close sessions, this one included.
    virtual void on_payload(const PeerAddress& from, std::string_view payload, std::string_view subject) = 0;
    /// A session that was open ended by itself, and is no more.
    virtual void on_end(const PeerAddress& peer) = 0;

   protected:
    ~Owner() = default;
  };

  /// All must outlive it.
  DtlsPeers(UdpComponent& shared, IoThread& thread, Owner& owner);
  ~DtlsPeers();
  DtlsPeers(const DtlsPeers&) = delete;

  /// For sessions that begin from now on. Without a context in them the one before stays.
  void set_options(std::shared_ptr<const UdpServerOptions> options);
  /// Whatever came to the socket.
  void take(const PeerAddress& from, std::string_view datagram);
  /// As UdpLane::send.
  [[nodiscard]] bool send(const PeerAddress& to, std::string_view payload);
  void close(const PeerAddress& peer);
  /// Ends all of them, with a close_notify each, and tells the owner of none.
  void close_all();

 private:
  struct Peer;
  using Table = std::unordered_map<PeerAddress, std::unique_ptr<Peer>>;

  void meet(const PeerAddress& from, const ClientRandom& random, std::string_view datagram, Peer* known);
  void refuse(const PeerAddress& from);
  [[nodiscard]] bool has_listener(const PeerAddress& from);
  void serve(Peer& peer, std::string_view datagram);
  void settle(Peer& peer);
  void note_open(Peer& peer);
  void set_timer(Peer& peer);
  void on_timer(Peer& peer);
  void end(Peer& peer, std::string_view why);
  void remove(Peer& peer);
  [[nodiscard]] Peer* find(const PeerAddress& address);

  UdpComponent& shared_;
  IoThread& thread_;
  Owner& owner_;
  std::shared_ptr<const UdpServerOptions> options_;
  std::shared_ptr<const TlsContext> context_;
  std::unique_ptr<DtlsSession> listener_;  // becomes the next peer's
  Table peers_;
  Peer* serving_ = nullptr;       // whose session is in a call of read()
  std::unique_ptr<Peer> doomed_;  // it, when it was removed meanwhile
};

}  // namespace jl::network
