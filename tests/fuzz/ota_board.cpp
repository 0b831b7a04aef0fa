// What can happen to upgrade tasks: devices that say anything in any order, operators, time, kills. Input: bytes that
// choose, one after the other, what happens and with which texts; when they are used up the play is over. What must
// hold is in tests/support/ota_player.hpp.
#include "tests/support/ota_player.hpp"

#include "common/base/assert.hpp"

#include <cstdint>
#include <cstdio>
#include <string_view>

namespace {

class Bytes final : public jl::ota::test::Choices {
 public:
  explicit Bytes(std::string_view rest) : rest_(rest) {}
  [[nodiscard]] bool is_over() const { return rest_.empty(); }

  std::uint32_t below(std::uint32_t bound) override {
    std::uint32_t value = next();
    if (bound > 256) value = value << 8u | next();
    return value % bound;
  }
  std::string any_text() override {
    const std::size_t size = next() % 8 == 7 ? std::size_t{4} * next() : next() % 16;
    const std::string text(rest_.substr(0, size));
    rest_.remove_prefix(text.size());
    return text;
  }

 private:
  std::uint32_t next() {
    if (rest_.empty()) return 0;
    const auto byte = static_cast<std::uint8_t>(rest_.front());
    rest_.remove_prefix(1);
    return byte;
  }
  std::string_view rest_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string input(data, data + size);
  Bytes bytes(input);
  jl::ota::test::Player player(bytes);
  for (int steps = 0; steps < 100 && !bytes.is_over(); ++steps) {
    const std::string fault = player.step();
    if (!fault.empty()) std::fprintf(stderr, "%s\n", fault.c_str());
    JL_ASSERT(fault.empty());
  }
  return 0;
}
