#pragma once
// What one log record is: its key in the store, its id, how large it may be, and which queries let it through. Pure.
#include "daemon/logs/logs.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace jl::logs {

/// Characters of a message or an error text that are kept; other texts keep kMaxWord.
inline constexpr std::size_t kMaxText = 5120;
inline constexpr std::size_t kMaxWord = 512;
/// Bytes of a stored record from which on its parameters are left out.
inline constexpr std::size_t kMaxRecord = 32u << 10u;

/// Where a record stands among those of its class. Times before 1970 count as 1970.
struct Place {
  Millis time = 0;
  std::uint64_t seq = 0;
};

/// Key in Family::logs: class byte, NUL, time, sequence number.
[[nodiscard]] std::string record_key(LogClass log, Place place);
/// The place that a key of this class names.
[[nodiscard]] std::optional<Place> place_of(std::string_view key);
/// The keys of a class are [class_begin, class_end).
[[nodiscard]] std::string class_begin(LogClass log);
[[nodiscard]] std::string class_end(LogClass log);
/// 32 hex digits that sort like the records.
[[nodiscard]] std::string record_id(Place place);

/// The text as well-formed UTF-8 of at most so many characters.
[[nodiscard]] std::string clean_text(std::string_view text, std::size_t max_characters);
/// The record as it may be stored: secrets masked, texts cut, without "id" and "time".
[[nodiscard]] boost::json::object prepared(boost::json::object record);
/// The record with its "id" and "time" in front.
[[nodiscard]] boost::json::object with_place(Place place, boost::json::object record);
/// Whether the query lets the record through; its limit does not count.
[[nodiscard]] bool matches(const LogQuery& query, const boost::json::object& record, Millis time);

}  // namespace jl::logs
