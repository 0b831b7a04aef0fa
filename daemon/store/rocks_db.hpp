#pragma once
// The open RocksDB database with its families, its error mapping and the folder's lock. Shared by the store, its
// snapshots and its batches: the last of them closes it. Every call may come from any thread.
#include "daemon/store/state_folder.hpp"
#include "daemon/store/store.hpp"
#include "daemon/store/write_guard.hpp"

#include <rocksdb/db.h>
#include <cstdint>
#include <memory>
#include <mutex>

namespace jl::store {

/// Names in Family::meta that belong to the store itself.
inline constexpr std::string_view kSchemaKey = "schema";
inline constexpr std::string_view kRevisionKey = "revision";

[[nodiscard]] inline rocksdb::Slice slice(std::string_view text) { return {text.data(), text.size()}; }
[[nodiscard]] inline std::string_view view(const rocksdb::Slice& text) { return {text.data(), text.size()}; }
[[nodiscard]] std::string encode_u64(std::uint64_t value);

/// Errors: corrupt for damaged data, else storage with RocksDB's own words. `doing` reads "write to", "open".
[[nodiscard]] Error rocks_error(const rocksdb::Status& status, std::string_view doing, const std::string& folder);
/// Splits a stored value into revision and value (Family::resources), or takes it as it is. Errors: corrupt.
[[nodiscard]] Status decode(Family family, std::string_view stored, std::string_view& value, Revision& revision);

class RocksDb {
 public:
  /// The folder must be prepared and locked. Errors: storage, corrupt.
  [[nodiscard]] static Result<std::shared_ptr<RocksDb>> open(const OpenOptions& options, FolderLock lock);
  RocksDb(const RocksDb&) = delete;
  RocksDb& operator=(const RocksDb&) = delete;
  ~RocksDb();

  [[nodiscard]] rocksdb::DB& db() const { return *db_; }
  [[nodiscard]] const std::string& folder() const { return folder_; }
  [[nodiscard]] rocksdb::ColumnFamilyHandle* handle(Family family) const {
    return handles_[static_cast<std::size_t>(family)];
  }
  [[nodiscard]] Result<std::optional<Entry>> get(const rocksdb::ReadOptions& options, Family family,
                                                 std::string_view key) const;
  [[nodiscard]] Status scan(rocksdb::ReadOptions options, Family family, std::string_view from, std::string_view to,
                            bool backwards, const Snapshot::Visit& visit) const;
  /// A number in Family::meta; nullopt when missing. Errors: corrupt when it is not 8 bytes.
  [[nodiscard]] Result<std::optional<std::uint64_t>> number(const rocksdb::ReadOptions& options,
                                                            std::string_view key) const;
  /// The end key that includes everything of a family as it is now, and `also`; "" when there is nothing at all.
  [[nodiscard]] Result<std::string> end_of(Family family, std::string_view also) const;

  /// Writes to the log and the page cache. After a failed flush or compaction RocksDB refuses all writes until it is
  /// told to resume: that is tried here, at most once a second, and the write again after it. After a failure of the
  /// log itself nothing can be written until the store is opened by a new process.
  [[nodiscard]] Status write(rocksdb::WriteBatch& batch, SpaceGuard::Use use);
  [[nodiscard]] Status sync();
  [[nodiscard]] Error error(const rocksdb::Status& status, std::string_view doing) const;

 private:
  RocksDb(std::string folder, FolderLock lock);
  [[nodiscard]] bool resume(std::int64_t now);
  [[nodiscard]] Error log_failed() const;

  std::string folder_;
  FolderLock lock_;  // outlives the database
  SpaceGuard space_;
  std::shared_ptr<LogFailure> failure_ = std::make_shared<LogFailure>();
  std::unique_ptr<rocksdb::DB> db_;
  std::vector<rocksdb::ColumnFamilyHandle*> handles_;
  std::mutex resume_mutex_;
  std::int64_t resumed_at_ = 0;  // guarded by resume_mutex_; steady milliseconds
};

}  // namespace jl::store
