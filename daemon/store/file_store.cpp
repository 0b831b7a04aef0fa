#include "daemon/store/file_store.hpp"

#include "common/base/assert.hpp"
#include "common/cert/sha256.hpp"
#include "common/model/field.hpp"
#include "daemon/store/state_folder.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>
#include <atomic>
#include <cerrno>
#include <system_error>
#include <utility>
#include <vector>

namespace jl::store {
namespace {

constexpr std::size_t kMaxIncoming = 8;
constexpr std::string_view kIncoming = ".incoming-";

Error file_error(const std::string& what, const std::string& path, int error) {
  const bool is_full = error == ENOSPC || error == EDQUOT || error == EFBIG;
  return {Errc::storage, fmt::format("cannot {} \"{}\": {}", what, path, std::generic_category().message(error)),
          is_full ? "make room on the disk of the state folder" : "check the state folder and its owner"};
}

class Fd {
 public:
  explicit Fd(int value) : value_(value) {}
  ~Fd() { close(); }
  Fd(const Fd&) = delete;
  Fd& operator=(const Fd&) = delete;
  [[nodiscard]] int get() const { return value_; }
  void close() {
    if (value_ >= 0) ::close(std::exchange(value_, -1));
  }

 private:
  int value_;
};

// The names in a folder that a condition picks.
template <class Pick>
Result<std::vector<std::string>> names_in(const std::string& folder, Pick&& pick) {
  std::vector<std::string> out;
  const std::unique_ptr<DIR, int (*)(DIR*)> dir(::opendir(folder.c_str()), ::closedir);
  if (!dir) return file_error("read folder", folder, errno);
  for (;;) {
    errno = 0;
    const dirent* entry = ::readdir(dir.get());
    if (!entry) break;
    if (pick(std::string_view(entry->d_name))) out.emplace_back(entry->d_name);
  }
  if (errno != 0) return file_error("read folder", folder, errno);
  return out;
}

// One on the way in, among the few that there may be.
class IncomingPlace {
 public:
  explicit IncomingPlace(std::atomic<std::size_t>& taken) : taken_(taken), held_(taken.fetch_add(1) < kMaxIncoming) {}
  ~IncomingPlace() { taken_.fetch_sub(1); }
  IncomingPlace(const IncomingPlace&) = delete;
  IncomingPlace& operator=(const IncomingPlace&) = delete;
  [[nodiscard]] bool held() const { return held_; }

 private:
  std::atomic<std::size_t>& taken_;
  bool held_;
};

class FolderFileStore final : public FileStore {
 public:
  explicit FolderFileStore(std::string folder) : folder_(std::move(folder)) {}

  Result<std::unique_ptr<Incoming>> begin(std::uint64_t max_size) override;

  [[nodiscard]] std::optional<StoredFile> find(std::string_view id) const override {
    struct stat about {};
    if (!is_id(id) || ::lstat(path_of(id).c_str(), &about) != 0 || !S_ISREG(about.st_mode)) return std::nullopt;
    return StoredFile{std::string(id), static_cast<std::uint64_t>(about.st_size)};
  }

  [[nodiscard]] std::string path_of(std::string_view id) const override {
    JL_ASSERT(is_id(id));
    return folder_ + "/" + std::string(id);
  }

  Result<std::size_t> sweep(const std::set<std::string, std::less<>>& referenced, Millis now, Millis age) override {
    JL_TRY(const auto names,
           names_in(folder_, [&](std::string_view name) { return is_id(name) && !referenced.contains(name); }));
    std::size_t deleted = 0;
    for (const std::string& name : names) {
      // Looked at under the lock: the same content may be coming in once more right now, which makes it young.
      const std::lock_guard lock(names_mutex_);
      const std::string path = path_of(name);
      struct stat about {};
      if (::lstat(path.c_str(), &about) != 0 || !S_ISREG(about.st_mode)) continue;
      const Millis modified = about.st_mtim.tv_sec * 1000LL + about.st_mtim.tv_nsec / 1'000'000;
      if (now - modified <= age) continue;
      if (::unlink(path.c_str()) != 0) return file_error("delete file", path, errno);
      ++deleted;
    }
    if (deleted > 0) JL_CHECK(sync_folder(folder_));
    return deleted;
  }

  /// Gives a written and synced file its name, unless one of the same content has it. Whether one had.
  [[nodiscard]] Result<bool> take_in(const std::string& temporary, const StoredFile& file) {
    const std::lock_guard lock(names_mutex_);
    const std::string path = path_of(file.id);
    if (const auto known = find(file.id); known && known->size == file.size) {
      // As if it had come just now: whoever sent it wants to refer to it before it is swept.
      if (::utimensat(AT_FDCWD, path.c_str(), nullptr, AT_SYMLINK_NOFOLLOW) != 0)
        return file_error("touch file", path, errno);
      ::unlink(temporary.c_str());
      return true;
    }
    if (::rename(temporary.c_str(), path.c_str()) != 0) return file_error("name file", path, errno);
    JL_CHECK(sync_folder(folder_));
    return false;
  }

  [[nodiscard]] const std::string& folder() const { return folder_; }

 private:
  const std::string folder_;
  std::atomic<std::size_t> incoming_{0};
  std::atomic<std::uint64_t> last_number_{0};
  std::mutex names_mutex_;  // held while content gets or loses its name
};

class FolderIncoming final : public FileStore::Incoming {
 public:
  FolderIncoming(FolderFileStore& store, std::unique_ptr<IncomingPlace> place, std::string path, int fd,
                 std::uint64_t max_size)
      : store_(store), place_(std::move(place)), path_(std::move(path)), fd_(fd), max_size_(max_size) {}
  ~FolderIncoming() override { discard(); }
  FolderIncoming(const FolderIncoming&) = delete;
  FolderIncoming& operator=(const FolderIncoming&) = delete;

  Status write(std::string_view piece) override {
    if (failure_) return *failure_;
    if (piece.size() > max_size_ - size_)
      return fail(Error(Errc::too_large, fmt::format("the file has more than {} bytes", max_size_)));
    hash_.add(piece);
    size_ += piece.size();
    while (!piece.empty()) {
      const ssize_t put = ::write(fd_.get(), piece.data(), piece.size());
      if (put < 0 && errno == EINTR) continue;
      // POSIX has no write() of 0 bytes to a regular file that is not an error; without progress it would never end.
      if (put <= 0) return fail(file_error("write file", path_, put < 0 ? errno : ENOSPC));
      piece.remove_prefix(static_cast<std::size_t>(put));
    }
    return {};
  }

  [[nodiscard]] Result<StoredFile> finish() override {
    if (failure_) return *failure_;
    StoredFile out{hash_.hex(), size_};
    if (!FileStore::is_id(out.id)) return fail(Error(Errc::failed, "OpenSSL cannot make a SHA-256"));
    if (::fsync(fd_.get()) != 0) return fail(file_error("sync file", path_, errno));
    fd_.close();
    const auto existed = store_.take_in(path_, out);
    if (!existed) return fail(existed.error());
    out.existed = *existed;
    fail(Error(Errc::failed, "the file was finished already"));
    return out;
  }

 private:
  // Whatever comes after it fails as well.
  Error fail(Error error) {
    discard();
    failure_ = error;
    return error;
  }

  void discard() {
    if (failure_) return;
    fd_.close();
    ::unlink(path_.c_str());  // gone when it got its name
    place_.reset();
  }

  FolderFileStore& store_;
  std::unique_ptr<IncomingPlace> place_;
  const std::string path_;
  Fd fd_;
  const std::uint64_t max_size_;
  std::uint64_t size_ = 0;
  cert::Sha256 hash_;
  std::optional<Error> failure_;
};

Result<std::unique_ptr<FileStore::Incoming>> FolderFileStore::begin(std::uint64_t max_size) {
  auto place = std::make_unique<IncomingPlace>(incoming_);
  if (!place->held()) {
    return Error(Errc::busy, fmt::format("{} files are being uploaded already", kMaxIncoming),
                 "try again when one of them has ended");
  }
  std::string path = fmt::format("{}/{}{}", folder_, kIncoming, last_number_.fetch_add(1) + 1);
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0) return file_error("make file", path, errno);
  return std::unique_ptr<Incoming>(
      std::make_unique<FolderIncoming>(*this, std::move(place), std::move(path), fd, max_size));
}

}  // namespace

Result<std::unique_ptr<FileStore>> FileStore::open(const std::string& folder) {
  JL_CHECK(prepare_folder(folder));
  JL_TRY(const auto leftovers, names_in(folder, [](std::string_view name) { return name.starts_with(kIncoming); }));
  for (const std::string& name : leftovers) {
    const std::string path = folder + "/" + name;
    if (::unlink(path.c_str()) != 0 && errno != ENOENT) return file_error("delete file", path, errno);
  }
  return std::unique_ptr<FileStore>(std::make_unique<FolderFileStore>(folder));
}

bool FileStore::is_id(std::string_view text) { return model::is_file_id(text); }

}  // namespace jl::store
