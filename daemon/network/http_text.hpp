#pragma once
// Small parts of HTTP as text: request targets, lists of tokens, dates. Pure; what comes in is hostile.
#include "common/base/time.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace jl::network {

/// A request target (RFC 9112 §3.2) in its parts; views into it.
struct HttpTarget {
  std::string_view path;   ///< as sent; "*" of the asterisk form
  std::string_view query;  ///< as sent, without '?'
};

/// Takes an origin form ("/a?b"), an absolute form of http, https, ws or wss, or "*" apart. Nothing: it is none of
/// them.
[[nodiscard]] std::optional<HttpTarget> split_target(std::string_view target);

/// The path percent-decoded, trailing slashes cut off, "/" at least. Nothing: an escape is malformed, or what comes out
/// is not UTF-8 or holds U+0000.
[[nodiscard]] std::optional<std::string> decode_path(std::string_view path);

/// Without the blanks and tabs around it.
[[nodiscard]] std::string_view trim(std::string_view text);

/// Whether a comma-separated list has this token, whatever its case (RFC 9110 §5.6.1).
[[nodiscard]] bool has_token(std::string_view list, std::string_view token);

/// Whether a character may be in a token, such as a method or a field name (RFC 9110 §5.6.2).
[[nodiscard]] bool is_token_char(char c);

/// The value of a hexadecimal digit; -1 = it is none.
[[nodiscard]] int hex_digit(char c);

/// Whether a text may be in a field's value: no control characters but tabs (RFC 9110 §5.5).
[[nodiscard]] bool is_field_text(std::string_view text);

/// "Sun, 06 Nov 1994 08:49:37 GMT" (RFC 9110 §5.6.7) of ms since 1970. Kept for the rest of its second on the calling
/// thread; valid until the thread's next call.
[[nodiscard]] std::string_view http_date(Millis now);

/// The time that a date says, in any of the three forms that there are of it (RFC 9110 §5.6.7), in ms since 1970. A
/// year of two digits is one at most 50 years after `now`. Nothing: it is no such date.
[[nodiscard]] std::optional<Millis> parse_http_date(std::string_view text, Millis now);

}  // namespace jl::network
