#pragma once
// A protocol package on this side of the socket: the files of a folder, as every command that takes DIR reads them.
#include "common/base/result.hpp"
#include "common/text/package_files.hpp"

#include <string>

namespace jl::cli {

/// The files of a package's folder, path -> content, by the rules that jlinkd has for packages. Errors: not_found,
/// invalid (no protocol.json, a symbolic link, a name that packages do not have), too_large, storage.
[[nodiscard]] inline Result<text::PackageFiles> collect_package(const std::string& folder) {
  return text::read_package_folder(folder);
}

/// "meter" of "packages/meter", "packages/meter/" and, in that folder, of ".". "" when there is none, as of "/".
[[nodiscard]] std::string folder_name(const std::string& folder);

/// The package as a zip archive: the same files always give the same bytes.
[[nodiscard]] std::string pack_zip(const text::PackageFiles& files);

}  // namespace jl::cli
