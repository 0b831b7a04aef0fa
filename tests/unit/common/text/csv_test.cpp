#include "common/text/csv.hpp"

#include <doctest/doctest.h>

#include <random>

using namespace jl;
using namespace jl::text;

namespace {

using Cells = std::vector<std::vector<std::string>>;

Cells cells_of(std::string_view text) {
  const auto rows = read_csv(text);
  REQUIRE_MESSAGE(rows.has_value(), (rows ? "" : rows.error().message));
  Cells cells;
  for (const auto& row : *rows) cells.push_back(row.cells);
  return cells;
}

}  // namespace

TEST_SUITE("common.text.csv") {
  TEST_CASE("cells, quotes and line ends are those of RFC 4180 section 2") {
    struct Row {
      const char* name;
      std::string_view text;
      Cells want;
    };
    const std::vector<Row> table{
        {"nothing", "", {}},
        {"LF", "a,b\n1,2\n", {{"a", "b"}, {"1", "2"}}},
        {"CRLF", "a,b\r\n1,2\r\n", {{"a", "b"}, {"1", "2"}}},
        {"last line without an end", "a,b\n1,2", {{"a", "b"}, {"1", "2"}}},
        {"byte order mark",
         "\xEF\xBB\xBF"
         "a\n1\n",
         {{"a"}, {"1"}}},
        {"byte order mark and a quote", "\xEF\xBB\xBF\"a\"\n", {{"a"}}},
        {"nothing but a byte order mark", "\xEF\xBB\xBF", {}},
        {"empty cells", "a,,\n,b,\n", {{"a", "", ""}, {"", "b", ""}}},
        {"an empty cell at the end of the text", "a,", {{"a", ""}}},
        {"blanks belong to cells", " a , b\n", {{" a ", " b"}}},
        {"quotes", "\"a\",\"b,c\",\"\"\n", {{"a", "b,c", ""}}},
        {"doubled quotes", "\"say \"\"hi\"\"\",\"\"\"\"\n", {{"say \"hi\"", "\""}}},
        {"lines within quotes", "\"a\nb\",\"c\r\nd\"\r\n", {{"a\nb", "c\r\nd"}}},
        {"a quoted cell at the end of the text", "\"a\"", {{"a"}}},
        {"a carriage return at the end of the text", "a\r", {{"a"}}},
        {"blank lines", "\n\r\na,b\n\n\n1,2\n\n", {{"a", "b"}, {"1", "2"}}},
        {"rows of a spreadsheet with nothing in them", "a,b\n,\n\"\",\n1,2\n,\n", {{"a", "b"}, {"1", "2"}}},
        {"rows of any length", "a,b\n1\n1,2,3\n", {{"a", "b"}, {"1"}, {"1", "2", "3"}}},
        {"semicolons", "a;b,c;d\n1;2,5;3\n", {{"a", "b,c", "d"}, {"1", "2,5", "3"}}},
        {"tabs", "a\tb\n1,5\t2\n", {{"a", "b"}, {"1,5", "2"}}},
        {"as many semicolons as commas", "a;b,c\n", {{"a;b", "c"}}},
        {"semicolons within quotes do not count", "\"a;;;\",b\n", {{"a;;;", "b"}}},
        {"the first line decides", "\n\na,b\n1;2;3;4,5\n", {{"a", "b"}, {"1;2;3;4", "5"}}},
        {"UTF-8", "名称,°C\n温度,21.5\n", {{"名称", "°C"}, {"温度", "21.5"}}},
    };
    for (const auto& row : table) {
      CAPTURE(row.name);
      CHECK(cells_of(row.text) == row.want);
    }
  }

  TEST_CASE("rows know the line that they begin in") {
    const auto rows = read_csv("a,b\n\n\"x\ny\r\nz\",2\r\n3,4\n");
    REQUIRE(rows.has_value());
    CHECK(*rows == std::vector<CsvRow>{{1, {"a", "b"}}, {3, {"x\ny\r\nz", "2"}}, {6, {"3", "4"}}});
  }

  TEST_CASE("what is no table is refused with its line") {
    struct Row {
      const char* name;
      std::string_view text;
      const char* line;
    };
    const std::vector<Row> table{
        {"quote inside a cell", "a\nb\"c\n", "line 2: "},
        {"quote after a blank", "a\nb, \"c\"\n", "line 2: "},
        {"text after a quote", "a\n\"x\ny\"z\n", "line 3: "},
        {"quote never closed", "a\n1,\"b\n2\n3\n", "line 2: "},
        {"quote that ends the text", "a\n\"", "line 2: "},
        {"carriage return alone", "a\nb\rc\n", "line 2: "},
        {"not UTF-8", "a\nb\n\xC3\xFB\xB3\xC6\n", "line 3: "},
        {"UTF-16",
         std::string_view("\xFF\xFE"
                          "a\0\n\0",
                          6),
         "line 1: "},
        {"NUL", std::string_view("a\nb\0c\n", 6), "line 2: "},
    };
    for (const auto& row : table) {
      CAPTURE(row.name);
      const auto rows = read_csv(row.text);
      REQUIRE(!rows.has_value());
      CHECK(rows.error().code == Errc::invalid);
      CHECK_MESSAGE(rows.error().message.starts_with(row.line), rows.error().message);
    }
  }

  TEST_CASE("tables are bounded in columns, rows, cells and bytes") {
    const std::string widest(kMaxCsvColumns - 1, ',');
    CHECK(cells_of("a" + widest).at(0).size() == kMaxCsvColumns);
    const auto wider = read_csv("a" + widest + ",");
    REQUIRE(!wider.has_value());
    CHECK(wider.error().code == Errc::too_large);

    std::string longest;
    for (std::size_t i = 0; i < kMaxCsvRows; ++i) longest += "1\n";
    CHECK(cells_of(longest + "\n\n").size() == kMaxCsvRows);
    const auto longer = read_csv(longest + "1\n");
    REQUIRE(!longer.has_value());
    CHECK(longer.error().code == Errc::too_large);

    std::string fuller;
    for (std::size_t i = 0; i < kMaxCsvCells / kMaxCsvColumns; ++i) fuller += "a" + widest + "\n";
    CHECK(read_csv(fuller).has_value());
    const auto fullest = read_csv(fuller + "a" + widest + "\n");
    REQUIRE(!fullest.has_value());
    CHECK(fullest.error().code == Errc::too_large);

    const auto bigger = read_csv(std::string(kMaxCsvBytes + 1, 'a'));
    REQUIRE(!bigger.has_value());
    CHECK(bigger.error().code == Errc::too_large);
  }

  TEST_CASE("cells are quoted when they must be") {
    CHECK(csv_cell("").empty());
    CHECK(csv_cell("plain text") == "plain text");
    CHECK(csv_cell("a,b") == "\"a,b\"");
    CHECK(csv_cell("a;b") == "\"a;b\"");
    CHECK(csv_cell("a\tb") == "\"a\tb\"");
    CHECK(csv_cell("a\nb") == "\"a\nb\"");
    CHECK(csv_cell("a\rb") == "\"a\rb\"");
    CHECK(csv_cell(" a") == "\" a\"");
    CHECK(csv_cell("5\"") == "\"5\"\"\"");
    for (const char* text : {"=1+1", "+1", "-40", "@home"}) CHECK(csv_cell(text) == text);
  }

  TEST_CASE("whatever cells hold is read back as it was written") {
    std::mt19937 random(1);
    const std::string_view letters[] = {"a", ",", ";", "\t", "\"", "\n", "\r", " ", "=", "é", "温"};
    for (int round = 0; round < 500; ++round) {
      Cells want(1 + random() % 5, std::vector<std::string>(1 + random() % 4));
      std::string text;
      for (auto& row : want) {
        for (auto& cell : row) {
          for (auto left = random() % 6; left > 0; --left) cell += letters[random() % std::size(letters)];
          if (&cell != &row.front()) text += ',';
          text += csv_cell(cell);
        }
        text += random() % 2 == 0 ? "\n" : "\r\n";
      }
      std::erase_if(want, [](const auto& row) {
        return std::all_of(row.begin(), row.end(), [](const auto& cell) { return cell.empty(); });
      });
      CAPTURE(text);
      CHECK(cells_of(text) == want);
    }
  }
}
