#include "tests/unit/daemon/wire/framing/support.hpp"

using namespace jl::wire::framing;
using namespace jl::wire::framing::testing;

TEST_SUITE_BEGIN("wire.framing");

TEST_CASE("FIXED_LENGTH 5 over three reads (network.md 2.7 B3)") {
  Cutting cutting(fixed_length(5));
  CHECK(cutting.feed("31 32 33").empty());
  CHECK(cutting.framer->buffered() == 3);
  CHECK(cutting.feed("34 35 36 37") == "31 32 33 34 35");
  CHECK(cutting.feed("38 39 30") == "36 37 38 39 30");
  CHECK(cutting.framer->buffered() == 0);
}

TEST_CASE("FIXED_LENGTH of one byte and of whole reads leaves nothing over (network.md 2.2)") {
  Cutting one(fixed_length(1));
  CHECK(one.feed("01 02 03") == "01 | 02 | 03");
  CHECK(one.feed("").empty());
  CHECK(one.framer->buffered() == 0);
  Cutting three(fixed_length(3));
  CHECK(three.feed("01 02 03 04 05 06") == "01 02 03 | 04 05 06");
  CHECK(three.framer->buffered() == 0);
}

TEST_CASE("FIXED_LENGTH hands out frames within one read as views into it") {
  Cutting cutting(fixed_length(2));
  CHECK(cutting.feed("01").empty());
  const std::string read = unhex("02 03 04 05 06 07");
  REQUIRE(cutting.framer->feed(read, cutting.sink).has_value());
  REQUIRE(cutting.sink.views.size() == 3);
  CHECK(cutting.sink.views[0].data() != read.data());
  CHECK(cutting.sink.views[1].data() == read.data() + 1);
  CHECK(cutting.sink.views[2].data() == read.data() + 3);
  CHECK(cutting.framer->buffered() == 1);
}

TEST_CASE("a fixed length above maxFrameLength never holds anything back") {
  Cutting cutting(fixed_length(5, 4));
  CHECK(cutting.feed("01") == "error too_large");
  CHECK(cutting.framer->buffered() == 0);
  CHECK(Cutting(fixed_length(4, 4)).feed("01 02 03 04") == "01 02 03 04");
}

TEST_CASE("reset of FIXED_LENGTH drops what is held back (network.md 2.6)") {
  Cutting cutting(fixed_length(3));
  CHECK(cutting.feed("01 02 03 04").substr(0, 8) == "01 02 03");
  cutting.framer->reset();
  CHECK(cutting.framer->buffered() == 0);
  CHECK(cutting.feed("05 06 07") == "05 06 07");
}

TEST_CASE("reset from inside of on_frame drops what the read leaves over, not its frames (network.md 2.6)") {
  Cutting cutting(fixed_length(2));
  CHECK(cutting.feed("01").empty());
  bool is_first = true;
  cutting.sink.then = [&](std::string_view) {
    if (is_first) cutting.framer->reset();
    is_first = false;
    return true;
  };
  CHECK(cutting.feed("02 03 04 05") == "01 02 | 03 04");
  CHECK(cutting.framer->buffered() == 0);
  CHECK(cutting.feed("06 07") == "06 07");
  CHECK(cutting.feed("08").empty());
  CHECK(cutting.framer->buffered() == 1);
}

TEST_CASE("a sink that says no gets no further frame, and nothing is held back") {
  for (const auto& rule : {fixed_length(1), delimited("\n"), length_field({.offset = 0, .length = 1})}) {
    Cutting cutting(rule);
    int count = 0;
    cutting.sink.then = [&](std::string_view) { return ++count < 2; };
    CHECK(cutting.framer->feed(unhex("00 00 0A 00 0A 00 0A"), cutting.sink).has_value());
    CHECK(cutting.sink.frames.size() == 2);
    CHECK(cutting.framer->buffered() == 0);
  }
}

TEST_CASE("framers of one rule share no bytes (network.md 2)") {
  const auto rules = {fixed_length(4), delimited("\r\n"), length_field({.offset = 1, .length = 1})};
  for (const auto& rule : rules) {
    Cutting first(rule);
    Cutting second(rule);
    CHECK(first.feed("68 01").empty());
    CHECK(first.framer->buffered() == 2);
    CHECK(second.framer->buffered() == 0);
  }
}

TEST_SUITE_END();
