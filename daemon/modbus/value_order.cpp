#include "daemon/modbus/value_order.hpp"

#include "common/base/assert.hpp"

namespace jl::modbus {

namespace {

// Every order is a set of swaps, so that byte i of the registers is byte (i ^ swaps) of the value, the most significant
// one being 0. The orders of four letters reverse all words of a longer value.
constexpr std::size_t kBytes = 1;   // within each word
constexpr std::size_t kWords = 2;   // within each pair of words
constexpr std::size_t kHalves = 4;  // of 64 bits

std::size_t swaps_of(model::ModbusOrder order) {
  using Order = model::ModbusOrder;
  switch (order) {
    case Order::abcd:
    case Order::ab:
    case Order::abcdefgh:
      return 0;
    case Order::badc:
    case Order::ba:
    case Order::badcfehg:
      return kBytes;
    case Order::cdab:
    case Order::ghefcdab:
      return kWords | kHalves;
    case Order::dcba:
    case Order::hgfedcba:
      return kBytes | kWords | kHalves;
    case Order::cdabghef:
      return kWords;
    case Order::efghabcd:
      return kHalves;
  }
  return 0;
}

/// By how many bits byte i of the registers is shifted in a value of `size` bytes.
std::size_t shift_of(std::size_t swaps, std::size_t i, std::size_t size) {
  const std::size_t place = i ^ (swaps & (size - 1));
  return 8 * (size - 1 - place);
}

bool is_size(std::size_t size) { return size == 2 || size == 4 || size == 8; }

}  // namespace

std::uint64_t load(model::ModbusOrder order, std::string_view bytes) {
  JL_ASSERT(is_size(bytes.size()));
  const std::size_t swaps = swaps_of(order);
  std::uint64_t number = 0;
  for (std::size_t i = 0; i < bytes.size(); ++i)
    number |= std::uint64_t{static_cast<unsigned char>(bytes[i])} << shift_of(swaps, i, bytes.size());
  return number;
}

void store(model::ModbusOrder order, std::uint64_t number, std::size_t size, std::string& out) {
  JL_ASSERT(is_size(size));
  const std::size_t swaps = swaps_of(order);
  for (std::size_t i = 0; i < size; ++i)
    out += static_cast<char>(static_cast<unsigned char>(number >> shift_of(swaps, i, size)));
}

std::string in_order(model::ModbusOrder order, std::string_view bytes) {
  std::string out(bytes);
  if ((swaps_of(order) & kBytes) == 0) return out;
  for (std::size_t i = 0; i + 1 < out.size(); i += 2) std::swap(out[i], out[i + 1]);
  return out;
}

}  // namespace jl::modbus
