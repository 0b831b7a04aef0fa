#include "daemon/script/values.hpp"

#include "daemon/script/buffer.hpp"
#include "daemon/script/errors.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

namespace jl::script {

namespace {
bool too_many(JSContext* cx) {
  return throw_range(cx, fmt::format("more than {} MiB in one piece", kMostBytes >> 20u));
}

bool units_of(JSContext* cx, JS::HandleValue value, std::u16string& units) {
  const JS::RootedString string(cx, JS::ToString(cx, value));
  if (!string) return false;
  const std::size_t length = JS_GetStringLength(string);
  if (length > kMostBytes) return too_many(cx);
  units.resize(length);
  return JS_CopyStringChars(cx, mozilla::Range<char16_t>(units.data(), length), string);
}

bool is_ascii(std::string_view bytes) {
  return std::all_of(bytes.begin(), bytes.end(), [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}
}  // namespace

bool charset_of(JSContext* cx, JS::HandleValue value, Charset& charset) {
  charset = Charset::utf8;
  if (value.isUndefined()) return true;
  std::string name;
  if (!encode(cx, value, Charset::utf8, name)) return false;
  std::string upper = name.substr(0, 16);
  std::transform(upper.begin(), upper.end(), upper.begin(),
                 [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  if (upper == "UTF-8") return true;
  if (upper == "US-ASCII") {
    charset = Charset::ascii;
  } else if (upper == "ISO-8859-1") {
    charset = Charset::latin1;
  } else {
    return throw_range(cx, "unsupported charset \"" + one_line(name, 32) + "\": use UTF-8, US-ASCII or ISO-8859-1");
  }
  return true;
}

bool encode(JSContext* cx, JS::HandleValue value, Charset charset, std::string& bytes) {
  if (charset != Charset::utf8) {
    std::u16string units;
    if (!units_of(cx, value, units)) return false;
    const char16_t last = charset == Charset::ascii ? 0x7F : 0xFF;
    bytes.resize(units.size());
    std::transform(units.begin(), units.end(), bytes.begin(),
                   [last](char16_t unit) { return unit <= last ? static_cast<char>(unit) : '?'; });
    return true;
  }
  const JS::RootedString string(cx, JS::ToString(cx, value));
  if (!string) return false;
  if (JS_GetStringLength(string) > kMostBytes) return too_many(cx);
  JSLinearString* linear = JS_EnsureLinearString(cx, string);
  if (linear == nullptr) return false;
  const std::size_t size = JS::GetDeflatedUTF8StringLength(linear);
  if (size > kMostBytes) return too_many(cx);
  bytes.resize(size);
  bytes.resize(JS::DeflateStringToUTF8Buffer(linear, mozilla::Span<char>(bytes.data(), size)));
  return true;
}

bool low_bytes(JSContext* cx, JS::HandleValue value, std::string& bytes) {
  std::u16string units;
  if (!units_of(cx, value, units)) return false;
  bytes.resize(units.size());
  std::transform(units.begin(), units.end(), bytes.begin(),
                 [](char16_t unit) { return static_cast<char>(unit & 0xFFu); });
  return true;
}

JSString* decode(JSContext* cx, std::string_view bytes, Charset charset) {
  if (charset == Charset::latin1 || is_ascii(bytes)) return JS_NewStringCopyN(cx, bytes.data(), bytes.size());
  if (charset == Charset::ascii) {
    std::u16string units(bytes.size(), u'\0');
    std::transform(bytes.begin(), bytes.end(), units.begin(),
                   [](char c) { return static_cast<unsigned char>(c) < 0x80 ? static_cast<char16_t>(c) : u'\uFFFD'; });
    return JS_NewUCStringCopyN(cx, units.data(), units.size());
  }
  std::size_t length = 0;
  const JS::TwoByteCharsZ units = JS::LossyUTF8CharsToNewTwoByteCharsZ(cx, JS::UTF8Chars(bytes.data(), bytes.size()),
                                                                       &length, js::StringBufferArena);
  if (!units) return nullptr;
  return JS_NewUCString(cx, JS::UniqueTwoByteChars(units.get()), length);
}

bool to_bytes(JSContext* cx, JS::HandleValue value, const char* what, std::string& bytes) {
  if (value.isString()) return encode(cx, value, Charset::utf8, bytes);
  if (const std::string* held = buffer_bytes(value)) {
    bytes = *held;
    return true;
  }
  bool is_array = false;
  if (value.isObject() && !JS::IsArrayObject(cx, value, &is_array)) return false;
  if (!is_array) return throw_type(cx, fmt::format("{} takes a Buffer, an array of bytes or a string", what));
  const JS::RootedObject array(cx, &value.toObject());
  std::uint32_t length = 0;
  if (!JS::GetArrayLength(cx, array, &length)) return false;
  if (length > kMostBytes) return too_many(cx);
  bytes.clear();
  JS::RootedValue element(cx);
  for (std::uint32_t i = 0; i < length; ++i) {
    std::int32_t number = 0;
    if (i % 4096 == 0 && !JS_CheckForInterrupt(cx)) return false;
    if (!JS_GetElement(cx, array, i, &element) || !JS::ToInt32(cx, element, &number)) return false;
    bytes.push_back(static_cast<char>(number & 0xFF));
  }
  return true;
}

bool to_array(JSContext* cx, std::string_view bytes, JS::MutableHandleValue array) {
  const JS::RootedObject made(cx, JS::NewArrayObject(cx, bytes.size()));
  if (!made) return false;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    if (i % 4096 == 0 && !JS_CheckForInterrupt(cx)) return false;
    // Defined, not set: a setter on Array.prototype sees nothing of it.
    const JS::RootedValue number(cx, JS::Int32Value(static_cast<signed char>(bytes[i])));
    if (!JS_DefineElement(cx, made, static_cast<std::uint32_t>(i), number, JSPROP_ENUMERATE)) return false;
  }
  array.setObject(*made);
  return true;
}

}  // namespace jl::script
