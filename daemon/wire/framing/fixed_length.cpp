#include "common/base/assert.hpp"
#include "daemon/wire/framing/byte_stream.hpp"
#include "daemon/wire/framing/faults.hpp"
#include "daemon/wire/framing/framer.hpp"

namespace jl::wire::framing {
namespace {

class FixedLengthFramer final : public Framer {
 public:
  FixedLengthFramer(std::size_t size, std::size_t max_frame) : size_(size), max_frame_(max_frame) {}

  Status feed(std::string_view bytes, FrameSink& sink) override {
    if (bytes.empty()) return {};
    // Said before anything is held back: no frame of this rule can ever be handed out.
    if (size_ > max_frame_) return frame_too_large(size_, max_frame_);
    stream_.begin(bytes);
    std::string_view frame;
    while (stream_.take(size_, frame)) {
      if (sink.on_frame(frame)) continue;
      stream_.drop();
      break;
    }
    stream_.end();
    return {};
  }
  void reset() override { stream_.drop(); }
  std::size_t buffered() const override { return stream_.left(); }

 private:
  const std::size_t size_;
  const std::size_t max_frame_;
  ByteStream stream_;
};

class FixedLengthRule final : public FramingRule {
 public:
  FixedLengthRule(std::size_t size, std::size_t max_frame) : size_(size), max_frame_(max_frame) {}
  Result<std::unique_ptr<Framer>> open() const override {
    return std::make_unique<FixedLengthFramer>(size_, max_frame_);
  }

 private:
  const std::size_t size_;
  const std::size_t max_frame_;
};

}  // namespace

std::unique_ptr<FramingRule> fixed_length(std::size_t size, std::size_t max_frame) {
  JL_ASSERT(size > 0);
  return std::make_unique<FixedLengthRule>(size, max_frame);
}

}  // namespace jl::wire::framing
