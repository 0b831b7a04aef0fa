#include "daemon/control/socket_file.hpp"

#include "daemon/control/user_names.hpp"

#include <grp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <optional>
#include <utility>
#include <vector>

namespace jl::control {
namespace {

constexpr std::size_t kMaxPath = sizeof(sockaddr_un::sun_path) - 1;
constexpr std::size_t kSuffix = 8;  // of the temporary name: a dot and at most seven digits of the process id
constexpr mode_t kMode = 0660;
constexpr int kBacklog = 128;

Error failure(int error, const std::string& what, const std::string& path) {
  const bool is_denied = error == EACCES || error == EPERM;
  return {is_denied ? Errc::denied : Errc::storage,
          "cannot " + what + " control socket \"" + path + "\": " + std::generic_category().message(error),
          is_denied || error == ENOENT ? "look at its folder: ls -ld " + path.substr(0, path.rfind('/')) : ""};
}

sockaddr_un address_of(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.data(), path.size());
  return address;
}

// The API of sockets takes every address as this type.
const sockaddr* generic(const sockaddr_un& address) { return reinterpret_cast<const sockaddr*>(&address); }

// Fine when nothing is there, or a socket that nobody listens on.
Status check_free(const std::string& path) {
  struct stat there {};
  if (::lstat(path.c_str(), &there) != 0) return errno == ENOENT ? Status() : failure(errno, "look for", path);
  if (!S_ISSOCK(there.st_mode)) {
    return Error(Errc::invalid, "\"" + path + "\" exists and is not a socket", "move it away: ls -l " + path);
  }
  const int probe = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (probe < 0) return failure(errno, "open", path);
  const sockaddr_un address = address_of(path);
  const int error = ::connect(probe, generic(address), sizeof(address)) == 0 ? 0 : errno;
  ::close(probe);
  if (error == ECONNREFUSED || error == ENOENT) return {};
  // EAGAIN: somebody listens and has a full backlog.
  if (error != 0 && error != EAGAIN && error != EINPROGRESS) return failure(error, "try", path);
  return Error(Errc::conflict, "another jlinkd answers on \"" + path + "\"", "jlctl --socket " + path + " status");
}

Result<gid_t> group_id(const std::string& group) {
  if (is_number(group)) {
    std::uint32_t number = 0;
    const auto [end, failed] = std::from_chars(group.data(), group.data() + group.size(), number);
    if (failed == std::errc() && end == group.data() + group.size()) return number;
  }
  for (std::vector<char> buffer(1024); buffer.size() <= 1u << 20u; buffer.resize(buffer.size() * 4)) {
    ::group entry{};
    ::group* found = nullptr;
    const int failed = ::getgrnam_r(group.c_str(), &entry, buffer.data(), buffer.size(), &found);
    if (failed == ERANGE) continue;
    if (failed == 0 && found) return entry.gr_gid;
    break;
  }
  return Error(Errc::invalid, "the group \"" + group + "\" of the control socket does not exist", "getent group");
}

}  // namespace

Result<SocketFile> SocketFile::listen(const std::string& path, const std::string& group) {
  if (path.empty() || path.size() > kMaxPath - kSuffix || path.find('\0') != std::string::npos) {
    return Error(Errc::invalid, "the path of the control socket must have 1 to " + std::to_string(kMaxPath - kSuffix) +
                                    " bytes: \"" + path + "\"");
  }
  std::optional<gid_t> gid;
  if (!group.empty()) {
    JL_TRY(gid, group_id(group));
  }
  JL_CHECK(check_free(path));

  SocketFile out(path, ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (out.fd_ < 0) return failure(errno, "open", path);
  // The mode of the socket is the one bind() gives the file, so it is never open to others, not even before chmod adds
  // what the umask took away. Nobody can connect before listen() anyway.
  if (::fchmod(out.fd_, kMode) != 0) return failure(errno, "set the mode of", path);
  const std::string temporary = path + "." + std::to_string(::getpid());
  struct stat left_over {};
  if (::lstat(temporary.c_str(), &left_over) == 0 && S_ISSOCK(left_over.st_mode)) ::unlink(temporary.c_str());
  const sockaddr_un address = address_of(temporary);
  if (::bind(out.fd_, generic(address), sizeof(address)) != 0) return failure(errno, "bind", path);
  const auto undo = [&](Error error) {
    ::unlink(temporary.c_str());
    return error;
  };
  if (gid && ::lchown(temporary.c_str(), static_cast<uid_t>(-1), *gid) != 0) {
    return undo(failure(errno, "give group \"" + group + "\" to", path));
  }
  if (::chmod(temporary.c_str(), kMode) != 0) return undo(failure(errno, "set the mode of", path));
  if (::listen(out.fd_, kBacklog) != 0) return undo(failure(errno, "listen on", path));
  struct stat made {};
  if (::lstat(temporary.c_str(), &made) != 0) return undo(failure(errno, "look at", path));
  out.device_ = made.st_dev;
  out.inode_ = made.st_ino;
  if (::rename(temporary.c_str(), path.c_str()) != 0) return undo(failure(errno, "place", path));
  out.is_placed_ = true;
  return out;
}

SocketFile::SocketFile(SocketFile&& other) noexcept
    : path_(std::move(other.path_)),
      fd_(std::exchange(other.fd_, -1)),
      device_(other.device_),
      inode_(other.inode_),
      is_placed_(std::exchange(other.is_placed_, false)) {}

SocketFile::~SocketFile() {
  if (fd_ >= 0) ::close(fd_);
  remove();
}

int SocketFile::release_fd() { return std::exchange(fd_, -1); }

void SocketFile::remove() {
  if (!std::exchange(is_placed_, false)) return;
  struct stat there {};
  if (::lstat(path_.c_str(), &there) != 0 || there.st_dev != device_ || there.st_ino != inode_) return;
  ::unlink(path_.c_str());
}

}  // namespace jl::control
