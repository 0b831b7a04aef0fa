#include "daemon/logs/records.hpp"

#include "common/base/words.hpp"
#include "common/text/redact.hpp"

#include <fmt/format.h>
#include <algorithm>
#include <array>

namespace jl::logs {
namespace {
namespace json = boost::json;

constexpr std::size_t kPrefix = 2;  // class byte and NUL
constexpr std::string_view kReplacement = "\xEF\xBF\xBD";

// The length of the well-formed UTF-8 sequence at the start of a text, or 0 (Unicode 15, table 3-7).
std::size_t sequence_length(std::string_view text) {
  const auto byte = [&](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u; };
  const auto tail = [&](std::size_t i) { return byte(i) >= 0x80 && byte(i) <= 0xBF; };
  const unsigned first = byte(0);
  if (first < 0x80) return 1;
  if (first >= 0xC2 && first <= 0xDF) return tail(1) ? 2 : 0;
  if (first >= 0xE0 && first <= 0xEF) {
    const bool second = first == 0xE0   ? byte(1) >= 0xA0 && byte(1) <= 0xBF
                        : first == 0xED ? byte(1) >= 0x80 && byte(1) <= 0x9F
                                        : tail(1);
    return second && tail(2) ? 3 : 0;
  }
  if (first >= 0xF0 && first <= 0xF4) {
    const bool second = first == 0xF0   ? byte(1) >= 0x90 && byte(1) <= 0xBF
                        : first == 0xF4 ? byte(1) >= 0x80 && byte(1) <= 0x8F
                                        : tail(1);
    return second && tail(2) && tail(3) ? 4 : 0;
  }
  return 0;
}

std::string_view text_of(const json::object& record, std::string_view key) {
  const auto* value = record.if_contains(key);
  return value && value->is_string() ? std::string_view(value->get_string()) : std::string_view();
}

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool contains_nocase(std::string_view text, std::string_view word) {
  const auto same = [](char a, char b) { return lower(a) == lower(b); };
  return !std::ranges::search(text, word, same).empty() || word.empty();
}

// Texts and numbers anywhere in the value; names of members do not count.
bool contains_text(const json::value& value, std::string_view word) {
  switch (value.kind()) {
    case json::kind::object:
      return std::ranges::any_of(value.get_object(), [&](const auto& m) { return contains_text(m.value(), word); });
    case json::kind::array:
      return std::ranges::any_of(value.get_array(), [&](const auto& v) { return contains_text(v, word); });
    case json::kind::string:
      return contains_nocase(value.get_string(), word);
    default:
      return contains_nocase(json::serialize(value), word);
  }
}

log::Level level_from(std::string_view word) {
  for (const auto level : {log::Level::debug, log::Level::info, log::Level::warn}) {
    if (log::to_string(level) == word) return level;
  }
  return log::Level::error;
}

}  // namespace

std::string_view to_string(LogClass log) { return log == LogClass::access ? "access" : "system"; }

std::string class_begin(LogClass log) { return {log == LogClass::access ? 'a' : 's', '\0'}; }
std::string class_end(LogClass log) { return store::prefix_end(class_begin(log)); }

std::string record_key(LogClass log, Place place) {
  std::string key = class_begin(log);
  store::append_u64(key, static_cast<std::uint64_t>(std::max<Millis>(place.time, 0)));
  store::append_u64(key, place.seq);
  return key;
}

std::optional<Place> place_of(std::string_view key) {
  if (key.size() != kPrefix + 16) return std::nullopt;
  return Place{static_cast<Millis>(store::read_u64(key.substr(kPrefix))), store::read_u64(key.substr(kPrefix + 8))};
}

std::string record_id(Place place) { return fmt::format("{:016x}{:016x}", std::max<Millis>(place.time, 0), place.seq); }

std::string clean_text(std::string_view text, std::size_t max_characters) {
  std::string out;
  out.reserve(std::min(text.size(), max_characters));
  for (std::size_t count = 0; !text.empty() && count < max_characters; ++count) {
    const std::size_t length = sequence_length(text);
    out += length > 0 ? text.substr(0, length) : kReplacement;
    text.remove_prefix(std::max<std::size_t>(length, 1));
  }
  return out;
}

json::object prepared(json::object record) {
  json::object out;
  out.reserve(record.size());
  for (auto& member : record) {
    const std::string_view key = member.key();
    if (key == "id" || key == "time") continue;
    if (member.value().is_string()) {
      const bool long_text = key == "message" || key == "error";
      out[key] = clean_text(member.value().get_string(), long_text ? kMaxText : kMaxWord);
    } else {
      out[key] = member.value().is_structured() ? text::redact(member.value()) : std::move(member.value());
    }
  }
  if (auto* parameters = out.if_contains("parameters")) {
    if (const auto size = json::serialize(*parameters).size(); size > kMaxRecord) {
      *parameters = json::object{{"omittedBytes", size}};
    }
  }
  return out;
}

json::object with_place(Place place, json::object record) {
  json::object out;
  out.reserve(record.size() + 2);
  out["id"] = record_id(place);
  out["time"] = format_time(place.time);
  for (auto& member : record) out[member.key()] = std::move(member.value());
  return out;
}

bool matches(const LogQuery& query, const json::object& record, Millis time) {
  if (time < query.since || (query.until > 0 && time >= query.until)) return false;
  if (query.log == LogClass::access) {
    if (!query.user.empty() && text_of(record, "user") != query.user) return false;
    if (!query.status.empty() && text_of(record, "status") != query.status) return false;
    if (!query.action.empty() && !glob_match(query.action, text_of(record, "action"))) return false;
  } else {
    if (level_from(text_of(record, "level")) < query.level) return false;
    if (!query.logger.empty() && !glob_match(query.logger, text_of(record, "logger"))) return false;
  }
  if (query.grep.empty()) return true;
  return std::ranges::any_of(record, [&](const auto& member) {
    return member.key() != "id" && member.key() != "time" && contains_text(member.value(), query.grep);
  });
}

}  // namespace jl::logs
