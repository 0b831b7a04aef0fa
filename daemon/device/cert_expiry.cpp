#include "daemon/device/cert_expiry.hpp"

#include "daemon/base/log.hpp"

namespace jl::device {
namespace {
constexpr Millis kHour = 3600LL * 1000;
constexpr Millis kDay = 24 * kHour;
}  // namespace

std::size_t CertExpiry::check(const Catalog& catalog) {
  const Millis steady = clock_->steady();
  if (checked_at_ && steady - *checked_at_ < kHour) return 0;
  checked_at_ = steady;
  std::erase_if(warned_at_, [&](const auto& entry) { return !catalog.certs.contains(entry.first); });
  const Millis now = clock_->now();
  std::size_t warned = 0;
  for (const auto& [id, info] : catalog.certs) {
    if (!info->bundle || info->not_after == 0 || info->not_after - now > cert::kExpiryWarning) {
      warned_at_.erase(id);  // a renewed one that ends soon again is news
      continue;
    }
    const auto last = warned_at_.find(id);
    if (last != warned_at_.end() && steady - last->second < kDay) continue;
    warned_at_[id] = steady;
    ++warned;
    if (info->not_after <= now) {
      log::warn("device.cert", "cert={} expired at {}", id, format_time(info->not_after));
    } else {
      log::warn("device.cert", "cert={} expires at {}, in {} days", id, format_time(info->not_after),
                (info->not_after - now) / kDay);
    }
  }
  return warned;
}

}  // namespace jl::device
