// Rules, framers and threads end in any order; what a connection costs.
#include "tests/unit/daemon/script/support.hpp"

#include <thread>

using namespace jl::script;
using namespace jl::script::testing;

TEST_SUITE_BEGIN("script");

namespace {
const char* const kPairs = "var n = 0; parser.fixed(2).handler(function(b,p){ n++; p.result(b).complete(); })";
}

TEST_CASE("a framer outlives its rule") {
  Rule rule = rule_of(kPairs);
  Cutting script(rule);
  rule.reset();
  CHECK(script.feed("01 02 03") == "01 02");
  const Rule other = rule_of(kPairs);  // drops the realm of the rule from the engine, not from the framer
  CHECK(script.feed("04") == "03 04");
}

TEST_CASE("one rule serves several threads, and ends before they do") {
  Rule rule = rule_of(kPairs);
  std::vector<std::string> got(4);
  std::vector<std::thread> threads;
  for (std::string& frames : got) {
    threads.emplace_back([&frames, &rule] {
      for (int i = 0; i < 20; ++i) {
        Cutting script(rule);
        frames = script.feed("01 02 03 04 05");
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  rule.reset();
  for (const std::string& frames : got) CHECK(frames == "01 02 | 03 04");
}

TEST_CASE("a framer that is left when its thread ends can only be destroyed") {
  const Rule rule = rule_of(kPairs);
  std::unique_ptr<jl::wire::framing::Framer> left;
  std::thread([&] { left = rule->open().value(); }).join();
  jl::wire::framing::testing::FrameRecorder sink;
  CHECK_FALSE(left->feed("abc", sink).has_value());
  left.reset();
}

TEST_CASE("the receiver of a frame may reset the framer, stop it, use another one and throw") {
  const Rule rule = rule_of(kPairs);
  Cutting script(rule);
  Cutting other(rule);
  script.sink.then = [&](std::string_view) {
    script.framer->reset();
    CHECK(other.feed("0A 0B") == "0A 0B");
    return true;
  };
  CHECK(script.feed("01 02 03 04 05") == "01 02 | 03 04");
  script.sink.then = [](std::string_view) { return false; };
  CHECK(script.feed("06 07 08 09") == "05 06");
  script.sink.then = [](std::string_view) -> bool { throw std::runtime_error("receiver"); };
  CHECK_THROWS_AS(script.feed("01 02 03 04"), std::runtime_error);
  CHECK(other.feed("01 02") == "01 02");
}

TEST_CASE("the receiver's time is not the script's") {
  const Rule rule = rule_of(kPairs, {.call = std::chrono::milliseconds(20)});
  Cutting script(rule);
  script.sink.then = [](std::string_view) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(60);
    while (std::chrono::steady_clock::now() < end) {
    }
    return true;
  };
  CHECK(script.feed("01 02 03 04") == "01 02 | 03 04");
}

TEST_CASE("close() drops what follows; newBuffer() and reset() work from a step (network.md 2.4)") {
  const Rule rule = rule_of(
      "parser.fixed(1).handler(function(b,p){ if (b.getByte(0) === 7) { p.close(); return; } p.result('lost').reset();"
      "p.result(p.newBuffer().appendByte(b.getByte(0))).complete(); })");
  Cutting script(rule);
  CHECK(script.feed("01 02 07 03") == "01 | 02");
  CHECK(script.feed("04").empty());
}

TEST_CASE("only the names of one engine are languages (network.md 2.5)") {
  for (const char* lang : {"js", "javascript", "nashorn", ""}) {
    CAPTURE(lang);
    CHECK(script_rule({kPairs, "script", lang}, {}, kMaxFrame).has_value());
  }
  const auto groovy = script_rule({kPairs, "script", "groovy"}, {}, kMaxFrame);
  REQUIRE_FALSE(groovy.has_value());
  CHECK(groovy.error().code == jl::Errc::unsupported);
  CHECK(groovy.error().message == "unsupported script lang:groovy");
}

TEST_CASE("a thousand connections and a hundred thousand frames") {
  const Rule rule = rule_of(kPairs);
  std::vector<std::unique_ptr<jl::wire::framing::Framer>> framers;
  for (int i = 0; i < 1000; ++i) framers.push_back(rule->open().value());
  jl::wire::framing::testing::FrameRecorder sink;
  const std::string chunk(200, 'x');
  for (const auto& framer : framers) REQUIRE(framer->feed(chunk, sink).has_value());
  CHECK(sink.frames.size() == 100'000);
}
