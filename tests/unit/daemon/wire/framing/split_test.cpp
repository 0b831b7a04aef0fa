// However a stream is cut into reads, the same frames come out (DIRECT is the exception, network.md 2). Streams, rules
// and cuts come from a seeded generator.
#include "tests/unit/daemon/wire/framing/support.hpp"

#include <algorithm>

using namespace jl::wire::framing;
using namespace jl::wire::framing::testing;
using jl::Status;

TEST_SUITE_BEGIN("wire.framing");

namespace {
using Random = std::mt19937;

std::string random_text(Random& random, std::size_t size, std::string_view alphabet) {
  std::string text(size, '\0');
  for (char& c : text) c = alphabet[random() % alphabet.size()];
  return text;
}

Outcome outcome(const Status& status, FrameRecorder& sink, std::size_t buffered) {
  return {std::move(sink.frames), status ? std::string() : std::string(status.error().word()), buffered};
}

Outcome cut(const FramingRule& rule, std::string_view stream, std::size_t most, Random& random) {
  const std::unique_ptr<Framer> framer = rule.open().value();
  FrameRecorder sink;
  Status status;
  feed_in_pieces(stream, most, random, [&](std::string_view piece) {
    status = framer->feed(piece, sink);
    return status.has_value();
  });
  return outcome(status, sink, framer->buffered());
}

/// Cuts the stream whole and in many ways, and compares with what is wanted.
void check_all_splits(const FramingRule& rule, const std::string& stream, const Outcome& want, Random& random) {
  CAPTURE(hex(stream));
  const std::unique_ptr<Framer> framer = rule.open().value();
  FrameRecorder sink;
  const Status status = framer->feed(stream, sink);
  REQUIRE(outcome(status, sink, framer->buffered()) == want);
  for (const std::size_t most : {1, 2, 3, 7, 7, 7, 20, 20, 60, 60}) REQUIRE(cut(rule, stream, most, random) == want);
}

// What the rules mean, said in the shortest way.
Outcome delimited_means(std::string_view stream, std::string_view delimiter, std::size_t max) {
  Outcome want;
  for (std::size_t at = stream.find(delimiter); at != std::string_view::npos; at = stream.find(delimiter)) {
    if (at > max) return want.error = "too_large", want;
    want.frames.emplace_back(stream.substr(0, at));
    stream.remove_prefix(at + delimiter.size());
  }
  std::size_t begun = std::min(stream.size(), delimiter.size() - 1);
  while (!stream.ends_with(delimiter.substr(0, begun))) --begun;
  if (stream.size() - begun > max) return want.error = "too_large", want;
  want.buffered = stream.size();
  return want;
}

Outcome fixed_means(std::string_view stream, std::size_t size) {
  Outcome want;
  for (; stream.size() >= size; stream.remove_prefix(size)) want.frames.emplace_back(stream.substr(0, size));
  want.buffered = stream.size();
  return want;
}

Outcome length_means(std::string_view stream, const LengthField& field, std::size_t max) {
  Outcome want;
  const std::size_t header = field.offset + field.length;
  while (stream.size() >= header) {
    std::string digits(stream.substr(field.offset, field.length));
    if (field.little) std::reverse(digits.begin(), digits.end());
    std::int64_t body = 0;
    for (const char c : digits.substr(field.length == 8 ? 4 : 0)) body = body * 256 + static_cast<unsigned char>(c);
    if (field.length >= 4 && body >= std::int64_t{1} << 31) return want.error = "invalid", want;
    const std::size_t size = header + static_cast<std::size_t>(body);
    if (size > max) return want.error = "too_large", want;
    if (stream.size() < size) break;
    want.frames.emplace_back(stream.substr(0, size));
    stream.remove_prefix(size);
  }
  want.buffered = stream.size();
  return want;
}
}  // namespace

TEST_CASE("DELIMITED cuts the same frames out of any reads (network.md 2.1)") {
  Random random(2);
  for (int round = 0; round < 1500; ++round) {
    const std::string alphabet = round % 3 == 0 ? "ab" : "ab\r\n";
    const std::string delimiter = random_text(random, 1 + random() % 4, alphabet);
    const std::string stream = random_text(random, random() % 120, alphabet);
    const std::size_t max = round % 4 == 0 ? random() % 30 : kDefaultMaxFrame;
    CAPTURE(hex(delimiter));
    CAPTURE(max);
    check_all_splits(*delimited(delimiter, max), stream, delimited_means(stream, delimiter, max), random);
  }
}

TEST_CASE("FIXED_LENGTH cuts the same frames out of any reads (network.md 2.2)") {
  Random random(3);
  for (int round = 0; round < 500; ++round) {
    const std::size_t size = 1 + random() % 40;
    const std::string stream = random_text(random, random() % 120, "0123456789abcdef");
    check_all_splits(*fixed_length(size, 40), stream, fixed_means(stream, size), random);
  }
}

TEST_CASE("LENGTH_FIELD cuts the same frames out of any reads (network.md 2.3)") {
  Random random(4);
  constexpr std::size_t kLengths[] = {1, 2, 3, 4, 8};
  // Mostly small numbers, so that there are frames; the last letter makes lengths that are negative or too large.
  constexpr std::string_view kAlphabet("\0\0\0\0\0\0\0\0\1\2\3\5\x85", 13);
  for (int round = 0; round < 2000; ++round) {
    const LengthField field{
        .offset = random() % 4, .length = kLengths[random() % std::size(kLengths)], .little = random() % 2 == 0};
    const std::string alphabet(kAlphabet.substr(0, round % 3 == 0 ? 13 : 12));
    const std::string stream = random_text(random, random() % 120, alphabet);
    const std::size_t max = 12 + random() % 1000;
    CAPTURE(field.offset);
    CAPTURE(field.length);
    CAPTURE(field.little);
    CAPTURE(max);
    check_all_splits(*length_field(field, max), stream, length_means(stream, field, max), random);
  }
}

namespace {
/// A script of random steps, the same for the same seed: what a step does depends on its record alone.
class RandomScript final : public PipeSteps {
 public:
  RandomScript(unsigned seed, Pipe& pipe) {
    Random random(seed);
    count_ = 1 + random() % 4;
    salt_ = static_cast<std::uint32_t>(random());
    for (unsigned i = 0; i < 1 + salt_ % 2; ++i) set_rule(static_cast<std::uint32_t>(random()), pipe);
  }
  std::size_t count() const override { return count_; }
  Status run(std::size_t index, std::string_view record, Pipe& pipe) override {
    std::uint32_t choice = salt_ + static_cast<std::uint32_t>(index) * 2654435761u;
    for (const char c : record) choice = (choice ^ static_cast<unsigned char>(c)) * 16777619u;
    if ((choice & 0x100u) != 0) JL_CHECK(pipe.result(record));
    if ((choice & 0x200u) != 0) set_rule(choice >> 16u, pipe);
    if ((choice & 0x400u) != 0) JL_CHECK(pipe.complete());
    if ((choice & 0x1800u) == 0) JL_CHECK(pipe.result(std::to_string(index)));
    if ((choice & 0x6000u) == 0) JL_CHECK(pipe.complete());
    if ((choice & 0xFF0000u) == 0) pipe.reset();
    if ((choice & 0xFF000000u) == 0) return pipe.fixed(-1);
    return {};
  }
  bool has_direct() const override { return false; }
  Status run_direct(std::string_view, Pipe&, bool&, std::string&) override { return {}; }

 private:
  static void set_rule(std::uint32_t choice, Pipe& pipe) {
    constexpr std::string_view kDelimiters[] = {"a", "\n", "ab", "aab", "\r\n", "aa"};
    if (choice % 2 == 0) REQUIRE(pipe.fixed(static_cast<std::int32_t>(1 + choice / 2 % 9)).has_value());
    if (choice % 2 == 1) REQUIRE(pipe.delimited(kDelimiters[choice / 2 % std::size(kDelimiters)]).has_value());
  }

  std::size_t count_ = 0;
  std::uint32_t salt_ = 0;
};

/// The frames of a random script, with reads of at most `most` bytes. buffered() says where the stream stands.
Outcome run_script(unsigned seed, std::size_t max, std::string_view stream, std::size_t most, Random& random) {
  Pipe pipe(max);
  RandomScript script(seed, pipe);
  FrameRecorder sink;
  Status status;
  feed_in_pieces(stream, most, random, [&](std::string_view piece) {
    status = pipe.feed(piece, script, sink);
    return status.has_value();
  });
  return outcome(status, sink, pipe.buffered());
}
}  // namespace

TEST_CASE("a script of fixed and delimited records cuts the same frames out of any reads (network.md 2.4)") {
  Random random(5);
  std::size_t frames = 0;
  std::size_t errors = 0;
  for (unsigned seed = 0; seed < 2000; ++seed) {
    CAPTURE(seed);
    const std::string stream = random_text(random, random() % 200, seed % 2 == 0 ? "ab" : "ab\r\nc");
    const std::size_t max = 16 + random() % 64;
    const Outcome want = run_script(seed, max, stream, 1, random);
    for (const std::size_t most : {2, 3, 7, 7, 20, 60, 200}) {
      REQUIRE(run_script(seed, max, stream, most, random) == want);
    }
    frames += want.frames.size();
    errors += want.error.empty() ? 0 : 1;
  }
  CHECK(frames > 10000);  // the scripts do what this is about
  CHECK(errors > 100);
}

TEST_CASE("LENGTH_FIELD is the pipe of fixed header and fixed body, in reset too (network.md 2.3, 2.6)") {
  Random random(6);
  for (int round = 0; round < 2000; ++round) {
    CAPTURE(round);
    const std::size_t offset = random() % 3;
    const auto framer = length_field({.offset = offset, .length = 1}, 400)->open().value();
    LambdaSteps steps({[&](std::string_view header, Pipe& it) -> Status {
                         JL_CHECK(it.result(header));
                         return it.fixed(static_cast<unsigned char>(header.back()));
                       },
                       emit});
    Pipe pipe(400);
    REQUIRE(pipe.fixed(static_cast<std::int32_t>(offset + 1)).has_value());
    FrameRecorder got;
    FrameRecorder want;
    // The codec refuses frames whose sum is odd.
    const auto is_odd = [](std::string_view frame) {
      unsigned sum = 0;
      for (const char c : frame) sum += static_cast<unsigned char>(c);
      return sum % 2 == 1;
    };
    got.then = [&](std::string_view frame) { return is_odd(frame) ? framer->reset(), true : true; };
    want.then = [&](std::string_view frame) { return is_odd(frame) ? pipe.reset(), true : true; };
    for (int read = 0; read < 20; ++read) {
      const std::string bytes = random_text(random, random() % 12, std::string_view("\0\1\2\3\7", 5));
      REQUIRE(framer->feed(bytes, got).has_value());
      REQUIRE(pipe.feed(bytes, steps, want).has_value());
      if (random() % 4 == 0) framer->reset(), pipe.reset();
      if (random() % 8 == 0) framer->reset(), pipe.reset();
      REQUIRE(got.frames == want.frames);
    }
  }
}

TEST_SUITE_END();
