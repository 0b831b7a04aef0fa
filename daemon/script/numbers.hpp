#pragma once
// Numbers in bytes: how Reader and Writer see them.
#include <bit>
#include <cstddef>
#include <cstdint>

namespace jl::script {

enum class Number : std::uint8_t { natural, integer, real };

/// The `size` bytes at `at`, most significant first unless `little`.
inline std::uint64_t load_bits(const std::uint8_t* at, std::size_t size, bool little) {
  std::uint64_t bits = 0;
  for (std::size_t i = 0; i < size; ++i) bits = (bits << 8u) | at[little ? size - 1 - i : i];
  return bits;
}
inline void store_bits(std::uint64_t bits, std::uint8_t* at, std::size_t size, bool little) {
  for (std::size_t i = 0; i < size; ++i) {
    at[little ? i : size - 1 - i] = static_cast<std::uint8_t>(bits & 0xFFu);
    bits >>= 8u;
  }
}
/// Two's complement of `size` bytes.
inline std::int64_t signed_bits(std::uint64_t bits, std::size_t size) {
  const auto unused = static_cast<unsigned>(64 - 8 * size);
  return static_cast<std::int64_t>(bits << unused) >> unused;
}
inline double real_bits(std::uint64_t bits, std::size_t size) {
  return size == 4 ? static_cast<double>(std::bit_cast<float>(static_cast<std::uint32_t>(bits)))
                   : std::bit_cast<double>(bits);
}
inline std::uint64_t bits_of_real(double value, std::size_t size) {
  return size == 4 ? std::bit_cast<std::uint32_t>(static_cast<float>(value)) : std::bit_cast<std::uint64_t>(value);
}
/// Beyond these a Number loses digits.
inline constexpr double kMostExact = 9007199254740991.0;

}  // namespace jl::script
