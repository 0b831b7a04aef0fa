#include "tests/unit/daemon/wire/framing/support.hpp"

using namespace jl::wire::framing;
using namespace jl::wire::framing::testing;

TEST_SUITE_BEGIN("wire.framing");

TEST_CASE("DIRECT makes each read a frame, without a copy (network.md 2)") {
  Cutting cutting(direct());
  CHECK(cutting.feed("01 02 03") == "01 02 03");
  CHECK(cutting.feed("04") == "04");
  CHECK(cutting.feed("").empty());
  CHECK(cutting.framer->buffered() == 0);
  const std::string read = "abc";
  REQUIRE(cutting.framer->feed(read, cutting.sink).has_value());
  CHECK(cutting.sink.views.at(0).data() == read.data());
}

TEST_CASE("DIRECT refuses a read larger than maxFrameLength (network.md 2.1)") {
  Cutting cutting(direct(3));
  CHECK(cutting.feed("01 02 03") == "01 02 03");
  CHECK(cutting.feed("01 02 03 04") == "error too_large");
}

TEST_CASE("reset of DIRECT does nothing (network.md 2.6)") {
  Cutting cutting(direct());
  cutting.framer->reset();
  CHECK(cutting.feed("01") == "01");
}

TEST_SUITE_END();
