#include "daemon/script/json_writer.hpp"

#include "common/base/base64.hpp"
#include "daemon/script/bytes.hpp"
#include "daemon/script/errors.hpp"

#include <fmt/format.h>

#include <cmath>

namespace jl::script {

namespace {
/// Whether JSON leaves such a value out of objects.
bool is_left_out(const JS::Value& value) {
  return value.isUndefined() || value.isSymbol() || (value.isObject() && JS::IsCallable(&value.toObject()));
}

void append_escaped(std::string& text, char c) {
  switch (c) {
    case '"':
      text += "\\\"";
      break;
    case '\\':
      text += "\\\\";
      break;
    case '\n':
      text += "\\n";
      break;
    case '\r':
      text += "\\r";
      break;
    case '\t':
      text += "\\t";
      break;
    default:
      fmt::format_to(std::back_inserter(text), "\\u{:04x}", static_cast<unsigned>(c));
      break;
  }
}

void append_unit(std::string& text, char32_t point) {
  if (point < 0x80) {
    const auto c = static_cast<char>(point);
    if (point < 0x20 || c == '"' || c == '\\') {
      append_escaped(text, c);
    } else {
      text.push_back(c);
    }
    return;
  }
  const auto tail = [&](unsigned shift) { text.push_back(static_cast<char>(0x80u | ((point >> shift) & 0x3Fu))); };
  if (point < 0x800) {
    text.push_back(static_cast<char>(0xC0u | (point >> 6u)));
  } else if (point < 0x10000) {
    text.push_back(static_cast<char>(0xE0u | (point >> 12u)));
    tail(6);
  } else {
    text.push_back(static_cast<char>(0xF0u | (point >> 18u)));
    tail(12);
    tail(6);
  }
  tail(0);
}

void append_units(std::string& text, const char16_t* units, std::size_t length) {
  for (std::size_t i = 0; i < length; ++i) {
    const char16_t unit = units[i];
    if ((unit & 0xF800u) != 0xD800u) {
      append_unit(text, unit);
    } else if (unit < 0xDC00 && i + 1 < length && (units[i + 1] & 0xFC00u) == 0xDC00u) {
      append_unit(text, 0x10000u + ((unit & 0x3FFu) << 10u) + (units[++i] & 0x3FFu));
    } else {
      append_unit(text, 0xFFFD);
    }
  }
}
}  // namespace

bool JsonWriter::refuse() {
  too_large_ = true;
  return throw_range(cx_, "too much output");
}

bool JsonWriter::put(std::string_view bytes) {
  if (text_.size() + bytes.size() > end_) return refuse();
  text_.append(bytes);
  return true;
}

bool JsonWriter::number(double number) {
  if (!std::isfinite(number)) return put("null");
  char digits[JS::MaximumNumberToStringLength];
  JS::NumberToString(number, digits);
  return put(digits);
}

bool JsonWriter::string(JSString* string) {
  JSLinearString* linear = JS_EnsureLinearString(cx_, string);
  if (linear == nullptr) return false;
  const std::size_t length = JS::GetLinearStringLength(linear);
  if (text_.size() + length + 2 > end_) return refuse();
  text_.push_back('"');
  const JS::AutoCheckCannotGC nogc(cx_);
  if (JS::LinearStringHasLatin1Chars(linear)) {
    const JS::Latin1Char* units = JS::GetLatin1LinearStringChars(nogc, linear);
    for (std::size_t i = 0; i < length; ++i) append_unit(text_, units[i]);
  } else {
    append_units(text_, JS::GetTwoByteLinearStringChars(nogc, linear), length);
  }
  text_.push_back('"');
  return text_.size() <= end_ || refuse();
}

/// toJSON(), and what Number, String and Boolean objects hold.
bool JsonWriter::prepare(JS::MutableHandleValue value) {
  const JS::RootedObject object(cx_, &value.toObject());
  JS::RootedValue method(cx_);
  if (!JS_GetProperty(cx_, object, "toJSON", &method)) return false;
  if (method.isObject() && JS::IsCallable(&method.toObject())) {
    if (!JS::Call(cx_, object, method, JS::HandleValueArray::empty(), value)) return false;
    if (!value.isObject()) return true;
  }
  const JS::RootedObject boxed(cx_, &value.toObject());
  js::ESClass kind{};
  if (!JS::GetBuiltinClass(cx_, boxed, &kind)) return false;
  if (kind == js::ESClass::String) {
    JSString* text = JS::ToString(cx_, value);
    if (text != nullptr) value.setString(text);
    return text != nullptr;
  }
  double number = 0;
  if (kind != js::ESClass::Number && kind != js::ESClass::Boolean) return true;
  if (!JS::ToNumber(cx_, value, &number)) return false;
  value.set(kind == js::ESClass::Number ? JS::NumberValue(JS::CanonicalizeNaN(number)) : JS::BooleanValue(number != 0));
  return true;
}

bool JsonWriter::write(JS::HandleValue value) { return is_left_out(value) || write(value, 0); }

bool JsonWriter::write(JS::HandleValue given, int depth) {
  JS::RootedValue value(cx_, given);
  if (value.isObject()) {
    if (holds_bytes(value)) {
      std::string bytes;
      if (!copy_bytes(cx_, value, "JSON", bytes)) return false;
      if (text_.size() + bytes.size() * 4 / 3 + 6 > end_) return refuse();
      text_.push_back('"');
      append_base64(text_, bytes);
      text_.push_back('"');
      return true;
    }
    bool is_array = false;
    const JS::RootedObject itself(cx_, &value.toObject());
    if (!JS::IsArrayObject(cx_, itself, &is_array)) return false;
    if (depth >= kMostDepth) {
      return throw_range(cx_, fmt::format("a message nested deeper than {} levels, or in a cycle", kMostDepth));
    }
    js::AutoCheckRecursionLimit recursion(cx_);
    if (!recursion.check(cx_) || !JS_CheckForInterrupt(cx_)) return false;
    if (is_array) return array(itself, depth);
    if (!prepare(&value)) return false;
  }
  if (value.isString()) return string(value.toString());
  if (value.isInt32()) return put(fmt::format_int(value.toInt32()).c_str());
  if (value.isNumber()) return number(value.toNumber());
  if (value.isBoolean()) return put(value.toBoolean() ? "true" : "false");
  if (!value.isObject() || is_left_out(value)) return put("null");
  const JS::RootedObject shown(cx_, &value.toObject());
  bool is_array = false;
  if (!JS::IsArrayObject(cx_, shown, &is_array)) return false;
  return is_array ? array(shown, depth) : object(shown, depth);
}

bool JsonWriter::array(JS::HandleObject array, int depth) {
  std::uint32_t length = 0;
  if (!JS::GetArrayLength(cx_, array, &length) || !put("[")) return false;
  JS::RootedValue element(cx_);
  for (std::uint32_t i = 0; i < length; ++i) {
    if (i % 1024 == 1023 && !JS_CheckForInterrupt(cx_)) return false;
    if ((i > 0 && !put(",")) || !JS_GetElement(cx_, array, i, &element)) return false;
    if (!write(element, depth + 1)) return false;
  }
  return put("]");
}

bool JsonWriter::object(JS::HandleObject object, int depth) {
  JS::Rooted<JS::IdVector> ids(cx_, JS::IdVector(cx_));
  if (!JS_Enumerate(cx_, object, &ids) || !put("{")) return false;
  JS::RootedValue member(cx_);
  JS::RootedId id(cx_);
  bool is_first = true;
  for (std::size_t i = 0; i < ids.length(); ++i) {
    if (i % 1024 == 1023 && !JS_CheckForInterrupt(cx_)) return false;
    id = ids[i];
    if (!JS_GetPropertyById(cx_, object, id, &member)) return false;
    if (is_left_out(member)) continue;
    if (!is_first && !put(",")) return false;
    is_first = false;
    if (id.isInt() ? !put(fmt::format("\"{}\"", id.toInt())) : !string(id.toString())) return false;
    if (!put(":") || !write(member, depth + 1)) return false;
  }
  return put("}");
}

}  // namespace jl::script
