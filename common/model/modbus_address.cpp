#include "common/model/modbus_address.hpp"

#include <fmt/format.h>
#include <charconv>
#include <optional>

namespace jl::model {
namespace {

// The digit that stands for an area in PLC notation.
char area_digit(ModbusArea area) {
  switch (area) {
    case ModbusArea::coils:
      return '0';
    case ModbusArea::discrete_inputs:
      return '1';
    case ModbusArea::input_registers:
      return '3';
    case ModbusArea::holding_registers:
      return '4';
  }
  return '4';
}

std::optional<std::uint32_t> number(std::string_view digits, int base) {
  std::uint32_t value = 0;
  const auto [end, ec] = std::from_chars(digits.data(), digits.data() + digits.size(), value, base);
  if (digits.empty() || ec != std::errc{} || end != digits.data() + digits.size()) return std::nullopt;
  return value;
}

Error out_of_range(std::string_view text) {
  return {Errc::invalid, fmt::format("\"{}\" is out of range; 0 to 65535 (0xFFFF) on the wire", text)};
}

}  // namespace

std::uint8_t read_function(ModbusArea area) {
  switch (area) {
    case ModbusArea::coils:
      return 1;
    case ModbusArea::discrete_inputs:
      return 2;
    case ModbusArea::holding_registers:
      return 3;
    case ModbusArea::input_registers:
      return 4;
  }
  return 3;
}

Result<std::uint16_t> parse_modbus_address(std::string_view text, ModbusArea area) {
  const bool hex = text.starts_with("0x") || text.starts_with("0X");
  const auto value = hex ? number(text.substr(2), 16) : number(text, 10);
  if (!value)
    return Error(Errc::invalid, fmt::format("\"{}\" is no address; write 107, 0x6B, or as PLC manuals do {}", text,
                                            plc_address(107, area)));
  const bool long_form = !hex && text.size() == 6;
  const bool short_form = !hex && text.size() == 5;
  if (long_form || (short_form && text.front() == area_digit(area))) {
    const std::uint32_t count = long_form ? *value % 100'000 : *value % 10'000;
    if (text.front() != area_digit(area)) {
      return Error(Errc::invalid,
                   fmt::format("\"{}\" is of another data area; here it begins with {}", text, area_digit(area)));
    }
    if (count == 0) return Error(Errc::invalid, fmt::format("\"{}\": PLC notation counts from 1", text));
    if (count > 65'536) return out_of_range(text);
    return static_cast<std::uint16_t>(count - 1);
  }
  if (*value > 0xFFFF) return out_of_range(text);
  return static_cast<std::uint16_t>(*value);
}

std::string modbus_address_text(std::uint16_t address, ModbusArea area) {
  std::string decimal = std::to_string(address);
  if (decimal.size() == 5 && decimal.front() == area_digit(area)) return fmt::format("0x{:04X}", address);
  return decimal;
}

std::string plc_address(std::uint16_t address, ModbusArea area) {
  return address < 9999 ? fmt::format("{}{:04}", area_digit(area), address + 1)
                        : fmt::format("{}{:05}", area_digit(area), address + 1);
}

}  // namespace jl::model
