#pragma once
// The document that add sends and the merge patch that edit sends, out of files and flags.
#include "cli/context.hpp"
#include "cli/uploads.hpp"
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
/// Puts ids in place of the files that documents name at fields for uploaded ones. Errors: invalid (all files that
/// cannot be read, with their places), those of the daemon.
[[nodiscard]] Status resolve_files(Context& context, std::vector<text::ManifestDocument>& documents, FileUse use);
/// Reads manifests, with secrets in place if wanted and with the ids of files; warnings go to the console.
[[nodiscard]] Result<std::vector<text::ManifestDocument>> load_manifests(Context& context,
                                                                         const std::vector<std::string>& paths,
                                                                         bool resolve_secrets, FileUse files);
/// The whole of a file, or of standard input for "-". Errors: usage (cannot be read), too_large.
[[nodiscard]] Result<std::string> read_input(const Context& context, const std::string& path, std::size_t most_bytes);
/// The same of what a flag names; at most 16 MiB. Errors: usage, naming the flag.
[[nodiscard]] Result<std::string> read_file(Context& context, const std::string& flag, const std::string& path);
/// A value as typed: JSON where it parses as such, else text.
[[nodiscard]] json::value typed_value(const std::string& text);

}  // namespace jl::cli
