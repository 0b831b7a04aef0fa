#pragma once
// Text as devices write it: charsets, hexadecimal and binary coded digits.
#include "daemon/script/js.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace jl::script {

enum class Encoding : std::uint8_t { utf8, ascii, latin1, gbk, gb18030 };
/// "utf-8", "ascii", "latin1", "gbk" (also "gb2312"), "gb18030" in any case; undefined is UTF-8. Throws a RangeError.
bool encoding_of(JSContext* cx, JS::HandleValue value, Encoding& encoding);
/// The string that bytes are; what is malformed becomes U+FFFD. Null with an exception pending.
JSString* decode_text(JSContext* cx, std::string_view bytes, Encoding encoding);
/// The bytes of a string; what the encoding lacks becomes '?' (UTF-8: U+FFFD for lone surrogates).
bool encode_text(JSContext* cx, JS::HandleValue value, Encoding encoding, std::string& bytes);

/// Lower case, without spaces.
std::string to_hex(std::string_view bytes);
/// Pairs of hexadecimal digits, white space between them.
std::optional<std::string> from_hex(std::string_view text);

/// Appends two digits for each byte; the index of the first byte that is not BCD, or their number.
std::size_t append_bcd_digits(std::string_view bytes, std::string& digits);
/// Two digits in each byte, a 0 in front of an odd number of them; nothing when one is no digit.
std::optional<std::string> from_bcd_digits(std::string_view digits);

}  // namespace jl::script
