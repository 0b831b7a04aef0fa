#pragma once
// A peer's address, small enough to keep one per connection, and the text of addresses.
#include <sys/socket.h>
#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace jl::network {

/// Where a peer is: address, port, and for an IPv6 link-local address the interface. Usable as a key.
class PeerAddress {
 public:
  PeerAddress() = default;
  /// Anything but IPv4 and IPv6 becomes the empty address; an IPv4 peer of an IPv6 socket is an IPv4 peer.
  explicit PeerAddress(const sockaddr_storage& address);
  friend bool operator==(const PeerAddress&, const PeerAddress&) = default;
  /// Seeded anew in each process, so that nobody can choose addresses that collide.
  [[nodiscard]] std::uint64_t hash() const;
  /// To send to from a socket of this family (AF_INET or AF_INET6). The size, or 0 when that family does not reach it.
  [[nodiscard]] socklen_t to_sockaddr(int family, sockaddr_storage& address) const;
  /// "192.0.2.7:50312" or "[2001:db8::1]:50312"; an IPv4 peer of an IPv6 socket prints as IPv4; "" when empty.
  [[nodiscard]] std::string to_string() const;

 private:
  enum class Family : std::uint8_t { none, v4, v6 };
  std::array<unsigned char, 16> bytes_{};  // IPv4: the first four, the rest zero
  std::uint32_t scope_ = 0;
  std::uint16_t port_ = 0;
  Family family_ = Family::none;
};
static_assert(sizeof(PeerAddress) <= 24, "one is kept per connection");

/// "host:port", with brackets around an IPv6 address.
[[nodiscard]] std::string host_and_port(std::string_view host, std::uint16_t port);

}  // namespace jl::network

template <>
struct std::hash<jl::network::PeerAddress> {
  std::size_t operator()(const jl::network::PeerAddress& address) const { return address.hash(); }
};
