#include "daemon/script/checksums.hpp"

#include <array>

namespace jl::script {

namespace {
std::uint32_t reflect(std::uint32_t value, unsigned width) {
  std::uint32_t mirrored = 0;
  for (unsigned i = 0; i < width; ++i) mirrored |= ((value >> i) & 1u) << (width - 1 - i);
  return mirrored;
}

/// One byte through the register, which stands at the top of 32 bits, or mirrored at their bottom.
std::uint32_t step(std::uint32_t value, std::uint32_t poly, bool mirrored) {
  for (int bit = 0; bit < 8; ++bit) {
    if (mirrored) {
      value = (value >> 1u) ^ ((value & 1u) != 0 ? poly : 0);
    } else {
      value = (value << 1u) ^ ((value & 0x80000000u) != 0 ? poly : 0);
    }
  }
  return value;
}
}  // namespace

std::uint32_t crc(const Crc& kind, std::string_view bytes) {
  const unsigned shift = 32 - kind.width;
  const std::uint32_t mask = 0xFFFFFFFFu >> shift;
  const std::uint32_t poly = kind.refin ? reflect(kind.poly & mask, kind.width) : kind.poly << shift;
  std::uint32_t value = kind.refin ? reflect(kind.init & mask, kind.width) : (kind.init & mask) << shift;
  // A table pays for itself only with long inputs.
  std::array<std::uint32_t, 256> table;
  const bool has_table = bytes.size() >= 512;
  for (std::uint32_t i = 0; has_table && i < 256; ++i) table[i] = step(kind.refin ? i : i << 24u, poly, kind.refin);
  for (const char c : bytes) {
    const auto byte = static_cast<std::uint32_t>(static_cast<unsigned char>(c));
    if (kind.refin) {
      value = has_table ? (value >> 8u) ^ table[(value ^ byte) & 0xFFu] : step(value ^ byte, poly, true);
    } else {
      value =
          has_table ? (value << 8u) ^ table[((value >> 24u) ^ byte) & 0xFFu] : step(value ^ (byte << 24u), poly, false);
    }
  }
  if (!kind.refin) value >>= shift;
  if (kind.refin != kind.refout) value = reflect(value, kind.width);
  return (value ^ kind.xorout) & mask;
}

std::uint32_t sum(std::string_view bytes) {
  std::uint32_t total = 0;
  for (const char c : bytes) total += static_cast<unsigned char>(c);
  return total;
}

std::uint8_t xor_of(std::string_view bytes) {
  unsigned total = 0;
  for (const char c : bytes) total ^= static_cast<unsigned char>(c);
  return static_cast<std::uint8_t>(total);
}

}  // namespace jl::script
