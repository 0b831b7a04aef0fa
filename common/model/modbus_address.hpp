#pragma once
// How people write where a Modbus value is: the address that goes over the wire, or the number that PLC manuals print.
#include "common/base/result.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace jl::model {

/// The four data areas of a Modbus server (Modbus application protocol V1.1b3 §4.3), by the function that reads them.
enum class ModbusArea : std::uint8_t { coils, discrete_inputs, holding_registers, input_registers };
/// Function code that reads an area: 1 to 4.
[[nodiscard]] std::uint8_t read_function(ModbusArea area);
[[nodiscard]] inline bool has_registers(ModbusArea area) { return area >= ModbusArea::holding_registers; }
/// Discrete inputs and input registers cannot be written.
[[nodiscard]] inline bool is_writable(ModbusArea area) {
  return area == ModbusArea::coils || area == ModbusArea::holding_registers;
}

/// Reads an address of an area: "107" and "0x6B" count from zero as on the wire; "40108" and "400108" are what PLC
/// manuals call the same holding register (3 input registers, 1 discrete inputs, 0 coils: "00108"). Five digits that
/// begin with the area's own digit are always read that way; write such an address of the wire in hex.
/// Errors: invalid (no number, out of range, another area's notation).
[[nodiscard]] Result<std::uint16_t> parse_modbus_address(std::string_view text, ModbusArea area);
/// What parse_modbus_address() reads back as the same address: decimal, or hex where decimal would be PLC notation.
[[nodiscard]] std::string modbus_address_text(std::uint16_t address, ModbusArea area);
/// The number that PLC manuals print: "40108", with six digits above 9999.
[[nodiscard]] std::string plc_address(std::uint16_t address, ModbusArea area);

}  // namespace jl::model
