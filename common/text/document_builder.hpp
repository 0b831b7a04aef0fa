#pragma once
// Builds JSON values out of the events of a YAML or JSON parser, within the limits of ManifestLimits. Shared by both
// readers, so that both find the same duplicate keys and stop at the same sizes.
#include "common/text/manifest.hpp"

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace jl::text {

/// What one call of read_manifests has used up of its limits.
struct Budget {
  ManifestLimits limits{};
  std::size_t bytes = 0;
  std::size_t nodes = 0;
  std::size_t documents = 0;
};

/// How many problems of one call are worth telling.
inline constexpr std::size_t kMaxProblems = 1000;

/// Everything that is known while one file is read.
struct FileContext {
  std::string file;
  Budget& budget;
  std::vector<Problem>& problems;
  std::vector<ManifestDocument>& documents;
  std::vector<std::string>* warnings = nullptr;

  void problem(std::string field, std::string message, Place place, Errc code = Errc::invalid);
  void warn(Place place, const std::string& message);
};

/// Builds one top-level value. Each event answers false when reading must stop; the problem has been told then.
class DocumentBuilder {
 public:
  /// With `keep_places`, the places given with the events go into table().
  DocumentBuilder(FileContext& context, bool keep_places);

  using Anchor = std::size_t;  ///< 0 = none
  bool begin_object(Place place, Anchor anchor = 0) { return begin(json::object(), place, anchor); }
  bool begin_array(Place place, Anchor anchor = 0) { return begin(json::array(), place, anchor); }
  /// `merges` says that the key is YAML's "<<": its value's members are taken over.
  bool key(std::string_view name, Place place, bool merges = false);
  bool scalar(json::value value, Place place, Anchor anchor = 0);
  bool alias(Anchor anchor, Place place);
  /// Ends the innermost object or array.
  bool end();

  /// Whether the next event must be a key.
  [[nodiscard]] bool wants_key() const {
    return !frames_.empty() && frames_.back().value.is_object() && !frames_.back().has_key;
  }
  [[nodiscard]] bool done() const { return done_; }
  [[nodiscard]] json::value& root() { return root_; }
  /// "spec.cluster[0]": the value that comes next.
  [[nodiscard]] std::string path() const;
  /// The paths of keys that stand twice in one object, each once.
  [[nodiscard]] const std::vector<std::string>& duplicates() const { return duplicates_; }
  [[nodiscard]] std::shared_ptr<PlaceTable> table() const { return table_; }

 private:
  struct Frame {
    json::value value;
    PathHash path;
    std::string key{};
    Place key_place{};
    bool has_key = false;
    bool merges = false;
    std::vector<std::pair<json::value, Place>> merged{};
    std::size_t height = 0;  ///< of the highest value inside, counted from 1
    Anchor anchor = 0;
    std::size_t nodes_before = 0;
    std::size_t bytes_before = 0;
  };
  struct Anchored {
    json::value value;
    std::size_t height = 0;
    std::size_t nodes = 0;
    std::size_t bytes = 0;
  };

  bool begin(json::value value, Place place, Anchor anchor);
  bool spend(std::size_t nodes, std::size_t bytes, Place place);
  bool put(json::value value, std::size_t height, Place place);
  bool merge(Frame& frame, json::value value, Place place);
  static void take_over(Frame& frame, PlaceTable* table);
  bool remember(Anchor anchor, Anchored value, Place place);
  bool refuse(std::string message, Place place, Errc code);
  [[nodiscard]] PathHash next_path() const;

  FileContext& context_;
  std::shared_ptr<PlaceTable> table_;
  std::vector<Frame> frames_;
  std::map<Anchor, Anchored> anchors_;
  std::vector<std::string> duplicates_;
  json::value root_;
  bool done_ = false;
};

/// Takes the documents out of a finished top-level value: itself, the items of a list, or those of "documents".
/// `index_of(prefix)` gives the positions of the document at that path. Tells problems, duplicates among them.
void collect_documents(FileContext& context, DocumentBuilder& builder,
                       const std::function<PositionIndex(std::string prefix)>& index_of, const PlaceTable* places);

/// The readers. False when the text is broken; the problem has been told then.
bool read_yaml(FileContext& context, std::string_view text);
bool read_json(FileContext& context, std::shared_ptr<const std::string> text);

/// The line and column of a byte.
[[nodiscard]] Place place_of(std::string_view text, std::size_t offset);

}  // namespace jl::text
