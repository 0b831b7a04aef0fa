#include "cli/uploads.hpp"

#include "common/base/assert.hpp"
#include "common/cert/digest.hpp"
#include "common/control/uploads.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cerrno>
#include <cstring>
#include <vector>

namespace jl::cli {
namespace {

constexpr std::size_t kPiece = 256U << 10U;

Error unreadable(const std::string& name, int error) {
  return {Errc::usage, "\"" + name + "\" cannot be read: " + std::strerror(error)};
}

Error too_long(const std::string& name, std::uint64_t most) {
  return {Errc::too_large, fmt::format("\"{}\" has more than {} MiB", name, most >> 20U)};
}

Result<std::size_t> read_some(int fd, const std::string& name, char* to, std::size_t most) {
  for (;;) {
    const ssize_t got = ::read(fd, to, most);
    if (got >= 0) return static_cast<std::size_t>(got);
    if (errno != EINTR) return unreadable(name, errno);
  }
}

double mebibytes(std::uint64_t bytes) { return static_cast<double>(bytes) / (1024.0 * 1024.0); }

}  // namespace

Result<std::string> Uploads::take(const model::Field& field, const std::string& path) {
  const auto key = std::pair(field.uploaded, path);
  if (const auto known = taken_.find(key); known != taken_.end()) return known->second;
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY);
  if (fd < 0) return unreadable(path, errno);
  auto id = take_from(field, fd, path);
  ::close(fd);
  if (id) taken_.emplace(key, *id);
  return id;
}

Result<std::string> Uploads::take_from(const model::Field& field, int fd, const std::string& name) {
  const auto* purpose = control::find_upload_purpose(field.uploaded);
  JL_ASSERT(purpose);
  struct stat about {};
  if (::fstat(fd, &about) != 0) return unreadable(name, errno);
  if (S_ISDIR(about.st_mode)) return unreadable(name, EISDIR);
  // 0 = not known beforehand, as of pipes and of files that only pretend to be some (/proc).
  const off_t at = S_ISREG(about.st_mode) ? ::lseek(fd, 0, SEEK_CUR) : -1;
  const std::uint64_t size = at >= 0 && about.st_size > at ? static_cast<std::uint64_t>(about.st_size - at) : 0;
  if (size > purpose->max_size) return too_long(name, purpose->max_size);
  switch (use_) {
    case FileUse::check:
      return std::string(64, '0');
    case FileUse::hash:
      return hash(fd, name, purpose->max_size);
    case FileUse::upload:
      break;
  }
  return upload(field, fd, name, purpose->max_size, size);
}

Result<std::string> Uploads::hash(int fd, const std::string& name, std::uint64_t most) const {
  cert::Digest hash(cert::DigestKind::sha256);
  std::vector<char> piece(kPiece);
  for (std::uint64_t total = 0;;) {
    JL_TRY(const std::size_t size, read_some(fd, name, piece.data(), piece.size()));
    if (size == 0) break;
    total += size;
    if (total > most) return too_long(name, most);
    hash.add(std::string_view(piece.data(), size));
  }
  std::string id = hash.hex();
  if (id.empty()) return Error(Errc::failed, "OpenSSL cannot make a SHA-256");
  return id;
}

Result<std::string> Uploads::upload(const model::Field& field, int fd, const std::string& name, std::uint64_t most,
                                    std::uint64_t size) const {
  Upload upload;
  upload.purpose = field.uploaded;
  if (size > 0) upload.size = size;
  std::uint64_t total = 0;
  upload.read = [&](char* to, std::size_t room) -> Result<std::size_t> {
    JL_TRY(const std::size_t got, read_some(fd, name, to, room));
    total += got;
    if (total > most) return too_long(name, most);
    if (total == 0) return Error(Errc::usage, "\"" + name + "\" is empty");
    return got;
  };
  upload.progress = [&](std::uint64_t sent) {
    context_.console.progress(
        size > 0 ? fmt::format("uploading \"{}\": {:.1f} of {:.1f} MiB", name, mebibytes(sent), mebibytes(size))
                 : fmt::format("uploading \"{}\": {:.1f} MiB", name, mebibytes(sent)));
  };
  auto id = context_.client.upload(upload);
  context_.console.end_progress();
  return id;
}

}  // namespace jl::cli
