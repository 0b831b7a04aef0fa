#pragma once
// The points of a Modbus channel as a table that spreadsheets edit, and back. Needs no daemon.
#include "common/base/result.hpp"

#include <boost/json.hpp>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace jl::cli {

namespace json = boost::json;

/// One row of a table: a document of kind modbus-point, and the line it begins in.
struct PointRow {
  std::size_t line = 0;
  json::object document;
};

/// Reads a table of points of one channel. The first line names the columns: id, name, description, enabled, and the
/// fields of a point by their key or jlctl's flag, in any case. Empty cells are fields that are not given; a row
/// without an id is called CHANNEL.NAME. `file` is what positions name. Errors: invalid (everything that is wrong with
/// any row, each with its line), too_large.
[[nodiscard]] Result<std::vector<PointRow>> read_points(std::string_view text, const std::string& file,
                                                        const std::string& channel);

/// Gives the daemon's problems with documents of a table their lines, and the columns as the table calls them.
void add_lines(const std::vector<PointRow>& rows, const std::string& file, std::vector<Problem>& problems);

/// Documents of points, as the daemon lists them, as a table that read_points() reads. Columns that hold nothing but
/// defaults are left out.
[[nodiscard]] std::string write_points(const std::vector<json::object>& documents);

}  // namespace jl::cli
