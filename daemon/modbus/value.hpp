#pragma once
// The bytes of a point and the value that they stand for (operations.md 2.2): types, byte and word orders, bits, scale
// and rounding, both ways. Pure.
#include "common/base/result.hpp"
#include "common/model/modbus.hpp"
#include "daemon/wire/modbus/pdu.hpp"

#include <boost/json.hpp>
#include <string>
#include <string_view>

namespace jl::modbus {

/// How a point's bytes are read and written; made once from its resource.
struct Format {
  model::ModbusArea area = model::ModbusArea::holding_registers;
  model::ModbusType type = model::ModbusType::uint16;
  model::ModbusOrder order = model::ModbusOrder::abcd;
  std::uint16_t address = 0;
  std::uint16_t count = 1;  ///< registers or bits in all
  std::uint8_t bit = 0;
  bool high_byte = false;
  double scale_factor = 1, offset = 0;
  int decimals = -1;  ///< -1 = as they come
  bool force_multiple = false, mask_write = false, with_byte_count = true;
  std::optional<std::uint8_t> byte_count{};
};
/// `channel_order` stands in for the point's own.
[[nodiscard]] Format format_of(const model::ModbusPoint& point, model::ModbusOrder channel_order);

/// The function that reads an area.
[[nodiscard]] wire::modbus::Function read_function(model::ModbusArea area);

/// The value in the bytes of a reply: boolean, number, text, hex text of bytes; a list when the point holds several.
/// Numbers: raw * scale_factor + offset, rounded to `decimals`; without these three whole numbers stay whole, to the
/// last digit of 64 bits. NaN and infinity become null. Text ends at the first NUL, and trailing blanks go. Errors:
/// invalid (bytes missing; BCD digits above 9; text that is not UTF-8).
[[nodiscard]] Result<boost::json::value> decode(const Format& format, std::string_view data);

/// The requests that write a value, in order; one, unless a bit or half of a register must be put into what the
/// register holds: then read() of it comes first and merge() makes the write.
struct WritePlan {
  wire::modbus::Request write;
  bool reads_first = false;
};
/// Errors: invalid: not of the type, out of the type's range after (value - offset) / scale_factor, or too long. Never
/// wraps, never cuts off.
[[nodiscard]] Result<WritePlan> encode(const Format& format, const boost::json::value& value);
/// The write of a plan that reads first, with the register as it is now.
[[nodiscard]] wire::modbus::Request merge(const Format& format, const WritePlan& plan, std::string_view current);
/// What was written, as reading would show it: the number of a text, rounded as the type has it. `given` where the
/// request does not hold it (masks).
[[nodiscard]] boost::json::value written_value(const Format& format, const WritePlan& plan,
                                               const boost::json::value& given);
/// The request that reads the point alone.
[[nodiscard]] wire::modbus::Request read_request(const Format& format);

/// Whether a value differs enough from the last reported one to be reported: dead band of numbers (percent of the
/// former; of a former 0 everything differs), inequality of all others.
[[nodiscard]] bool differs(const boost::json::value& former, const boost::json::value& now, double dead_band,
                           bool percent);

}  // namespace jl::modbus
