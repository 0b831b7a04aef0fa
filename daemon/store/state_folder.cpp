#include "daemon/store/state_folder.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <array>
#include <cerrno>
#include <filesystem>
#include <string_view>
#include <system_error>
#include <utility>

namespace jl::store {
namespace {
namespace fs = std::filesystem;

std::string reason(int error) { return std::generic_category().message(error); }

Error folder_error(const std::string& what, const std::string& folder, int error) {
  const Errc code = error == EACCES || error == EPERM ? Errc::denied : Errc::storage;
  return {code, "cannot " + what + " state folder \"" + folder + "\": " + reason(error),
          "check the path and its owner, or choose another stateDir"};
}

struct Fd {
  explicit Fd(int descriptor) : value(descriptor) {}
  Fd(const Fd&) = delete;
  Fd& operator=(const Fd&) = delete;
  ~Fd() {
    if (value >= 0) ::close(value);
  }
  int value;
};

// The process id written in the lock file, or "" when its owner has not written it yet.
std::string read_owner(int fd) {
  std::array<char, 24> text{};
  const auto size = ::pread(fd, text.data(), text.size(), 0);
  std::string owner;
  for (ssize_t i = 0; i < size; ++i) {
    const char c = text[static_cast<std::size_t>(i)];
    if (c < '0' || c > '9') break;
    owner.push_back(c);
  }
  return owner;
}
}  // namespace

Status prepare_folder(const std::string& folder) {
  if (folder.empty()) return Error(Errc::storage, "the state folder has no name", "set stateDir");
  // "x/" has an empty last part, which would make mkdir's parent the folder itself.
  fs::path path = fs::path(folder).lexically_normal();
  if (!path.has_filename()) path = path.parent_path();
  std::error_code failed;
  if (path.has_parent_path()) fs::create_directories(path.parent_path(), failed);
  if (failed) return folder_error("make the parents of", folder, failed.value());
  const bool made = ::mkdir(path.c_str(), 0700) == 0;
  if (!made && errno != EEXIST) return folder_error("make", folder, errno);

  const Fd fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (fd.value < 0) return folder_error("open", folder, errno);
  struct stat info {};
  if (::fstat(fd.value, &info) != 0) return folder_error("look at", folder, errno);
  if (info.st_uid != ::geteuid()) {
    return Error(Errc::denied,
                 "state folder \"" + folder + "\" belongs to user " + std::to_string(info.st_uid) + ", not to user " +
                     std::to_string(::geteuid()),
                 "give it to the daemon's user with chown, or choose another stateDir");
  }
  // The umask may have taken bits away from mkdir's mode; an old folder may have too many.
  if ((info.st_mode & 0777u) != 0700u && ::fchmod(fd.value, 0700) != 0) {
    return Error(Errc::denied,
                 "state folder \"" + folder + "\" is open to others and cannot be closed: " + reason(errno),
                 "chmod 700 " + folder);
  }
  if (made) return sync_folder(path.has_parent_path() ? path.parent_path().string() : ".");
  return {};
}

Status sync_folder(const std::string& folder) {
  const Fd fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (fd.value < 0 || ::fsync(fd.value) != 0) {
    return Error(Errc::storage, "cannot sync folder \"" + folder + "\": " + reason(errno));
  }
  return {};
}

Result<FolderLock> FolderLock::take(const std::string& folder) {
  const std::string path = folder + "/LOCK.jlinkd";
  FolderLock lock(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (lock.fd_ < 0) return folder_error("lock", folder, errno);
  int result = 0;
  do {
    result = ::flock(lock.fd_, LOCK_EX | LOCK_NB);
  } while (result != 0 && errno == EINTR);
  if (result != 0) {
    const int error = errno;
    const std::string owner = read_owner(lock.fd_);
    ::close(std::exchange(lock.fd_, -1));  // not ours to clear
    if (error != EWOULDBLOCK) return folder_error("lock", folder, error);
    return Error(
        Errc::conflict,
        "state folder \"" + folder + "\" is in use by " + (owner.empty() ? "another process" : "process " + owner),
        "stop that process, or choose another stateDir");
  }
  const std::string pid = std::to_string(::getpid()) + "\n";
  if (::ftruncate(lock.fd_, 0) != 0 ||
      ::pwrite(lock.fd_, pid.data(), pid.size(), 0) != static_cast<ssize_t>(pid.size())) {
    return folder_error("lock", folder, errno);
  }
  return lock;
}

FolderLock::FolderLock(FolderLock&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}

FolderLock& FolderLock::operator=(FolderLock&& other) noexcept {
  if (this != &other) release(), fd_ = std::exchange(other.fd_, -1);
  return *this;
}

FolderLock::~FolderLock() { release(); }

void FolderLock::release() noexcept {
  if (fd_ < 0) return;
  // The file stays: removing it would let a third process lock a new file while a second still waits on this one.
  if (::ftruncate(fd_, 0) != 0) errno = 0;
  ::close(std::exchange(fd_, -1));
}

}  // namespace jl::store
