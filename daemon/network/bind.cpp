#include "daemon/network/bind.hpp"

#include "daemon/network/address.hpp"

#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <cerrno>
#include <memory>
#include <system_error>

namespace jl::network {
namespace {

Error bind_error(const std::string& host, std::uint16_t port, int type, int error) {
  const std::string where = host_and_port(host, port);
  switch (error) {
    case EADDRINUSE:
      return {Errc::address_in_use, fmt::format("bind {}: address in use", where),
              fmt::format("ss -l{}np 'sport = :{}'", type == SOCK_DGRAM ? 'u' : 't', port), "port"};
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

}  // namespace

Status bind_host(const std::string& host, std::uint16_t port, int type,
                 const std::function<int(const addrinfo&)>& open) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = type;
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
    error = open(*address);
    if (error == 0) return {};
  }
  return bind_error(host, port, type, error);
}

std::uint16_t bound_port(int fd) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  if (::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0) return 0;
  return ntohs(address.ss_family == AF_INET6 ? reinterpret_cast<const sockaddr_in6&>(address).sin6_port
                                             : reinterpret_cast<const sockaddr_in&>(address).sin_port);
}

}  // namespace jl::network
