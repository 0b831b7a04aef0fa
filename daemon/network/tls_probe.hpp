#pragma once
// Connects once with TLS to see whom one talks to: for people who look for what is wrong, not for components. Blocks
// its thread; looks up names, so call it where that may take time.
#include "common/base/result.hpp"
#include "common/cert/bundle.hpp"

#include <atomic>
#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace jl::network {

struct TlsProbe {
  std::string host;
  std::uint16_t port = 0;
  std::string server_name;        ///< asked for and verified; "" = host
  const cert::Bundle* bundle{};   ///< its trust verifies the peer; nullptr or no trust = the system's authorities
  const cert::Entry* identity{};  ///< shown when the peer asks for a certificate; nullptr = none
  std::chrono::milliseconds timeout{10'000};
  const std::atomic<bool>* cancelled{};  ///< set to end it early; nullptr = never
};

struct TlsPeer {
  std::string protocol;  ///< "TLSv1.3"
  std::string cipher;
  bool verified = false;
  std::string reason;                    ///< why it is not verified
  std::vector<cert::Certificate> chain;  ///< as the peer sent it, its own first
};

/// Verification that fails is no error: the peer says what is wrong. Errors: job_failed (no connection, no handshake),
/// timeout, unavailable (cancelled), invalid (trust or identity cannot be used).
[[nodiscard]] Result<TlsPeer> probe_tls(const TlsProbe& probe);

}  // namespace jl::network
