#include "tests/unit/daemon/wire/framing/support.hpp"

using namespace jl::wire::framing;
using namespace jl::wire::framing::testing;

TEST_SUITE_BEGIN("wire.framing");

TEST_CASE("DELIMITED \\r\\n with a delimiter over two reads and an empty frame (network.md 2.7 B)") {
  Cutting cutting(delimited("\r\n"));
  CHECK(cutting.feed("41 42 0D").empty());
  CHECK(cutting.framer->buffered() == 3);
  CHECK(cutting.feed("0A 0D 0A 43 0D 44 0D 0A") == "41 42 | <empty> | 43 0D 44");
  CHECK(cutting.framer->buffered() == 0);
}

TEST_CASE("DELIMITED @@ takes the leftmost delimiter (network.md 2.7 B2)") {
  Cutting cutting(delimited("@@"));
  CHECK(cutting.feed("31 40 40 40 32 40 40") == "31 | 40 32");
}

TEST_CASE("after a partial match that fails the search goes on one byte after its start (network.md 2.1)") {
  struct Row {
    const char* delimiter;
    std::string stream;
    std::vector<std::string> frames;
  };
  const Row rows[] = {
      {"aab", "aaab", {"a"}},
      {"abab", "ababab", {""}},
      {"abac", "ababac", {"ab"}},
      {"abcabd", "abcabcabd", {"abc"}},
      {"aaaab", "aaaaaaaab", {"aaaa"}},
      {"aa", "aaaaa", {"", ""}},
      {"\r\n\r\n", "x\r\n\r\r\n\r\ny", {"x\r\n\r"}},
  };
  for (const Row& row : rows) {
    CAPTURE(row.stream);
    for (std::size_t most = 1; most <= row.stream.size(); ++most) {
      Cutting cutting(delimited(row.delimiter));
      for (std::size_t at = 0; at < row.stream.size(); at += most) {
        REQUIRE(cutting.framer->feed(row.stream.substr(at, most), cutting.sink).has_value());
      }
      CHECK(cutting.sink.frames == row.frames);
    }
  }
}

TEST_CASE("delimiters may hold any byte, zero too") {
  Cutting cutting(delimited(std::string("\0\xFF", 2)));
  CHECK(cutting.feed("41 00").empty());
  CHECK(cutting.feed("FF 00 00 FF 42") == "41 | 00");
  CHECK(cutting.framer->buffered() == 1);
}

TEST_CASE("DELIMITED hands out frames within one read as views into it") {
  Cutting cutting(delimited("\n"));
  CHECK(cutting.feed("41").empty());
  const std::string read = "b\ncd\n\ne";
  REQUIRE(cutting.framer->feed(read, cutting.sink).has_value());
  REQUIRE(cutting.sink.views.size() == 3);
  CHECK(cutting.sink.frames[0] == "Ab");
  CHECK(cutting.sink.views[1].data() == read.data() + 2);
  CHECK(cutting.sink.views[2].data() == read.data() + 5);
}

TEST_CASE("maxFrameLength of DELIMITED counts the frame without its delimiter") {
  CHECK(Cutting(delimited("\r\n", 3)).feed("41 42 43 0D 0A") == "41 42 43");
  CHECK(Cutting(delimited("\r\n", 3)).feed("41 0D 0A 41 42 43 44 0D 0A") == "41 | error too_large");
  CHECK(Cutting(delimited("\r\n", 0)).feed("0D 0A 0D") == "<empty>");
}

TEST_CASE("a part of a frame larger than maxFrameLength is refused before its delimiter comes") {
  Cutting cutting(delimited("\r\n", 3));
  CHECK(cutting.feed("41 42 43").empty());
  CHECK(cutting.feed("0D").empty());  // may be the beginning of the delimiter
  CHECK(cutting.framer->buffered() == 4);
  CHECK(cutting.feed("0D") == "error too_large");
  CHECK(cutting.framer->buffered() == 0);
  CHECK(Cutting(delimited("\r\n", 3)).feed("41 42 43 44") == "error too_large");
}

TEST_CASE("reset of DELIMITED drops a partial frame and a partial delimiter (network.md 2.6)") {
  Cutting cutting(delimited("\r\n"));
  CHECK(cutting.feed("41 0D").empty());
  cutting.framer->reset();
  CHECK(cutting.framer->buffered() == 0);
  CHECK(cutting.feed("0A 42 0D 0A") == "0A 42");
  CHECK(cutting.feed("41 42 43").empty());
  cutting.framer->reset();
  CHECK(cutting.feed("0D 0A 44 0D 0A") == "<empty> | 44");

  cutting.sink.then = [&](std::string_view) {
    cutting.framer->reset();
    return true;
  };
  CHECK(cutting.feed("43 0D 0A 44 0D 0A 45 0D") == "43 | 44");
  CHECK(cutting.framer->buffered() == 0);
  CHECK(cutting.feed("0A 0D 0A") == "0A");
}

TEST_CASE("a megabyte of delimiter prefixes in reads of one byte takes time in proportion") {
  // Looking at every held byte again with each read would be 10^12 steps, which no time limit allows.
  const std::string delimiter = std::string(63, 'a') + "b";
  Cutting cutting(delimited(delimiter));
  for (std::size_t i = 0; i < kDefaultMaxFrame; ++i) REQUIRE(cutting.framer->feed("a", cutting.sink).has_value());
  CHECK(cutting.sink.frames.empty());
  CHECK(cutting.framer->buffered() == kDefaultMaxFrame);
  REQUIRE(cutting.framer->feed("b", cutting.sink).has_value());
  REQUIRE(cutting.sink.frames.size() == 1);
  CHECK(cutting.sink.frames[0].size() == kDefaultMaxFrame - 63);
}

TEST_CASE("a delimiter of half a megabyte that nearly matches everywhere takes time in proportion") {
  const std::size_t half = kDefaultMaxFrame / 2;
  Cutting cutting(delimited(std::string(half, 'a') + "b"));
  REQUIRE(cutting.framer->feed(std::string(kDefaultMaxFrame, 'a'), cutting.sink).has_value());
  REQUIRE(cutting.framer->feed("b", cutting.sink).has_value());
  REQUIRE(cutting.sink.frames.size() == 1);
  CHECK(cutting.sink.frames[0].size() == half);
}

TEST_SUITE_END();
