#include "daemon/store/file_store.hpp"

#include "common/base/assert.hpp"
#include "common/cert/digest.hpp"
#include "common/model/field.hpp"
#include "daemon/store/state_folder.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>
#include <array>
#include <atomic>
#include <cerrno>
#include <system_error>
#include <utility>
#include <vector>

namespace jl::store {
namespace {

constexpr std::size_t kMaxIncoming = 8;
constexpr std::string_view kIncoming = ".incoming-";
constexpr std::string_view kMd5 = ".md5";  // what the name of a file's MD5 has more than its own
constexpr std::size_t kMd5Digits = 32;
// Written bytes that are synced as they come, so that the end of a large file does not take minutes on a slow disk.
constexpr std::uint64_t kSyncEach = 64u << 20u;

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

Status put(int fd, std::string_view bytes, const std::string& path) {
  while (!bytes.empty()) {
    const ssize_t count = ::write(fd, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    // POSIX has no write() of 0 bytes to a regular file that is not an error; without progress it would never end.
    if (count <= 0) return file_error("write file", path, count < 0 ? errno : ENOSPC);
    bytes.remove_prefix(static_cast<std::size_t>(count));
  }
  return {};
}

Result<int> make_file(const std::string& path) {
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0) return file_error("make file", path, errno);
  return fd;
}

// Leaves nothing when it fails.
Status write_synced(const std::string& path, std::string_view text) {
  JL_TRY(const int made, make_file(path));
  const Fd fd(made);
  Status out = put(fd.get(), text, path);
  if (out && ::fsync(fd.get()) != 0) out = file_error("sync file", path, errno);
  if (!out) ::unlink(path.c_str());
  return out;
}

// The digits that write_synced() left, "" when there is anything else.
std::string read_md5(const std::string& path) {
  const Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  std::array<char, kMd5Digits + 1> text{};
  if (fd.get() < 0 || ::read(fd.get(), text.data(), text.size()) != static_cast<ssize_t>(kMd5Digits)) return {};
  const std::string_view digits(text.data(), kMd5Digits);
  return digits.find_first_not_of("0123456789abcdef") == digits.npos ? std::string(digits) : std::string();
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

  Result<std::unique_ptr<Incoming>> begin(std::uint64_t max_size, bool with_md5) override;

  [[nodiscard]] std::optional<StoredFile> find(std::string_view id) const override {
    struct stat about {};
    if (!is_id(id) || ::lstat(path_of(id).c_str(), &about) != 0 || !S_ISREG(about.st_mode)) return std::nullopt;
    StoredFile out{std::string(id), static_cast<std::uint64_t>(about.st_size)};
    out.md5 = read_md5(md5_path(id));
    return out;
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
      // The file goes first: its MD5 alone is deleted at the next start.
      if (::unlink(path.c_str()) != 0) return file_error("delete file", path, errno);
      ::unlink(md5_path(name).c_str());
      ++deleted;
    }
    if (deleted > 0) JL_CHECK(sync_folder(folder_));
    return deleted;
  }

  /// Gives a written and synced file its name, unless one of the same content has it. `temporary_md5` holds its MD5, ""
  /// = not asked for. Whether one had.
  [[nodiscard]] Result<bool> take_in(const std::string& temporary, const std::string& temporary_md5,
                                     const StoredFile& file) {
    const std::lock_guard lock(names_mutex_);
    const std::string path = path_of(file.id);
    const auto known = find(file.id);
    const bool existed = known && known->size == file.size;
    // The MD5 before its file, so that no file that ought to have one is without. What the name says it is the MD5 of
    // never changes, so it may also take the place of one that is there.
    const std::string md5 = md5_path(file.id);
    if (!temporary_md5.empty() && ::rename(temporary_md5.c_str(), md5.c_str()) != 0)
      return file_error("name file", md5, errno);
    if (existed) {
      // As if it had come just now: whoever sent it wants to refer to it before it is swept.
      if (::utimensat(AT_FDCWD, path.c_str(), nullptr, AT_SYMLINK_NOFOLLOW) != 0)
        return file_error("touch file", path, errno);
      ::unlink(temporary.c_str());
    } else if (::rename(temporary.c_str(), path.c_str()) != 0) {
      const int error = errno;
      if (!known) ::unlink(md5.c_str());
      return file_error("name file", path, error);
    }
    if (!existed || !temporary_md5.empty()) JL_CHECK(sync_folder(folder_));
    return existed;
  }

 private:
  [[nodiscard]] std::string md5_path(std::string_view id) const { return path_of(id).append(kMd5); }

  const std::string folder_;
  std::atomic<std::size_t> incoming_{0};
  std::atomic<std::uint64_t> last_number_{0};
  std::mutex names_mutex_;  // held while content gets or loses its name
};

class FolderIncoming final : public FileStore::Incoming {
 public:
  FolderIncoming(FolderFileStore& store, std::unique_ptr<IncomingPlace> place, std::string path, int fd,
                 std::uint64_t max_size, bool with_md5)
      : store_(store),
        place_(std::move(place)),
        path_(std::move(path)),
        fd_(fd),
        max_size_(max_size),
        md5_(with_md5 ? std::make_unique<cert::Digest>(cert::DigestKind::md5) : nullptr) {}
  ~FolderIncoming() override { discard(); }
  FolderIncoming(const FolderIncoming&) = delete;
  FolderIncoming& operator=(const FolderIncoming&) = delete;

  Status write(std::string_view piece) override {
    if (failure_) return *failure_;
    if (measured_) return Error(Errc::failed, "the file was measured already");
    if (piece.size() > max_size_ - size_)
      return fail(Error(Errc::too_large, fmt::format("the file has more than {} bytes", max_size_)));
    sha256_.add(piece);
    if (md5_) md5_->add(piece);
    size_ += piece.size();
    if (const Status written = put(fd_.get(), piece, path_); !written) return fail(written.error());
    if (size_ - synced_ >= kSyncEach) {
      if (::fdatasync(fd_.get()) != 0) return fail(file_error("sync file", path_, errno));
      synced_ = size_;
    }
    return {};
  }

  [[nodiscard]] Result<StoredFile> measure() override {
    if (failure_) return *failure_;
    if (measured_) return *measured_;
    StoredFile out{sha256_.hex(), size_};
    if (!FileStore::is_id(out.id)) return fail(Error(Errc::failed, "OpenSSL cannot make a SHA-256"));
    if (md5_) out.md5 = md5_->hex();
    if (md5_ && out.md5.empty())
      return fail(Error(Errc::failed, "OpenSSL cannot make an MD5", "where FIPS mode forbids MD5 there is none"));
    measured_ = out;
    return out;
  }

  [[nodiscard]] Result<StoredFile> finish() override {
    JL_TRY(StoredFile out, measure());
    if (::fsync(fd_.get()) != 0) return fail(file_error("sync file", path_, errno));
    fd_.close();
    if (!out.md5.empty()) {
      if (const Status written = write_synced(path_ + std::string(kMd5), out.md5); !written)
        return fail(written.error());
    }
    const auto existed = store_.take_in(path_, out.md5.empty() ? std::string() : path_ + std::string(kMd5), out);
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

  // What got its name is not there under its temporary one any more.
  void discard() {
    if (failure_) return;
    fd_.close();
    ::unlink(path_.c_str());
    if (md5_) ::unlink((path_ + std::string(kMd5)).c_str());
    place_.reset();
  }

  FolderFileStore& store_;
  std::unique_ptr<IncomingPlace> place_;
  const std::string path_;
  Fd fd_;
  const std::uint64_t max_size_;
  std::uint64_t size_ = 0, synced_ = 0;
  cert::Digest sha256_{cert::DigestKind::sha256};
  const std::unique_ptr<cert::Digest> md5_;
  std::optional<StoredFile> measured_;
  std::optional<Error> failure_;
};

Result<std::unique_ptr<FileStore::Incoming>> FolderFileStore::begin(std::uint64_t max_size, bool with_md5) {
  auto place = std::make_unique<IncomingPlace>(incoming_);
  if (!place->held()) {
    return Error(Errc::busy, fmt::format("{} files are being uploaded already", kMaxIncoming),
                 "try again when one of them has ended");
  }
  std::string path = fmt::format("{}/{}{}", folder_, kIncoming, last_number_.fetch_add(1) + 1);
  JL_TRY(const int fd, make_file(path));
  return std::unique_ptr<Incoming>(
      std::make_unique<FolderIncoming>(*this, std::move(place), std::move(path), fd, max_size, with_md5));
}

// What a process that ended in the middle left: files on their way in, and MD5s whose files never got their names, or
// lost them.
bool is_leftover(const std::string& folder, std::string_view name) {
  if (name.starts_with(kIncoming)) return true;
  if (!name.ends_with(kMd5)) return false;
  const std::string_view id = name.substr(0, name.size() - kMd5.size());
  struct stat about {};
  return FileStore::is_id(id) && ::lstat(fmt::format("{}/{}", folder, id).c_str(), &about) != 0 && errno == ENOENT;
}

}  // namespace

Result<std::unique_ptr<FileStore>> FileStore::open(const std::string& folder) {
  JL_CHECK(prepare_folder(folder));
  JL_TRY(const auto leftovers, names_in(folder, [&](std::string_view name) { return is_leftover(folder, name); }));
  for (const std::string& name : leftovers) {
    const std::string path = folder + "/" + name;
    if (::unlink(path.c_str()) != 0 && errno != ENOENT) return file_error("delete file", path, errno);
  }
  return std::unique_ptr<FileStore>(std::make_unique<FolderFileStore>(folder));
}

bool FileStore::is_id(std::string_view text) { return model::is_file_id(text); }

}  // namespace jl::store
