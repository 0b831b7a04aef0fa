// Any order of events, duplicates and delays, with a kill -9 after every one of them: what must hold, holds.
#include "tests/support/ota_player.hpp"

#include <doctest/doctest.h>

#include <random>

namespace jl::ota {
namespace {

class Drawn final : public test::Choices {
 public:
  explicit Drawn(std::uint32_t seed) : engine_(seed) {}
  std::uint32_t below(std::uint32_t bound) override { return static_cast<std::uint32_t>(engine_() % bound); }
  std::string any_text() override {
    std::string out(below(4) == 0 ? below(400) : below(12), '\0');
    for (char& c : out) c = static_cast<char>(below(256));
    return out;
  }

 private:
  std::mt19937 engine_;
};

}  // namespace

TEST_SUITE("ota.board_property") {
  TEST_CASE("counts add up, limits hold and a kill at any step loses nothing, whatever happens [operations 1.7]") {
    for (std::uint32_t seed = 1; seed <= 3000; ++seed) {
      Drawn drawn(seed);
      test::Player player(drawn);
      for (int step = 0; step < 40; ++step) {
        const std::string fault = player.step();
        CAPTURE(seed);
        CAPTURE(step);
        REQUIRE(fault == "");
      }
    }
  }
}
}  // namespace jl::ota
