#pragma once
// Decimal numbers, in which people write scales, offsets and values: 123 times 0.1 is 12.3 here, and 1.15 divided by
// 0.1 is exactly half way between 11 and 12. Up to 38 digits; what goes beyond is cut so that later rounding still
// falls to the right side. Pure, no allocation.
#include <cstdint>
#include <optional>
#include <string_view>

namespace jl::modbus {

/// digits * 10^exponent, with a sign.
struct Decimal {
  __extension__ using Digits = unsigned __int128;
  bool negative = false;
  Digits digits = 0;  ///< below 10^38
  int exponent = 0;
};

[[nodiscard]] Decimal decimal_of(std::int64_t number);
[[nodiscard]] Decimal decimal_of(std::uint64_t number);
/// The shortest decimal that is read back as the same double or float: 0.1, not 0.1000000000000000055. Finite ones
/// only.
[[nodiscard]] Decimal decimal_of(double number);
[[nodiscard]] Decimal decimal_of(float number);
/// Reads "12", "-0.5", "+1e-3"; nothing when it is anything else or longer than 400 characters.
[[nodiscard]] std::optional<Decimal> parse_decimal(std::string_view text);

[[nodiscard]] Decimal operator-(Decimal number);
[[nodiscard]] Decimal operator+(Decimal a, Decimal b);
[[nodiscard]] Decimal operator-(Decimal a, Decimal b);
[[nodiscard]] Decimal operator*(Decimal a, Decimal b);
/// `b` is not 0.
[[nodiscard]] Decimal operator/(Decimal a, Decimal b);
/// To so many digits after the point (0 or more), half-way ones away from 0. Never -0.
[[nodiscard]] Decimal rounded(Decimal number, int decimals);

/// The nearest double or float; nothing when it is beyond their range.
[[nodiscard]] std::optional<double> to_double(const Decimal& number);
[[nodiscard]] std::optional<float> to_float(const Decimal& number);
/// Of a number that rounded() made whole; nothing when it is out of range.
[[nodiscard]] std::optional<std::int64_t> to_int64(const Decimal& number);
[[nodiscard]] std::optional<std::uint64_t> to_uint64(const Decimal& number);

}  // namespace jl::modbus
