#include "cli/output/table.hpp"

#include "cli/output/colour.hpp"
#include "cli/output/width.hpp"

#include <algorithm>

namespace jl::cli {
namespace {

constexpr std::size_t kGap = 2;
constexpr std::size_t kLeastLastColumn = 12;

void write_tabs(Sink& sink, const Row& cells) {
  for (std::size_t i = 0; i < cells.size(); ++i) {
    if (i > 0) sink.write("\t");
    sink.write(cells[i]);
  }
  sink.write("\n");
}

void write_aligned(Sink& sink, const TableStyle& style, const std::vector<std::size_t>& widths, const Row& cells,
                   bool is_header) {
  std::string line;
  std::size_t used = 0;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    std::string cell = cells[i].empty() ? "-" : cells[i];
    const bool last = i + 1 == cells.size();
    if (last && style.columns > used) cell = cut_to_width(cell, std::max(style.columns - used, kLeastLastColumn));
    const std::size_t width = display_width(cell);
    line += is_header ? styled(cell, Style::bold, style.colour) : styled_state(cell, cell, style.colour);
    const std::size_t padding = widths[i] > width ? widths[i] - width : 0;
    if (!last) line.append(padding + kGap, ' ');
    used += width + padding + kGap;
  }
  sink.write(line);
  sink.write("\n");
}

void widen(std::vector<std::size_t>& widths, const Row& cells) {
  for (std::size_t i = 0; i < cells.size(); ++i)
    widths[i] = std::max(widths[i], std::max<std::size_t>(display_width(cells[i]), 1));
}

}  // namespace

void write_table(Sink& sink, const TableStyle& style, const Row& header, const std::vector<Row>& rows) {
  if (!style.aligned) {
    if (style.header) write_tabs(sink, header);
    for (const Row& row : rows) write_tabs(sink, row);
    return;
  }
  std::vector<std::size_t> widths(header.size(), 1);
  if (style.header) widen(widths, header);
  for (const Row& row : rows) widen(widths, row);
  if (style.header) write_aligned(sink, style, widths, header, true);
  for (const Row& row : rows) write_aligned(sink, style, widths, row, false);
}

GrowingTable::GrowingTable(Sink& sink, TableStyle style, Row header)
    : sink_(sink), style_(style), header_(std::move(header)), widths_(header_.size(), 1) {
  widen(widths_, header_);
}

void GrowingTable::row(const Row& cells) {
  widen(widths_, cells);
  if (!started_ && style_.header)
    style_.aligned ? write_aligned(sink_, style_, widths_, header_, true) : write_tabs(sink_, header_);
  started_ = true;
  style_.aligned ? write_aligned(sink_, style_, widths_, cells, false) : write_tabs(sink_, cells);
}

void write_block(Sink& sink, const TableStyle& style, const std::vector<std::pair<std::string, std::string>>& lines,
                 std::size_t indent) {
  std::size_t width = 0;
  for (const auto& [key, value] : lines) width = std::max(width, display_width(key));
  for (const auto& [key, value] : lines) {
    if (!style.aligned) {
      write_tabs(sink, {key, value});
      continue;
    }
    std::string line(indent, ' ');
    line += styled(key + ":", Style::bold, style.colour);
    line.append(width - display_width(key) + kGap, ' ');
    const std::size_t used = indent + width + 1 + kGap;
    const std::string shown =
        style.columns > used + kLeastLastColumn ? cut_to_width(value, style.columns - used) : value;
    line += styled_state(value, shown.empty() ? "-" : shown, style.colour);
    sink.write(line + "\n");
  }
}

}  // namespace jl::cli
