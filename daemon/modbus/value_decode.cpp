#include "daemon/modbus/decimal.hpp"
#include "daemon/modbus/value.hpp"
#include "daemon/modbus/value_order.hpp"

#include "common/base/hex.hpp"
#include "common/base/words.hpp"

#include <fmt/format.h>
#include <bit>
#include <cmath>

namespace jl::modbus {

namespace {

using model::ModbusType;

bool is_scaled(const Format& format) { return format.scale_factor != 1 || format.offset != 0; }

/// raw * scale_factor + offset, rounded: in decimal, so that 3 * 0.1 is 0.3. Null when it is beyond all doubles.
template <class Raw>
boost::json::value scaled(const Format& format, Raw raw) {
  Decimal number = decimal_of(raw);
  if (is_scaled(format)) number = number * decimal_of(format.scale_factor) + decimal_of(format.offset);
  if (format.decimals >= 0) number = rounded(number, format.decimals);
  const auto value = to_double(number);
  return value ? boost::json::value(*value) : nullptr;
}

boost::json::value signed_number(const Format& format, std::int64_t raw) {
  return is_scaled(format) ? scaled(format, raw) : raw;  // rounding leaves whole numbers as they are
}

boost::json::value unsigned_number(const Format& format, std::uint64_t raw) {
  if (is_scaled(format)) return scaled(format, raw);
  if (raw > INT64_MAX) return raw;
  return static_cast<std::int64_t>(raw);
}

boost::json::value float32(const Format& format, float raw) {
  return std::isfinite(raw) ? scaled(format, raw) : nullptr;
}

boost::json::value float64(const Format& format, double raw) {
  if (!std::isfinite(raw)) return nullptr;
  return is_scaled(format) || format.decimals >= 0 ? scaled(format, raw) : raw;
}

/// Four bits for each digit.
Result<boost::json::value> bcd(const Format& format, std::uint64_t raw, std::size_t digits) {
  std::uint64_t number = 0;
  for (std::size_t i = digits; i-- > 0;) {
    const std::uint64_t digit = raw >> (4 * i) & 0xF;
    if (digit > 9) return Error(Errc::invalid, fmt::format("\"{:0{}x}\" is no binary coded decimal", raw, digits));
    number = number * 10 + digit;
  }
  return unsigned_number(format, number);
}

/// One value that is a number or a bit of one.
Result<boost::json::value> decode_number(const Format& format, std::string_view bytes) {
  const std::uint64_t raw = load(format.order, bytes);
  const std::uint64_t half = (format.high_byte ? raw >> 8 : raw) & 0xFF;
  switch (format.type) {
    case ModbusType::boolean:
      return boost::json::value(raw != 0);
    case ModbusType::bit:
      return boost::json::value((raw >> (format.bit & 15U) & 1U) != 0);
    case ModbusType::int8:
      return signed_number(format, static_cast<std::int8_t>(half));
    case ModbusType::uint8:
      return unsigned_number(format, half);
    case ModbusType::int16:
      return signed_number(format, static_cast<std::int16_t>(raw));
    case ModbusType::int32:
      return signed_number(format, static_cast<std::int32_t>(raw));
    case ModbusType::int64:
      return signed_number(format, static_cast<std::int64_t>(raw));
    case ModbusType::uint16:
    case ModbusType::uint32:
    case ModbusType::uint64:
      return unsigned_number(format, raw);
    case ModbusType::float32:
      return float32(format, std::bit_cast<float>(static_cast<std::uint32_t>(raw)));
    case ModbusType::float64:
      return float64(format, std::bit_cast<double>(raw));
    case ModbusType::bcd16:
      return bcd(format, raw, 4);
    case ModbusType::bcd32:
      return bcd(format, raw, 8);
    case ModbusType::text:
    case ModbusType::bytes:
      break;
  }
  return Error(Errc::invalid, "not a number");
}

Result<boost::json::value> decode_text(const Format& format, std::string_view bytes) {
  const std::string characters = in_order(format.order, bytes);
  std::string_view text = characters;
  text = text.substr(0, text.find('\0'));
  text = text.substr(0, text.find_last_not_of(' ') + 1);
  if (utf8_length(text) == std::string_view::npos)
    return Error(Errc::invalid, fmt::format("\"{}\" is no text in UTF-8", to_hex(text)));
  return boost::json::value(text);
}

boost::json::value decode_bits(const Format& format, std::string_view bytes) {
  const auto bit = [&bytes](std::size_t i) { return (static_cast<unsigned char>(bytes[i / 8]) >> (i % 8) & 1U) != 0; };
  if (format.count == 1) return bit(0);
  boost::json::array list;
  list.reserve(format.count);
  for (std::size_t i = 0; i < format.count; ++i) list.emplace_back(bit(i));
  return list;
}

Result<boost::json::value> decode_registers(const Format& format, std::string_view bytes) {
  if (format.type == ModbusType::text) return decode_text(format, bytes);
  if (format.type == ModbusType::bytes) return boost::json::value(to_hex(in_order(format.order, bytes)));
  const std::size_t size = 2 * model::registers_of(format.type);
  if (bytes.size() < size) return Error(Errc::invalid, fmt::format("a value takes {} bytes", size));
  if (bytes.size() < 2 * size) return decode_number(format, bytes.substr(0, size));
  boost::json::array list;
  list.reserve(bytes.size() / size);
  for (; bytes.size() >= size; bytes.remove_prefix(size)) {
    JL_TRY(auto item, decode_number(format, bytes.substr(0, size)));
    list.push_back(std::move(item));
  }
  return boost::json::value(std::move(list));
}

}  // namespace

Result<boost::json::value> decode(const Format& format, std::string_view data) {
  const bool registers = model::has_registers(format.area);
  const std::size_t size = registers ? std::size_t{format.count} * 2 : (std::size_t{format.count} + 7) / 8;
  if (size == 0 || data.size() < size)
    return Error(Errc::invalid, fmt::format("{} bytes came instead of {}", data.size(), size));
  if (!registers) return decode_bits(format, data);
  return decode_registers(format, data.substr(0, size));
}

}  // namespace jl::modbus
