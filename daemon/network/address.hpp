#pragma once
// A peer's address, small enough to keep one per connection, and the text of addresses.
#include <sys/socket.h>
#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace jl::network {

class PeerAddress {
 public:
  PeerAddress() = default;
  /// Anything but IPv4 and IPv6 becomes the empty address.
  explicit PeerAddress(const sockaddr_storage& address);
  /// "192.0.2.7:50312" or "[2001:db8::1]:50312"; an IPv4 peer of an IPv6 socket prints as IPv4; "" when empty.
  [[nodiscard]] std::string to_string() const;

 private:
  enum class Family : std::uint8_t { none, v4, v6 };
  std::array<unsigned char, 16> bytes_{};
  std::uint16_t port_ = 0;
  Family family_ = Family::none;
};

/// "host:port", with brackets around an IPv6 address.
[[nodiscard]] std::string host_and_port(std::string_view host, std::uint16_t port);

}  // namespace jl::network
