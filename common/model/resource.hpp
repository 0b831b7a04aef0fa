#pragma once
// A resource of any kind: what they all have in common, and the table of kinds.
#include "common/base/result.hpp"
#include "common/base/time.hpp"
#include "common/model/field.hpp"

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace jl::model {

/// A column of `jlctl KIND list`: a header and the path of the value ("id", "spec.configuration.port", "status.state").
struct Column {
  std::string header;
  std::string path;
  bool wide = false;  ///< only in `-o wide`
};

/// A kind of resource, described once.
struct Kind {
  std::string name;    ///< "network", "modbus-point": in manifests, labels and errors
  std::string plural;  ///< "networks": in paths
  std::string zh;      ///< what JetLinks' pages call it
  std::string summary;
  std::string description;  ///< paragraphs for the man page
  const Table* spec;
  bool enabled_by_default;
  std::vector<Column> columns;
  std::vector<std::string> filters;  ///< spec paths that `list` filters by with flags, besides name and enabled
  std::string add_example;           ///< arguments of a working `jlctl KIND add`
  std::string edit_example;
  bool switchable = true;  ///< has `enabled`, and the verbs enable and disable
  std::string words{};     ///< of jlctl, where they are not the name: "modbus point"
  bool job = false;        ///< work that was asked for once, no configuration: exported only when named

  /// The noun that jlctl knows it by.
  [[nodiscard]] const std::string& noun() const { return words.empty() ? name : words; }
};

/// All kinds, in dependency order: a kind refers only to itself and those before it.
[[nodiscard]] std::span<const Kind> kinds();
/// The kind of a name, plural or noun; nullptr when there is none.
[[nodiscard]] const Kind* find_kind(std::string_view name);
/// The noun that jlctl knows a kind by; the word itself when there is no such kind.
[[nodiscard]] std::string noun_of(std::string_view kind);
/// find_kind, or an error that names the nearest kind.
[[nodiscard]] Result<const Kind*> kind_named(std::string_view name);

struct Resource {
  std::string kind;
  std::string id;
  std::string name;         ///< 1..64 characters; the id when not given
  std::string description;  ///< at most 200 characters
  bool enabled = true;
  json::object spec;  ///< canonical
  std::string set;    ///< name of the apply set that made it; "" when none
  std::uint64_t revision = 0;
  Millis created_at = 0;
  Millis updated_at = 0;

  [[nodiscard]] std::string label() const { return kind + "/" + id; }
};

/// The fields that every resource has besides its spec, as a table: for help, explain and OpenAPI. `enabled` is one
/// only of kinds that are switchable.
[[nodiscard]] const Table& common_fields(bool switchable = true);

/// Reads a document (manifest, request body or JetLinks export) into a canonical resource: id, name, description,
/// enabled (or JetLinks' state), spec. Without "spec", every other field of the document is taken as one of the spec.
/// Appends every problem, labelled with the object.
[[nodiscard]] Resource read_resource(const Kind& kind, const json::object& document, std::vector<Problem>& problems);

/// Applies a merge patch in document form to a resource; the result is canonical when no problem was added.
/// Immutable fields that change are problems.
[[nodiscard]] Resource patch_resource(const Kind& kind, const Resource& current, const json::object& patch,
                                      std::vector<Problem>& problems);

/// What the store keeps (everything but kind, id and revision), and back. Errors: corrupt.
[[nodiscard]] std::string to_stored(const Resource& resource);
[[nodiscard]] Result<Resource> from_stored(std::string_view kind, std::string_view id, std::string_view text,
                                           std::uint64_t revision);

/// The document that the API answers: id, name, description, enabled, spec, revision, createdAt, updatedAt, set.
[[nodiscard]] json::object to_document(const Resource& resource);
/// The manifest of a resource: kind, id, name (when it is not the id), description, enabled (when not the default),
/// spec.
[[nodiscard]] json::object to_manifest(const Resource& resource);

/// Whether two resources say the same (everything but times, revision and set).
[[nodiscard]] bool same_content(const Resource& a, const Resource& b);

/// One reference from a resource's spec to another.
struct ReferenceUse {
  std::string field;  ///< path
  std::string kind;
  std::string id;
};
/// Every reference in a canonical spec.
[[nodiscard]] std::vector<ReferenceUse> references_of(const Resource& resource);

/// One uploaded file that a resource's spec names.
struct FileUse {
  std::string field;  ///< path
  std::string id;
};
/// Every uploaded file in a canonical spec.
[[nodiscard]] std::vector<FileUse> files_of(const Resource& resource);
/// Whether a table, or one of its variants, has a field for an uploaded file.
[[nodiscard]] bool holds_files(const Table& table);

/// The per-node configuration that a node runs (network.md 3): `configuration` when shareCluster, else the entry of
/// cluster[] with its serverId; nullptr when it has none and so does not run there.
[[nodiscard]] const json::object* configuration_for_node(const json::object& spec, std::string_view node_id);

}  // namespace jl::model
