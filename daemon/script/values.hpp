#pragma once
// JavaScript values from and to bytes.
#include "daemon/script/js.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace jl::script {

/// Of a Buffer, of a byte array and of a string that becomes bytes.
inline constexpr std::size_t kMostBytes = std::size_t{16} << 20u;

enum class Charset { utf8, ascii, latin1 };
/// "UTF-8", "US-ASCII", "ISO-8859-1" in any case; a value that is undefined is UTF-8. Throws a RangeError.
bool charset_of(JSContext* cx, JS::HandleValue value, Charset& charset);

/// Bytes of the text ToString() makes of `value`; characters that the charset lacks become '?' (UTF-8: U+FFFD for lone
/// surrogates). Throws what ToString() does, a RangeError above kMostBytes.
bool encode(JSContext* cx, JS::HandleValue value, Charset charset, std::string& bytes);
/// The low 8 bits of each UTF-16 unit (network.md 2.1): how delimiters become bytes. Throws as encode().
bool low_bytes(JSContext* cx, JS::HandleValue value, std::string& bytes);
/// The string that `bytes` are; what is malformed becomes U+FFFD. Null with an exception pending.
JSString* decode(JSContext* cx, std::string_view bytes, Charset charset);

/// Bytes of a Buffer, an array of numbers (their low 8 bits) or a string (UTF-8). Throws a TypeError for anything else;
/// `what` is the function at fault.
bool to_bytes(JSContext* cx, JS::HandleValue value, const char* what, std::string& bytes);
/// An array of the bytes as numbers from -128 to 127.
bool to_array(JSContext* cx, std::string_view bytes, JS::MutableHandleValue array);

}  // namespace jl::script
