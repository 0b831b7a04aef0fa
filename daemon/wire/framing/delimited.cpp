#include "daemon/wire/framing/byte_stream.hpp"
#include "daemon/wire/framing/faults.hpp"
#include "daemon/wire/framing/framer.hpp"

namespace jl::wire::framing {
namespace {

class DelimitedFramer final : public Framer {
 public:
  DelimitedFramer(std::shared_ptr<const DelimiterSearch> delimiter, std::size_t max_frame)
      : delimiter_(std::move(delimiter)), max_frame_(max_frame) {}

  Status feed(std::string_view bytes, FrameSink& sink) override {
    stream_.begin(bytes);
    Status status;
    std::string_view frame;
    for (;;) {
      const ByteStream::Cut cut = stream_.take_until(*delimiter_, max_frame_, frame);
      if (cut == ByteStream::Cut::record && sink.on_frame(frame)) continue;
      if (cut == ByteStream::Cut::too_long) status = no_delimiter_within(max_frame_);
      if (cut != ByteStream::Cut::none) stream_.drop();
      break;
    }
    stream_.end();
    return status;
  }
  void reset() override { stream_.drop(); }
  std::size_t buffered() const override { return stream_.left(); }

 private:
  const std::shared_ptr<const DelimiterSearch> delimiter_;
  const std::size_t max_frame_;
  ByteStream stream_;
};

class DelimitedRule final : public FramingRule {
 public:
  DelimitedRule(std::string delimiter, std::size_t max_frame)
      : delimiter_(std::make_shared<const DelimiterSearch>(std::move(delimiter))), max_frame_(max_frame) {}
  Result<std::unique_ptr<Framer>> open() const override {
    return std::make_unique<DelimitedFramer>(delimiter_, max_frame_);
  }

 private:
  const std::shared_ptr<const DelimiterSearch> delimiter_;
  const std::size_t max_frame_;
};

}  // namespace

std::unique_ptr<FramingRule> delimited(std::string delimiter, std::size_t max_frame) {
  return std::make_unique<DelimitedRule>(std::move(delimiter), max_frame);
}

}  // namespace jl::wire::framing
