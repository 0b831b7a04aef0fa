#pragma once
// Manifests: YAML and JSON files of resource documents, as `apply`, `diff`, `validate` and `add -f` read them.
// Files are taken as hostile: everything they can grow is bounded (ManifestLimits).
#include "common/base/result.hpp"
#include "common/model/resource.hpp"
#include "common/text/positions.hpp"

#include <boost/json.hpp>
#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace jl::text {

namespace json = boost::json;

/// One document of a manifest: an object with kind, id, ..., spec (not checked yet), and where it came from.
struct ManifestDocument {
  json::object document;
  PositionIndex positions;
  std::string file;  ///< as given on the command line; "<stdin>" for "-"

  /// Where a field such as "spec.configuration.port" or "spec.cluster[0].serverId" stands: the field itself, else the
  /// nearest parent that exists, else the start of the document. Empty only when the document came from no file.
  [[nodiscard]] std::optional<SourcePosition> position_of(std::string_view field_path) const;
  /// "network/mqtt-1": what problems call it. An unknown kind stays as written; parts that are missing are "?".
  [[nodiscard]] std::string label() const;
};

/// Bounds on one call of read_manifests, over all its files together. Beyond them: Errc::too_large.
struct ManifestLimits {
  std::size_t bytes = 256u << 20u;  ///< of text, before and after the expansion of aliases
  std::size_t nodes = 5'000'000;    ///< values, after the expansion of aliases
  std::size_t documents = 200'000;
  std::size_t depth = 64;  ///< of nesting
  std::size_t files = 100'000;
};

struct ReadOptions {
  /// Replace {fromFile: PATH} and {fromEnv: NAME} inside spec by the text they name. PATH is relative to the
  /// manifest's folder; one newline at the end is cut; at most 64 KiB.
  /// Files for uploading stay references; file_references.hpp has them.
  bool resolve_secrets = false;
  /// The kind of documents that do not say theirs.
  const model::Kind* kind = nullptr;
  /// What "-" stands for: the whole of standard input, at most `bytes` of it. Without it "-" is an error.
  std::function<Result<std::string>(std::size_t bytes)> read_stdin{};
  /// Looks up an environment variable; the process's own when not given.
  std::function<std::optional<std::string>(const std::string& name)> environment{};
  /// Gets remarks such as a secret file that others may read; may be null.
  std::vector<std::string>* warnings = nullptr;
  ManifestLimits limits{};
};

/// Reads files, folders (*.yaml, *.yml, *.json below them, sorted by path, hidden ones left out) and "-".
/// A file holds YAML documents, one JSON value, or JSON values one after another (JSON Lines); a value is a document,
/// a list of documents, or {"documents": [...]}. Plain YAML scalars follow the core schema of YAML 1.2.
/// Errors: usage (a path that cannot be read), invalid (all problems of all files, each with its position), too_large.
[[nodiscard]] Result<std::vector<ManifestDocument>> read_manifests(const std::vector<std::string>& paths,
                                                                   const ReadOptions& options = {});

/// The same for a text at hand; `name` is the file that positions name. Secrets are relative to the current folder.
[[nodiscard]] Result<std::vector<ManifestDocument>> read_manifest_text(std::string_view text, const std::string& name,
                                                                       const ReadOptions& options = {});

/// Reads a file descriptor to its end. Errors: usage (cannot be read), too_large.
[[nodiscard]] Result<std::string> read_all(int fd, const std::string& name, std::size_t most_bytes);

/// Reads every document into a canonical resource, without a daemon: known kind, valid fields, no object twice.
/// Appends every problem with its object and position; the resources are usable only when there was none.
/// References are not followed. Secrets that are still references count as given.
[[nodiscard]] std::vector<model::Resource> validate_documents(const std::vector<ManifestDocument>& documents,
                                                              std::vector<Problem>& problems);

/// Completes problems that name an object of these documents (such as the daemon's) with their positions.
void add_positions(const std::vector<ManifestDocument>& documents, std::vector<Problem>& problems);

}  // namespace jl::text
