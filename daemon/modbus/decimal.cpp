#include "daemon/modbus/decimal.hpp"

#include "common/base/assert.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdlib>
#include <utility>

namespace jl::modbus {

namespace {

using Digits = Decimal::Digits;
constexpr int kMaxDigits = 38;  // 10^38 and twice as much fit into 128 bits
constexpr std::size_t kMaxText = 400;
constexpr int kMaxExponent = 100'000;

constexpr auto kPowers = [] {
  std::array<Digits, kMaxDigits + 1> powers{1};
  for (std::size_t i = 1; i < powers.size(); ++i) powers[i] = powers[i - 1] * 10;
  return powers;
}();

Digits power_of_ten(int exponent) { return kPowers.at(static_cast<std::size_t>(exponent)); }

int digits_of(const Decimal& number) {
  return static_cast<int>(std::upper_bound(kPowers.begin(), kPowers.end(), number.digits) - kPowers.begin());
}

/// Whether the number ends in 0 or 5: it looks exact, or exactly half way between two shorter ones.
bool looks_exact(Digits digits) { return digits % 5 == 0; }

/// Cuts the last `count` digits. If that loses anything, the number does not end in 0 or 5 afterwards, so that it is
/// not taken for exact or half-way.
void cut(Decimal& number, int count) {
  if (count <= 0) return;
  const bool all = count > kMaxDigits;
  const Digits kept = all ? 0 : number.digits / power_of_ten(count);
  const bool lost = all ? number.digits != 0 : number.digits % power_of_ten(count) != 0;
  number.digits = lost && looks_exact(kept) ? kept + 1 : kept;
  number.exponent += count;
}

/// Writes zeros behind the digits, as many as there is room for, at most `count`.
void widen(Decimal& number, int count) {
  const int added = std::min(count, kMaxDigits - digits_of(number));
  if (added <= 0) return;
  number.digits *= power_of_ten(added);
  number.exponent -= added;
}

template <class Float>
Decimal decimal_of_float(Float number) {
  std::array<char, 64> text{};
  const auto [end, error] =
      std::to_chars(text.data(), text.data() + text.size(), number, std::chars_format::scientific);
  JL_ASSERT(error == std::errc());
  const auto decimal = parse_decimal({text.data(), static_cast<std::size_t>(end - text.data())});
  JL_ASSERT(decimal.has_value());  // finite
  return *decimal;
}

template <class Float>
std::optional<Float> to_float_type(const Decimal& number) {
  std::array<char, 64> text{};  // sign, 39 digits, "e", exponent
  char* at = text.data() + text.size();
  const auto put_number = [&at](Digits left) {
    do {
      *--at = static_cast<char>('0' + static_cast<int>(left % 10));
      left /= 10;
    } while (left != 0);
  };
  put_number(static_cast<Digits>(std::abs(number.exponent)));
  if (number.exponent < 0) *--at = '-';
  *--at = 'e';
  put_number(number.digits);
  if (number.negative) *--at = '-';
  Float result = 0;
  const auto [end, error] = std::from_chars(at, text.data() + text.size(), result);
  if (error == std::errc()) return result;
  if (digits_of(number) + number.exponent > 0) return std::nullopt;
  return Float{0};  // nearer to 0 than any
}

struct Reader {
  std::string_view text;
  std::size_t at = 0;

  [[nodiscard]] bool take(char c) {
    if (at == text.size() || text[at] != c) return false;
    ++at;
    return true;
  }
  [[nodiscard]] bool at_digit() const { return at < text.size() && text[at] >= '0' && text[at] <= '9'; }

  /// Takes digits onto the number; those that it has no room for count as lost. Answers how many there were.
  int take_digits(Decimal& number, bool& lost, bool after_point) {
    int taken = 0;
    for (; at_digit(); ++at, ++taken) {
      const auto digit = static_cast<unsigned>(text[at] - '0');
      if (digits_of(number) < kMaxDigits) {
        number.digits = number.digits * 10 + digit;
        if (after_point) --number.exponent;
      } else {
        lost = lost || digit != 0;
        if (!after_point) ++number.exponent;
      }
    }
    return taken;
  }
};

std::optional<std::uint64_t> magnitude(const Decimal& number) {
  if (number.digits == 0) return 0;
  if (number.exponent < 0 || number.exponent > 19 || number.digits > UINT64_MAX) return std::nullopt;
  const Digits whole = number.digits * power_of_ten(number.exponent);  // < 1.9e19 * 1e19
  if (whole > UINT64_MAX) return std::nullopt;
  return static_cast<std::uint64_t>(whole);
}

}  // namespace

Decimal decimal_of(std::int64_t number) {
  const auto bits = static_cast<std::uint64_t>(number);
  return {.negative = number < 0, .digits = number < 0 ? 0 - bits : bits};
}

Decimal decimal_of(std::uint64_t number) { return {.digits = number}; }
Decimal decimal_of(double number) { return decimal_of_float(number); }
Decimal decimal_of(float number) { return decimal_of_float(number); }

std::optional<Decimal> parse_decimal(std::string_view text) {
  if (text.size() > kMaxText) return std::nullopt;
  Reader reader{text};
  Decimal number;
  bool lost = false;
  number.negative = reader.take('-');
  if (!number.negative) static_cast<void>(reader.take('+'));
  int taken = reader.take_digits(number, lost, false);
  if (reader.take('.')) taken += reader.take_digits(number, lost, true);
  if (taken == 0) return std::nullopt;
  if (lost && looks_exact(number.digits)) ++number.digits;
  if (reader.take('e') || reader.take('E')) {
    const bool down = reader.take('-');
    if (!down) static_cast<void>(reader.take('+'));
    if (!reader.at_digit()) return std::nullopt;
    int exponent = 0;
    for (; reader.at_digit(); ++reader.at)
      exponent = std::min(exponent * 10 + (reader.text[reader.at] - '0'), kMaxExponent);
    number.exponent += down ? -exponent : exponent;
  }
  if (reader.at != text.size()) return std::nullopt;
  return number;
}

Decimal operator-(Decimal number) {
  number.negative = !number.negative;
  return number;
}

Decimal operator+(Decimal a, Decimal b) {
  if (a.digits == 0) return b;
  if (b.digits == 0) return a;
  if (a.exponent < b.exponent) std::swap(a, b);
  widen(a, a.exponent - b.exponent);
  cut(b, a.exponent - b.exponent);
  Decimal sum{.negative = a.negative, .exponent = a.exponent};
  if (a.negative == b.negative) {
    sum.digits = a.digits + b.digits;
    if (digits_of(sum) > kMaxDigits) cut(sum, 1);
  } else if (a.digits >= b.digits) {
    sum.digits = a.digits - b.digits;
  } else {
    sum.digits = b.digits - a.digits;
    sum.negative = b.negative;
  }
  if (sum.digits == 0) return {};
  return sum;
}

Decimal operator-(Decimal a, Decimal b) { return a + -b; }

Decimal operator*(Decimal a, Decimal b) {
  // Registers have at most 20 digits and doubles 17, so that only longer texts are ever cut.
  while (digits_of(a) + digits_of(b) > kMaxDigits) cut(a.digits > b.digits ? a : b, 1);
  if (a.digits == 0 || b.digits == 0) return {};
  return {.negative = a.negative != b.negative, .digits = a.digits * b.digits, .exponent = a.exponent + b.exponent};
}

Decimal operator/(Decimal a, Decimal b) {
  JL_ASSERT(b.digits != 0);
  widen(a, kMaxDigits);
  Decimal quotient{
      .negative = a.negative != b.negative, .digits = a.digits / b.digits, .exponent = a.exponent - b.exponent};
  if (a.digits % b.digits != 0 && looks_exact(quotient.digits)) ++quotient.digits;
  if (quotient.digits == 0) return {};
  return quotient;
}

Decimal rounded(Decimal number, int decimals) {
  const int count = -decimals - number.exponent;
  if (count > kMaxDigits) return {};
  if (count > 0) {
    const Digits unit = power_of_ten(count);
    number.digits = (number.digits + unit / 2) / unit;
    number.exponent += count;
  }
  if (number.digits == 0) return {};
  return number;
}

std::optional<double> to_double(const Decimal& number) { return to_float_type<double>(number); }
std::optional<float> to_float(const Decimal& number) { return to_float_type<float>(number); }

std::optional<std::int64_t> to_int64(const Decimal& number) {
  const auto found = magnitude(number);
  if (!found) return std::nullopt;
  constexpr auto kMost = static_cast<std::uint64_t>(INT64_MAX);
  if (!number.negative) return *found <= kMost ? std::optional(static_cast<std::int64_t>(*found)) : std::nullopt;
  if (*found > kMost + 1) return std::nullopt;
  return static_cast<std::int64_t>(0 - *found);
}

std::optional<std::uint64_t> to_uint64(const Decimal& number) {
  if (number.negative && number.digits != 0) return std::nullopt;
  return magnitude(number);
}

}  // namespace jl::modbus
