#include "daemon/network/dtls_hello.hpp"

#include <algorithm>

namespace jl::network {
namespace {

constexpr unsigned char kHandshakeRecord = 22;
constexpr unsigned char kMajorVersion = 0xFE;  // of DTLS 1.0 and 1.2
constexpr unsigned char kClientHello = 1;

// Offsets: record header (RFC 6347 §4.1), handshake header (§4.2.2), body.
constexpr std::size_t kType = 0, kVersion = 1, kEpoch = 3, kMessageType = 13, kFragmentOffset = 19, kRandom = 27;

}  // namespace

std::optional<ClientRandom> find_client_hello(std::string_view datagram) {
  ClientRandom random{};
  if (datagram.size() < kRandom + random.size()) return std::nullopt;
  const auto at = [datagram](std::size_t i) { return static_cast<unsigned char>(datagram[i]); };
  const bool is_hello = at(kType) == kHandshakeRecord && at(kVersion) == kMajorVersion && at(kEpoch) == 0 &&
                        at(kEpoch + 1) == 0 && at(kMessageType) == kClientHello && at(kFragmentOffset) == 0 &&
                        at(kFragmentOffset + 1) == 0 && at(kFragmentOffset + 2) == 0;
  if (!is_hello) return std::nullopt;
  for (std::size_t i = 0; i < random.size(); ++i) random[i] = at(kRandom + i);
  return random;
}

}  // namespace jl::network
