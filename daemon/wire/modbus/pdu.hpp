#pragma once
// Requests to Modbus servers and their replies, without what carries them (Modbus application protocol V1.1b3 §4.1,
// §6, §7): bytes in, bytes out, no I/O, no clock. Data is as on the wire: registers of two bytes, most significant
// first; bits packed, the first in the least significant bit.
#include "common/base/result.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace jl::wire::modbus {

enum class Function : std::uint8_t {
  read_coils = 1,
  read_discrete_inputs = 2,
  read_holding_registers = 3,
  read_input_registers = 4,
  write_single_coil = 5,
  write_single_register = 6,
  write_multiple_coils = 15,
  write_multiple_registers = 16,
  mask_write_register = 22,
};
[[nodiscard]] std::string_view to_string(Function function);  ///< "read holding registers"
[[nodiscard]] bool is_read(Function function);
[[nodiscard]] bool is_bits(Function function);  ///< of coils or discrete inputs

inline constexpr std::size_t kMaxPdu = 253;  // §4.1
inline constexpr std::uint16_t kMaxReadBits = 2000, kMaxReadRegisters = 125;
inline constexpr std::uint16_t kMaxWriteBits = 1968, kMaxWriteRegisters = 123;

struct Request {
  Function function = Function::read_holding_registers;
  std::uint16_t address = 0;
  std::uint16_t count = 1;  ///< bits or registers; 1 for single writes and masks
  /// What is written: registers or packed bits; a coil (5) is one byte, 0 or not; a mask (22) is AND then OR, 4 bytes.
  std::string data{};
  // Functions 15 and 16, for servers that deviate (operations.md 2.2, non-standard write).
  bool with_byte_count = true;
  std::optional<std::uint8_t> byte_count{};  ///< instead of the length of `data`

  bool operator==(const Request&) const = default;
};

/// Bytes of data that reading or writing `count` takes.
[[nodiscard]] std::size_t data_size(Function function, std::uint16_t count);
/// Whether a request keeps to §6: count, end of the address space, length of data. Errors: invalid.
[[nodiscard]] Status check(const Request& request);
/// The PDU of a request that check() accepts: function code first, at most kMaxPdu bytes.
[[nodiscard]] std::string encode(const Request& request);

struct Reply {
  enum class Kind : std::uint8_t { ok, exception, malformed };
  Kind kind = Kind::malformed;
  std::uint8_t exception = 0;  ///< §7; 0 = none
  std::string_view data{};     ///< reads: exactly data_size() bytes, within the PDU
  std::string_view problem{};  ///< malformed: what is wrong with it
};
/// Reads what a server answered to a request: function, byte count and echo must be those of the request (§6).
[[nodiscard]] Reply parse_reply(const Request& request, std::string_view pdu);

/// The length of a reply's PDU as its first bytes tell it: 0 = more bytes are needed to tell; nothing when its function
/// is none that is ever asked for. At most two bytes are needed.
[[nodiscard]] std::optional<std::size_t> reply_length(std::string_view begin);

/// "illegal data address" of 2 (§7); "exception 77" of unknown ones.
[[nodiscard]] std::string exception_text(std::uint8_t code);

}  // namespace jl::wire::modbus
