#pragma once
// The files of a protocol package, out of a zip archive (.zip or .jar) or a folder. Archives are hostile: names, sizes,
// counts and what they unpack to are checked before anything is used, and nothing is ever written to disk.
#include "common/base/result.hpp"
#include "common/text/package_files.hpp"

#include <cstddef>
#include <string>
#include <string_view>

namespace jl::codec::package {

/// Path with '/' ("lib/crc.js") -> content. Only what packages use: protocol.json, *.js, *.mjs, *.json, *.md.
using Files = text::PackageFiles;
using ArchiveLimits = text::PackageLimits;

/// Bytes of an archive itself. Java packages bring their libraries, and should be told apart, not turned away as large.
inline constexpr std::size_t kMaxArchive = std::size_t{64} << 20u;

/// Reads a zip archive. A single folder at the top that holds everything is stepped over. Hidden files, node_modules,
/// __MACOSX, and files that packages do not use are passed over, but count as entries. Errors: invalid (not a zip
/// archive, encrypted, compressed otherwise than by deflate, a name with "..", a leading "/", a drive, a backslash or
/// control characters, a name that stands twice, a symbolic link or other special file, CRC mismatch, no
/// protocol.json), too_large (names the limit), unsupported (a Java package: .class files, META-INF/services or
/// META-INF/MANIFEST.MF beside none of ours), not_found, storage.
[[nodiscard]] Result<Files> read_archive(const std::string& path, const ArchiveLimits& limits = {});
/// The same from memory.
[[nodiscard]] Result<Files> read_archive_bytes(std::string_view bytes, const ArchiveLimits& limits = {});
/// Reads a folder: regular files only; hidden ones and node_modules are left out; symbolic links are refused. Errors as
/// above, and not_found.
[[nodiscard]] Result<Files> read_folder(const std::string& path, const ArchiveLimits& limits = {});
/// The same checks for files that came some other way.
[[nodiscard]] Status check_files(const Files& files, const ArchiveLimits& limits = {});

}  // namespace jl::codec::package
