#include "cli/package_files.hpp"

#include <boost/crc.hpp>
#include <filesystem>

namespace jl::cli {
namespace {

// Zip files by the PKWARE APPNOTE, 4.3. jlctl links statically and Debian has no static libzip; stored entries need no
// compressor, and a package is small.
class ZipWriter {
 public:
  void add(const std::string& name, const std::string& content) {
    boost::crc_32_type crc;
    crc.process_bytes(content.data(), content.size());
    std::string common;  // of both headers (4.3.7, 4.3.12)
    put16(common, kVersion);
    put16(common, kUtf8Names);
    put16(common, 0);  // stored
    put32(common, kDate);
    put32(common, static_cast<std::uint32_t>(crc.checksum()));
    put32(common, static_cast<std::uint32_t>(content.size()));
    put32(common, static_cast<std::uint32_t>(content.size()));
    put16(common, static_cast<std::uint16_t>(name.size()));
    put16(common, 0);  // extra field

    put32(directory_, 0x02014B50);
    put16(directory_, kMadeByUnix | kVersion);
    directory_ += common;
    put16(directory_, 0);  // comment
    put16(directory_, 0);  // disk
    put16(directory_, 0);  // internal attributes
    put32(directory_, kPlainFile);
    put32(directory_, static_cast<std::uint32_t>(out_.size()));
    directory_ += name;

    put32(out_, 0x04034B50);
    out_ += common + name + content;
    ++count_;
  }

  std::string finish() && {
    const auto start = static_cast<std::uint32_t>(out_.size());
    out_ += directory_;
    put32(out_, 0x06054B50);  // 4.3.16
    put16(out_, 0);
    put16(out_, 0);
    put16(out_, count_);
    put16(out_, count_);
    put32(out_, static_cast<std::uint32_t>(directory_.size()));
    put32(out_, start);
    put16(out_, 0);
    return std::move(out_);
  }

 private:
  static constexpr std::uint16_t kVersion = 20, kMadeByUnix = 3u << 8u, kUtf8Names = 1u << 11u;
  static constexpr std::uint32_t kDate = 0x00210000;  // 1980-01-01 00:00, the first there is: no clock in the bytes
  static constexpr std::uint32_t kPlainFile = 0100644u << 16u;

  static void put16(std::string& to, std::uint32_t value) {
    to += static_cast<char>(value & 0xFFu);
    to += static_cast<char>(value >> 8u & 0xFFu);
  }
  static void put32(std::string& to, std::uint32_t value) {
    put16(to, value & 0xFFFFu);
    put16(to, value >> 16u);
  }

  std::string out_;
  std::string directory_;
  std::uint16_t count_ = 0;
};

}  // namespace

std::string folder_name(const std::string& folder) {
  std::error_code ec;
  auto path = std::filesystem::absolute(folder, ec).lexically_normal();
  if (!path.has_filename()) path = path.parent_path();
  return path.filename().string();
}

// The limits of a package keep sizes and counts far below those of zip archives (4.4.1.4).
std::string pack_zip(const text::PackageFiles& files) {
  ZipWriter zip;
  for (const auto& [path, content] : files) zip.add(path, content);
  return std::move(zip).finish();
}

}  // namespace jl::cli
