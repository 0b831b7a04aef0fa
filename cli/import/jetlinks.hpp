#pragma once
// From what JetLinks exports to what `jlctl apply` takes. Pure: texts in, documents and notes out; needs no daemon.
#include "cli/import/conversion.hpp"
#include "cli/import/note.hpp"
#include "common/base/result.hpp"

#include <boost/json.hpp>
#include <string>
#include <vector>

namespace jl::cli::jetlinks {

/// A file as it was read.
struct File {
  std::string name;
  std::string text;
};

struct Imported {
  std::vector<json::object> documents{};  ///< manifests, in the order in which they depend on each other
  std::vector<Note> notes{};
  std::size_t left_out = 0;  ///< objects that are not carried
};

/// Converts all files together, so that their objects may refer to each other.
/// Errors: invalid (a file holds nothing that is understood; none of its objects is recognised), too_large.
[[nodiscard]] Result<Imported> convert(std::vector<File> files, const Options& options);

}  // namespace jl::cli::jetlinks
