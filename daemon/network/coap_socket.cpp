#include "daemon/network/coap_socket.hpp"

#include "daemon/network/address.hpp"
#include "daemon/network/stream.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/filter.h>
#include <netdb.h>
#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <memory>
#include <system_error>

namespace jl::network {
namespace {

constexpr int kReceiveBuffer = 4 * 1024 * 1024;  // the kernel cuts it to net.core.rmem_max

Error bind_error(const std::string& host, std::uint16_t port, int error) {
  const std::string where = host_and_port(host, port);
  switch (error) {
    case EADDRINUSE:
      return {Errc::address_in_use, fmt::format("bind {}: address in use", where),
              fmt::format("ss -lunp 'sport = :{}'", port), "port"};
    case EACCES:
    case EPERM:
      return {Errc::denied, fmt::format("bind {}: permission denied", where),
              "use a port from 1024 on, or give jlinkd CAP_NET_BIND_SERVICE", "port"};
    case EADDRNOTAVAIL:
      return {Errc::network, fmt::format("bind {}: this machine has no such address", where), "ip address", "host"};
    default:
      return {Errc::network, fmt::format("bind {}: {}", where, std::generic_category().message(error))};
  }
}

/// 0, or the errno of what failed.
int try_bind(const addrinfo& address) {
  const Stream socket(::socket(address.ai_family, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!socket.is_open()) return errno;
  return ::bind(socket.fd(), address.ai_addr, address.ai_addrlen) == 0 ? 0 : errno;
}

void close_in_children(int fd) { ::fcntl(fd, F_SETFD, ::fcntl(fd, F_GETFD) | FD_CLOEXEC); }

bool is_udp(int fd) {
  int type = 0;
  socklen_t size = sizeof type;
  return ::getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0 && type == SOCK_DGRAM;
}

}  // namespace

Result<BindAddress> find_bind_address(const std::string& host, std::uint16_t port) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_DGRAM;
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const int failed =
      host.empty() ? EAI_NONAME : ::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found);
  if (failed != 0) {
    return Error{
        Errc::invalid, fmt::format("host \"{}\" cannot be resolved: {}", host, ::gai_strerror(failed)), {}, "host"};
  }
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> addresses(found, &::freeaddrinfo);
  int error = EADDRNOTAVAIL;
  for (const addrinfo* address = addresses.get(); address != nullptr; address = address->ai_next) {
    error = try_bind(*address);
    if (error != 0) continue;
    BindAddress usable;
    usable.size = address->ai_addrlen;
    std::memcpy(&usable.address, address->ai_addr, address->ai_addrlen);
    return usable;
  }
  return bind_error(host, port, error);
}

int find_udp_socket(int epoll) {
  close_in_children(epoll);
  // proc(5): one line "tfd: N events: ..." for each descriptor that is watched.
  std::ifstream info(fmt::format("/proc/self/fdinfo/{}", epoll));
  int found = -1;
  for (std::string word; info >> word;) {
    int fd = -1;
    if (word != "tfd:" || !(info >> fd)) continue;
    close_in_children(fd);
    if (is_udp(fd)) found = fd;
  }
  return found;
}

std::uint16_t take_over(int udp_socket) {
  const int off = 0;
  ::setsockopt(udp_socket, SOL_SOCKET, SO_REUSEADDR, &off, sizeof off);
  ::setsockopt(udp_socket, SOL_SOCKET, SO_RCVBUF, &kReceiveBuffer, sizeof kReceiveBuffer);
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  if (::getsockname(udp_socket, reinterpret_cast<sockaddr*>(&address), &size) != 0) return 0;
  return ntohs(address.ss_family == AF_INET6 ? reinterpret_cast<const sockaddr_in6&>(address).sin6_port
                                             : reinterpret_cast<const sockaddr_in&>(address).sin_port);
}

bool drop_malformed(int udp_socket) {
  // Offsets count from the UDP header. A jump skips that many instructions: when true, when false.
  constexpr std::uint32_t kType = 8;  // version, type, token length
  constexpr std::uint32_t kCode = 9;
  constexpr std::uint32_t kShortest = 8 + 4;
  constexpr std::uint16_t kLoad = BPF_LD | BPF_B | BPF_ABS;
  constexpr std::uint16_t kAnd = BPF_ALU | BPF_AND | BPF_K;
  constexpr std::uint16_t kIfEqual = BPF_JMP | BPF_JEQ | BPF_K;
  constexpr std::uint16_t kIfAtLeast = BPF_JMP | BPF_JGE | BPF_K;
  constexpr std::uint16_t kReturn = BPF_RET | BPF_K;
  std::array<sock_filter, 27> program{{
      /*  0 */ {BPF_LD | BPF_W | BPF_LEN, 0, 0, 0},
      /*  1 */ {kIfAtLeast, 0, 24, kShortest},  // too short: drop
      /*  2 */ {kLoad, 0, 0, kType},
      /*  3 */ {kAnd, 0, 0, 0xC0},
      /*  4 */ {kIfEqual, 0, 21, 0x40},  // another version: drop
      /*  5 */ {kLoad, 0, 0, kCode},
      /*  6 */ {kAnd, 0, 0, 0xE0},
      /*  7 */ {kIfEqual, 18, 0, 0xE0},  // class 7: drop
      /*  8 */ {kLoad, 0, 0, kType},
      /*  9 */ {kAnd, 0, 0, 0x30},
      /* 10 */ {kIfEqual, 3, 0, 0x20},   // ACK: 14
      /* 11 */ {kIfEqual, 0, 13, 0x30},  // RST: 12; CON and NON: pass
      /* 12 */ {kLoad, 0, 0, kCode},
      /* 13 */ {kIfEqual, 3, 12, 0x00},  // RST is empty: 17; or drop
      /* 14 */ {kLoad, 0, 0, kCode},
      /* 15 */ {kIfEqual, 1, 0, 0x00},
      /* 16 */ {kIfAtLeast, 5, 9, 0x40},  // ACK with a response: 22; with a request: drop
      /* 17 */ {BPF_LD | BPF_W | BPF_LEN, 0, 0, 0},
      /* 18 */ {kIfEqual, 0, 7, kShortest},  // empty: nothing follows the header
      /* 19 */ {kLoad, 0, 0, kType},
      /* 20 */ {kAnd, 0, 0, 0x0F},
      /* 21 */ {kIfEqual, 3, 4, 0},  // no token: pass, or drop
      /* 22 */ {kLoad, 0, 0, kType},
      /* 23 */ {kAnd, 0, 0, 0x0F},
      /* 24 */ {kIfAtLeast, 1, 0, 9},  // token too long: drop
      /* 25 */ {kReturn, 0, 0, 0xFFFFFFFF},
      /* 26 */ {kReturn, 0, 0, 0},
  }};
  const sock_fprog filter{static_cast<unsigned short>(program.size()), program.data()};
  return ::setsockopt(udp_socket, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof filter) == 0;
}

}  // namespace jl::network
