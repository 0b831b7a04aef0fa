#include "daemon/network/http_text.hpp"

#include "common/base/words.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <ctime>

namespace jl::network {
namespace {

std::string_view trim(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(" \t");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

// What follows "http://" and the like; nothing when it starts otherwise.
std::optional<std::string_view> after_scheme(std::string_view target) {
  for (const std::string_view scheme : {"http://", "https://", "ws://", "wss://"}) {
    if (iequals(target.substr(0, scheme.size()), scheme)) return target.substr(scheme.size());
  }
  return std::nullopt;
}

}  // namespace

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
  static constexpr std::array<const char*, 7> kDays{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  static constexpr std::array<const char*, 12> kMonths{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                       "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
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
    const int size = std::snprintf(kept.text.data(), kept.text.size(), "%s, %02d %s %04d %02d:%02d:%02d GMT",
                                   kDays[static_cast<std::size_t>(parts.tm_wday)], parts.tm_mday,
                                   kMonths[static_cast<std::size_t>(parts.tm_mon)], parts.tm_year + 1900, parts.tm_hour,
                                   parts.tm_min, parts.tm_sec);
    kept.size = static_cast<std::size_t>(std::max(size, 0));
    kept.second = second;
  }
  return {kept.text.data(), kept.size};
}

}  // namespace jl::network
