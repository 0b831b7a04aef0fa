#include "daemon/network/address.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <algorithm>
#include <cstring>
#include <random>

namespace jl::network {
namespace {

// ::ffff:a.b.c.d, RFC 4291 §2.5.5.2
constexpr std::array<unsigned char, 12> kMapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};

struct Seeds {
  Seeds() {
    std::random_device random;
    for (std::uint64_t& word : words) word = (static_cast<std::uint64_t>(random()) << 32u) | random();
  }
  std::array<std::uint64_t, 4> words{};
};

/// The halves of the 128-bit product, folded.
std::uint64_t multiply(std::uint64_t a, std::uint64_t b) {
  __extension__ using Wide = unsigned __int128;
  const Wide product = static_cast<Wide>(a) * b;
  return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64u);
}

}  // namespace

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
    if (std::equal(kMapped.begin(), kMapped.end(), bytes_.begin())) {
      std::rotate(bytes_.begin(), bytes_.begin() + kMapped.size(), bytes_.end());
      std::fill(bytes_.begin() + sizeof(in_addr), bytes_.end(), static_cast<unsigned char>(0));
      family_ = Family::v4;
    } else {
      scope_ = v6.sin6_scope_id;
      family_ = Family::v6;
    }
  }
}

std::uint64_t PeerAddress::hash() const {
  static const Seeds seeds;
  std::array<std::uint64_t, 2> halves{};
  static_assert(sizeof halves == sizeof bytes_);
  std::memcpy(halves.data(), bytes_.data(), sizeof halves);
  const std::uint64_t rest = (static_cast<std::uint64_t>(scope_) << 32u) | (static_cast<std::uint64_t>(port_) << 16u) |
                             static_cast<std::uint64_t>(family_);
  const auto& words = seeds.words;
  return multiply(multiply(halves[0] ^ words[0], halves[1] ^ words[1]) ^ words[2], rest ^ words[3]);
}

socklen_t PeerAddress::to_sockaddr(int family, sockaddr_storage& address) const {
  address = {};
  if (family == AF_INET && family_ == Family::v4) {
    sockaddr_in v4{};
    v4.sin_family = AF_INET;
    v4.sin_port = htons(port_);
    std::memcpy(&v4.sin_addr, bytes_.data(), sizeof v4.sin_addr);
    std::memcpy(&address, &v4, sizeof v4);
    return sizeof v4;
  }
  if (family != AF_INET6 || family_ == Family::none) return 0;
  sockaddr_in6 v6{};
  v6.sin6_family = AF_INET6;
  v6.sin6_port = htons(port_);
  v6.sin6_scope_id = scope_;
  if (family_ == Family::v4) {
    std::copy(kMapped.begin(), kMapped.end(), &v6.sin6_addr.s6_addr[0]);
    std::copy_n(bytes_.begin(), sizeof(in_addr), &v6.sin6_addr.s6_addr[kMapped.size()]);
  } else {
    std::memcpy(&v6.sin6_addr, bytes_.data(), sizeof v6.sin6_addr);
  }
  std::memcpy(&address, &v6, sizeof v6);
  return sizeof v6;
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
