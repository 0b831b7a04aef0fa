#pragma once
// What keeps the store from a full disk, and from RocksDB's state after a failed write. Any thread.
#include <rocksdb/listener.h>
#include <atomic>
#include <cstdint>
#include <functional>
#include <string>

namespace jl::store {

/// Refuses writes while there is little space left, so that the log is never cut by a full disk and there is room to
/// compact, to delete, and to stop. Looks at the file system at most every 250 ms.
class SpaceGuard {
 public:
  struct Space {
    std::uint64_t free = 0;
    std::uint64_t total = 0;
  };
  enum class Use : std::uint8_t {
    record,  ///< what devices send: refused first
    change,  ///< what people change, and deleting: refused at half of that
  };
  static constexpr std::int64_t kPauseMillis = 250;

  explicit SpaceGuard(std::function<Space()> measure) : measure_(std::move(measure)) {}
  /// Measures the file system of a folder; one that cannot be measured has space.
  static Space measure(const std::string& folder);
  /// The space kept free: a twentieth of the file system, at least 24 MiB, at most 96 MiB. More than what one new log
  /// takes in advance (18 MiB) and, at the upper end, than what a start may have to write out of the logs (64 MiB).
  static std::uint64_t reserve(std::uint64_t total);

  /// `now` is steady milliseconds.
  [[nodiscard]] bool allows(Use use, std::int64_t now);

 private:
  std::function<Space()> measure_;
  std::atomic<std::int64_t> measured_at_ = INT64_MIN;
  std::atomic<int> refused_ = 0;  // how many kinds of use, from the first, are refused
};

/// Hears from RocksDB when its write-ahead log has failed. From then on the log must not be touched: Debian's build
/// has assertions on, and aborts when a log that failed is written, synced, resumed or closed.
class LogFailure final : public rocksdb::EventListener {
 public:
  [[nodiscard]] bool happened() const { return happened_.load(std::memory_order_acquire); }
  void OnBackgroundError(rocksdb::BackgroundErrorReason reason, rocksdb::Status* error) override;
  void OnErrorRecoveryBegin(rocksdb::BackgroundErrorReason reason, rocksdb::Status error, bool* auto_recovery) override;

 private:
  static bool is_of_log(rocksdb::BackgroundErrorReason reason, const rocksdb::Status& error);
  std::atomic<bool> happened_ = false;
};

}  // namespace jl::store
