#pragma once
// Cyclic redundancy checks by their parameters, as the CRC catalogue names them, and sums.
#include <cstdint>
#include <string_view>

namespace jl::script {

struct Crc {
  unsigned width = 16;  ///< bits, 8 to 32
  std::uint32_t poly = 0, init = 0;
  bool refin = false, refout = false;
  std::uint32_t xorout = 0;
};

inline constexpr Crc kCrc8{8, 0x07, 0, false, false, 0};
inline constexpr Crc kCrc16Modbus{16, 0x8005, 0xFFFF, true, true, 0};
inline constexpr Crc kCrc16Ccitt{16, 0x1021, 0xFFFF, false, false, 0};  ///< CCITT-FALSE, IBM-3740
inline constexpr Crc kCrc16Xmodem{16, 0x1021, 0, false, false, 0};
inline constexpr Crc kCrc16Kermit{16, 0x1021, 0, true, true, 0};
inline constexpr Crc kCrc16X25{16, 0x1021, 0xFFFF, true, true, 0xFFFF};
inline constexpr Crc kCrc32{32, 0x04C11DB7, 0xFFFFFFFF, true, true, 0xFFFFFFFF};

std::uint32_t crc(const Crc& kind, std::string_view bytes);
std::uint32_t sum(std::string_view bytes);
std::uint8_t xor_of(std::string_view bytes);

}  // namespace jl::script
