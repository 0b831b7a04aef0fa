// A stream of bytes goes through a framing rule that the input chooses: once whole, once in pieces, once byte by byte.
// The same frames must come out; none is larger than the limit, and what is held back is bounded. A fourth connection
// is reset again and again by its codec, which may change its frames and nothing else.
#include "common/base/assert.hpp"
#include "daemon/wire/framing/framer.hpp"
#include "daemon/wire/framing/pipe.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace {
using namespace jl::wire::framing;

/// Takes the choices off the input; zeros when it is used up.
class Choices {
 public:
  explicit Choices(std::string_view input) : rest_(input) {}
  std::uint8_t byte() {
    if (rest_.empty()) return 0;
    const auto value = static_cast<std::uint8_t>(rest_.front());
    rest_.remove_prefix(1);
    return value;
  }
  std::string text(std::size_t most) {
    const std::string taken(rest_.substr(0, 1 + byte() % most));
    rest_.remove_prefix(std::min(taken.size(), rest_.size()));
    return taken.empty() ? "\n" : taken;
  }
  std::string_view rest() const { return rest_; }

 private:
  std::string_view rest_;
};

struct Recorder final : FrameSink {
  bool on_frame(std::string_view frame) override {
    JL_ASSERT(frame.size() <= max);
    frames.emplace_back(frame);
    if (reset) reset->reset();
    return frames.size() != stop_at;
  }
  std::size_t max = 0;
  std::size_t stop_at = 0;
  Framer* reset = nullptr;
  std::vector<std::string> frames;
};

/// Three bytes of the input for each step: which rule it sets, how long, and what else it does.
struct StepPlan {
  std::uint8_t does = 0;
  std::uint8_t length = 0;
  std::string delimiter;
};

struct Script {
  std::vector<StepPlan> steps;
  bool has_direct = false;
};

/// What a script is to a connection: the pipe and steps that do as planned, with lengths from their records.
class ScriptFramer final : public Framer, private PipeSteps {
 public:
  ScriptFramer(const Script& script, std::size_t max) : script_(script), pipe_(max) {
    if (!script.has_direct && !script.steps.empty()) (void)set_rule(script.steps.front(), "");
  }
  jl::Status feed(std::string_view bytes, FrameSink& sink) override { return pipe_.feed(bytes, *this, sink); }
  void reset() override { pipe_.reset(); }
  std::size_t buffered() const override { return pipe_.buffered(); }

 private:
  std::size_t count() const override { return script_.steps.size(); }
  bool has_direct() const override { return script_.has_direct; }

  jl::Status run(std::size_t index, std::string_view record, Pipe& pipe) override {
    const StepPlan& plan = script_.steps.at(index);
    if ((plan.does & 0x01u) != 0) JL_CHECK(pipe.result(record));
    if ((plan.does & 0x02u) != 0) JL_CHECK(pipe.complete());
    if ((plan.does & 0x04u) != 0) JL_CHECK(set_rule(plan, record));
    if ((plan.does & 0x08u) != 0) JL_CHECK(pipe.result(plan.delimiter));
    if ((plan.does & 0x10u) != 0) JL_CHECK(pipe.complete());
    if ((plan.does & 0x20u) != 0 && record.starts_with('R')) pipe.reset();
    return {};
  }
  jl::Status run_direct(std::string_view bytes, Pipe& pipe, bool& emits, std::string& frame) override {
    JL_CHECK(pipe.result(bytes.substr(0, 1)));
    if (bytes.front() % 4 == 0) JL_CHECK(pipe.complete());
    emits = bytes.front() % 2 == 0;
    frame = bytes;
    return {};
  }
  jl::Status set_rule(const StepPlan& plan, std::string_view record) {
    if ((plan.does & 0x40u) != 0) return pipe_.delimited(plan.delimiter);
    const std::int32_t from_record = record.empty() ? 1 : static_cast<signed char>(record.back());
    return pipe_.fixed((plan.does & 0x80u) != 0 ? from_record : plan.length % 16);
  }

  const Script& script_;
  Pipe pipe_;
};

class ScriptRule final : public FramingRule {
 public:
  ScriptRule(Script script, std::size_t max) : script_(std::move(script)), max_(max) {}
  jl::Result<std::unique_ptr<Framer>> open() const override { return std::make_unique<ScriptFramer>(script_, max_); }

 private:
  const Script script_;
  const std::size_t max_;
};

struct Setup {
  std::unique_ptr<FramingRule> rule;
  std::size_t most_held = 0;
  bool depends_on_reads = false;  // DIRECT and direct()
};

Setup choose_script(Choices& choices, std::size_t max) {
  Script script;
  const std::uint8_t shape = choices.byte();
  script.has_direct = shape >= 0xF0;
  script.steps.resize(shape % 5u);
  for (StepPlan& step : script.steps) {
    step.does = choices.byte();
    step.length = choices.byte();
    step.delimiter = choices.text(4);
  }
  const bool depends = script.has_direct || script.steps.empty();
  return {std::make_unique<ScriptRule>(std::move(script), max), 2 * max, depends};
}

Setup choose(Choices& choices, std::size_t max) {
  constexpr std::size_t kLengths[] = {1, 2, 3, 4, 8};
  switch (choices.byte() % 6) {
    case 0:
      return {direct(max), 0, true};
    case 1:
      return {fixed_length(1 + choices.byte(), max), max, false};
    case 2: {
      const jl::Result<std::string> parsed = parse_delimiter(choices.text(16));
      JL_ASSERT(!parsed || !parsed->empty());
      JL_ASSERT(parsed || !parsed.error().message.empty());
      const std::string delimiter = parsed.has_value() ? *parsed : "\r\n";
      return {delimited(delimiter, max), max + delimiter.size() - 1, false};
    }
    case 3: {
      const std::uint8_t shape = choices.byte();
      const LengthField field{.offset = shape % 8u, .length = kLengths[shape / 8u % 5], .little = shape >= 0x80};
      return {length_field(field, max), max, false};
    }
    default:
      return choose_script(choices, max);
  }
}

struct Outcome {
  std::vector<std::string> frames;
  std::string error;
  std::size_t held = 0;
  bool operator==(const Outcome&) const = default;
};

/// Feeds the stream in reads whose sizes come from `pieces`; 0 means whole, 1 byte by byte.
Outcome play(const Setup& setup, std::string_view stream, std::uint32_t pieces, Recorder recorder, bool resets) {
  const std::unique_ptr<Framer> framer = setup.rule->open().value();
  if (resets) recorder.reset = framer.get();
  std::string error;
  for (bool first = true; error.empty() && (first || !stream.empty()); first = false) {
    std::size_t count = stream.size();
    if (pieces == 1) count = 1;
    if (pieces > 1) {
      pieces = pieces * 1664525u + 1013904223u;
      count = 1 + (pieces >> 24u) % 40;
    }
    const std::string piece(stream.substr(0, count));  // its own allocation: reading beyond it is seen
    stream.remove_prefix(piece.size());
    const jl::Status status = framer->feed(piece, recorder);
    if (!status) error = status.error().word();
    JL_ASSERT(framer->buffered() <= setup.most_held);
    if (resets && count % 3 == 0) framer->reset();
    JL_ASSERT(framer->buffered() <= setup.most_held);
    if (recorder.frames.size() == recorder.stop_at) break;
  }
  return {std::move(recorder.frames), std::move(error), framer->buffered()};
}
}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string input(data, data + size);
  Choices choices(input);
  const std::uint32_t pieces = 2u + choices.byte();
  const std::uint8_t limits = choices.byte();
  Recorder recorder;
  recorder.max = (limits & 1u) != 0 ? kDefaultMaxFrame : std::size_t{limits} / 4;
  recorder.stop_at = (limits & 2u) != 0 ? std::size_t{limits} / 16 + 1 : std::size_t{0} - 1;
  const Setup setup = choose(choices, recorder.max);
  const std::string_view stream = choices.rest();

  const Outcome whole = play(setup, stream, 0, recorder, false);
  const Outcome split = play(setup, stream, pieces, recorder, false);
  const Outcome bytes = play(setup, stream, 1, recorder, false);
  (void)play(setup, stream, pieces, recorder, true);
  if (setup.depends_on_reads) return 0;
  JL_ASSERT(whole == split);
  JL_ASSERT(whole == bytes);
  return 0;
}
