#pragma once
// The pipe engine below framing scripts (network.md 2.4): records cut by a length or a delimiter go through steps,
// whose results put together are frames. What a step does is the caller's; here is only the order of things.
#include "daemon/wire/framing/byte_stream.hpp"
#include "daemon/wire/framing/framer.hpp"

#include <functional>

namespace jl::wire::framing {

class Pipe;

/// Runs the steps of a pipe.
class PipeSteps {
 public:
  virtual ~PipeSteps() = default;
  [[nodiscard]] virtual std::size_t count() const = 0;  ///< of steps added by handler()
  /// Runs step `index` on a record, which is valid during the call. It may call the pipe's methods.
  [[nodiscard]] virtual Status run(std::size_t index, std::string_view record, Pipe& pipe) = 0;
  /// Whether direct() was called with a function.
  [[nodiscard]] virtual bool has_direct() const = 0;
  /// Runs it on one read. What it returns through `frame` (when `emits`) is a frame.
  [[nodiscard]] virtual Status run_direct(std::string_view bytes, Pipe& pipe, bool& emits, std::string& frame) = 0;
};

class Pipe {
 public:
  explicit Pipe(std::size_t max_frame) : max_frame_(max_frame) {}

  // What scripts call (2.4). Errors: invalid (a negative length, an empty delimiter), too_large.
  [[nodiscard]] Status fixed(std::int32_t length);
  [[nodiscard]] Status delimited(std::string_view delimiter);
  [[nodiscard]] Status result(std::string_view bytes);
  /// Emits the results so far as one frame, if there are any, and starts over at the first step and the first rule.
  /// Outside of feed() the frame is for nobody.
  [[nodiscard]] Status complete();
  /// Drops the results and starts over; bytes that are in no record yet stay. May be called by the sink too.
  void reset();

  /// Takes one read. Frames come out of complete(), in the middle of steps. Not re-entrant. Without a rule and without
  /// direct() the bytes are dropped. Errors: those of the steps, with the number of the step (from 1) in front; invalid
  /// (a record and no step); too_large (no delimiter in time).
  [[nodiscard]] Status feed(std::string_view bytes, PipeSteps& steps, FrameSink& sink);
  [[nodiscard]] std::size_t buffered() const { return stream_.left(); }

 private:
  enum class Mode : std::uint8_t { none, fixed, delimited };
  struct Rule {
    Mode mode = Mode::none;
    std::size_t length = 0;
    std::shared_ptr<const DelimiterSearch> delimiter;
  };
  void set_rule(Rule rule);
  Status feed_direct(std::string_view bytes, PipeSteps& steps);
  Status feed_records(std::string_view bytes, PipeSteps& steps);
  ByteStream::Cut next_record(std::string_view& record);
  Status run_step(std::string_view record, PipeSteps& steps);

  const std::size_t max_frame_;
  Rule rule_, first_rule_;
  std::size_t step_ = 0;
  bool has_results_ = false;  // a result may be empty
  std::string results_;
  ByteStream stream_;
  FrameSink* sink_ = nullptr;  // during feed()
  bool stopped_ = false;       // the sink wants no more
};

}  // namespace jl::wire::framing
