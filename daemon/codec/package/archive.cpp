#include "daemon/codec/package/archive.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zip.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <memory>
#include <vector>

namespace jl::codec::package {
namespace {

struct DiscardArchive {
  void operator()(zip_t* archive) const { zip_discard(archive); }
};
struct CloseFile {
  void operator()(zip_file_t* file) const { zip_fclose(file); }
};
using Archive = std::unique_ptr<zip_t, DiscardArchive>;
using OpenFile = std::unique_ptr<zip_file_t, CloseFile>;

// zip_error_t with its text, freed at the end.
class ZipError {
 public:
  ZipError() { zip_error_init(&error_); }
  ZipError(const ZipError&) = delete;
  ZipError& operator=(const ZipError&) = delete;
  ~ZipError() { zip_error_fini(&error_); }
  zip_error_t* get() { return &error_; }
  std::string text() { return lower_first(zip_error_strerror(&error_)); }

  // "Not a zip archive" -> "not a zip archive", but "CRC error".
  static std::string lower_first(std::string text) {
    const auto is_upper = [](char c) { return c >= 'A' && c <= 'Z'; };
    if (text.size() > 1 && is_upper(text[0]) && !is_upper(text[1])) text[0] = static_cast<char>(text[0] | 0x20);
    return text;
  }

 private:
  zip_error_t error_{};
};

Error not_an_archive(const std::string& why) { return {Errc::invalid, "not a zip archive: " + why}; }

std::string quoted(std::string_view name) { return "\"" + std::string(name) + "\""; }

// libzip makes room for as many entries as the end record claims before it reads one. The 16-bit count of the plain
// record is harmless; that of the ZIP64 record (APPNOTE 4.3.14) is held against what fits in the archive. libzip tries
// every end record in its last 64 KiB, so each is looked at.
Status check_end_records(std::string_view bytes) {
  constexpr std::size_t kEnd = 22, kLocator = 20, kEnd64 = 56, kHeader = 46, kComment = 0xFFFF;
  const auto u64 = [&](std::size_t at) {
    std::uint64_t value = 0;
    for (std::size_t i = 8; i-- > 0;) value = value << 8u | static_cast<unsigned char>(bytes[at + i]);
    return value;
  };
  if (bytes.size() < kEnd) return not_an_archive("it is too short");
  const std::size_t first = bytes.size() > kEnd + kComment + kLocator ? bytes.size() - kEnd - kComment - kLocator : 0;
  for (std::size_t at = bytes.find("PK\x06\x07", first); at < bytes.size(); at = bytes.find("PK\x06\x07", at + 1)) {
    if (bytes.size() - at < kLocator) break;
    const std::uint64_t record = u64(at + 8);
    if (record > bytes.size() || bytes.size() - record < kEnd64)
      return not_an_archive("its ZIP64 end record is outside of it");
    const auto here = static_cast<std::size_t>(record);
    if (std::max(u64(here + 24), u64(here + 32)) > bytes.size() / kHeader || u64(here + 40) > bytes.size())
      return not_an_archive("its ZIP64 end record claims more entries than fit in it");
  }
  return {};
}

class Reader {
 public:
  Reader(zip_t* archive, const ArchiveLimits& limits) : archive_(archive), collector_(limits) {}

  Result<Files> run() {
    JL_CHECK(check_java());
    const auto entries = static_cast<zip_uint64_t>(zip_get_num_entries(archive_, 0));
    for (zip_uint64_t i = 0; i < entries; ++i) JL_CHECK(entry(i));
    std::ranges::sort(names_);
    if (const auto twin = std::ranges::adjacent_find(names_); twin != names_.end())
      return Error(Errc::invalid, quoted(*twin) + " stands twice");
    for (const zip_uint64_t index : wanted_) JL_CHECK(unpack(index));
    return std::move(collector_).finish();
  }

 private:
  // As it stands in the central directory; "" when it has none.
  std::string_view name_of(zip_uint64_t index) const {
    const char* name = zip_get_name(archive_, index, ZIP_FL_ENC_RAW);
    return name ? name : "";
  }

  // access.md 3.2: what JetLinks takes are jars. They are told apart by names alone, however large they are.
  Status check_java() const {
    bool has_classes = false, has_java_folder = false, has_manifest_inside = false;
    const auto entries = static_cast<zip_uint64_t>(zip_get_num_entries(archive_, 0));
    for (zip_uint64_t i = 0; i < entries; ++i) {
      const std::string_view name = name_of(i);
      if (name == text::kPackageManifest) return {};
      // In the one folder that is stepped over; libraries in jars may bring such a file as well.
      has_manifest_inside |= name.ends_with("/protocol.json") && std::ranges::count(name, '/') == 1;
      has_classes |= name.ends_with(".class");
      has_java_folder |= name.starts_with("META-INF/services/") || name == "META-INF/MANIFEST.MF";
    }
    if (!has_classes && (!has_java_folder || has_manifest_inside)) return {};
    return Error(Errc::unsupported,
                 "this is a Java package (ProtocolSupportProvider in classes); Java packages are not supported yet",
                 "rewrite its codec in JavaScript: jlctl protocol init DIR writes a package to start from");
  }

  // Everything that the directory tells; nothing is unpacked before all entries have passed.
  Status entry(zip_uint64_t index) {
    const std::string_view name = name_of(index);
    JL_CHECK(collector_.count(name));
    names_.push_back(name);

    zip_uint8_t system = 0;
    zip_uint32_t attributes = 0;
    if (zip_file_get_external_attributes(archive_, index, 0, &system, &attributes) == 0) {
      // Unix tools put st_mode there, whatever they name as the system; 0 = not said.
      const mode_t type = (attributes >> 16u) & S_IFMT;
      if (type == S_IFLNK) return refuse(name, "is a symbolic link; packages hold plain files only");
      if (type != 0 && type != S_IFREG && type != S_IFDIR) return refuse(name, "is neither a file nor a folder");
    }
    zip_stat_t stat{};
    if (zip_stat_index(archive_, index, 0, &stat) != 0) return refuse(name, "has no header that can be read");
    if (stat.encryption_method != ZIP_EM_NONE) return refuse(name, "is encrypted");
    if (name.ends_with('/') || text::is_left_out(name) || !text::is_package_file(name)) return {};
    if (stat.comp_method != ZIP_CM_STORE && stat.comp_method != ZIP_CM_DEFLATE)
      return Error(
          Errc::invalid,
          quoted(name) + " is compressed by method " + std::to_string(stat.comp_method) + "; only deflate is read",
          "pack with \"jlctl protocol pack\", or with a tool that uses deflate");
    wanted_.push_back(index);
    return {};
  }

  // Bytes are counted as they come; the size that was declared is compared at the end only.
  Status unpack(zip_uint64_t index) {
    const std::string_view name = name_of(index);
    JL_CHECK(collector_.begin(name));
    const OpenFile file(zip_fopen_index(archive_, index, 0));
    if (!file) return broken(name, zip_get_error(archive_));
    std::array<char, 65'536> piece;  // NOLINT(cppcoreguidelines-pro-type-member-init): filled below
    for (zip_uint64_t size = 0;;) {
      const zip_int64_t got = zip_fread(file.get(), piece.data(), piece.size());
      if (got < 0) return broken(name, zip_file_get_error(file.get()));
      if (got == 0 && size != declared_size(index)) return refuse(name, "does not have the size that is declared");
      if (got == 0) return {};  // libzip compared the CRC with the last piece
      size += static_cast<zip_uint64_t>(got);
      JL_CHECK(collector_.append({piece.data(), static_cast<std::size_t>(got)}));
    }
  }

  zip_uint64_t declared_size(zip_uint64_t index) const {
    zip_stat_t stat{};
    return zip_stat_index(archive_, index, 0, &stat) == 0 ? stat.size : 0;
  }

  static Status refuse(std::string_view name, const char* why) {
    return Error(Errc::invalid, quoted(name) + " " + why);
  }

  static Error broken(std::string_view name, zip_error_t* error) {
    return {Errc::invalid, quoted(name) + " cannot be unpacked: " + ZipError::lower_first(zip_error_strerror(error)),
            "the archive is damaged; pack it again"};
  }

  zip_t* archive_;
  text::PackageCollector collector_;
  std::vector<std::string_view> names_;  // of all entries; libzip owns them
  std::vector<zip_uint64_t> wanted_;
};

Result<std::string> read_file(const std::string& path) {
  const auto unreadable = [&](int error) {
    return Error(Errc::storage, quoted(path) + " cannot be read: " + std::strerror(error));
  };
  // O_NONBLOCK: a FIFO must not hold us up.
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (fd < 0 && errno == ENOENT) return Error(Errc::not_found, "there is no file " + quoted(path));
  if (fd < 0) return unreadable(errno);
  const auto close = [](const int* p) { ::close(*p); };
  const std::unique_ptr<const int, decltype(close)> closer(&fd, close);

  struct stat found {};
  if (::fstat(fd, &found) != 0) return unreadable(errno);
  if (!S_ISREG(found.st_mode)) return Error(Errc::invalid, quoted(path) + " is not a file");
  if (static_cast<std::uint64_t>(found.st_size) > kMaxArchive)
    return Error(Errc::too_large, quoted(path) + " is larger than " + std::to_string(kMaxArchive >> 20u) + " MiB");
  std::string bytes(static_cast<std::size_t>(found.st_size), '\0');
  std::size_t have = 0;
  while (have < bytes.size()) {
    const ssize_t got = ::read(fd, bytes.data() + have, bytes.size() - have);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return unreadable(errno);
    if (got == 0) break;  // it became shorter meanwhile
    have += static_cast<std::size_t>(got);
  }
  bytes.resize(have);
  return bytes;
}

}  // namespace

Result<Files> read_archive_bytes(std::string_view bytes, const ArchiveLimits& limits) {
  if (bytes.size() > kMaxArchive)
    return Error(Errc::too_large, "the archive is larger than " + std::to_string(kMaxArchive >> 20u) + " MiB");
  JL_CHECK(check_end_records(bytes));
  ZipError error;
  zip_source_t* source = zip_source_buffer_create(bytes.data(), bytes.size(), 0, error.get());
  if (!source) return not_an_archive(error.text());
  const Archive archive(zip_open_from_source(source, ZIP_RDONLY, error.get()));
  if (!archive) {
    zip_source_free(source);
    return not_an_archive(error.text());
  }
  return Reader(archive.get(), limits).run();
}

Result<Files> read_archive(const std::string& path, const ArchiveLimits& limits) {
  JL_TRY(const std::string bytes, read_file(path));
  return read_archive_bytes(bytes, limits);
}

Result<Files> read_folder(const std::string& path, const ArchiveLimits& limits) {
  return text::read_package_folder(path, limits);
}

Status check_files(const Files& files, const ArchiveLimits& limits) { return text::check_package(files, limits); }

}  // namespace jl::codec::package
