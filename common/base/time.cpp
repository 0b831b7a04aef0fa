#include "common/base/time.hpp"

#include <array>
#include <charconv>
#include <cstdio>
#include <limits>

namespace jl {
namespace {
Error bad_time(std::string_view text) {
  return Error(Errc::invalid, "\"" + std::string(text) + "\" is not a time",
               "write RFC 3339 such as 2026-01-31T12:00:00Z, or epoch milliseconds");
}
bool digits(std::string_view text, std::size_t at, std::size_t count, int& out) {
  if (at + count > text.size()) return false;
  out = 0;
  for (std::size_t i = at; i < at + count; ++i) {
    if (text[i] < '0' || text[i] > '9') return false;
    out = out * 10 + (text[i] - '0');
  }
  return true;
}
}  // namespace

std::string format_time(Millis time) {
  using namespace std::chrono;
  const sys_time<milliseconds> point{milliseconds{time}};
  const auto day = floor<days>(point);
  const year_month_day date{day};
  const hh_mm_ss clock{point - day};
  std::array<char, 40> buffer{};
  const int n =
      std::snprintf(buffer.data(), buffer.size(), "%04d-%02u-%02uT%02d:%02d:%02d.%03dZ", static_cast<int>(date.year()),
                    static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                    static_cast<int>(clock.hours().count()), static_cast<int>(clock.minutes().count()),
                    static_cast<int>(clock.seconds().count()), static_cast<int>(clock.subseconds().count()));
  return {buffer.data(), static_cast<std::size_t>(n)};
}

Result<Millis> parse_time(std::string_view text) {
  using namespace std::chrono;
  if (!text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos && text.size() >= 9) {
    Millis value = 0;
    const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (ec == std::errc{}) return value;
    return bad_time(text);
  }
  int y = 0, mo = 0, d = 0;
  if (!digits(text, 0, 4, y) || text.size() < 10 || text[4] != '-' || !digits(text, 5, 2, mo) || text[7] != '-' ||
      !digits(text, 8, 2, d)) {
    return bad_time(text);
  }
  const year_month_day date{year{y}, month{static_cast<unsigned>(mo)}, day{static_cast<unsigned>(d)}};
  if (!date.ok()) return bad_time(text);
  const Millis midnight = sys_days{date}.time_since_epoch() / milliseconds{1};
  if (text.size() == 10) return midnight;
  int h = 0, mi = 0, s = 0, fraction = 0;
  if ((text[10] != 'T' && text[10] != 't' && text[10] != ' ') || !digits(text, 11, 2, h) || text.size() < 16 ||
      text[13] != ':' || !digits(text, 14, 2, mi)) {
    return bad_time(text);
  }
  std::size_t at = 16;
  if (at < text.size() && text[at] == ':') {
    if (!digits(text, at + 1, 2, s)) return bad_time(text);
    at += 3;
    if (at < text.size() && text[at] == '.') {
      int scale = 100;
      for (++at; at < text.size() && text[at] >= '0' && text[at] <= '9'; ++at, scale /= 10) {
        fraction += scale * (text[at] - '0');
      }
    }
  }
  if (h > 23 || mi > 59 || s > 60) return bad_time(text);
  Millis offset = 0;
  const std::string_view zone = text.substr(at);
  if (zone != "Z" && zone != "z") {
    int oh = 0, om = 0;
    if (zone.size() != 6 || (zone[0] != '+' && zone[0] != '-') || !digits(zone, 1, 2, oh) || zone[3] != ':' ||
        !digits(zone, 4, 2, om) || oh > 23 || om > 59) {
      return bad_time(text);
    }
    offset = (oh * 60LL + om) * 60'000LL * (zone[0] == '-' ? -1 : 1);
  }
  return midnight + (h * 3600LL + mi * 60LL + s) * 1000LL + fraction - offset;
}

Result<std::chrono::milliseconds> parse_duration(std::string_view text) {
  const auto bad = [&] {
    return Error(Errc::invalid, "\"" + std::string(text) + "\" is not a duration", "write 250ms, 30s, 5m, 1h30m or 7d");
  };
  if (text.empty()) return bad();
  double total = 0;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = text.find_first_not_of("0123456789.", at);
    const std::string_view number = text.substr(at, end == std::string_view::npos ? end : end - at);
    double value = 0;
    const auto [stop, ec] = std::from_chars(number.data(), number.data() + number.size(), value);
    if (number.empty() || ec != std::errc{} || stop != number.data() + number.size()) return bad();
    if (end == std::string_view::npos) {
      if (at != 0) return bad();  // a bare number is seconds only when it stands alone
      total = value * 1000;
      break;
    }
    const std::size_t next = text.find_first_of("0123456789.", end);
    const std::string_view unit = text.substr(end, next == std::string_view::npos ? next : next - end);
    const double scale = unit == "ms"  ? 1
                         : unit == "s" ? 1e3
                         : unit == "m" ? 60e3
                         : unit == "h" ? 3600e3
                         : unit == "d" ? 86400e3
                                       : 0;
    if (scale == 0) return bad();
    total += value * scale;
    at = next == std::string_view::npos ? text.size() : next;
  }
  if (total > 1e14) return bad();
  return std::chrono::milliseconds{static_cast<std::int64_t>(total + 0.5)};
}

std::string format_duration(std::chrono::milliseconds duration) {
  std::int64_t rest = duration.count();
  if (rest <= 0) return "0s";
  std::string out;
  const auto part = [&](std::int64_t size, const char* unit) {
    if (rest >= size) out += std::to_string(rest / size) + unit;
    rest %= size;
  };
  part(86'400'000, "d");
  part(3'600'000, "h");
  part(60'000, "m");
  part(1'000, "s");
  part(1, "ms");
  return out;
}

}  // namespace jl
