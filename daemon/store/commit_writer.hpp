#pragma once
// Turns the operations of one transaction into one RocksDB batch and the list of resources that it changes.
#include "daemon/store/rocks_db.hpp"

#include <rocksdb/write_batch.h>
#include <map>
#include <set>

namespace jl::store {

class CommitWriter {
 public:
  CommitWriter(RocksDb& db, const Transaction& transaction, Revision revision)
      : db_(db), transaction_(transaction), revision_(revision) {}

  /// Writes it all. Errors: storage, corrupt; then nothing is written.
  [[nodiscard]] Status write();
  [[nodiscard]] std::vector<Change> take_changes() { return std::move(changes_); }

 private:
  [[nodiscard]] Status add(const Transaction::Op& op);
  [[nodiscard]] Status add_range(const Transaction::Op& op);
  [[nodiscard]] Status put(const Transaction::Op& op);
  [[nodiscard]] Status erase(const Transaction::Op& op);
  void note_erased(const std::string& key);

  RocksDb& db_;
  const Transaction& transaction_;
  Revision revision_;
  rocksdb::WriteBatch batch_;
  std::vector<Change> changes_;
  std::map<std::string, bool, std::less<>> touched_;  // resources put (true) or erased (false) so far
};

}  // namespace jl::store
