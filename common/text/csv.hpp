#pragma once
// Tables as text: CSV (RFC 4180) as spreadsheets save it, and as it is written for them.
#include "common/base/result.hpp"

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace jl::text {

struct CsvRow {
  std::size_t line = 1;  ///< where it begins; quoted cells may hold line ends
  std::vector<std::string> cells;
  bool operator==(const CsvRow&) const = default;
};

/// Bounds on one table. Beyond them: Errc::too_large.
inline constexpr std::size_t kMaxCsvBytes = std::size_t{64} << 20u;
inline constexpr std::size_t kMaxCsvColumns = 256;
inline constexpr std::size_t kMaxCsvRows = 200'000;
inline constexpr std::size_t kMaxCsvCells = 8'000'000;  ///< of all rows together: 256 MiB of empty ones

/// Reads a table in UTF-8, with or without a byte order mark, with lines that end in CRLF or LF. Cells are parted by
/// commas, or by semicolons or tabs if the first line that is not blank has more of them outside quotes. Rows may
/// differ in length; those that are blank, or have nothing but empty cells, are left out. Cells are taken as they
/// stand, blanks around them included. Errors, each with its line: invalid (not UTF-8, quotes in wrong places or never
/// closed), too_large.
[[nodiscard]] Result<std::vector<CsvRow>> read_csv(std::string_view text);

/// A cell as it is written: in quotes if it must be. Cells that begin with = + - or @, which spreadsheets may take for
/// formulas, are NOT altered: they are often numbers, and must come back as they were.
[[nodiscard]] std::string csv_cell(std::string_view cell);

}  // namespace jl::text
