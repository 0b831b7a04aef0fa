#pragma once
// What the tests of framing share: bytes written as hex, and sinks that remember frames.
#include "daemon/wire/framing/framer.hpp"
#include "daemon/wire/framing/pipe.hpp"

#include <doctest/doctest.h>
#include <functional>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace jl::wire::framing::testing {

/// "68 00 ff" -> three bytes.
inline std::string unhex(std::string_view text) {
  std::string bytes;
  int high = -1;
  for (const char c : text) {
    if (c == ' ') continue;
    const int digit = c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10;
    if (high >= 0) bytes.push_back(static_cast<char>(high * 16 + digit));
    high = high >= 0 ? -1 : digit;
  }
  return bytes;
}

inline std::string hex(std::string_view bytes) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::string text;
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    if (!text.empty()) text += ' ';
    text += kDigits[byte >> 4u];
    text += kDigits[byte & 15u];
  }
  return text;
}

/// Remembers frames; `then` may do something at each and says whether to go on.
class FrameRecorder final : public FrameSink {
 public:
  bool on_frame(std::string_view frame) override {
    frames.emplace_back(frame);
    views.push_back(frame);
    return then ? then(frame) : true;
  }
  /// The frames so far as "41 42 | <empty> | 43", and forgets them.
  std::string take() {
    std::string text;
    for (const std::string& frame : frames) {
      if (!text.empty()) text += " | ";
      text += frame.empty() ? "<empty>" : hex(frame);
    }
    frames.clear();
    views.clear();
    return text;
  }

  std::vector<std::string> frames;
  std::vector<std::string_view> views;  // dangling, to ask where they pointed
  std::function<bool(std::string_view)> then;
};

/// Steps that are C++ functions.
class LambdaSteps final : public PipeSteps {
 public:
  using Step = std::function<Status(std::string_view, Pipe&)>;
  using Direct = std::function<Status(std::string_view, Pipe&, bool&, std::string&)>;

  LambdaSteps() = default;
  explicit LambdaSteps(std::vector<Step> handlers) : steps(std::move(handlers)) {}
  std::size_t count() const override { return steps.size(); }
  Status run(std::size_t index, std::string_view record, Pipe& pipe) override {
    ran += static_cast<char>('0' + index);
    return steps.at(index)(record, pipe);
  }
  bool has_direct() const override { return direct != nullptr; }
  Status run_direct(std::string_view bytes, Pipe& pipe, bool& emits, std::string& frame) override {
    return direct(bytes, pipe, emits, frame);
  }

  std::vector<Step> steps;
  Direct direct;
  std::string ran;  // the indexes of the steps that ran
};

/// A step that adds its record to the results and completes.
inline Status emit(std::string_view record, Pipe& pipe) {
  JL_CHECK(pipe.result(record));
  return pipe.complete();
}

/// A rule's framer with a recorder, fed with hex.
class Cutting {
 public:
  explicit Cutting(const std::unique_ptr<FramingRule>& rule) : framer(rule->open().value()) {}
  /// The frames that one read completes; "error" and its word after them when it fails.
  std::string feed(std::string_view bytes) { return feed_raw(unhex(bytes)); }
  std::string feed_raw(const std::string& bytes) {
    const Status status = framer->feed(bytes, sink);
    std::string text = sink.take();
    if (!status) text += (text.empty() ? "error " : " | error ") + std::string(status.error().word());
    return text;
  }

  std::unique_ptr<Framer> framer;
  FrameRecorder sink;
};

/// What comes out of a stream cut into reads at `cuts` (ascending offsets).
struct Outcome {
  std::vector<std::string> frames;
  std::string error;  // its word, or ""
  std::size_t buffered = 0;
  bool operator==(const Outcome&) const = default;
};

/// Cuts `stream` into reads of at most `most` bytes, as the generator says. Each read is its own allocation, so that a
/// look beyond it, or at an earlier one, is seen by AddressSanitizer.
template <class Feed>
void feed_in_pieces(std::string_view stream, std::size_t most, std::mt19937& random, Feed feed) {
  while (!stream.empty()) {
    const std::size_t count = std::min(stream.size(), 1 + random() % most);
    const std::string piece(stream.substr(0, count));
    stream.remove_prefix(count);
    if (!feed(std::string_view(piece))) return;
  }
}

}  // namespace jl::wire::framing::testing
