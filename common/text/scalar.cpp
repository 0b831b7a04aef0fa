#include "common/text/scalar.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>

namespace jl::text {
namespace {

namespace json = boost::json;
using Kind = PlainScalar::Kind;

bool is_digit(char c) { return c >= '0' && c <= '9'; }

bool one_of(std::string_view text, std::initializer_list<std::string_view> words) {
  return std::ranges::find(words, text) != words.end();
}

std::string_view without_sign(std::string_view text) {
  if (!text.empty() && (text.front() == '-' || text.front() == '+')) text.remove_prefix(1);
  return text;
}

bool all_digits(std::string_view text) { return !text.empty() && std::ranges::all_of(text, is_digit); }

// [-+]? ( \. [0-9]+ | [0-9]+ ( \. [0-9]* )? ) ( [eE] [-+]? [0-9]+ )?
bool is_real(std::string_view text) {
  text = without_sign(text);
  const auto take_digits = [&] {
    const std::size_t end = std::min(text.find_first_not_of("0123456789"), text.size());
    text.remove_prefix(end);
    return end;
  };
  const std::size_t whole = take_digits();
  std::size_t fraction = 0;
  if (!text.empty() && text.front() == '.') {
    text.remove_prefix(1);
    fraction = take_digits();
  }
  if (whole + fraction == 0) return false;
  if (text.empty()) return true;
  if (text.front() != 'e' && text.front() != 'E') return false;
  return all_digits(without_sign(text.substr(1)));
}

PlainScalar integer(std::string_view digits, int base, bool negative) {
  std::uint64_t value = 0;
  const auto [end, ec] = std::from_chars(digits.data(), digits.data() + digits.size(), value, base);
  constexpr std::uint64_t kMost = 1ull << 63u;
  if (ec != std::errc{} || end != digits.data() + digits.size() || (negative && value > kMost)) {
    return {Kind::unusable, nullptr, "is too large for a number; quote it if it is a text"};
  }
  if (negative) return {Kind::integer, static_cast<std::int64_t>(0 - value)};
  if (value < kMost) return {Kind::integer, static_cast<std::int64_t>(value)};
  return {Kind::integer, value};
}

PlainScalar real(std::string_view text) {
  if (text.front() == '+') text.remove_prefix(1);
  double value = 0;
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (ec != std::errc{} || end != text.data() + text.size() || !std::isfinite(value)) {
    return {Kind::unusable, nullptr, "is out of the range of numbers; quote it if it is a text"};
  }
  return {Kind::real, value};
}

}  // namespace

PlainScalar read_plain_scalar(std::string_view text) {
  if (text.empty() || one_of(text, {"~", "null", "Null", "NULL"})) return {Kind::null, nullptr};
  if (one_of(text, {"true", "True", "TRUE"})) return {Kind::boolean, true};
  if (one_of(text, {"false", "False", "FALSE"})) return {Kind::boolean, false};
  const char first = text.front();
  if (is_digit(first) || first == '-' || first == '+' || first == '.') {
    const std::string_view magnitude = without_sign(text);
    if (all_digits(magnitude)) return integer(magnitude, 10, first == '-');
    if (text.starts_with("0o") && text.size() > 2 && text.find_first_not_of("01234567", 2) == std::string_view::npos) {
      return integer(text.substr(2), 8, false);
    }
    if (text.starts_with("0x") && text.size() > 2 &&
        text.find_first_not_of("0123456789abcdefABCDEF", 2) == std::string_view::npos) {
      return integer(text.substr(2), 16, false);
    }
    if (is_real(text)) return real(text);
    if (one_of(magnitude, {".inf", ".Inf", ".INF"}) || one_of(text, {".nan", ".NaN", ".NAN"})) {
      return {Kind::unusable, nullptr, "is not a number that JSON knows; quote it if it is a text"};
    }
  }
  return {Kind::text, json::value(text)};
}

bool has_leading_zero(std::string_view text) {
  text = without_sign(text);
  return text.size() > 1 && text.front() == '0' && all_digits(text);
}

}  // namespace jl::text
