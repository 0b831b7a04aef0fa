#pragma once
// JSON files of a package, strictly read: no key twice, and every problem with its line and column.
#include "common/text/positions.hpp"
#include "daemon/codec/package/archive.hpp"

#include <boost/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace jl::codec::package {

namespace json = boost::json;

/// Bytes of one JSON file, and how deep its values may nest.
inline constexpr std::size_t kMaxJsonFile = std::size_t{1} << 20u;
inline constexpr std::size_t kMaxJsonDepth = 32;

class JsonFile {
 public:
  /// Reads a file of the package. Appends problems (missing, too large, not JSON, a key that stands twice) and answers
  /// nothing when there was one.
  [[nodiscard]] static std::optional<JsonFile> read(const Files& files, const std::string& path,
                                                    std::vector<Problem>& problems);

  [[nodiscard]] const json::value& value() const { return value_; }
  [[nodiscard]] const std::string& path() const { return path_; }

  /// Where a field stands, or its nearest parent.
  [[nodiscard]] SourcePosition position_of(std::string_view field) const;
  /// Gives the problems from the `first` on their position. `prefix` is what their fields have in front of the path in
  /// this file, such as "metadata".
  void locate(std::vector<Problem>& problems, std::size_t first, std::string_view prefix = {}) const;

 private:
  JsonFile(std::string path, json::value value, text::PlaceTable places);

  std::string path_;
  json::value value_;
  text::PositionIndex positions_;
};

/// One error out of all problems, in the order of the files: Errc::invalid, whose message has the first of them with
/// their places and how many more there are. There must be at least one.
[[nodiscard]] Error error_of(std::vector<Problem> problems);

/// "protocol.json:12:5: transports[0].routes: what".
[[nodiscard]] std::string line_of(const Problem& problem);

}  // namespace jl::codec::package
