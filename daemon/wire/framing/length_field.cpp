#include "common/base/assert.hpp"
#include "daemon/wire/framing/byte_stream.hpp"
#include "daemon/wire/framing/faults.hpp"
#include "daemon/wire/framing/framer.hpp"

#include <limits>

namespace jl::wire::framing {
namespace {

/// The bytes after the length field (network.md 2.3): unsigned up to three bytes, else the low 32 bits with a sign.
std::int32_t read_length(std::string_view field, bool little) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < field.size(); ++i) {
    const char byte = field[little ? field.size() - 1 - i : i];
    value = (value << 8u) | static_cast<unsigned char>(byte);
  }
  return static_cast<std::int32_t>(static_cast<std::uint32_t>(value));
}

class LengthFieldFramer final : public Framer {
 public:
  LengthFieldFramer(const LengthField& field, std::size_t max_frame)
      : field_(field), header_(field.offset + field.length), max_frame_(max_frame) {}

  Status feed(std::string_view bytes, FrameSink& sink) override {
    if (bytes.empty()) return {};
    if (header_ > max_frame_) return frame_too_large(header_, max_frame_);
    stream_.begin(bytes);
    in_body_ = false;
    Status status = cut_frames(sink);
    if (!status) stream_.drop();
    stream_.end();
    return status;
  }
  // As the pipe engine does it (2.4): the header of a frame whose body is awaited is a result and goes, what came of
  // the body is unparsed and stays.
  void reset() override {
    if (in_body_) stream_.skip(header_);
    in_body_ = false;
  }
  std::size_t buffered() const override { return stream_.left(); }

 private:
  Status cut_frames(FrameSink& sink) {
    std::string_view frame;
    while (stream_.peek(header_, frame)) {
      const std::int32_t body = read_length(frame.substr(field_.offset), field_.little);
      if (body < 0) return negative_length(body, field_.length, field_.offset);
      const std::size_t size = header_ + static_cast<std::size_t>(body);
      if (size > max_frame_) return frame_too_large(size, max_frame_);
      if (!stream_.take(size, frame)) {
        in_body_ = true;
        break;
      }
      if (!sink.on_frame(frame)) {
        stream_.drop();
        break;
      }
    }
    return {};
  }

  const LengthField field_;
  const std::size_t header_;
  const std::size_t max_frame_;
  ByteStream stream_;
  bool in_body_ = false;  // between reads: the header of the next frame is here, its body is not
};

class LengthFieldRule final : public FramingRule {
 public:
  LengthFieldRule(const LengthField& field, std::size_t max_frame) : field_(field), max_frame_(max_frame) {}
  Result<std::unique_ptr<Framer>> open() const override {
    return std::make_unique<LengthFieldFramer>(field_, max_frame_);
  }

 private:
  const LengthField field_;
  const std::size_t max_frame_;
};

}  // namespace

std::unique_ptr<FramingRule> length_field(const LengthField& field, std::size_t max_frame) {
  JL_ASSERT((field.length >= 1 && field.length <= 4) || field.length == 8);
  JL_ASSERT(field.offset <= std::numeric_limits<std::int32_t>::max());
  return std::make_unique<LengthFieldRule>(field, max_frame);
}

}  // namespace jl::wire::framing
