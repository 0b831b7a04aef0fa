#include "daemon/modbus/decimal.hpp"
#include "daemon/modbus/value.hpp"
#include "daemon/modbus/value_order.hpp"

#include "common/base/assert.hpp"
#include "common/base/hex.hpp"

#include <fmt/format.h>
#include <bit>
#include <cfloat>
#include <limits>
#include <optional>

namespace jl::modbus {

namespace {

using boost::json::value;
using model::ModbusType;
using wire::modbus::Function;
using wire::modbus::Request;

Error invalid(std::string message, std::string hint = {}) {
  return {Errc::invalid, std::move(message), std::move(hint)};
}

std::string_view word(ModbusType type) {
  return model::EnumWords<ModbusType>::words().at(static_cast<std::size_t>(type)).word;
}

/// A value as messages show it: JSON, shortened.
std::string shown(const value& v) {
  constexpr std::size_t kMost = 60;
  if (const auto* real = v.if_double()) return fmt::format("{}", *real);
  if (v.is_array()) return fmt::format("a list of {} values", v.get_array().size());
  if (v.is_object()) return "an object";
  if (const auto* text = v.if_string(); text != nullptr && text->size() > kMost)
    return fmt::format("a text of {} bytes", text->size());
  return boost::json::serialize(v);
}

/// What raw numbers a type holds.
struct WholeRange {
  std::int64_t min;
  std::uint64_t max;
};

template <class T>
constexpr WholeRange range_of() {
  return {static_cast<std::int64_t>(std::numeric_limits<T>::min()),
          static_cast<std::uint64_t>(std::numeric_limits<T>::max())};
}

std::optional<WholeRange> whole_range(ModbusType type) {
  switch (type) {
    case ModbusType::int8:
      return range_of<std::int8_t>();
    case ModbusType::uint8:
      return range_of<std::uint8_t>();
    case ModbusType::int16:
      return range_of<std::int16_t>();
    case ModbusType::uint16:
      return range_of<std::uint16_t>();
    case ModbusType::int32:
      return range_of<std::int32_t>();
    case ModbusType::uint32:
      return range_of<std::uint32_t>();
    case ModbusType::int64:
      return range_of<std::int64_t>();
    case ModbusType::uint64:
      return range_of<std::uint64_t>();
    case ModbusType::bcd16:
      return WholeRange{0, 9'999};
    case ModbusType::bcd32:
      return WholeRange{0, 99'999'999};
    default:
      return std::nullopt;
  }
}

bool is_scaled(const Format& format) { return format.scale_factor != 1 || format.offset != 0; }

Result<Decimal> number_in(const Format& format, const value& v) {
  std::optional<Decimal> number;
  if (const auto* whole = v.if_int64()) number = decimal_of(*whole);
  if (const auto* whole = v.if_uint64()) number = decimal_of(*whole);
  if (const auto* real = v.if_double(); real != nullptr && *real - *real == 0) number = decimal_of(*real);
  if (const auto* text = v.if_string()) number = parse_decimal(*text);
  if (!number) return invalid(fmt::format("{} is no number, as type \"{}\" needs it", shown(v), word(format.type)));
  return *number;
}

/// A limit of the type in the units of values: raw * scale_factor + offset.
std::string limit(const Format& format, const Decimal& raw) {
  if (!is_scaled(format)) {
    if (const auto whole = to_int64(raw)) return std::to_string(*whole);
    if (const auto whole = to_uint64(raw)) return std::to_string(*whole);
  }
  const auto scaled = to_double(raw * decimal_of(format.scale_factor) + decimal_of(format.offset));
  return scaled ? fmt::format("{}", *scaled) : "infinity";
}

Error out_of_range(const Format& format, const value& v, const Decimal& min, const Decimal& max) {
  const bool turned = format.scale_factor < 0;
  const auto low = limit(format, turned ? max : min), high = limit(format, turned ? min : max);
  const std::string_view with = is_scaled(format) ? " with its scale" : "";
  return invalid(
      fmt::format("{} is out of range of type \"{}\"{}: {} to {}", shown(v), word(format.type), with, low, high));
}

/// (value - offset) / scale_factor, not rounded.
Decimal unscaled(const Format& format, const Decimal& number) {
  if (!is_scaled(format)) return number;
  return (number - decimal_of(format.offset)) / decimal_of(format.scale_factor);
}

std::uint64_t to_bcd(std::uint64_t number) {
  std::uint64_t digits = 0;
  for (unsigned shift = 0; number != 0; number /= 10, shift += 4) digits |= number % 10 << shift;
  return digits;
}

Result<std::uint64_t> raw_whole(const Format& format, const value& v, WholeRange range) {
  JL_TRY(const auto number, number_in(format, v));
  const Decimal raw = rounded(unscaled(format, number), 0);
  const auto positive = to_uint64(raw);
  const auto any = to_int64(raw);
  if (positive && *positive <= range.max) {
    const bool bcd = format.type == ModbusType::bcd16 || format.type == ModbusType::bcd32;
    return bcd ? to_bcd(*positive) : *positive;
  }
  if (any && *any < 0 && *any >= range.min) return static_cast<std::uint64_t>(*any);
  return out_of_range(format, v, decimal_of(range.min), decimal_of(range.max));
}

Result<std::uint64_t> raw_float(const Format& format, const value& v) {
  JL_TRY(const auto number, number_in(format, v));
  const Decimal raw = unscaled(format, number);
  if (format.type == ModbusType::float32) {
    if (const auto real = to_float(raw)) return std::bit_cast<std::uint32_t>(*real);
    return out_of_range(format, v, decimal_of(-FLT_MAX), decimal_of(FLT_MAX));
  }
  if (const auto real = to_double(raw)) return std::bit_cast<std::uint64_t>(*real);
  return out_of_range(format, v, decimal_of(-DBL_MAX), decimal_of(DBL_MAX));
}

Result<bool> boolean_in(const value& v) {
  if (const auto* yes = v.if_bool()) return *yes;
  if (v == 0 || v == 0.0) return false;
  if (v == 1 || v == 1.0) return true;
  if (const auto* text = v.if_string()) {
    if (*text == "false" || *text == "0") return false;
    if (*text == "true" || *text == "1") return true;
  }
  return invalid(fmt::format("{} is neither true nor false", shown(v)));
}

/// One value as the number that its registers hold; bits and halves stand where they belong in it.
Result<std::uint64_t> raw_of(const Format& format, const value& v) {
  switch (format.type) {
    case ModbusType::boolean:
    case ModbusType::bit: {
      JL_TRY(const bool yes, boolean_in(v));
      return std::uint64_t{yes} << (format.type == ModbusType::bit ? format.bit & 15U : 0U);
    }
    case ModbusType::float32:
    case ModbusType::float64:
      return raw_float(format, v);
    case ModbusType::int8:
    case ModbusType::uint8: {
      JL_TRY(const auto raw, raw_whole(format, v, *whole_range(format.type)));
      return (raw & 0xFF) << (format.high_byte ? 8U : 0U);
    }
    default:
      break;
  }
  const auto range = whole_range(format.type);
  if (!range) return invalid(fmt::format("\"{}\" is no number", word(format.type)));
  return raw_whole(format, v, *range);
}

/// The values that a point of `count` of them is written with.
Result<std::vector<const value*>> items_of(const value& v, std::size_t count) {
  if (count == 1) return std::vector<const value*>{&v};
  const auto* list = v.if_array();
  if (list == nullptr || list->size() != count)
    return invalid(fmt::format("{} is no list of {} values, as the point holds them", shown(v), count));
  std::vector<const value*> items;
  items.reserve(count);
  for (const auto& item : *list) items.push_back(&item);
  return items;
}

Result<std::string> encode_text(const Format& format, const value& v) {
  const auto* text = v.if_string();
  if (text == nullptr) return invalid(fmt::format("{} is no text", shown(v)));
  const std::size_t size = std::size_t{format.count} * 2;
  if (text->size() > size)
    return invalid(fmt::format("{} has {} bytes; the point holds {}", shown(v), text->size(), size));
  if (text->find('\0') != boost::json::string::npos)
    return invalid(fmt::format("{} has a NUL, where reading it would end", shown(v)));
  std::string bytes(text->begin(), text->end());
  bytes.resize(size, '\0');
  return in_order(format.order, bytes);
}

Result<std::string> encode_bytes(const Format& format, const value& v) {
  const auto* text = v.if_string();
  const auto bytes = text != nullptr ? from_hex(*text) : std::nullopt;
  if (!bytes) return invalid(fmt::format("{} is no text of hex digits, two for each byte", shown(v)));
  const std::size_t size = std::size_t{format.count} * 2;
  if (bytes->size() != size)
    return invalid(fmt::format("{} bytes were given; the point holds {}", bytes->size(), size));
  return in_order(format.order, *bytes);
}

Result<std::string> encode_registers(const Format& format, const value& v) {
  if (format.type == ModbusType::text) return encode_text(format, v);
  if (format.type == ModbusType::bytes) return encode_bytes(format, v);
  const std::size_t registers = model::registers_of(format.type);
  const std::size_t count = format.count / registers;
  if (count * registers != format.count || count == 0)
    return invalid(fmt::format("{} registers hold no whole number of values", format.count));
  JL_TRY(const auto items, items_of(v, count));
  std::string bytes;
  bytes.reserve(std::size_t{format.count} * 2);
  for (const auto* item : items) {
    JL_TRY(const auto raw, raw_of(format, *item));
    store(format.order, raw, registers * 2, bytes);
  }
  return bytes;
}

Result<std::string> encode_coils(const Format& format, const value& v) {
  JL_TRY(const auto items, items_of(v, format.count));
  std::string bytes((items.size() + 7) / 8, '\0');
  for (std::size_t i = 0; i < items.size(); ++i) {
    JL_TRY(const bool yes, boolean_in(*items[i]));
    if (yes) bytes[i / 8] = static_cast<char>(static_cast<unsigned char>(bytes[i / 8]) | 1U << (i % 8));
  }
  return bytes;
}

/// The bits of a register that a value takes which does not take all of it; 0 = it takes all.
std::uint16_t part_of_register(const Format& format) {
  if (!model::has_registers(format.area)) return 0;
  switch (format.type) {
    case ModbusType::bit:
      return static_cast<std::uint16_t>(1U << (format.bit & 15U));
    case ModbusType::int8:
    case ModbusType::uint8:
      return format.high_byte ? 0xFF00 : 0x00FF;
    default:
      return 0;
  }
}

Request several(const Format& format, Function function, std::string data) {
  return {.function = function,
          .address = format.address,
          .count = format.count,
          .data = std::move(data),
          .with_byte_count = format.with_byte_count,
          .byte_count = format.byte_count};
}

Request single(const Format& format, Function function, std::string data) {
  return {.function = function, .address = format.address, .count = 1, .data = std::move(data)};
}

/// Function 22: what is read AND the mask, OR the new bit (§6.16).
Request masked(const Format& format, std::string_view data) {
  std::string masks;
  store(format.order, static_cast<std::uint16_t>(~part_of_register(format)), 2, masks);
  masks += data;
  return single(format, Function::mask_write_register, std::move(masks));
}

Status check_writable(const Format& format) {
  if (!model::is_writable(format.area)) return invalid("discrete inputs and input registers cannot be written");
  const bool registers = model::has_registers(format.area);
  const auto most = registers ? wire::modbus::kMaxWriteRegisters : wire::modbus::kMaxWriteBits;
  if (format.count == 0 || format.count > most)
    return invalid(fmt::format("{} {} cannot be written with one request; 1 to {} can", format.count,
                               registers ? "registers" : "coils", most));
  return {};
}

}  // namespace

Result<WritePlan> encode(const Format& format, const value& v) {
  JL_CHECK(check_writable(format));
  const bool one = format.count == 1 && !format.force_multiple;
  if (!model::has_registers(format.area)) {
    JL_TRY(auto data, encode_coils(format, v));
    if (one) return WritePlan{single(format, Function::write_single_coil, std::move(data))};
    return WritePlan{several(format, Function::write_multiple_coils, std::move(data))};
  }
  JL_TRY(auto data, encode_registers(format, v));
  if (format.type == ModbusType::bit && format.mask_write && format.count == 1) return WritePlan{masked(format, data)};
  WritePlan plan{one ? single(format, Function::write_single_register, std::move(data))
                     : several(format, Function::write_multiple_registers, std::move(data))};
  plan.reads_first = part_of_register(format) != 0;
  return plan;
}

value written_value(const Format& format, const WritePlan& plan, const value& given) {
  if (plan.write.function == Function::mask_write_register) return given;
  const auto shown = decode(format, plan.write.data);
  return shown ? *shown : given;
}

Request merge(const Format& format, const WritePlan& plan, std::string_view current) {
  Request write = plan.write;
  JL_ASSERT(current.size() >= write.data.size());  // parse_reply() has seen to it
  std::string part;
  store(format.order, part_of_register(format), 2, part);
  for (std::size_t i = 0; i < write.data.size(); ++i) {
    const auto mask = static_cast<unsigned char>(part[i % 2]);
    const auto kept = static_cast<unsigned char>(current[i]) & ~mask;
    write.data[i] = static_cast<char>(kept | (static_cast<unsigned char>(write.data[i]) & mask));
  }
  return write;
}

}  // namespace jl::modbus
