#include "daemon/wire/mqtt/text.hpp"

#include "common/base/words.hpp"

#include <cstring>

namespace jl::wire::mqtt {
namespace {
constexpr std::uint64_t kOnes = 0x0101010101010101u;
constexpr std::uint64_t kHighs = 0x8080808080808080u;

// Non-zero when one of the eight bytes is zero.
constexpr std::uint64_t zero_byte(std::uint64_t word) { return (word - kOnes) & ~word & kHighs; }
constexpr std::uint64_t holds_byte(std::uint64_t word, char byte) {
  return zero_byte(word ^ (kOnes * static_cast<unsigned char>(byte)));
}
}  // namespace

TextTraits inspect_text(std::string_view text) {
  std::uint64_t high = 0;
  std::uint64_t nul = 0;
  std::uint64_t wildcard = 0;
  const auto look = [&](std::uint64_t word) {
    high |= word & kHighs;
    nul |= zero_byte(word);
    wildcard |= holds_byte(word, '+') | holds_byte(word, '#');
  };
  const char* at = text.data();
  std::size_t left = text.size();
  for (; left >= sizeof(std::uint64_t); at += sizeof(std::uint64_t), left -= sizeof(std::uint64_t)) {
    std::uint64_t word = 0;
    std::memcpy(&word, at, sizeof word);
    look(word);
  }
  if (left > 0) {
    std::uint64_t word = kOnes * 'a';  // padding that sets no trait
    std::memcpy(&word, at, left);
    look(word);
  }
  const bool utf8 = high == 0 || utf8_length(text) != std::string_view::npos;
  return {.well_formed = nul == 0 && utf8, .wildcard = wildcard != 0};
}

}  // namespace jl::wire::mqtt
