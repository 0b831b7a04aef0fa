#include "cli/uploads.hpp"

#include "common/base/assert.hpp"
#include "common/base/words.hpp"
#include "common/cert/digest.hpp"
#include "common/control/uploads.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cerrno>
#include <cstring>
#include <fstream>
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

// Of several files, the one that it is about.
Error named(Error error, const std::string& name) {
  error.message = "\"" + name + "\": " + error.message;
  return error;
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

Result<GivenSign> sign_beside(const model::Field& field, const json::object& fields, bool is_patch) {
  const auto* purpose = control::find_upload_purpose(field.uploaded);
  if (!purpose || !purpose->has_sign) return GivenSign();
  const auto text = [&](const char* key) {
    const auto* value = fields.if_contains(key);
    return value && value->is_string() ? std::string(value->get_string()) : std::string();
  };
  const std::string sign = text("sign");
  if (sign.empty() || iequals(sign, "auto")) return GivenSign();
  std::string method = text("signMethod");
  constexpr std::size_t kMd5Digits = 32;
  if (method.empty()) method = is_patch && sign.size() == kMd5Digits ? "md5" : "sha256";
  return control::read_sign(method, sign);
}

bool is_binary_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::array<char, 4096> start{};
  in.read(start.data(), start.size());
  return std::string_view(start.data(), static_cast<std::size_t>(in.gcount())).find('\0') != std::string_view::npos;
}

Result<std::string> Uploads::take(const model::Field& field, const std::string& path, const GivenSign& sign) {
  const std::array<std::string, 3> key{field.uploaded, path, sign ? sign->digits : std::string()};
  if (const auto known = taken_.find(key); known != taken_.end()) return known->second;
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY);
  if (fd < 0) return unreadable(path, errno);
  auto id = take_from(field, fd, path, sign);
  ::close(fd);
  if (id) taken_.emplace(key, *id);
  return id;
}

Result<std::string> Uploads::take_from(const model::Field& field, int fd, const std::string& name,
                                       const GivenSign& sign) {
  const auto* purpose = control::find_upload_purpose(field.uploaded);
  JL_ASSERT(purpose);
  struct stat about {};
  if (::fstat(fd, &about) != 0) return unreadable(name, errno);
  if (S_ISDIR(about.st_mode)) return unreadable(name, EISDIR);
  // 0 = not known beforehand, as of pipes and of files that only pretend to be some (/proc).
  const off_t at = S_ISREG(about.st_mode) ? ::lseek(fd, 0, SEEK_CUR) : -1;
  const std::uint64_t size = at >= 0 && about.st_size > at ? static_cast<std::uint64_t>(about.st_size - at) : 0;
  if (size > purpose->max_size) return too_long(name, purpose->max_size);
  const Source source{fd, name, purpose->max_size, size};
  if (use_ == FileUse::check) return std::string(64, '0');
  if (use_ == FileUse::upload) return upload(field, source, sign);
  JL_TRY(std::string id, hash(source));
  if (sign && sign->method == control::SignMethod::sha256 && sign->digits != id)
    return named(control::sign_mismatch(*sign, id), name);
  return id;
}

Result<std::string> Uploads::hash(const Source& source) const {
  const auto& [fd, name, most, known] = source;
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

Result<std::string> Uploads::upload(const model::Field& field, const Source& source, const GivenSign& sign) const {
  const auto& [fd, name, most, size] = source;
  Upload upload;
  upload.purpose = field.uploaded;
  upload.sign = sign;
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
  if (!id && id.error().code == Errc::sign_mismatch) return named(id.error(), name);
  return id;
}

}  // namespace jl::cli
