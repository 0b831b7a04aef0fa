// Lists of devices in files.
#include "cli/device_file.hpp"

#include <doctest/doctest.h>

using namespace jl;
using namespace jl::cli;

using Ids = std::vector<std::string>;

TEST_SUITE("cli.device_file") {
  TEST_CASE("an id on each line; blank lines, comments, line ends and doubles do no harm") {
    struct Row {
      const char* name;
      std::string text;
      Ids ids;
    };
    const std::vector<Row> rows{
        {"plain", "dev-1\ndev-2\n", {"dev-1", "dev-2"}},
        {"no newline at the end", "dev-1\ndev-2", {"dev-1", "dev-2"}},
        {"CRLF", "dev-1\r\ndev-2\r\n", {"dev-1", "dev-2"}},
        {"blanks", "\n  dev-1\t\n\n \t \ndev-2\n\n", {"dev-1", "dev-2"}},
        {"comments", "# north\ndev-1 # roof\n#dev-9\n  # x\ndev-2#y\n", {"dev-1", "dev-2"}},
        {"doubles", "b\na\nb\na\n", {"b", "a"}},
        {"byte order mark",
         "\xEF\xBB\xBF"
         "dev-1\n",
         {"dev-1"}},
        {"64 characters", std::string(64, 'd') + "\n", {std::string(64, 'd')}},
    };
    for (const Row& row : rows) {
      CAPTURE(row.name);
      const auto ids = read_device_list(row.text, "list.txt");
      REQUIRE(ids.has_value());
      CHECK(*ids == row.ids);
    }
  }

  TEST_CASE("every line that is no id is told, with its place [cli.md 26]") {
    const auto ids =
        read_device_list("dev-1\ndev 2\n\n# ok\ndev/3\n" + std::string(65, 'd') + "\n\x1b[2J\n", "list.txt");
    REQUIRE(!ids.has_value());
    CHECK(ids.error().code == Errc::invalid);
    std::vector<std::uint32_t> lines;
    for (const Problem& problem : ids.error().problems) {
      REQUIRE(problem.position.has_value());
      CHECK(problem.position->file == "list.txt");
      CHECK(problem.message.find('\x1b') == std::string::npos);
      lines.push_back(problem.position->line);
    }
    CHECK(lines == std::vector<std::uint32_t>{2, 5, 6, 7});
  }

  TEST_CASE("a list of nobody is refused: it would mean everybody") {
    for (const char* text : {"", "\n\n", "# dev-1\n", "\xEF\xBB\xBF"}) {
      const auto ids = read_device_list(text, "list.txt");
      REQUIRE(!ids.has_value());
      CHECK(ids.error().code == Errc::invalid);
    }
  }

  TEST_CASE("a file of something else is told of in bounded words") {
    std::string text;
    for (int i = 0; i < 20'000; ++i) text += "? " + std::string(500, '\x01') + "\n";
    const auto ids = read_device_list(text, "image.bin");
    REQUIRE(!ids.has_value());
    CHECK(ids.error().problems.size() == 1000);
    for (const Problem& problem : ids.error().problems) CHECK(problem.message.size() < 200);
  }
}
