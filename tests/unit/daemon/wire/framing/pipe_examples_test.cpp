// The scripts of network.md 2.7 as C++ steps, with the bytes and frames that stand there.
#include "tests/unit/daemon/wire/framing/support.hpp"

#include <charconv>

using namespace jl::wire::framing;
using namespace jl::wire::framing::testing;

TEST_SUITE_BEGIN("wire.framing");

namespace {
std::int32_t big_endian(std::string_view bytes) {
  std::uint32_t value = 0;
  for (const char c : bytes.substr(0, 4)) value = (value << 8u) | static_cast<unsigned char>(c);
  return static_cast<std::int32_t>(value);
}
std::int32_t little_endian(std::string_view bytes) {
  const std::string reversed(bytes.substr(0, 4).rbegin(), bytes.substr(0, 4).rend());
  return big_endian(reversed);
}

/// A pipe with its steps and a recorder, fed with hex.
struct Script {
  explicit Script(std::vector<LambdaSteps::Step> handlers) : steps(std::move(handlers)) {}
  std::string feed(std::string_view bytes) {
    REQUIRE(pipe.feed(unhex(bytes), steps, sink).has_value());
    return sink.take();
  }

  Pipe pipe{kDefaultMaxFrame};
  LambdaSteps steps;
  FrameRecorder sink;
};
}  // namespace

TEST_CASE("a type byte, a little-endian length and a body; the header stays in the frame (network.md 2.7 C)") {
  Script script({[](std::string_view record, Pipe& pipe) -> jl::Status {
                   JL_CHECK(pipe.fixed(little_endian(record.substr(1))));
                   return pipe.result(record);
                 },
                 emit});
  REQUIRE(script.pipe.fixed(5).has_value());
  CHECK(script.feed("00 0D 00 00 00 E8 03 00 00 00 00 00 00 61 64 6D 69 6E 06 14 00") ==
        "00 0D 00 00 00 E8 03 00 00 00 00 00 00 61 64 6D 69 6E");
  CHECK(script.pipe.buffered() == 3);
  CHECK(script.feed("00 00 E8 03 00 00 00 00 00 00 9A 99 F4 42 00 00 12 42 22 B7 C9 4C") ==
        "06 14 00 00 00 E8 03 00 00 00 00 00 00 9A 99 F4 42 00 00 12 42 22 B7 C9 4C");
  CHECK(script.pipe.buffered() == 0);
}

TEST_CASE("a big-endian length that is stripped; a length of 0 emits nothing (network.md 2.7 D)") {
  Script script({[](std::string_view record, Pipe& pipe) { return pipe.fixed(big_endian(record)); }, emit});
  REQUIRE(script.pipe.fixed(4).has_value());
  CHECK(script.feed("00 00 00 05 31 32 33 34").empty());
  CHECK(script.feed("35 00 00 00 06 31 32 33 34") == "31 32 33 34 35");
  CHECK(script.feed("35 36") == "31 32 33 34 35 36");
  CHECK(script.feed("00 00 00 00 00 00 00 01 41") == "41");
}

TEST_CASE("a length in digits up to a line feed, then the body: both modes in turn (network.md 2.7 E)") {
  Script script({[](std::string_view record, Pipe& pipe) {
                   std::int32_t length = 0;
                   std::from_chars(record.data(), record.data() + record.size(), length);
                   return pipe.fixed(length);
                 },
                 emit});
  REQUIRE(script.pipe.delimited("\n").has_value());
  CHECK(script.feed("33 0A 61 62 63 32 0A 64") == "61 62 63");
  CHECK(script.feed("65 30 0A 31 0A 66") == "64 65 | 66");
}

TEST_CASE("direct(): the function collects and completes by itself (network.md 2.7 F)") {
  Script script({});
  std::string collected;
  script.steps.direct = [&](std::string_view bytes, Pipe& pipe, bool&, std::string&) -> jl::Status {
    collected += bytes;
    if (collected.size() < 4) return {};
    JL_CHECK(pipe.result(std::exchange(collected, {})));
    return pipe.complete();
  };
  CHECK(script.feed("00 01 02").empty());
  CHECK(script.feed("03 04") == "00 01 02 03 04");
  CHECK(script.feed("05 06 07").empty());
}

TEST_CASE("reset drops results and the step, not the unparsed bytes (network.md 2.7 G)") {
  Script script({[](std::string_view record, Pipe& pipe) -> jl::Status {
                   JL_CHECK(pipe.result(record));
                   return pipe.fixed(3);
                 },
                 emit});
  REQUIRE(script.pipe.fixed(2).has_value());
  CHECK(script.feed("01 02 03").empty());
  script.pipe.reset();
  CHECK(script.pipe.buffered() == 1);
  CHECK(script.feed("04 05 06 07 08") == "03 04 05 06 07");
  CHECK(script.pipe.buffered() == 1);
}

TEST_SUITE_END();
