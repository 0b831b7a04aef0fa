// Sealer::open: the key file, read or made.
#include "daemon/store/seal.hpp"
#include "daemon/store/state_folder.hpp"

#include <fcntl.h>
#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <system_error>

namespace jl::store {
namespace {
using Key = std::array<unsigned char, 32>;

Error file_error(const std::string& what, const std::string& path, int error) {
  const Errc code = error == EACCES || error == EPERM || error == ELOOP ? Errc::denied : Errc::storage;
  return {code, "cannot " + what + " key file \"" + path + "\": " + std::generic_category().message(error),
          "check the file and its folder"};
}

// systemd hands credentials over in a folder that only the service can enter, and may give the service its access
// through an ACL, whose mask shows in the group's bits (systemd.exec(5), LoadCredential=).
bool is_credential(const std::string& path) {
  const char* const folder = std::getenv("CREDENTIALS_DIRECTORY");
  return folder != nullptr && *folder != '\0' && path.starts_with(std::string(folder) + "/");
}

Status check_owner(int fd, const std::string& path) {
  struct stat info {};
  if (::fstat(fd, &info) != 0) return file_error("look at", path, errno);
  if (!S_ISREG(info.st_mode)) return Error(Errc::denied, "key file \"" + path + "\" is not a file");
  if (info.st_uid != ::geteuid() && info.st_uid != 0) {
    return Error(Errc::denied, "key file \"" + path + "\" belongs to user " + std::to_string(info.st_uid),
                 "give it to the daemon's user with chown");
  }
  const mode_t forbidden = is_credential(path) ? 0037u : 0077u;
  if ((info.st_mode & forbidden) != 0) {
    return Error(Errc::denied, "key file \"" + path + "\" is open to other users", "chmod 600 " + path);
  }
  return {};
}

// nullopt when there is no file.
Result<std::optional<Key>> read_key(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  if (fd < 0 && errno == ENOENT) return std::optional<Key>();
  if (fd < 0) return file_error("open", path, errno);
  const auto closing = [fd](auto result) {
    ::close(fd);
    return result;
  };
  if (const auto checked = check_owner(fd, path); !checked) {
    return closing(Result<std::optional<Key>>(checked.error()));
  }
  std::array<unsigned char, 33> read{};  // one more than a key, to see that a file is too long
  std::size_t size = 0;
  while (size < read.size()) {
    const auto got = ::read(fd, read.data() + size, read.size() - size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return closing(Result<std::optional<Key>>(file_error("read", path, errno)));
    if (got == 0) break;
    size += static_cast<std::size_t>(got);
  }
  Key key{};
  std::copy_n(read.begin(), key.size(), key.begin());
  OPENSSL_cleanse(read.data(), read.size());
  if (size != key.size()) {
    OPENSSL_cleanse(key.data(), key.size());
    return closing(Result<std::optional<Key>>(
        Error(Errc::corrupt, "key file \"" + path + "\" does not hold exactly 32 bytes",
              "restore it from a backup; without it the stored secrets are lost and have to be set again")));
  }
  return closing(Result<std::optional<Key>>(std::optional(key)));
}

Status write_all(int fd, const Key& key, const std::string& path) {
  std::size_t size = 0;
  while (size < key.size()) {
    const auto put = ::write(fd, key.data() + size, key.size() - size);
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return file_error("write", path, errno);
    size += static_cast<std::size_t>(put);
  }
  if (::fsync(fd) != 0) return file_error("sync", path, errno);
  return {};
}

// Written under another name first: a file that was cut short by a crash would lock the daemon out of its secrets.
Status create_key(const std::string& path) {
  Key key{};
  if (RAND_bytes(key.data(), static_cast<int>(key.size())) != 1) {
    return Error(Errc::failed, "the system gives no random numbers for key file \"" + path + "\"");
  }
  const std::string draft = path + ".new";
  ::unlink(draft.c_str());  // what a crash left
  const int fd = ::open(draft.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0) return file_error("make", path, errno);
  auto status = write_all(fd, key, path);
  OPENSSL_cleanse(key.data(), key.size());
  ::close(fd);
  // Never over a key that someone else made meanwhile: that one is in use already.
  if (status && ::renameat2(AT_FDCWD, draft.c_str(), AT_FDCWD, path.c_str(), RENAME_NOREPLACE) != 0 &&
      errno != EEXIST) {
    status = file_error("make", path, errno);
  }
  ::unlink(draft.c_str());
  JL_CHECK(status);
  const auto folder = std::filesystem::path(path).parent_path().string();
  return sync_folder(folder.empty() ? "." : folder);
}
}  // namespace

Result<Sealer> Sealer::open(const std::string& key_file) {
  JL_TRY(auto key, read_key(key_file));
  if (!key) {
    JL_CHECK(create_key(key_file));
    JL_TRY(key, read_key(key_file));
  }
  if (!key) return Error(Errc::storage, "key file \"" + key_file + "\" vanished while it was made");
  Sealer sealer(*key);
  OPENSSL_cleanse(key->data(), key->size());
  return sealer;
}

}  // namespace jl::store
