#pragma once
// Warns in the system log of certificates that end soon or have ended.
#include "daemon/base/clock.hpp"
#include "daemon/device/catalog.hpp"

#include <map>
#include <optional>
#include <string>

namespace jl::device {

/// Used by one thread.
class CertExpiry {
 public:
  explicit CertExpiry(const Clock& clock) : clock_(&clock) {}
  /// Looks through the certs when the last look is an hour ago or was never: one warning a day for each that has ended
  /// or will within 30 days. Returns how many were warned of. Call as often as you like.
  std::size_t check(const Catalog& catalog);

 private:
  const Clock* clock_;
  std::optional<Millis> checked_at_;
  std::map<std::string, Millis> warned_at_;
};

}  // namespace jl::device
