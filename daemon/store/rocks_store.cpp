#include "daemon/store/rocks_store.hpp"

#include "common/base/assert.hpp"
#include "daemon/store/commit_writer.hpp"
#include "daemon/store/schema.hpp"

#include <algorithm>

namespace jl::store {
namespace {

// The append path keeps no revisions and has no watchers, and the store's own records are not for it.
bool is_appendable(Family family) { return family != Family::resources && family != Family::meta; }

class RocksBatch final : public AppendBatch {
 public:
  explicit RocksBatch(std::shared_ptr<RocksDb> db) : db_(std::move(db)) {}
  // Adding to a batch only fails over a size limit, and none is set.
  void put(Family family, std::string_view key, std::string_view value) override {
    JL_ASSERT(is_appendable(family));
    batch_.Put(db_->handle(family), slice(key), slice(value)).PermitUncheckedError();
  }
  void erase(Family family, std::string_view key) override {
    JL_ASSERT(is_appendable(family));
    batch_.Delete(db_->handle(family), slice(key)).PermitUncheckedError();
  }
  void clear() override { batch_.Clear(); }
  [[nodiscard]] std::size_t count() const override { return batch_.Count(); }

  [[nodiscard]] bool belongs_to(const RocksDb& db) const { return db_.get() == &db; }
  [[nodiscard]] rocksdb::WriteBatch& batch() { return batch_; }

 private:
  std::shared_ptr<RocksDb> db_;
  rocksdb::WriteBatch batch_;
};

class RocksSnapshot final : public Snapshot {
 public:
  explicit RocksSnapshot(std::shared_ptr<RocksDb> db) : db_(std::move(db)) {
    options_.snapshot = db_->db().GetSnapshot();
    // Read through the snapshot: the store's counter may already be one commit ahead or behind it.
    auto revision = db_->number(options_, kRevisionKey);
    if (revision) {
      revision_ = revision->value_or(0);
    } else {
      broken_ = revision.error();
    }
  }
  ~RocksSnapshot() override { db_->db().ReleaseSnapshot(options_.snapshot); }
  RocksSnapshot(const RocksSnapshot&) = delete;
  RocksSnapshot& operator=(const RocksSnapshot&) = delete;

  [[nodiscard]] Result<std::optional<Entry>> get(Family family, std::string_view key) const override {
    JL_CHECK(broken_);
    return db_->get(options_, family, key);
  }
  [[nodiscard]] Status scan(Family family, std::string_view from, std::string_view to, bool backwards,
                            const Visit& visit) const override {
    JL_CHECK(broken_);
    return db_->scan(options_, family, from, to, backwards, visit);
  }
  [[nodiscard]] Revision revision() const override { return revision_; }

 private:
  std::shared_ptr<RocksDb> db_;
  rocksdb::ReadOptions options_;
  Revision revision_ = 0;
  Status broken_;
};

// "network/mqtt-1": how people write the key of a resource.
std::string readable(std::string key) {
  std::ranges::replace(key, '\0', '/');
  return key;
}
}  // namespace

RocksStore::RocksStore(std::shared_ptr<RocksDb> db, Revision revision)
    : db_(std::move(db)), sync_([this] { return db_->sync(); }), revision_(revision) {}

std::unique_ptr<Snapshot> RocksStore::snapshot() const { return std::make_unique<RocksSnapshot>(db_); }

Result<std::optional<Entry>> RocksStore::get(Family family, std::string_view key) const {
  return db_->get({}, family, key);
}

Status RocksStore::check(const std::vector<Transaction::Expectation>& expectations) const {
  for (const auto& expected : expectations) {
    JL_TRY(const auto entry, db_->get({}, Family::resources, expected.key));
    const Revision found = entry ? entry->revision : 0;
    if (found == expected.revision) continue;
    const std::string name = "\"" + readable(expected.key) + "\"";
    if (found == 0) return Error(Errc::revision_mismatch, name + " does not exist any more");
    if (expected.revision == 0) return Error(Errc::revision_mismatch, name + " exists already");
    return Error(Errc::revision_mismatch, name + " has changed: it is at revision " + std::to_string(found) + ", not " +
                                              std::to_string(expected.revision));
  }
  return {};
}

Result<Revision> RocksStore::commit(const Transaction& transaction) {
  const std::lock_guard lock(commit_mutex_);
  JL_CHECK(check(transaction.expectations()));
  const Revision next = revision() + 1;
  if (transaction.empty()) return revision();
  CommitWriter writer(*db_, transaction, next);
  JL_CHECK(writer.write());
  revision_.store(next, std::memory_order_release);
  watchers_.notify({next, writer.take_changes()});
  return next;
}

std::unique_ptr<AppendBatch> RocksStore::make_batch() const { return std::make_unique<RocksBatch>(db_); }

Status RocksStore::append(AppendBatch& batch) {
  auto* const own = dynamic_cast<RocksBatch*>(&batch);
  JL_ASSERT(own != nullptr && own->belongs_to(*db_));
  if (own->count() == 0) return {};
  return db_->write(own->batch(), SpaceGuard::Use::record);
}

Status RocksStore::erase_range(Family family, std::string_view from, std::string_view to) {
  JL_ASSERT(is_appendable(family));
  std::string end(to);
  if (end.empty()) {
    JL_TRY(end, db_->end_of(family, {}));
  }
  if (from >= end) return {};
  rocksdb::WriteBatch batch;
  const auto status = batch.DeleteRange(db_->handle(family), slice(from), slice(end));
  if (!status.ok()) return db_->error(status, "write to");
  return db_->write(batch, SpaceGuard::Use::change);
}

std::uint64_t RocksStore::approximate_size(Family family) const {
  static const std::string kLast(64, '\xFF');
  const rocksdb::Range all(rocksdb::Slice(), kLast);
  rocksdb::SizeApproximationOptions options;
  options.include_memtables = true;
  options.include_files = true;
  std::uint64_t size = 0;
  const auto status = db_->db().GetApproximateSizes(options, db_->handle(family), &all, 1, &size);
  return status.ok() ? size : 0;
}

Result<std::unique_ptr<Store>> open(const OpenOptions& options, std::uint32_t version,
                                    std::span<const Migration> migrations) {
  JL_CHECK(prepare_folder(options.folder));
  JL_TRY(auto lock, FolderLock::take(options.folder));
  JL_CHECK(check_schema(options.folder, version));
  JL_TRY(auto db, RocksDb::open(options, std::move(lock)));
  JL_CHECK(bring_to_schema(*db, version, migrations));
  JL_TRY(const auto revision, db->number({}, kRevisionKey));
  return std::unique_ptr<Store>(std::make_unique<RocksStore>(std::move(db), revision.value_or(0)));
}

Result<std::unique_ptr<Store>> open(const OpenOptions& options) {
  // The steps from each older schema to the next; version 1 is the first.
  static const std::span<const Migration> kMigrations;
  return open(options, kSchemaVersion, kMigrations);
}

}  // namespace jl::store
