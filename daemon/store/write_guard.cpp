#include "daemon/store/write_guard.hpp"

#include <sys/statvfs.h>
#include <algorithm>

namespace jl::store {

SpaceGuard::Space SpaceGuard::measure(const std::string& folder) {
  struct statvfs info {};
  if (::statvfs(folder.c_str(), &info) != 0) return {UINT64_MAX, UINT64_MAX};
  return {info.f_bavail * info.f_frsize, info.f_blocks * info.f_frsize};
}

std::uint64_t SpaceGuard::reserve(std::uint64_t total) {
  constexpr std::uint64_t kMiB = 1u << 20u;
  return std::clamp(total / 20, 24 * kMiB, 96 * kMiB);
}

bool SpaceGuard::allows(Use use, std::int64_t now) {
  auto last = measured_at_.load(std::memory_order_relaxed);
  const bool due = last == INT64_MIN || now - last >= kPauseMillis;
  if (due && measured_at_.compare_exchange_strong(last, now, std::memory_order_relaxed)) {
    const auto space = measure_();
    const auto kept = reserve(space.total);
    refused_.store(space.free < kept / 2 ? 2 : space.free < kept ? 1 : 0, std::memory_order_relaxed);
  }
  return static_cast<int>(use) >= refused_.load(std::memory_order_relaxed);
}

// A write that is refused because a table or the manifest failed before carries that file's error. An error that names
// no such file is taken for one of the log, which costs a restart and not an abort.
bool LogFailure::is_of_log(rocksdb::BackgroundErrorReason reason, const rocksdb::Status& error) {
  if (reason != rocksdb::BackgroundErrorReason::kWriteCallback) return false;
  const std::string text = error.ToString();
  const auto slash = text.rfind('/');
  if (slash == std::string::npos) return true;
  const auto name = std::string_view(text).substr(slash + 1);
  return name.find(".sst") == std::string_view::npos && !name.starts_with("MANIFEST-");
}

void LogFailure::OnBackgroundError(rocksdb::BackgroundErrorReason reason, rocksdb::Status* error) {
  if (is_of_log(reason, *error)) happened_.store(true, std::memory_order_release);
}

void LogFailure::OnErrorRecoveryBegin(rocksdb::BackgroundErrorReason reason, rocksdb::Status error,
                                      bool* auto_recovery) {
  if (is_of_log(reason, error)) *auto_recovery = false;
}

}  // namespace jl::store
