#pragma once
// Secrets that a manifest names instead of holding: {fromFile: PATH} and {fromEnv: NAME}.
#include "common/text/manifest.hpp"

#include <filesystem>
#include <string>
#include <vector>

namespace jl::text {

/// Whether the value is an object with the one member fromFile or fromEnv, a text.
[[nodiscard]] bool is_secret_reference(const json::value& value);

/// Replaces the references below `spec` by the texts that they name; `folder` is what paths are relative to.
/// Appends what cannot be read, with its position, to `problems`, and remarks to options.warnings.
void resolve_secrets(ManifestDocument& document, const std::filesystem::path& folder, const ReadOptions& options,
                     std::vector<Problem>& problems);

/// Puts a text in place of each reference below `spec` and answers the paths where they stood.
[[nodiscard]] std::vector<std::string> stand_in_for_secrets(json::object& document);

}  // namespace jl::text
