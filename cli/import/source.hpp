#pragma once
// The files of an import: what JetLinks' web pages and REST API hand out as JSON, taken apart into single objects.
// Files are hostile: read within the limits of manifests (common/text), nothing is thrown.
#include "cli/import/note.hpp"
#include "common/base/result.hpp"
#include "common/text/manifest.hpp"

#include <boost/json.hpp>
#include <cstddef>
#include <string>
#include <vector>

namespace jl::cli::jetlinks {

namespace json = boost::json;

/// One object of a file, not yet known for what it is.
struct Source {
  std::string file;
  std::size_t number = 0;  ///< counted from 1 in its file
  json::object object{};
};

/// Takes a text apart: one object, a list, JSON Lines; each may be the answer of the REST API ({"result": ...,
/// "status": 200}) and that a page ({"data": [...], "total": 40}). A byte order mark is fine.
/// Appends a note where a page is not the last one.
/// Errors: invalid (not JSON, a spreadsheet, an error answer, nothing in it), too_large.
[[nodiscard]] Result<std::vector<Source>> take_apart(const std::string& file, std::string text,
                                                     std::vector<Note>& notes, const text::ManifestLimits& limits = {});

}  // namespace jl::cli::jetlinks
