// The scripts of network.md 2.7 with the bytes and frames that stand there, through the engine.
#include "tests/unit/daemon/script/support.hpp"

using namespace jl::script;
using namespace jl::script::testing;

TEST_SUITE_BEGIN("script");

namespace {
const char* const kTypeAndLength =
    "parser.fixed(5).handler(function(b,p){p.fixed(b.getIntLE(1)).result(b);})"
    ".handler(function(b,p){p.result(b).complete();});";
}  // namespace

TEST_CASE("a type byte, a little-endian length and a body (network.md 2.7 C)") {
  const Rule rule = rule_of(kTypeAndLength);
  Cutting script(rule);
  CHECK(script.feed("00 0D 00 00 00 E8 03 00 00 00 00 00 00 61 64 6D 69 6E 06 14 00") ==
        "00 0D 00 00 00 E8 03 00 00 00 00 00 00 61 64 6D 69 6E");
  CHECK(script.framer->buffered() == 3);
  CHECK(script.feed("00 00 E8 03 00 00 00 00 00 00 9A 99 F4 42 00 00 12 42 22 B7 C9 4C") ==
        "06 14 00 00 00 E8 03 00 00 00 00 00 00 9A 99 F4 42 00 00 12 42 22 B7 C9 4C");
  CHECK(script.framer->buffered() == 0);
}

TEST_CASE("a big-endian length that is stripped (network.md 2.7 D)") {
  const Rule rule =
      rule_of("parser.fixed(4).handler((b,p)=>{p.fixed(b.getInt(0));}).handler((b,p)=>{p.result(b).complete();});");
  Cutting script(rule);
  CHECK(script.feed("00 00 00 05 31 32 33 34").empty());
  CHECK(script.feed("35 00 00 00 06 31 32 33 34") == "31 32 33 34 35");
  CHECK(script.feed("35 36") == "31 32 33 34 35 36");
  CHECK(script.feed("00 00 00 00 00 00 00 01 41") == "41");
}

TEST_CASE("a length in digits up to a line feed, then the body (network.md 2.7 E)") {
  const Rule rule = rule_of(
      "parser.delimited(\"\\n\").handler((b,p)=>p.fixed(parseInt(b.toString()))).handler((b,p)=>p.result(b).complete()"
      ")");
  Cutting script(rule);
  CHECK(script.feed("33 0A 61 62 63 32 0A 64") == "61 62 63");
  CHECK(script.feed("65 30 0A 31 0A 66") == "64 65 | 66");
}

TEST_CASE("direct() collects and completes by itself (network.md 2.7 F)") {
  const Rule rule = rule_of(
      "var c=parser.newBuffer(),q=parser;parser.direct(function(b){c.appendBuffer(b);"
      "if(c.length()>=4){var r=c;c=q.newBuffer();q.result(r).complete();}return null;})");
  Cutting script(rule);
  CHECK(script.feed("00 01 02").empty());
  CHECK(script.feed("03 04") == "00 01 02 03 04");
  CHECK(script.feed("05 06 07").empty());
}

TEST_CASE("reset drops results and the step, not the unparsed bytes (network.md 2.7 G)") {
  const Rule rule =
      rule_of("parser.fixed(2).handler((b,p)=>p.result(b).fixed(3)).handler((b,p)=>p.result(b).complete())");
  Cutting script(rule);
  CHECK(script.feed("01 02 03").empty());
  script.framer->reset();
  CHECK(script.feed("04 05 06 07 08") == "03 04 05 06 07");
}

TEST_CASE("what direct() returns is a frame: a Buffer, an array of bytes, a string (network.md 2.4)") {
  for (const char* made : {"b", "b.getBytes()", "b.toString()"}) {
    CAPTURE(made);
    const Rule rule = rule_of("parser.direct(function(b) { return " + std::string(made) + "; })");
    Cutting script(rule);
    CHECK(script.feed("41 42") == "41 42");
  }
}

TEST_CASE("however a stream is cut into reads, the frames are the same (network.md 2.7 C)") {
  const Rule rule = rule_of(kTypeAndLength);
  std::string stream;
  std::vector<std::string> want;
  std::mt19937 random(7);
  for (int i = 0; i < 200; ++i) {
    const std::size_t size = 1 + random() % 40;
    std::string frame = {static_cast<char>(i), static_cast<char>(size), 0, 0, 0};
    frame.append(size, static_cast<char>('a' + i % 26));
    stream += frame;
    want.push_back(frame);
  }
  for (const std::size_t most : {1u, 3u, 7u, 64u, 100000u}) {
    CAPTURE(most);
    Cutting script(rule);
    jl::wire::framing::testing::feed_in_pieces(stream, most, random, [&](std::string_view piece) {
      return script.framer->feed(piece, script.sink).has_value();
    });
    CHECK(script.sink.frames == want);
    CHECK(script.framer->buffered() == 0);
  }
}

TEST_CASE("a length above maxFrameLength is too_large, and the connection's framing ends") {
  const Rule rule = rule_of(kTypeAndLength);
  Cutting script(rule);
  CHECK(script.feed("00 FF FF FF 7F") == "error too_large");
  CHECK(script.feed("00 01 00 00 00 41") == "error invalid");
  Cutting other(rule);
  CHECK(other.feed("00 FF FF FF FF") == "error invalid");
}
