#pragma once
// Tables: a header and aligned columns on a terminal, tab-separated values elsewhere.
#include "cli/output/sink.hpp"

#include <string>
#include <vector>

namespace jl::cli {

struct TableStyle {
  bool aligned = false;  ///< a terminal: aligned, cut to its width, "-" for nothing
  bool header = true;
  bool colour = false;
  std::size_t columns = 80;  ///< width to cut the last column to; 0 = never cut
};

using Row = std::vector<std::string>;

/// A whole table: columns as wide as their widest cell.
void write_table(Sink& sink, const TableStyle& style, const Row& header, const std::vector<Row>& rows);

/// A table whose rows come one by one: columns grow as they must.
class GrowingTable {
 public:
  GrowingTable(Sink& sink, TableStyle style, Row header);
  void row(const Row& cells);

 private:
  Sink& sink_;
  TableStyle style_;
  Row header_;
  std::vector<std::size_t> widths_;
  bool started_ = false;
};

/// "key: value" lines, aligned; tab-separated elsewhere.
void write_block(Sink& sink, const TableStyle& style, const std::vector<std::pair<std::string, std::string>>& lines,
                 std::size_t indent = 0);

}  // namespace jl::cli
