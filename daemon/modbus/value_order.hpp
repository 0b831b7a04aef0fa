#pragma once
// How the bytes of values stand in registers (operations.md 2.2). On the wire a register's first byte is the more
// significant one; an order says which byte of the value that is. Pure.
#include "common/model/modbus.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace jl::modbus {

/// The whole number in 2, 4 or 8 bytes of registers.
[[nodiscard]] std::uint64_t load(model::ModbusOrder order, std::string_view bytes);
/// Appends the low `size` (2, 4, 8) bytes of a number as registers hold them.
void store(model::ModbusOrder order, std::uint64_t number, std::size_t size, std::string& out);
/// Characters and plain bytes: orders that swap the bytes of words do so, words stay where they are. Its own inverse.
[[nodiscard]] std::string in_order(model::ModbusOrder order, std::string_view bytes);

}  // namespace jl::modbus
