#include "daemon/wire/framing/pipe.hpp"

#include "common/base/assert.hpp"
#include "daemon/wire/framing/faults.hpp"

#include <fmt/format.h>

namespace jl::wire::framing {

Status Pipe::fixed(std::int32_t length) {
  if (length == 0) return complete();
  if (length < 0) {
    return Error{Errc::invalid, fmt::format("fixed({}) asks for a negative length", length),
                 "correct the framing script, or find what the device sends"};
  }
  const auto size = static_cast<std::size_t>(length);
  if (size > max_frame_) return frame_too_large(size, max_frame_);
  set_rule({.mode = Mode::fixed, .length = size, .delimiter = nullptr});
  return {};
}

Status Pipe::delimited(std::string_view delimiter) {
  if (delimiter.empty()) {
    return Error{Errc::invalid, "delimited(\"\") has no delimiter", "give at least one character"};
  }
  if (delimiter.size() > max_frame_) return frame_too_large(delimiter.size(), max_frame_);
  // Steps that alternate between two rules ask for the same delimiter again and again.
  for (const Rule* known : {&rule_, &first_rule_}) {
    if (known->mode == Mode::delimited && known->delimiter->delimiter() == delimiter) {
      set_rule(*known);
      return {};
    }
  }
  set_rule({.mode = Mode::delimited,
            .length = 0,
            .delimiter = std::make_shared<const DelimiterSearch>(std::string(delimiter))});
  return {};
}

Status Pipe::result(std::string_view bytes) {
  if (bytes.size() > max_frame_ - results_.size()) {
    return frame_too_large(results_.size() + bytes.size(), max_frame_);
  }
  results_.append(bytes);
  has_results_ = true;
  return {};
}

Status Pipe::complete() {
  step_ = 0;
  if (rule_.mode != Mode::none) set_rule(first_rule_);
  if (!has_results_) return {};
  // Everything is in its first state before the frame leaves: the sink may call reset().
  std::string frame;
  frame.swap(results_);
  has_results_ = false;
  if (sink_ != nullptr && !stopped_) stopped_ = !sink_->on_frame(frame);
  return {};
}

void Pipe::reset() {
  results_.clear();
  has_results_ = false;
  (void)complete();  // without results it cannot fail
}

void Pipe::set_rule(Rule rule) {
  if (rule_.mode == Mode::none) first_rule_ = rule;
  rule_ = std::move(rule);
  stream_.restart_search();
}

Status Pipe::feed(std::string_view bytes, PipeSteps& steps, FrameSink& sink) {
  JL_ASSERT(sink_ == nullptr);
  if (bytes.empty()) return {};
  sink_ = &sink;
  stopped_ = false;
  Status status = rule_.mode == Mode::none ? feed_direct(bytes, steps) : feed_records(bytes, steps);
  sink_ = nullptr;
  if (stopped_) return {};
  return status;
}

Status Pipe::feed_direct(std::string_view bytes, PipeSteps& steps) {
  if (!steps.has_direct()) return {};  // "record parser not init": the bytes are dropped
  bool emits = false;
  std::string frame;
  JL_CHECK(steps.run_direct(bytes, *this, emits, frame));
  if (!emits || stopped_) return {};
  if (frame.size() > max_frame_) return frame_too_large(frame.size(), max_frame_);
  stopped_ = !sink_->on_frame(frame);
  return {};
}

Status Pipe::feed_records(std::string_view bytes, PipeSteps& steps) {
  stream_.begin(bytes);
  Status status;
  std::string_view record;
  ByteStream::Cut cut = ByteStream::Cut::none;
  while (status && !stopped_ && (cut = next_record(record)) == ByteStream::Cut::record) {
    status = run_step(record, steps);
  }
  if (status && cut == ByteStream::Cut::too_long) status = no_delimiter_within(max_frame_);
  if (!status || stopped_) stream_.drop();
  stream_.end();
  return status;
}

ByteStream::Cut Pipe::next_record(std::string_view& record) {
  if (rule_.mode == Mode::delimited) return stream_.take_until(*rule_.delimiter, max_frame_, record);
  return stream_.take(rule_.length, record) ? ByteStream::Cut::record : ByteStream::Cut::none;
}

Status Pipe::run_step(std::string_view record, PipeSteps& steps) {
  if (steps.count() == 0) {
    return Error{Errc::invalid, "framing script has no handler for its records",
                 "add parser.handler(function(buffer, parser) {...})"};
  }
  std::size_t index = step_++;
  if (index >= steps.count()) {
    // Back to the first step, whose successor is then the first step again: step_ is 0 here, not 1.
    step_ = 0;
    index = 0;
  }
  Status done = steps.run(index, record, *this);
  if (done) return done;
  Error error = done.error();
  error.message = fmt::format("step {} of the framing script: {}", index + 1, error.message);
  return error;
}

}  // namespace jl::wire::framing
