#include "daemon/network/datagram_socket.hpp"

#include "daemon/network/bind.hpp"

#include <netinet/in.h>
#include <sys/socket.h>
#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <memory>

namespace jl::network {
namespace {

/// What one recvmmsg fills. The room for the largest datagrams is address space; memory it takes only as far as it is
/// written to, which is a page for each of ordinary size. One per thread, whatever it serves.
struct ReceiveArea {
  static constexpr std::size_t kRoom = std::size_t{64} * 1024;
  ReceiveArea() : bytes(new char[DatagramSocket::kBatch * kRoom]) {
    for (std::size_t i = 0; i < headers.size(); ++i) {
      parts[i] = {bytes.get() + i * kRoom, kRoom};
      headers[i].msg_hdr.msg_iov = &parts[i];
      headers[i].msg_hdr.msg_iovlen = 1;
      headers[i].msg_hdr.msg_name = &peers[i];
    }
  }
  const std::unique_ptr<char[]> bytes;
  std::array<mmsghdr, DatagramSocket::kBatch> headers{};
  std::array<iovec, DatagramSocket::kBatch> parts{};
  std::array<sockaddr_storage, DatagramSocket::kBatch> peers{};
  std::array<DatagramSocket::Datagram, DatagramSocket::kBatch> datagrams{};
};

/// Of what the socket was told by ICMP about datagrams of before; the call itself can be made again.
bool is_stale(int error) {
  return error == ECONNREFUSED || error == EHOSTUNREACH || error == ENETUNREACH || error == EINTR;
}

/// 0, or the errno of what failed.
int bind_one(const addrinfo& host, std::uint16_t port, bool shared, Stream& socket) {
  socket = Stream(::socket(host.ai_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_UDP));
  if (!socket.is_open()) return errno;
  const int on = 1;
  ::setsockopt(socket.fd(), SOL_SOCKET, SO_RCVBUF, &DatagramSocket::kReceiveBuffer,
               sizeof DatagramSocket::kReceiveBuffer);
  if (shared && ::setsockopt(socket.fd(), SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) != 0) return errno;
  sockaddr_storage address{};
  std::memcpy(&address, host.ai_addr, host.ai_addrlen);
  // sin_port and sin6_port are in the same place.
  reinterpret_cast<sockaddr_in&>(address).sin_port = htons(port);
  return ::bind(socket.fd(), reinterpret_cast<const sockaddr*>(&address), host.ai_addrlen) == 0 ? 0 : errno;
}

/// The first socket binds alone, so that a port which another program shares is found taken; only then it lets the
/// others in.
int bind_all(const addrinfo& host, std::uint16_t port, std::vector<Stream>& sockets) {
  for (Stream& socket : sockets) {
    const bool is_first = &socket == &sockets.front();
    if (const int error = bind_one(host, port, !is_first, socket); error != 0) return error;
    if (!is_first || sockets.size() == 1) continue;
    const int on = 1;
    if (::setsockopt(socket.fd(), SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) != 0) return errno;
    port = bound_port(socket.fd());
  }
  return 0;
}

}  // namespace

Result<std::vector<DatagramSocket>> DatagramSocket::open(const std::string& host, std::uint16_t port,
                                                         std::size_t count) {
  std::vector<Stream> bound(count);
  int family = AF_UNSPEC;
  JL_CHECK(bind_host(host, port, SOCK_DGRAM, [&](const addrinfo& address) {
    family = address.ai_family;
    return bind_all(address, port, bound);
  }));
  std::vector<DatagramSocket> sockets;
  sockets.reserve(count);
  for (Stream& socket : bound) sockets.push_back(DatagramSocket(std::move(socket), family));
  return sockets;
}

std::span<const DatagramSocket::Datagram> DatagramSocket::receive() const {
  thread_local ReceiveArea area;
  for (mmsghdr& header : area.headers) header.msg_hdr.msg_namelen = sizeof(sockaddr_storage);
  int got = -1;
  // Each failure takes one ICMP report out of the socket.
  for (std::size_t i = 0; i < kBatch && got < 0; ++i) {
    got = ::recvmmsg(fd(), area.headers.data(), kBatch, MSG_DONTWAIT, nullptr);
    if (got < 0 && !is_stale(errno)) return {};
  }
  const auto count = static_cast<std::size_t>(std::max(got, 0));
  for (std::size_t i = 0; i < count; ++i) {
    area.datagrams[i] = {PeerAddress(area.peers[i]),
                         {static_cast<const char*>(area.parts[i].iov_base), area.headers[i].msg_len}};
  }
  return {area.datagrams.data(), count};
}

DatagramSocket::Sent DatagramSocket::send(std::span<const Datagram> datagrams) const {
  std::array<mmsghdr, kSendBatch> headers{};
  std::array<iovec, kSendBatch> parts{};
  std::array<sockaddr_storage, kSendBatch> peers;
  const std::size_t count = std::min(datagrams.size(), kSendBatch);
  for (std::size_t i = 0; i < count; ++i) {
    msghdr& header = headers[i].msg_hdr;
    parts[i] = {const_cast<char*>(datagrams[i].bytes.data()), datagrams[i].bytes.size()};
    header.msg_iov = &parts[i];
    header.msg_iovlen = 1;
    header.msg_name = &peers[i];
    header.msg_namelen = datagrams[i].peer.to_sockaddr(family_, peers[i]);
  }
  Sent sent;
  while (sent.gone < count) {
    const int done = ::sendmmsg(fd(), headers.data() + sent.gone, static_cast<unsigned>(count - sent.gone),
                                MSG_DONTWAIT | MSG_NOSIGNAL);
    if (done > 0) {
      sent.gone += static_cast<std::size_t>(done);
      continue;
    }
    if (done < 0 && (errno == EINTR || errno == ECONNREFUSED)) continue;  // the latter is ICMP's, of one sent before
    sent.error = done < 0 ? errno : EIO;
    break;
  }
  return sent;
}

}  // namespace jl::network
