// Folders of package files. Everything is opened relative to its folder's descriptor and without following links, so
// that what was checked is what is read.
#include "common/text/package_files.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <dirent.h>
#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>
#include <vector>

namespace jl::text {
namespace {

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&&) = delete;
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  [[nodiscard]] int get() const { return fd_; }

 private:
  int fd_;
};

Error unreadable(const std::string& path, int error) {
  return {Errc::storage, "\"" + path + "\" cannot be read: " + std::strerror(error)};
}

Error not_regular(const std::string& path, mode_t mode) {
  return {Errc::invalid, "\"" + path + "\" is " +
                             (S_ISLNK(mode) ? "a symbolic link; packages hold plain files only"
                                            : "neither a file nor a folder; packages hold plain files only")};
}

class FolderReader {
 public:
  explicit FolderReader(const PackageLimits& limits) : limits_(limits), collector_(limits) {}

  // `shown` is the path for messages; `prefix` that inside the package, with its '/'.
  Status folder(const Descriptor& at, const std::string& shown, const std::string& prefix) {
    JL_TRY(const std::vector<std::string> names, list(at, shown));
    for (const std::string& name : names) {
      if (is_left_out(name)) continue;
      JL_CHECK(entry(at, name, shown + "/" + name, prefix + name));
    }
    return {};
  }

  Result<PackageFiles> finish() && { return std::move(collector_).finish(); }

 private:
  // Sorted, so that the first problem is the same every time.
  Result<std::vector<std::string>> list(const Descriptor& at, const std::string& shown) const {
    const int copy = ::openat(at.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR* handle = copy < 0 ? nullptr : ::fdopendir(copy);
    if (!handle) {
      const int error = errno;
      if (copy >= 0) ::close(copy);
      return unreadable(shown, error);
    }
    std::vector<std::string> names;
    errno = 0;
    while (const dirent* found = ::readdir(handle)) {
      const std::string_view name = found->d_name;
      if (name != "." && name != "..") names.emplace_back(name);
      if (names.size() > limits_.entries) break;  // hidden ones count here, so that no folder costs more
      errno = 0;
    }
    const int error = errno;
    ::closedir(handle);
    if (names.size() > limits_.entries)
      return Error(Errc::too_large, "\"" + shown + "\" has more than " + std::to_string(limits_.entries) + " entries");
    if (error != 0) return unreadable(shown, error);
    std::ranges::sort(names);
    return names;
  }

  Status entry(const Descriptor& at, const std::string& name, const std::string& shown, const std::string& path) {
    struct stat found {};
    if (::fstatat(at.get(), name.c_str(), &found, AT_SYMLINK_NOFOLLOW) != 0) return unreadable(shown, errno);
    const bool is_folder = S_ISDIR(found.st_mode);
    JL_CHECK(collector_.count(is_folder ? path + "/" : path));
    if (!is_folder && !S_ISREG(found.st_mode)) return not_regular(shown, found.st_mode);
    if (!is_folder && !is_package_file(path)) return {};

    const int flags = O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | (is_folder ? O_DIRECTORY : 0);
    const Descriptor opened(::openat(at.get(), name.c_str(), flags));
    if (opened.get() < 0) return unreadable(shown, errno);
    if (is_folder) return folder(opened, shown, path + "/");
    if (::fstat(opened.get(), &found) != 0) return unreadable(shown, errno);
    if (!S_ISREG(found.st_mode)) return not_regular(shown, found.st_mode);
    return content(opened, shown, path);
  }

  Status content(const Descriptor& file, const std::string& shown, const std::string& path) {
    JL_CHECK(collector_.begin(path));
    std::array<char, 65'536> piece{};
    for (;;) {
      const ssize_t got = ::read(file.get(), piece.data(), piece.size());
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) return unreadable(shown, errno);
      if (got == 0) return {};
      JL_CHECK(collector_.append(std::string_view(piece.data(), static_cast<std::size_t>(got))));
    }
  }

  const PackageLimits& limits_;
  PackageCollector collector_;
};

}  // namespace

Result<PackageFiles> read_package_folder(const std::string& path, const PackageLimits& limits) {
  const Descriptor top(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (top.get() < 0) {
    if (errno == ENOENT) return Error(Errc::not_found, "there is no folder \"" + path + "\"");
    if (errno == ENOTDIR) return Error(Errc::invalid, "\"" + path + "\" is not a folder");
    return unreadable(path, errno);
  }
  FolderReader reader(limits);
  JL_CHECK(reader.folder(top, path, ""));
  return std::move(reader).finish();
}

}  // namespace jl::text
