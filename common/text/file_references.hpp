#pragma once
// Files that a manifest names at fields for uploaded files: {fromFile: PATH}, by the field table. Not read here.
#include "common/text/manifest.hpp"

#include <functional>
#include <string>

namespace jl::text {

/// Gets the field and the file's path (from where the program runs), and answers the id of the file's content.
/// Errors: usage, invalid and too_large are about the file; others end the whole.
using FileTaker = std::function<Result<std::string>(const model::Field& field, const std::string& file)>;

/// Puts what `take` answers in place of each reference, and the file's own name where the field wants it beside and the
/// document does not say. `kind` is that of a document that does not say. What is wrong with files is appended to
/// `problems` with its position. Errors: the taker's.
[[nodiscard]] Status resolve_files(ManifestDocument& document, const model::Kind* kind, const FileTaker& take,
                                   std::vector<Problem>& problems);

/// The paths ("spec.configuration.fileId") where such references stand.
[[nodiscard]] std::vector<std::string> file_reference_paths(ManifestDocument& document, const model::Kind* kind);

/// The name of a file as a field may hold it: its last part, if that is readable text of at most 255 characters.
[[nodiscard]] std::string shown_file_name(const std::string& path);

}  // namespace jl::text
