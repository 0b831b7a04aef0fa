#pragma once
// One I/O thread's share of the write-ahead log: what a turn of the loop produced is written in one append, before the
// turn's acknowledgements leave. With durability `sync` a shared syncer thread also waits for the disk, one fsync for
// all turns that wait at that moment.
#include "daemon/network/io_thread.hpp"
#include "daemon/store/store.hpp"

#include <condition_variable>
#include <mutex>
#include <thread>

namespace jl::device {

/// What an acknowledgement means for power loss (it always survives kill -9).
enum class Durability : std::uint8_t { kill, sync };

/// Runs Store::sync() for whoever waits, together.
class Syncer {
 public:
  explicit Syncer(store::Store& store);
  ~Syncer();
  Syncer(const Syncer&) = delete;
  /// Calls `done` on the syncer's thread once everything written before this call is on disk.
  void wait_for_disk(std::function<void(bool ok)> done);

 private:
  void run();
  store::Store& store_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::vector<std::function<void(bool)>> waiting_;
  bool stop_ = false;
  std::thread thread_;
};

class TurnLog final : public network::TurnCommit {
 public:
  /// `syncer` nullptr = durability kill. `thread` is where it lives.
  TurnLog(store::Store& store, Syncer* syncer, network::IoThread& thread);

  void put(store::Family family, std::string_view key, std::string_view value) { batch_->put(family, key, value); }
  void erase(store::Family family, std::string_view key) { batch_->erase(family, key); }
  [[nodiscard]] network::IoThread& thread() const { return thread_; }
  /// Distinguishes records of one millisecond, across threads and restarts.
  [[nodiscard]] std::uint64_t next_sequence() { return sequence_++; }
  /// Records appended since the start, for status.
  [[nodiscard]] std::uint64_t stored() const { return stored_.load(std::memory_order_relaxed); }
  void count_stored() { stored_.fetch_add(1, std::memory_order_relaxed); }

  void commit(std::function<void(bool ok)> done) override;
  bool commit_now() override;

  std::string key_buffer, value_buffer;  ///< for sinks to reuse

 private:
  store::Store& store_;
  Syncer* syncer_;
  network::IoThread& thread_;
  std::unique_ptr<store::AppendBatch> batch_;
  std::uint64_t sequence_;
  std::atomic<std::uint64_t> stored_{0};
};

}  // namespace jl::device
