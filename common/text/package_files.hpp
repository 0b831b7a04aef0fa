#pragma once
// The files of a protocol package: which ones count, what their paths may look like, and how much there may be. The
// same rules hold for folders and archives, in jlctl that packs them and in jlinkd that takes them in.
#include "common/base/result.hpp"

#include <cstddef>
#include <map>
#include <string>
#include <string_view>

namespace jl::text {

/// Path with '/' ("lib/crc.js") -> content.
using PackageFiles = std::map<std::string, std::string, std::less<>>;

/// Bounds on one package. Beyond them: Errc::too_large.
struct PackageLimits {
  std::size_t entries = 1000;                  ///< files and folders, those that are not used among them
  std::size_t file = std::size_t{4} << 20u;    ///< bytes of one file, unpacked
  std::size_t total = std::size_t{16} << 20u;  ///< bytes of all files, unpacked; read as they unpack, not as declared
  std::size_t name = 255;                      ///< bytes of a path
  std::size_t depth = 16;                      ///< folders in folders
};

/// The file that says what a package is.
inline constexpr std::string_view kPackageManifest = "protocol.json";

/// Whether packages use such a file: *.js, *.mjs, *.json, *.md. Others are passed over.
[[nodiscard]] bool is_package_file(std::string_view path);
/// Whether a part of the path is hidden (".git"), node_modules, or __MACOSX: such entries are as if they were not
/// there.
[[nodiscard]] bool is_left_out(std::string_view path);
/// Whether the path is relative, of plain parts ("..", "." and "" are none), without backslashes, drive letters and
/// control characters, UTF-8, and within the limits. One '/' at the end, as folders have it in archives, is fine.
/// Errors: invalid, too_large.
[[nodiscard]] Status check_package_path(std::string_view path, const PackageLimits& limits);

/// Takes files in, piece by piece, within the limits.
class PackageCollector {
 public:
  explicit PackageCollector(const PackageLimits& limits) : limits_(limits) {}

  /// Counts an entry of any kind and checks its path. Errors: invalid, too_large.
  [[nodiscard]] Status count(std::string_view path);
  /// Begins a file. Errors: invalid (the path stands twice).
  [[nodiscard]] Status begin(std::string_view path);
  /// More of the file that was begun last. Errors: too_large.
  [[nodiscard]] Status append(std::string_view bytes);
  /// All files. A single folder that holds all of them is stepped over. Errors: invalid (no protocol.json).
  [[nodiscard]] Result<PackageFiles> finish() &&;

 private:
  PackageLimits limits_;
  PackageFiles files_;
  PackageFiles::iterator current_{};
  std::size_t entries_ = 0;
  std::size_t total_ = 0;
};

/// Checks files that came some other way. Errors: as above.
[[nodiscard]] Status check_package(const PackageFiles& files, const PackageLimits& limits = {});

/// Reads a folder: regular files only; those that are left out or not used are passed over, symbolic links and special
/// files are refused. Links are not followed at any moment, except that `path` itself may be one.
/// Errors: as above, not_found (no such folder), storage (it cannot be read).
[[nodiscard]] Result<PackageFiles> read_package_folder(const std::string& path, const PackageLimits& limits = {});

}  // namespace jl::text
