#pragma once
// UDP sockets, non-blocking, and the only place that reads and writes them, in batches.
#include "common/base/result.hpp"
#include "daemon/network/address.hpp"
#include "daemon/network/stream.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace jl::network {

class DatagramSocket {
 public:
  static constexpr std::size_t kBatch = 16;               ///< datagrams that one call receives
  static constexpr std::size_t kSendBatch = 64;           ///< and that one call sends
  static constexpr std::size_t kMaxDatagram = 65'507;     ///< bytes over IPv4: 65,535 less the headers
  static constexpr int kReceiveBuffer = 4 * 1024 * 1024;  ///< asked for; net.core.rmem_max is what can be had

  struct Datagram {
    PeerAddress peer;
    std::string_view bytes;
  };
  /// How far a batch got.
  struct Sent {
    std::size_t gone = 0;  ///< of the first ones, that the socket took
    int error = 0;         ///< errno of the one after them; EAGAIN: wait for the socket to be writable
  };

  /// Binds `count` sockets to the same address, which is nobody else's; a peer's datagrams always come out of the same
  /// one. `port` 0 = any free one. Errors: those of bind_host.
  [[nodiscard]] static Result<std::vector<DatagramSocket>> open(const std::string& host, std::uint16_t port,
                                                                std::size_t count);

  [[nodiscard]] int fd() const { return socket_.fd(); }
  [[nodiscard]] bool is_open() const { return socket_.is_open(); }
  void close() { socket_.close(); }

  /// What has come, at most kBatch; less than that: no more is there now. Valid until the thread's next receive().
  [[nodiscard]] std::span<const Datagram> receive() const;
  /// Sends at most the first kSendBatch of these.
  [[nodiscard]] Sent send(std::span<const Datagram> datagrams) const;

 private:
  DatagramSocket(Stream socket, int family) : socket_(std::move(socket)), family_(family) {}
  Stream socket_;
  int family_;
};

}  // namespace jl::network
