#include "daemon/wire/framing/faults.hpp"
#include "daemon/wire/framing/framer.hpp"

namespace jl::wire::framing {
namespace {

class DirectFramer final : public Framer {
 public:
  explicit DirectFramer(std::size_t max_frame) : max_frame_(max_frame) {}

  Status feed(std::string_view bytes, FrameSink& sink) override {
    if (bytes.size() > max_frame_) return frame_too_large(bytes.size(), max_frame_);
    if (!bytes.empty()) (void)sink.on_frame(bytes);
    return {};
  }
  void reset() override {}
  std::size_t buffered() const override { return 0; }

 private:
  const std::size_t max_frame_;
};

class DirectRule final : public FramingRule {
 public:
  explicit DirectRule(std::size_t max_frame) : max_frame_(max_frame) {}
  Result<std::unique_ptr<Framer>> open() const override { return std::make_unique<DirectFramer>(max_frame_); }

 private:
  const std::size_t max_frame_;
};

}  // namespace

std::unique_ptr<FramingRule> direct(std::size_t max_frame) { return std::make_unique<DirectRule>(max_frame); }

}  // namespace jl::wire::framing
