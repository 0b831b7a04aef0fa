#pragma once
// The document that add sends and the merge patch that edit sends, out of files and flags.
#include "cli/context.hpp"
#include "common/text/manifest.hpp"

#include <boost/json.hpp>
#include <string>
#include <vector>

namespace jl::cli {

struct Document {
  json::object content;
  std::vector<text::ManifestDocument> sources{};  ///< the file of -f, for the positions of problems
};

/// add: {"id","name"?,"description"?,"enabled"?,"spec":{...}}. Flags win over the file. Errors: usage, and those of
/// files.
[[nodiscard]] Result<Document> new_document(Context& context, const std::string& id);
/// edit: only the fields that were named; null where --unset named one. Errors: usage (nothing named, unknown field).
[[nodiscard]] Result<Document> patch_document(Context& context);
/// Reads manifests with secrets in place; warnings go to the console.
[[nodiscard]] Result<std::vector<text::ManifestDocument>> load_manifests(Context& context,
                                                                         const std::vector<std::string>& paths,
                                                                         bool resolve_secrets);
/// The whole of a file, or of standard input for "-"; at most 16 MiB. Errors: usage, naming the flag.
[[nodiscard]] Result<std::string> read_file(Context& context, const std::string& flag, const std::string& path);
/// A value as typed: JSON where it parses as such, else text.
[[nodiscard]] json::value typed_value(const std::string& text);

}  // namespace jl::cli
