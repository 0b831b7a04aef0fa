#pragma once
// The Store embedded in the daemon, on RocksDB. commit() is called by one thread at a time; the rest by any.
#include "daemon/store/group_sync.hpp"
#include "daemon/store/rocks_db.hpp"
#include "daemon/store/watchers.hpp"

#include <atomic>
#include <mutex>

namespace jl::store {

class RocksStore final : public Store {
 public:
  RocksStore(std::shared_ptr<RocksDb> db, Revision revision);

  [[nodiscard]] std::unique_ptr<Snapshot> snapshot() const override;
  [[nodiscard]] Result<std::optional<Entry>> get(Family family, std::string_view key) const override;
  [[nodiscard]] Result<Revision> commit(const Transaction& transaction) override;
  [[nodiscard]] Status sync() override { return sync_.wait(); }
  [[nodiscard]] std::unique_ptr<AppendBatch> make_batch() const override;
  [[nodiscard]] Status append(AppendBatch& batch) override;
  [[nodiscard]] Status erase_range(Family family, std::string_view from, std::string_view to) override;
  [[nodiscard]] std::shared_ptr<void> watch(Watcher watcher) override { return watchers_.add(std::move(watcher)); }
  [[nodiscard]] Revision revision() const override { return revision_.load(std::memory_order_acquire); }
  [[nodiscard]] std::uint64_t approximate_size(Family family) const override;

 private:
  [[nodiscard]] Status check(const std::vector<Transaction::Expectation>& expectations) const;

  std::shared_ptr<RocksDb> db_;
  GroupSync sync_;
  Watchers watchers_;
  std::mutex commit_mutex_;
  std::atomic<Revision> revision_;
};

}  // namespace jl::store
