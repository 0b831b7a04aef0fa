#include "daemon/network/address.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <algorithm>
#include <cstring>

namespace jl::network {

PeerAddress::PeerAddress(const sockaddr_storage& address) {
  if (address.ss_family == AF_INET) {
    sockaddr_in v4{};
    std::memcpy(&v4, &address, sizeof v4);
    std::memcpy(bytes_.data(), &v4.sin_addr, sizeof v4.sin_addr);
    port_ = ntohs(v4.sin_port);
    family_ = Family::v4;
  } else if (address.ss_family == AF_INET6) {
    sockaddr_in6 v6{};
    std::memcpy(&v6, &address, sizeof v6);
    std::memcpy(bytes_.data(), &v6.sin6_addr, sizeof v6.sin6_addr);
    port_ = ntohs(v6.sin6_port);
    family_ = Family::v6;
    // ::ffff:a.b.c.d (RFC 4291 2.5.5.2)
    const bool is_mapped = std::all_of(bytes_.begin(), bytes_.begin() + 10, [](unsigned char b) { return b == 0; }) &&
                           bytes_[10] == 0xFF && bytes_[11] == 0xFF;
    if (is_mapped) {
      std::copy(bytes_.begin() + 12, bytes_.end(), bytes_.begin());
      family_ = Family::v4;
    }
  }
}

std::string PeerAddress::to_string() const {
  if (family_ == Family::none) return {};
  std::array<char, INET6_ADDRSTRLEN> text{};
  ::inet_ntop(family_ == Family::v4 ? AF_INET : AF_INET6, bytes_.data(), text.data(), text.size());
  return host_and_port(text.data(), port_);
}

std::string host_and_port(std::string_view host, std::uint16_t port) {
  const bool is_v6 = host.find(':') != std::string_view::npos;
  return is_v6 ? fmt::format("[{}]:{}", host, port) : fmt::format("{}:{}", host, port);
}

}  // namespace jl::network
