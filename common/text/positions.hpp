#pragma once
// Where each field of a manifest stands in its file. YAML positions are taken down while reading; those of JSON are
// looked up in the text when somebody asks, since most manifests have nothing wrong with them.
#include "common/base/error.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace jl::text {

/// A place in a text; both count from 1, columns in bytes.
struct Place {
  std::uint32_t line = 1;
  std::uint32_t column = 1;
  bool operator==(const Place&) const = default;
};

/// Path of a field as a running hash: 16 bytes per node instead of a copy of every path.
class PathHash {
 public:
  [[nodiscard]] PathHash key(std::string_view name) const;
  [[nodiscard]] PathHash index(std::size_t at) const;
  /// The hash of a whole path such as "spec.cluster[0].serverId".
  [[nodiscard]] static PathHash of(std::string_view path);
  [[nodiscard]] std::uint64_t value() const { return value_; }

 private:
  void add(std::string_view text);
  std::uint64_t value_ = 0xcbf29ce484222325ull;
  bool empty_ = true;
};

/// The places of all fields below one top-level value of a file.
class PlaceTable {
 public:
  void add(PathHash path, Place place) { entries_.push_back({path.value(), place}); }
  /// Must be called after the last add and before the first find.
  void sort();
  [[nodiscard]] std::optional<Place> find(PathHash path) const;
  /// Every place of one path, in the order of the text; more than one for a key that stands twice.
  [[nodiscard]] std::vector<Place> all(PathHash path) const;

 private:
  struct Entry {
    std::uint64_t hash;
    Place place;
  };
  std::vector<Entry> entries_;
};

/// The places of one document. Cheap to copy. Not for use by several threads at once.
class PositionIndex {
 public:
  PositionIndex() = default;
  /// Places known already. `prefix` is the document's own path in its file: "", "[3]" or "documents[3]".
  PositionIndex(std::shared_ptr<const PlaceTable> table, std::string prefix);
  /// Places that are looked up in the text of a JSON value on first use.
  struct JsonText {
    std::shared_ptr<const std::string> text;
    std::size_t offset = 0;  ///< of the value
    Place start{};           ///< of the value
    std::shared_ptr<const PlaceTable> table{};
  };
  PositionIndex(std::shared_ptr<JsonText> text, std::string prefix);

  /// The place of a field, or of its nearest parent that stands in the file, or of the document; {1,1} when unknown.
  [[nodiscard]] Place find(std::string_view field_path) const;

 private:
  [[nodiscard]] const PlaceTable* table() const;
  std::shared_ptr<const PlaceTable> table_;
  std::shared_ptr<JsonText> json_;
  std::string prefix_;
};

/// Places of every member and item below the JSON value that starts at `offset`; the text has been parsed before.
[[nodiscard]] PlaceTable places_of_json(std::string_view text, std::size_t offset, Place start);

}  // namespace jl::text
