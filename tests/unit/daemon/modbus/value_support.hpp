#pragma once
// What the tests of values share: formats in one line, bytes in hex.
#include "daemon/modbus/value.hpp"

#include "common/base/hex.hpp"

#include <doctest/doctest.h>

namespace jl::modbus::value_tests {

namespace json = boost::json;
using Area = model::ModbusArea;
using Order = model::ModbusOrder;
using Type = model::ModbusType;
using wire::modbus::Function;
using wire::modbus::Request;

inline constexpr Type kTypes[] = {Type::boolean, Type::bit,    Type::int8,  Type::uint8,  Type::int16,   Type::uint16,
                                  Type::int32,   Type::uint32, Type::int64, Type::uint64, Type::float32, Type::float64,
                                  Type::bcd16,   Type::bcd32,  Type::text,  Type::bytes};
inline constexpr Order kOrders[] = {Order::abcd,     Order::badc,     Order::cdab,     Order::dcba,
                                    Order::ab,       Order::ba,       Order::abcdefgh, Order::badcfehg,
                                    Order::hgfedcba, Order::ghefcdab, Order::cdabghef, Order::efghabcd};

inline std::string word(Type type) { return model::EnumWords<Type>::words().at(static_cast<std::size_t>(type)).word; }
inline std::string word(Order order) {
  return model::EnumWords<Order>::words().at(static_cast<std::size_t>(order)).word;
}

/// Of holding registers, as many as one value takes (`count` = 0), at address 100.
inline Format format(Type type, Order order = Order::abcd, std::size_t count = 0) {
  if (count == 0) count = std::max<std::size_t>(model::registers_of(type), 1);
  return {.type = type, .order = order, .address = 100, .count = static_cast<std::uint16_t>(count)};
}
inline Format scaled(Type type, double factor, double offset = 0, int decimals = -1) {
  Format made = format(type);
  made.scale_factor = factor;
  made.offset = offset;
  made.decimals = decimals;
  return made;
}
inline Format coils(std::uint16_t count) {
  return {.area = Area::coils, .type = Type::boolean, .address = 7, .count = count};
}

inline std::string hex(std::string_view digits) { return from_hex(digits).value(); }

/// The value in bytes that are given in hex.
inline json::value read(const Format& f, std::string_view digits) {
  const auto value = decode(f, hex(digits));
  REQUIRE_MESSAGE(value.has_value(), (value ? "" : value.error().message));
  return *value;
}

/// What a value is written with, in hex.
inline std::string written(const Format& f, const json::value& value) {
  const auto plan = encode(f, value);
  REQUIRE_MESSAGE(plan.has_value(), (plan ? "" : plan.error().message));
  return to_hex(plan->write.data);
}

/// The message of a value that must be refused; "" when it is not.
inline std::string refused(const Format& f, const json::value& value) {
  const auto plan = encode(f, value);
  if (plan) return "";
  CHECK(plan.error().code == Errc::invalid);
  return plan.error().message;
}

}  // namespace jl::modbus::value_tests
