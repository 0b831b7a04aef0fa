#include "common/text/csv.hpp"

#include "common/base/words.hpp"

#include <fmt/format.h>
#include <algorithm>

namespace jl::text {

namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

/// What parts the cells: decided by the first line that is not blank.
char separator_of(std::string_view text) {
  const auto start = text.find_first_not_of("\r\n");
  if (start == std::string_view::npos) return ',';
  std::size_t commas = 0, semicolons = 0, tabs = 0;
  bool quoted = false;
  for (const char c : text.substr(start)) {
    if (c == '"') quoted = !quoted;
    if (quoted) continue;
    if (c == '\n') break;
    commas += c == ',' ? 1 : 0;
    semicolons += c == ';' ? 1 : 0;
    tabs += c == '\t' ? 1 : 0;
  }
  if (std::max(semicolons, tabs) <= commas) return ',';
  return semicolons >= tabs ? ';' : '\t';
}

class CsvReader {
 public:
  explicit CsvReader(std::string_view text) : text_(text), separator_(separator_of(text)) {}

  Result<std::vector<CsvRow>> run() {
    std::vector<CsvRow> rows;
    std::size_t cells = 0;
    while (at_ < text_.size()) {
      CsvRow row;
      JL_CHECK(read_row(row));
      if (std::all_of(row.cells.begin(), row.cells.end(), [](const std::string& cell) { return cell.empty(); }))
        continue;
      cells += row.cells.size();
      if (cells > kMaxCsvCells) return too_large(row.line, fmt::format("more than {} cells", kMaxCsvCells));
      if (rows.size() == kMaxCsvRows) return too_large(row.line, fmt::format("more than {} rows", kMaxCsvRows));
      rows.push_back(std::move(row));
    }
    return rows;
  }

 private:
  [[nodiscard]] static Error too_large(std::size_t line, std::string_view why) {
    return {Errc::too_large, fmt::format("line {}: {}", line, why)};
  }
  [[nodiscard]] static Error invalid(std::size_t line, std::string_view why, std::string hint = {}) {
    return {Errc::invalid, fmt::format("line {}: {}", line, why), std::move(hint)};
  }

  /// Reads to the end of the row, its line end included.
  Status read_row(CsvRow& row) {
    row.line = line_;
    for (;;) {
      if (row.cells.size() == kMaxCsvColumns)
        return too_large(line_, fmt::format("more than {} columns", kMaxCsvColumns));
      const std::size_t line = line_;
      std::string& cell = row.cells.emplace_back();
      JL_CHECK(at_ < text_.size() && text_[at_] == '"' ? read_quoted(cell) : read_plain(cell));
      if (utf8_length(cell) == std::string_view::npos)
        return invalid(line, "text that is not UTF-8", "save the table as CSV in UTF-8");
      if (cell.find('\0') != std::string::npos) return invalid(line, "a NUL character");
      if (at_ < text_.size() && text_[at_] == separator_) {
        ++at_;
        continue;
      }
      return end_line();
    }
  }

  Status read_plain(std::string& cell) {
    const auto start = at_;
    while (at_ < text_.size() && text_[at_] != separator_ && text_[at_] != '\n' && text_[at_] != '\r') {
      if (text_[at_] == '"')
        return invalid(line_, "a quote inside a cell that does not begin with one",
                       "put the whole cell in quotes, and write quotes inside it twice");
      ++at_;
    }
    cell = text_.substr(start, at_ - start);
    return {};
  }

  /// From the first quote to behind the last.
  Status read_quoted(std::string& cell) {
    const std::size_t first_line = line_;
    ++at_;
    for (;;) {
      const auto quote = text_.find('"', at_);
      if (quote == std::string_view::npos) return invalid(first_line, "a quote that is never closed");
      const auto part = text_.substr(at_, quote - at_);
      line_ += static_cast<std::size_t>(std::count(part.begin(), part.end(), '\n'));
      cell += part;
      at_ = quote + 1;
      if (at_ == text_.size() || text_[at_] != '"') break;
      cell += '"';
      ++at_;
    }
    if (at_ == text_.size() || text_[at_] == separator_ || text_[at_] == '\n' || text_[at_] == '\r') return {};
    return invalid(line_, "text between a closing quote and the end of its cell");
  }

  Status end_line() {
    if (at_ == text_.size()) return {};
    if (text_[at_] == '\r') ++at_;
    if (at_ == text_.size()) return {};
    if (text_[at_] != '\n') return invalid(line_, "a carriage return that ends no line", "end lines with CRLF or LF");
    ++at_;
    ++line_;
    return {};
  }

  std::string_view text_;
  char separator_;
  std::size_t at_ = 0;
  std::size_t line_ = 1;
};

}  // namespace

Result<std::vector<CsvRow>> read_csv(std::string_view text) {
  if (text.size() > kMaxCsvBytes)
    return Error(Errc::too_large, fmt::format("a table of {} bytes; {} at most", text.size(), kMaxCsvBytes));
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  return CsvReader(text).run();
}

std::string csv_cell(std::string_view cell) {
  // Blanks at the ends would not survive every spreadsheet; semicolons and tabs would count in separator_of().
  const bool plain =
      cell.find_first_of(",;\t\"\r\n") == std::string_view::npos && !cell.starts_with(' ') && !cell.ends_with(' ');
  if (plain) return std::string(cell);
  std::string quoted = "\"";
  for (const char c : cell) {
    if (c == '"') quoted += '"';
    quoted += c;
  }
  return quoted += '"';
}

}  // namespace jl::text
