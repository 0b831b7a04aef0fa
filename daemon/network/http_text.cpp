#include "daemon/network/http_text.hpp"

#include "common/base/words.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <ctime>

namespace jl::network {
namespace {

constexpr std::array<std::string_view, 7> kDays{"Sunday",   "Monday", "Tuesday", "Wednesday",
                                                "Thursday", "Friday", "Saturday"};
constexpr std::array<std::string_view, 12> kMonths{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                   "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

// What follows "http://" and the like; nothing when it starts otherwise.
std::optional<std::string_view> after_scheme(std::string_view target) {
  for (const std::string_view scheme : {"http://", "https://", "ws://", "wss://"}) {
    if (iequals(target.substr(0, scheme.size()), scheme)) return target.substr(scheme.size());
  }
  return std::nullopt;
}

/// The parts of a date as they are read, one after the other.
class DateReader {
 public:
  explicit DateReader(std::string_view text) : text_(text) {}

  /// Reads all of the text. In the pattern a = "Sun", A = "Sunday", b = "Nov", d = two digits of the day, e = the same
  /// with a blank for a leading zero, y and Y = two and four digits of the year, h, m and s; anything else is itself.
  bool read(std::string_view pattern) {
    return std::all_of(pattern.begin(), pattern.end(), [this](char c) { return take(c); }) && text_.empty();
  }
  int day = 0, month = 0, year = 0, hour = 0, minute = 0, second = 0;

 private:
  bool take(char what) {
    switch (what) {
      case 'a':
        return take_name(kDays, 3) > 0;
      case 'A':
        return take_name(kDays, std::string_view::npos) > 0;
      case 'b':
        return (month = take_name(kMonths, 3)) > 0;
      case 'e':
        if (text_.starts_with(' ')) return take(' ') && take_digits(1, day);
        [[fallthrough]];
      case 'd':
        return take_digits(2, day);
      case 'y':
        return take_digits(2, year);
      case 'Y':
        return take_digits(4, year);
      case 'h':
        return take_digits(2, hour);
      case 'm':
        return take_digits(2, minute);
      case 's':
        return take_digits(2, second);
      default:
        if (!text_.starts_with(what)) return false;
        text_.remove_prefix(1);
        return true;
    }
  }
  /// The place of the name, from 1; 0 = it is none. The case counts.
  template <class Names>
  int take_name(const Names& names, std::size_t length) {
    const auto* const found = std::find_if(
        names.begin(), names.end(), [&](std::string_view name) { return text_.starts_with(name.substr(0, length)); });
    if (found == names.end()) return 0;
    text_.remove_prefix(std::min(length, found->size()));
    return static_cast<int>(found - names.begin()) + 1;
  }
  bool take_digits(std::size_t count, int& value) {
    if (text_.size() < count) return false;
    value = 0;
    for (const char c : text_.substr(0, count)) {
      if (c < '0' || c > '9') return false;
      value = value * 10 + (c - '0');
    }
    text_.remove_prefix(count);
    return true;
  }
  std::string_view text_;
};

int year_of(Millis time) {
  const auto day = std::chrono::floor<std::chrono::days>(
      std::chrono::sys_time<std::chrono::milliseconds>(std::chrono::milliseconds(time)));
  return static_cast<int>(std::chrono::year_month_day(day).year());
}

}  // namespace

std::string_view trim(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(" \t");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

std::optional<HttpTarget> split_target(std::string_view target) {
  if (target.find('#') != std::string_view::npos) return std::nullopt;  // a fragment is never sent
  if (target == "*") return HttpTarget{target, {}};
  if (!target.starts_with('/')) {
    const auto rest = after_scheme(target);
    const std::size_t end = rest ? std::min(rest->find_first_of("/?"), rest->size()) : 0;
    if (end == 0) return std::nullopt;  // no such scheme, or no authority
    target = rest->substr(end);
  }
  const std::size_t mark = std::min(target.find('?'), target.size());
  const std::string_view path = target.substr(0, mark);
  return HttpTarget{path.empty() ? "/" : path, target.substr(std::min(mark + 1, target.size()))};
}

std::optional<std::string> decode_path(std::string_view path) {
  std::string out;
  out.reserve(path.size());
  for (std::size_t i = 0; i < path.size(); ++i) {
    if (path[i] != '%') {
      out.push_back(path[i]);
      continue;
    }
    if (path.size() - i < 3) return std::nullopt;
    const int high = hex_digit(path[i + 1]);
    const int low = hex_digit(path[i + 2]);
    if (high < 0 || low < 0 || (high == 0 && low == 0)) return std::nullopt;
    out.push_back(static_cast<char>(high * 16 + low));
    i += 2;
  }
  if (utf8_length(out) == std::string_view::npos) return std::nullopt;
  while (out.size() > 1 && out.back() == '/') out.pop_back();
  return out;
}

bool has_token(std::string_view list, std::string_view token) {
  while (!list.empty()) {
    const std::size_t comma = std::min(list.find(','), list.size());
    if (iequals(trim(list.substr(0, comma)), token)) return true;
    list.remove_prefix(std::min(comma + 1, list.size()));
  }
  return false;
}

bool is_token_char(char c) {
  return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
         (c != '\0' && std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos);
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

bool is_field_text(std::string_view text) {
  return std::none_of(text.begin(), text.end(),
                      [](char c) { return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7F; });
}

std::string_view http_date(Millis now) {
  struct Kept {
    std::time_t second = -1;
    std::array<char, 40> text{};
    std::size_t size = 0;
  };
  static thread_local Kept kept;
  const auto second = static_cast<std::time_t>(now / 1000);
  if (second != kept.second) {
    std::tm parts{};
    if (gmtime_r(&second, &parts) == nullptr || parts.tm_year < 0 || parts.tm_year > 8000) return {};
    const int size = std::snprintf(kept.text.data(), kept.text.size(), "%.3s, %02d %.3s %04d %02d:%02d:%02d GMT",
                                   kDays[static_cast<std::size_t>(parts.tm_wday)].data(), parts.tm_mday,
                                   kMonths[static_cast<std::size_t>(parts.tm_mon)].data(), parts.tm_year + 1900,
                                   parts.tm_hour, parts.tm_min, parts.tm_sec);
    kept.size = static_cast<std::size_t>(std::max(size, 0));
    kept.second = second;
  }
  return {kept.text.data(), kept.size};
}

std::optional<Millis> parse_http_date(std::string_view text, Millis now) {
  namespace chrono = std::chrono;
  DateReader date(text);
  if (!date.read("a, d b Y h:m:s GMT")) {
    date = DateReader(text);
    if (date.read("A, d-b-y h:m:s GMT")) {
      const int this_year = year_of(now);
      date.year += this_year / 100 * 100;
      if (date.year > this_year + 50) date.year -= 100;
    } else {
      date = DateReader(text);
      if (!date.read("a b e h:m:s Y")) return std::nullopt;
    }
  }
  const chrono::year_month_day day(chrono::year(date.year), chrono::month(static_cast<unsigned>(date.month)),
                                   chrono::day(static_cast<unsigned>(date.day)));
  if (!day.ok() || date.hour > 23 || date.minute > 59 || date.second > 60) return std::nullopt;  // 60 = a leap second
  const auto time =
      chrono::sys_days(day) + chrono::hours(date.hour) + chrono::minutes(date.minute) + chrono::seconds(date.second);
  return chrono::duration_cast<chrono::milliseconds>(time.time_since_epoch()).count();
}

}  // namespace jl::network
