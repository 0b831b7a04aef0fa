#pragma once
// The schema version in `meta/schema`: refuses a newer folder before anything in it is touched, brings an older one up.
#include "daemon/store/rocks_db.hpp"

#include <functional>
#include <span>

namespace rocksdb {
class WriteBatchWithIndex;
}

namespace jl::store {

/// What a migration step sees and writes: the store as the steps before it left it. Nothing is on disk until all ran.
class MigrationState {
 public:
  explicit MigrationState(RocksDb& db);
  MigrationState(const MigrationState&) = delete;
  MigrationState& operator=(const MigrationState&) = delete;
  ~MigrationState();

  [[nodiscard]] Result<std::optional<Entry>> get(Family family, std::string_view key) const;
  /// Visits keys of [from, to) in order until the visitor says false. The visitor may put and erase.
  [[nodiscard]] Status scan(Family family, std::string_view from, std::string_view to,
                            const Snapshot::Visit& visit) const;
  /// A resource keeps its revision; a new one gets the newest. Errors: storage, corrupt.
  [[nodiscard]] Status put(Family family, std::string_view key, std::string_view value);
  [[nodiscard]] Status erase(Family family, std::string_view key);
  /// Writes it all at once, and makes it survive power loss.
  [[nodiscard]] Status commit(std::uint32_t version);

 private:
  RocksDb& db_;
  std::unique_ptr<rocksdb::WriteBatchWithIndex> batch_;
};

/// One step, from schema `from` to `from + 1`.
struct Migration {
  std::uint32_t from;
  std::function<Status(MigrationState&)> run;
};

/// Looks at a folder without writing to it. Errors: version_mismatch (newer than `version`), storage, corrupt.
[[nodiscard]] Status check_schema(const std::string& folder, std::uint32_t version);
/// Writes the version into a new database, migrates an old one. Errors: version_mismatch (no step leads from its
/// version), corrupt, storage, and what a step returned.
[[nodiscard]] Status bring_to_schema(RocksDb& db, std::uint32_t version, std::span<const Migration> migrations);

/// open() with another schema version and other steps.
[[nodiscard]] Result<std::unique_ptr<Store>> open(const OpenOptions& options, std::uint32_t version,
                                                  std::span<const Migration> migrations);

}  // namespace jl::store
