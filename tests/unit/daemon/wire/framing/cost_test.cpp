// What connections cost while nothing is held back: asked from the allocator (which says 0 under a sanitizer).
#include "tests/unit/daemon/wire/framing/support.hpp"

#include <malloc.h>

using namespace jl::wire::framing;
using namespace jl::wire::framing::testing;

TEST_SUITE_BEGIN("wire.framing");

namespace {
constexpr std::size_t kConnections = 500;
constexpr std::size_t kFrame = 100'000;

std::size_t heap_in_use() {
  const struct mallinfo2 info = mallinfo2();
  return info.uordblks + info.hblkhd;
}

struct Quiet final : FrameSink {
  bool on_frame(std::string_view frame) override {
    bytes += frame.size();
    return true;
  }
  std::size_t bytes = 0;
};
}  // namespace

TEST_CASE("a connection that held a large frame costs less than 300 bytes when the frame is out") {
  const std::string part(kFrame - 3, 'a');
  const std::string rest = "a\r\n";
  const std::string header = unhex("00 01 86 9D");  // kFrame - 3
  struct Row {
    std::unique_ptr<FramingRule> rule;
    std::string reads[2];
  };
  const Row rows[] = {{fixed_length(kFrame), {part, rest}},
                      {delimited("\r\n"), {part, rest + "tail"}},  // a few bytes come after the frame
                      {length_field({}), {header + part.substr(5), "aaaaa" + std::string(3, '\0')}}};
  for (const Row& row : rows) {
    Quiet sink;
    std::vector<std::unique_ptr<Framer>> framers(kConnections);
    const std::size_t before = heap_in_use();
    for (auto& framer : framers) {
      framer = row.rule->open().value();
      for (const std::string& read : row.reads) REQUIRE(framer->feed(read, sink).has_value());
    }
    CHECK(sink.bytes >= kConnections * (kFrame - 3));
    CHECK(heap_in_use() - before < kConnections * 300);
  }
}

TEST_CASE("a pipe that held a large frame costs less than 100 bytes of heap when the frame is out") {
  const std::string part(kFrame - 3, 'a');
  Quiet sink;
  LambdaSteps steps({emit});
  std::vector<std::unique_ptr<Pipe>> pipes;
  for (std::size_t i = 0; i < kConnections; ++i) pipes.push_back(std::make_unique<Pipe>(kDefaultMaxFrame));
  for (auto& pipe : pipes) REQUIRE(pipe->delimited("\r\n").has_value());
  const std::size_t before = heap_in_use();
  for (auto& pipe : pipes) {
    REQUIRE(pipe->feed(part, steps, sink).has_value());
    CHECK(pipe->buffered() == part.size());
    REQUIRE(pipe->feed("\r\n", steps, sink).has_value());
    CHECK(pipe->buffered() == 0);
  }
  CHECK(sink.bytes == kConnections * part.size());
  CHECK(heap_in_use() - before < kConnections * 100);
}

TEST_SUITE_END();
