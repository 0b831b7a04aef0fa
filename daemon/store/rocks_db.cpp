#include "daemon/store/rocks_db.hpp"

#include "daemon/store/info_log.hpp"
#include "daemon/store/rocks_options.hpp"

#include <chrono>

namespace jl::store {
namespace {
Error corrupt(const std::string& what) {
  return {Errc::corrupt, "the store is damaged: " + what, "restore a backup of the state folder"};
}

std::int64_t steady_millis() {
  using namespace std::chrono;
  return duration_cast<milliseconds>(steady_clock::now().time_since_epoch()).count();
}
}  // namespace

std::string encode_u64(std::uint64_t value) {
  std::string out;
  append_u64(out, value);
  return out;
}

Error rocks_error(const rocksdb::Status& status, std::string_view doing, const std::string& folder) {
  std::string message = "cannot " + std::string(doing) + " the store in \"" + folder + "\": " + status.ToString();
  if (status.IsCorruption()) return {Errc::corrupt, std::move(message), "restore a backup of the state folder"};
  if (status.IsNoSpace()) return {Errc::storage, std::move(message), "free space on the device that holds the folder"};
  return {Errc::storage, std::move(message), "check the folder's device and permissions"};
}

Status decode(Family family, std::string_view stored, std::string_view& value, Revision& revision) {
  value = stored;
  revision = 0;
  if (family != Family::resources) return {};
  if (stored.size() < sizeof(Revision)) return corrupt("a resource has no revision");
  revision = read_u64(stored);
  value.remove_prefix(sizeof(Revision));
  return {};
}

RocksDb::RocksDb(std::string folder, FolderLock lock)
    : folder_(std::move(folder)), lock_(std::move(lock)), space_([this] { return SpaceGuard::measure(folder_); }) {}

Result<std::shared_ptr<RocksDb>> RocksDb::open(const OpenOptions& options, FolderLock lock) {
  std::shared_ptr<RocksDb> self(new RocksDb(options.folder, std::move(lock)));
  auto settings = database_options();
  settings.info_log = std::make_shared<InfoLog>(options.folder);
  settings.listeners.push_back(self->failure_);
  rocksdb::DB* db = nullptr;
  const auto status =
      rocksdb::DB::Open(settings, options.folder, family_descriptors(options.cache_bytes), &self->handles_, &db);
  if (!status.ok()) return self->error(status, "open");
  self->db_.reset(db);
  return self;
}

RocksDb::~RocksDb() {
  if (!db_) return;
  if (failure_->happened()) {
    // Closing it would abort (LogFailure), so it is kept, for good. The process ends soon anyway, and nothing that was
    // answered is lost.
    static auto& abandoned = *new std::vector<std::pair<rocksdb::DB*, std::vector<rocksdb::ColumnFamilyHandle*>>>();
    static std::mutex mutex;
    const std::lock_guard lock(mutex);
    abandoned.emplace_back(db_.release(), std::move(handles_));
    return;
  }
  // What is left in the log is replayed at the next start, so a failure here loses nothing.
  db_->FlushWAL(true).PermitUncheckedError();
  for (auto* handle : handles_) db_->DestroyColumnFamilyHandle(handle).PermitUncheckedError();
  db_->Close().PermitUncheckedError();
}

Result<std::optional<Entry>> RocksDb::get(const rocksdb::ReadOptions& options, Family family,
                                          std::string_view key) const {
  rocksdb::PinnableSlice stored;
  const auto status = db_->Get(options, handle(family), slice(key), &stored);
  if (status.IsNotFound()) return std::optional<Entry>();
  if (!status.ok()) return error(status, "read from");
  std::string_view value;
  Entry entry;
  JL_CHECK(decode(family, view(stored), value, entry.revision));
  entry.value.assign(value);
  return std::optional(std::move(entry));
}

Status RocksDb::scan(rocksdb::ReadOptions options, Family family, std::string_view from, std::string_view to,
                     bool backwards, const Snapshot::Visit& visit) const {
  if (!to.empty() && from >= to) return {};
  const auto lower = slice(from);
  const auto upper = slice(to);
  if (!from.empty()) options.iterate_lower_bound = &lower;
  if (!to.empty()) options.iterate_upper_bound = &upper;
  const std::unique_ptr<rocksdb::Iterator> it(db_->NewIterator(options, handle(family)));
  for (backwards ? it->SeekToLast() : it->SeekToFirst(); it->Valid(); backwards ? it->Prev() : it->Next()) {
    std::string_view value;
    Revision revision = 0;
    JL_CHECK(decode(family, view(it->value()), value, revision));
    if (!visit(view(it->key()), value, revision)) return {};
  }
  if (!it->status().ok()) return error(it->status(), "read from");
  return {};
}

Result<std::optional<std::uint64_t>> RocksDb::number(const rocksdb::ReadOptions& options, std::string_view key) const {
  JL_TRY(const auto entry, get(options, Family::meta, key));
  if (!entry) return std::optional<std::uint64_t>();
  if (entry->value.size() != sizeof(std::uint64_t)) return corrupt("its \"" + std::string(key) + "\" is not a number");
  return std::optional(read_u64(entry->value));
}

Result<std::string> RocksDb::end_of(Family family, std::string_view also) const {
  std::string last(also);
  bool any = !also.empty();
  JL_CHECK(scan({}, family, {}, {}, true, [&](std::string_view key, std::string_view, Revision) {
    if (key >= last) last.assign(key), any = true;
    return false;
  }));
  if (any) last.push_back('\0');  // the smallest key above it
  return last;
}

Status RocksDb::write(rocksdb::WriteBatch& batch, SpaceGuard::Use use) {
  static const rocksdb::WriteOptions kOptions;
  if (failure_->happened()) return log_failed();
  const auto now = steady_millis();
  if (!space_.allows(use, now)) {
    return Error(Errc::storage, "there is too little space left for the store in \"" + folder_ + "\"",
                 "free space on the device that holds the folder");
  }
  auto status = db_->Write(kOptions, &batch);
  if (!status.ok() && !failure_->happened() && resume(now)) status = db_->Write(kOptions, &batch);
  if (!status.ok()) return error(status, "write to");
  return {};
}

bool RocksDb::resume(std::int64_t now) {
  constexpr std::int64_t kPauseMillis = 1000;
  // While a device fails every appender comes here: one of them tries, the others fail at once.
  const std::unique_lock lock(resume_mutex_, std::try_to_lock);
  if (!lock || (resumed_at_ != 0 && now - resumed_at_ < kPauseMillis)) return false;
  resumed_at_ = now;
  return db_->Resume().ok();
}

Status RocksDb::sync() {
  if (failure_->happened()) return log_failed();
  const auto status = db_->FlushWAL(true);
  if (!status.ok()) return error(status, "sync");
  return {};
}

Error RocksDb::log_failed() const {
  return {Errc::storage, "the store in \"" + folder_ + "\" takes no more writes, because one to its log failed",
          "check the device that holds the folder and the file LOG in it, then restart jlinkd"};
}

Error RocksDb::error(const rocksdb::Status& status, std::string_view doing) const {
  return rocks_error(status, doing, folder_);
}

}  // namespace jl::store
