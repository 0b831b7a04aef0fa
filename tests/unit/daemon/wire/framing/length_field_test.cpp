#include "tests/unit/daemon/wire/framing/support.hpp"

using namespace jl::wire::framing;
using namespace jl::wire::framing::testing;

TEST_SUITE_BEGIN("wire.framing");

TEST_CASE("LENGTH_FIELD {offset:1,length:2}, big endian (network.md 2.7 A)") {
  Cutting cutting(length_field({.offset = 1, .length = 2}));
  CHECK(cutting.feed("68 00 03 AA").empty());
  CHECK(cutting.feed("BB CC 68 00 00 68 00 01 DD 68 00") == "68 00 03 AA BB CC | 68 00 00 | 68 00 01 DD");
  CHECK(cutting.framer->buffered() == 2);
}

TEST_CASE("LENGTH_FIELD {offset:0,length:4,little:true} (network.md 2.7 A2)") {
  Cutting cutting(length_field({.offset = 0, .length = 4, .little = true}));
  CHECK(cutting.feed("05 00 00 00 31 32 33").empty());
  CHECK(cutting.feed("34 35 02 00 00 00 41 42") == "05 00 00 00 31 32 33 34 35 | 02 00 00 00 41 42");
  CHECK(cutting.framer->buffered() == 0);
}

TEST_CASE("every width of the length field in both byte orders, read from its sign on (network.md 2.3)") {
  struct Row {
    std::size_t length;
    bool little;
    const char* two;       // the field that says 2
    const char* most;      // all bits of the field
    const char* most_end;  // the error of `most`
  };
  const Row rows[] = {
      {1, false, "02", "FF", ""},
      {1, true, "02", "FF", ""},
      {2, false, "00 02", "FF FF", ""},
      {2, true, "02 00", "FF FF", ""},
      {3, false, "00 00 02", "FF FF FF", "error too_large"},  // 16777215, without a sign
      {3, true, "02 00 00", "FF FF FF", "error too_large"},
      {4, false, "00 00 00 02", "FF FF FF FF", "error invalid"},  // -1
      {4, true, "02 00 00 00", "FF FF FF FF", "error invalid"},
      {8, false, "00 00 00 00 00 00 00 02", "FF FF FF FF FF FF FF FF", "error invalid"},
      {8, true, "02 00 00 00 00 00 00 00", "FF FF FF FF FF FF FF FF", "error invalid"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.length);
    CAPTURE(row.little);
    const auto rule = length_field({.offset = 1, .length = row.length, .little = row.little});
    const std::string two = "68 " + std::string(row.two) + " AA BB";
    CHECK(Cutting(rule).feed(two + " 68") == two);
    CHECK(Cutting(rule).feed("68 " + std::string(row.most)) == row.most_end);
  }
}

TEST_CASE("of an eight-byte length only the low 32 bits count, as a signed number (network.md 2.3)") {
  const auto big = length_field({.offset = 0, .length = 8});
  const auto little = length_field({.offset = 0, .length = 8, .little = true});
  CHECK(Cutting(big).feed("FF FF FF FF 00 00 00 01 41") == "FF FF FF FF 00 00 00 01 41");
  CHECK(Cutting(little).feed("01 00 00 00 FF FF FF FF 41") == "01 00 00 00 FF FF FF FF 41");
  CHECK(Cutting(big).feed("00 00 00 00 80 00 00 00") == "error invalid");
  CHECK(Cutting(little).feed("00 00 00 80 00 00 00 00") == "error invalid");
}

TEST_CASE("a negative length is an error that names the field, after the frames before it (network.md 2.3)") {
  Cutting cutting(length_field({.offset = 0, .length = 4}));
  CHECK(cutting.feed("00 00 00 01 41 80 00 00 00 42") == "00 00 00 01 41 | error invalid");
  CHECK(cutting.framer->buffered() == 0);
  const jl::Status status = cutting.framer->feed(unhex("FF FF FF FE"), cutting.sink);
  REQUIRE(!status);
  CHECK(status.error().message == "length field of 4 bytes at offset 0 says -2");
  CHECK_FALSE(status.error().hint.empty());
}

TEST_CASE("maxFrameLength of LENGTH_FIELD counts header and body, and is told by the header alone") {
  const auto rule = length_field({.offset = 1, .length = 1}, 5);
  CHECK(Cutting(rule).feed("68 03 41 42 43") == "68 03 41 42 43");
  CHECK(Cutting(rule).feed("68 00 68 04") == "68 00 | error too_large");
  CHECK(Cutting(length_field({.offset = 4, .length = 2}, 5)).feed("68") == "error too_large");
  CHECK(Cutting(length_field({.offset = 3, .length = 2}, 5)).feed("01 02 03 00 00") == "01 02 03 00 00");
}

TEST_CASE("LENGTH_FIELD hands out frames within one read as views into it") {
  Cutting cutting(length_field({.offset = 0, .length = 1}));
  CHECK(cutting.feed("02").empty());
  const std::string read = unhex("41 42 01 43 00 01");
  REQUIRE(cutting.framer->feed(read, cutting.sink).has_value());
  REQUIRE(cutting.sink.views.size() == 3);
  CHECK(hex(cutting.sink.frames[0]) == "02 41 42");
  CHECK(cutting.sink.views[1].data() == read.data() + 2);
  CHECK(cutting.sink.views[2].data() == read.data() + 4);
}

TEST_CASE("reset of LENGTH_FIELD forgets the header it read and keeps unparsed bytes (network.md 2.6)") {
  Cutting cutting(length_field({.offset = 0, .length = 1}));
  CHECK(cutting.feed("03 01").empty());
  cutting.framer->reset();
  cutting.framer->reset();  // nothing more to forget
  CHECK(cutting.framer->buffered() == 1);
  CHECK(cutting.feed("42 00") == "01 42 | 00");

  Cutting short_of_header(length_field({.offset = 1, .length = 2}));
  CHECK(short_of_header.feed("68 00").empty());
  short_of_header.framer->reset();
  CHECK(short_of_header.framer->buffered() == 2);
  CHECK(short_of_header.feed("00") == "68 00 00");
}

TEST_CASE("reset from inside of on_frame leaves LENGTH_FIELD where it is (network.md 2.6)") {
  Cutting cutting(length_field({.offset = 0, .length = 1}));
  cutting.sink.then = [&](std::string_view) {
    cutting.framer->reset();
    return true;
  };
  CHECK(cutting.feed("01 41 01 42 02 43") == "01 41 | 01 42");
  CHECK(cutting.feed("44") == "02 43 44");
}

TEST_SUITE_END();
