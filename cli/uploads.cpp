#include "cli/uploads.hpp"

#include "common/base/assert.hpp"
#include "common/cert/digest.hpp"
#include "common/control/uploads.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <vector>

namespace jl::cli {
namespace {

constexpr std::size_t kPiece = 256U << 10U;

Error unreadable(const std::string& name, int error) {
  return {Errc::usage, "\"" + name + "\" cannot be read: " + std::strerror(error)};
}

double mebibytes(std::uint64_t bytes) { return static_cast<double>(bytes) / (1024.0 * 1024.0); }

// A descriptor that is read to its end, and how much that may be.
struct Source {
  int fd = -1;
  std::string name;
  const control::UploadPurpose* purpose = nullptr;
  std::uint64_t size = 0;  // 0 = not known beforehand, as of pipes and of files that only pretend to be some (/proc)
};

Error too_long(const Source& source) {
  return {Errc::too_large, fmt::format("\"{}\" has more than {} MiB", source.name, source.purpose->max_size >> 20U)};
}

Result<Source> look_at(int fd, const std::string& name, std::string_view purpose) {
  Source out{fd, name, control::find_upload_purpose(purpose)};
  JL_ASSERT(out.purpose);
  struct stat about {};
  if (::fstat(fd, &about) != 0) return unreadable(name, errno);
  if (S_ISDIR(about.st_mode)) return unreadable(name, EISDIR);
  const off_t at = S_ISREG(about.st_mode) ? ::lseek(fd, 0, SEEK_CUR) : -1;
  if (at >= 0 && about.st_size > at) out.size = static_cast<std::uint64_t>(about.st_size - at);
  if (out.size > out.purpose->max_size) return too_long(out);
  return out;
}

Result<std::size_t> read_some(const Source& source, char* to, std::size_t most) {
  for (;;) {
    const ssize_t got = ::read(source.fd, to, most);
    if (got >= 0) return static_cast<std::size_t>(got);
    if (errno != EINTR) return unreadable(source.name, errno);
  }
}

Result<std::string> hash(const Source& source) {
  cert::Digest hash(cert::DigestKind::sha256);
  std::vector<char> piece(kPiece);
  for (std::uint64_t total = 0;;) {
    JL_TRY(const std::size_t size, read_some(source, piece.data(), piece.size()));
    if (size == 0) break;
    total += size;
    if (total > source.purpose->max_size) return too_long(source);
    hash.add(std::string_view(piece.data(), size));
  }
  std::string id = hash.hex();
  if (id.empty()) return Error(Errc::failed, "OpenSSL cannot make a SHA-256");
  return id;
}

// "uploading "fw.bin": 42 % of 64.0 MiB, 12.3 MiB/s"
class ProgressLine {
 public:
  ProgressLine(Console& console, const Source& source) : console_(console), source_(source) {}
  ~ProgressLine() { console_.end_progress(); }
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;

  void show(std::uint64_t sent) {
    const std::chrono::duration<double> passed = Time::now() - begun_;
    std::string line = fmt::format("uploading \"{}\": ", source_.name);
    if (source_.size > 0) {
      line += fmt::format("{} % of {:.1f} MiB", sent * 100 / source_.size, mebibytes(source_.size));
    } else {
      line += fmt::format("{:.1f} MiB", mebibytes(sent));
    }
    // Before that a rate says nothing.
    constexpr double kEnough = 0.2;
    if (passed.count() >= kEnough) line += fmt::format(", {:.1f} MiB/s", mebibytes(sent) / passed.count());
    console_.progress(line);
  }

 private:
  using Time = std::chrono::steady_clock;
  Console& console_;
  const Source& source_;
  const Time::time_point begun_ = Time::now();
};

Result<UploadedFile> send(Context& context, const Source& source, const FileToSend& file) {
  Upload upload;
  upload.purpose = source.purpose->word;
  upload.name = source.name;
  upload.sign_method = file.sign_method;
  upload.sign = file.sign;
  if (source.size > 0) upload.size = source.size;
  std::uint64_t total = 0;
  upload.read = [&](char* to, std::size_t room) -> Result<std::size_t> {
    JL_TRY(const std::size_t got, read_some(source, to, room));
    total += got;
    if (total > source.purpose->max_size && !upload.size) return too_long(source);
    if (total == 0) return Error(Errc::usage, "\"" + source.name + "\" is empty");
    return got;
  };
  ProgressLine line(context.console, source);
  upload.progress = [&](std::uint64_t sent) { line.show(sent); };
  return context.client.upload(upload);
}

// Opens a file for as long as `use` reads it.
template <class Use>
auto with_file(const std::string& path, Use&& use) -> decltype(use(0)) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY);
  if (fd < 0) return unreadable(path, errno);
  auto out = use(fd);
  ::close(fd);
  return out;
}

}  // namespace

Result<UploadedFile> send_file(Context& context, const FileToSend& file) {
  const auto send_from = [&](int fd, const std::string& name) -> Result<UploadedFile> {
    JL_TRY(const Source source, look_at(fd, name, file.purpose));
    return send(context, source, file);
  };
  if (file.path == "-") return send_from(context.env.in, "standard input");
  return with_file(file.path, [&](int fd) { return send_from(fd, file.path); });
}

Result<std::string> Uploads::take(const model::Field& field, const std::string& path) {
  const auto key = std::pair(field.uploaded, path);
  if (const auto known = taken_.find(key); known != taken_.end()) return known->second;
  auto id = with_file(path, [&](int fd) { return take_from(field, fd, path); });
  if (id) taken_.emplace(key, *id);
  return id;
}

Result<std::string> Uploads::take_from(const model::Field& field, int fd, const std::string& name) {
  JL_TRY(const Source source, look_at(fd, name, field.uploaded));
  switch (use_) {
    case FileUse::check:
      return std::string(64, '0');
    case FileUse::hash:
      return hash(source);
    case FileUse::upload:
      break;
  }
  JL_TRY(UploadedFile kept, send(context_, source, FileToSend{field.uploaded, name}));
  return std::move(kept.id);
}

}  // namespace jl::cli
