#include "daemon/modbus/value.hpp"

#include "daemon/modbus/decimal.hpp"

#include <cmath>

namespace jl::modbus {

namespace {

std::optional<Decimal> number_in(const boost::json::value& value) {
  if (const auto* whole = value.if_int64()) return decimal_of(*whole);
  if (const auto* whole = value.if_uint64()) return decimal_of(*whole);
  if (const auto* real = value.if_double(); real != nullptr && std::isfinite(*real)) return decimal_of(*real);
  return std::nullopt;
}

/// In decimal, so that 12.2 and 12.3 differ by 0.1 and not by a little more.
bool numbers_differ(const Decimal& former, const Decimal& now, double dead_band, bool percent) {
  Decimal change = now - former;
  if (change.digits == 0) return false;
  change.negative = false;
  Decimal most = decimal_of(std::isfinite(dead_band) ? std::max(dead_band, 0.0) : 0.0);
  if (percent) {
    most = most * former;
    most.exponent -= 2;
  }
  most.negative = false;
  const Decimal beyond = change - most;
  return beyond.digits != 0 && !beyond.negative;
}

}  // namespace

Format format_of(const model::ModbusPoint& point, model::ModbusOrder channel_order) {
  Format format{.area = point.function,
                .type = point.value_type(),
                .order = point.order.value_or(channel_order),
                .address = point.wire_address(),
                .count = static_cast<std::uint16_t>(point.count()),
                .bit = static_cast<std::uint8_t>(point.bit.value_or(0)),
                .high_byte = point.byte == model::ModbusByte::high,
                .scale_factor = point.scale_factor,
                .offset = point.offset,
                .decimals = point.decimals.value_or(-1),
                .force_multiple = point.force_multiple,
                .mask_write = point.mask_write,
                .with_byte_count = point.write_byte_count};
  if (point.byte_count) format.byte_count = static_cast<std::uint8_t>(*point.byte_count);
  return format;
}

wire::modbus::Function read_function(model::ModbusArea area) {
  return static_cast<wire::modbus::Function>(model::read_function(area));
}

wire::modbus::Request read_request(const Format& format) {
  return {.function = modbus::read_function(format.area), .address = format.address, .count = format.count};
}

bool differs(const boost::json::value& former, const boost::json::value& now, double dead_band, bool percent) {
  if (former.is_array() && now.is_array()) {
    const auto& before = former.get_array();
    const auto& after = now.get_array();
    if (before.size() != after.size()) return true;
    for (std::size_t i = 0; i < before.size(); ++i)
      if (differs(before[i], after[i], dead_band, percent)) return true;
    return false;
  }
  const auto before = number_in(former);
  const auto after = number_in(now);
  if (before && after) return numbers_differ(*before, *after, dead_band, percent);
  return former != now;
}

}  // namespace jl::modbus
