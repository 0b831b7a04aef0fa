#pragma once
// The records in the store and their count: appends, erases oldest first, and knows how many there are and how large.
// Long work (counting at start, erasing a million records) goes in small steps, between which appends get their turn.
#include "daemon/logs/records.hpp"

#include <array>
#include <mutex>
#include <span>

namespace jl::logs {

/// A mutex that is handed over in the order it was asked for, so that a loop that takes it again and again starves
/// nobody.
class FairMutex {
 public:
  void lock() {
    const std::lock_guard queue(next_);
    held_.lock();
  }
  void unlock() { held_.unlock(); }

 private:
  std::mutex next_, held_;
};

class Ledger {
 public:
  struct Row {
    LogClass log;
    std::string key;
    std::string value;
  };

  /// The store outlives it.
  explicit Ledger(store::Store& store);

  /// A sequence number above those of the newest records.
  [[nodiscard]] std::uint64_t first_free_seq() const { return first_free_seq_; }
  /// Writes all rows or none. Any thread, like everything here. Errors: storage.
  [[nodiscard]] Status append(std::span<const Row> rows);
  /// Counts some of the records that were there at the start; true when all of the class are counted. Errors: storage.
  [[nodiscard]] Result<bool> count_some(LogClass log);
  /// Erases what is older than the time. Errors: storage.
  [[nodiscard]] Status erase_before(LogClass log, Millis before);
  /// Erases the oldest until the class takes at most so many bytes. Errors: storage.
  [[nodiscard]] Status shrink(LogClass log, std::uint64_t max_bytes);
  /// Without `dropped`. Until counting has ended, records from before the start may be missing.
  [[nodiscard]] LogStats stats(LogClass log) const;

 private:
  // Counted are the records below `counted_until`, and all of them once `is_counted`.
  struct Shelf {
    std::string counted_until;
    bool is_counted = false;
    std::uint64_t records = 0, bytes = 0;

    [[nodiscard]] bool counts(std::string_view key) const { return is_counted || key < counted_until; }
  };
  Shelf& shelf(LogClass log) { return shelves_[static_cast<std::size_t>(log)]; }
  [[nodiscard]] const Shelf& shelf(LogClass log) const { return shelves_[static_cast<std::size_t>(log)]; }
  // Erases the next few records of [from, to), or fewer when these make `bytes`; moves `from` behind them. False when
  // the range is empty now.
  [[nodiscard]] Result<bool> erase_some(LogClass log, std::string& from, const std::string& to, std::uint64_t bytes);

  store::Store& store_;
  mutable FairMutex mutex_;
  std::array<Shelf, 2> shelves_;
  std::unique_ptr<store::AppendBatch> batch_;
  std::uint64_t first_free_seq_ = 0;
};

}  // namespace jl::logs
