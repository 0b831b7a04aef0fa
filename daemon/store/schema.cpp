#include "daemon/store/schema.hpp"

#include "daemon/store/rocks_options.hpp"

#include <rocksdb/utilities/write_batch_with_index.h>
#include <algorithm>
#include <filesystem>

namespace jl::store {
namespace {
Error mismatch(const std::string& folder, std::uint64_t found, std::uint32_t wanted, std::string hint) {
  return {Errc::version_mismatch,
          "the store in \"" + folder + "\" has schema version " + std::to_string(found) +
              ", and this program writes version " + std::to_string(wanted),
          std::move(hint)};
}

// Opens only what holds the version: families that a newer program added do not matter.
Result<std::optional<std::uint64_t>> read_schema(const std::string& folder) {
  auto options = database_options();
  options.create_if_missing = false;
  options.create_missing_column_families = false;
  std::vector<std::string> names;
  auto status = rocksdb::DB::ListColumnFamilies(options, folder, &names);
  if (!status.ok()) return rocks_error(status, "open", folder);
  // A first start that was cut short may have made no families yet.
  const std::string meta(to_string(Family::meta));
  if (std::ranges::find(names, meta) == names.end()) return std::optional<std::uint64_t>();

  std::vector<rocksdb::ColumnFamilyHandle*> handles;
  rocksdb::DB* opened = nullptr;
  status = rocksdb::DB::OpenForReadOnly(options, folder, {{rocksdb::kDefaultColumnFamilyName, {}}, {meta, {}}},
                                        &handles, &opened);
  if (!status.ok()) return rocks_error(status, "open", folder);
  const std::unique_ptr<rocksdb::DB> db(opened);
  std::string value;
  status = db->Get({}, handles[1], slice(kSchemaKey), &value);
  for (auto* handle : handles) db->DestroyColumnFamilyHandle(handle).PermitUncheckedError();
  if (status.IsNotFound()) return std::optional<std::uint64_t>();
  if (!status.ok()) return rocks_error(status, "read from", folder);
  if (value.size() != sizeof(std::uint64_t)) {
    return Error(Errc::corrupt, "the store in \"" + folder + "\" is damaged: its schema version is not a number",
                 "restore a backup of the state folder");
  }
  return std::optional(read_u64(value));
}
}  // namespace

MigrationState::MigrationState(RocksDb& db)
    : db_(db),
      batch_(std::make_unique<rocksdb::WriteBatchWithIndex>(rocksdb::BytewiseComparator(), 0, /*overwrite_key=*/true)) {
}

MigrationState::~MigrationState() = default;

Result<std::optional<Entry>> MigrationState::get(Family family, std::string_view key) const {
  rocksdb::PinnableSlice stored;
  const auto status = batch_->GetFromBatchAndDB(&db_.db(), {}, db_.handle(family), slice(key), &stored);
  if (status.IsNotFound()) return std::optional<Entry>();
  if (!status.ok()) return db_.error(status, "read from");
  std::string_view value;
  Entry entry;
  JL_CHECK(decode(family, view(stored), value, entry.revision));
  entry.value.assign(value);
  return std::optional(std::move(entry));
}

Status MigrationState::scan(Family family, std::string_view from, std::string_view to,
                            const Snapshot::Visit& visit) const {
  // An iterator does not survive changes to the batch, so the visitor is called between two of them, page by page.
  constexpr std::size_t kPage = 256;
  std::vector<std::pair<std::string, Entry>> page;
  std::string next(from);
  do {
    page.clear();
    auto* base = db_.db().NewIterator({}, db_.handle(family));
    const std::unique_ptr<rocksdb::Iterator> it(batch_->NewIteratorWithBase(db_.handle(family), base));
    for (it->Seek(next); it->Valid() && page.size() < kPage; it->Next()) {
      if (!to.empty() && view(it->key()) >= to) break;
      std::string_view value;
      Revision revision = 0;
      JL_CHECK(decode(family, view(it->value()), value, revision));
      page.emplace_back(it->key().ToString(), Entry{std::string(value), revision});
    }
    if (!it->status().ok()) return db_.error(it->status(), "read from");
    for (const auto& [key, entry] : page) {
      if (!visit(key, entry.value, entry.revision)) return {};
    }
    if (!page.empty()) next = page.back().first + '\0';
  } while (page.size() == kPage);
  return {};
}

Status MigrationState::put(Family family, std::string_view key, std::string_view value) {
  std::string stored;
  if (family == Family::resources) {
    JL_TRY(const auto old, get(family, key));
    JL_TRY(const auto newest, db_.number({}, kRevisionKey));
    append_u64(stored, old ? old->revision : newest.value_or(0));
  }
  stored.append(value);
  const auto status = batch_->Put(db_.handle(family), slice(key), stored);
  if (!status.ok()) return db_.error(status, "migrate");
  return {};
}

Status MigrationState::erase(Family family, std::string_view key) {
  const auto status = batch_->Delete(db_.handle(family), slice(key));
  if (!status.ok()) return db_.error(status, "migrate");
  return {};
}

Status MigrationState::commit(std::uint32_t version) {
  const auto status = batch_->Put(db_.handle(Family::meta), slice(kSchemaKey), encode_u64(version));
  if (!status.ok()) return db_.error(status, "migrate");
  JL_CHECK(db_.write(*batch_->GetWriteBatch(), SpaceGuard::Use::change));
  return db_.sync();
}

Status check_schema(const std::string& folder, std::uint32_t version) {
  std::error_code failed;
  if (!std::filesystem::exists(folder + "/CURRENT", failed)) return {};
  JL_TRY(const auto found, read_schema(folder));
  if (found && *found > version) {
    return mismatch(folder, *found, version, "install the newer program again, or choose another stateDir");
  }
  return {};
}

Status bring_to_schema(RocksDb& db, std::uint32_t version, std::span<const Migration> migrations) {
  JL_TRY(const auto found, db.number({}, kSchemaKey));
  JL_TRY(const auto revision, db.number({}, kRevisionKey));
  if (!found && revision.value_or(0) != 0) {
    return Error(Errc::corrupt, "the store is damaged: it has commits but no schema version",
                 "restore a backup of the state folder");
  }
  if (found == version) return {};
  MigrationState state(db);
  for (auto at = found.value_or(version); at < version; ++at) {
    const auto step = std::ranges::find(migrations, at, &Migration::from);
    if (step == migrations.end()) {
      return mismatch(db.folder(), *found, version, "upgrade through the versions in between");
    }
    JL_CHECK(step->run(state));
  }
  return state.commit(version);
}

}  // namespace jl::store
