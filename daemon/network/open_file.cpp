#include "daemon/network/open_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cerrno>
#include <system_error>

namespace jl::network {
namespace {

Error failure_of(int error, std::string_view path) {
  const Errc code = error == ENOENT || error == ENOTDIR ? Errc::not_found
                    : error == EACCES || error == EPERM ? Errc::denied
                                                        : Errc::failed;
  return {code, fmt::format("open \"{}\": {}", path, std::generic_category().message(error))};
}

}  // namespace

Result<std::shared_ptr<const OpenFile>> OpenFile::open(const std::string& path) {
  // Not blocking, because a pipe of that name would wait for somebody to write.
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (fd < 0) return failure_of(errno, path);
  struct stat facts {};
  const int error = ::fstat(fd, &facts) != 0 ? errno : 0;
  if (error != 0 || !S_ISREG(facts.st_mode)) {
    ::close(fd);
    if (error != 0) return failure_of(error, path);
    return Error{Errc::invalid, fmt::format("\"{}\" is not a regular file", path)};
  }
  const Millis modified = static_cast<Millis>(facts.st_mtim.tv_sec) * 1000 + facts.st_mtim.tv_nsec / 1'000'000;
  return std::shared_ptr<const OpenFile>(new OpenFile(fd, static_cast<std::uint64_t>(facts.st_size), modified));
}

OpenFile::~OpenFile() { ::close(fd_); }

Result<std::size_t> OpenFile::read_at(std::uint64_t offset, std::span<char> buffer) const {
  std::size_t have = 0;
  while (have < buffer.size()) {
    const ssize_t got = ::pread(fd_, buffer.data() + have, buffer.size() - have, static_cast<off_t>(offset + have));
    if (got == 0) break;
    if (got > 0) {
      have += static_cast<std::size_t>(got);
    } else if (errno != EINTR) {
      return Error{Errc::failed, fmt::format("read file: {}", std::generic_category().message(errno))};
    }
  }
  return have;
}

}  // namespace jl::network
