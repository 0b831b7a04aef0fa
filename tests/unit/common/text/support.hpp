#pragma once
// Reads manifests from texts at hand, and makes folders that go away.
#include "common/text/manifest.hpp"

#include <doctest/doctest.h>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

namespace jl::text {

inline json::value js(std::string text) {
  std::ranges::replace(text, '\'', '"');
  return json::parse(text);
}

/// The documents of a text that must be right.
inline std::vector<ManifestDocument> documents(const std::string& text, const std::string& name = "m.yaml",
                                               const ReadOptions& options = {}) {
  auto read = read_manifest_text(text, name, options);
  if (!read) {
    FAIL_CHECK(read.error().message);
    return {};
  }
  return std::move(*read);
}

/// The one document of a text.
inline json::object document(const std::string& text, const std::string& name = "m.yaml") {
  const auto all = documents(text, name);
  REQUIRE(all.size() == 1);
  return all[0].document;
}

/// "line:column field: message" of every problem of a text that must be wrong.
inline std::vector<std::string> troubles(const std::string& text, const std::string& name = "m.yaml",
                                         const ReadOptions& options = {}) {
  const auto read = read_manifest_text(text, name, options);
  if (read) return {};
  std::vector<std::string> out;
  for (const Problem& p : read.error().problems) {
    REQUIRE(p.position);
    CHECK(p.position->file == name);
    out.push_back(std::to_string(p.position->line) + ":" + std::to_string(p.position->column) + " " + p.field + ": " +
                  p.message);
  }
  return out;
}

/// "line:column" of a field.
inline std::string at(const ManifestDocument& document, const std::string& field) {
  const auto position = document.position_of(field);
  return position ? std::to_string(position->line) + ":" + std::to_string(position->column) : "nowhere";
}

using Lines = std::vector<std::string>;

/// A folder of its own for one test.
class TempFolder {
 public:
  TempFolder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "jl-text-XXXXXX").string();
    REQUIRE(::mkdtemp(pattern.data()));
    path_ = pattern;
  }
  ~TempFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;

  /// Writes a file readable by its owner alone, and answers its path.
  std::string write(const std::string& name, const std::string& text) const {
    const auto path = path_ / name;
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path, std::ios::binary) << text;
    std::filesystem::permissions(path, std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
    return path.string();
  }
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

}  // namespace jl::text
