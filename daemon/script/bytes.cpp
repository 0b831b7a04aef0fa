#include "daemon/script/bytes.hpp"

#include "daemon/script/errors.hpp"
#include "daemon/script/values.hpp"

#include <fmt/format.h>

#include <cmath>
#include <cstring>

namespace jl::script {

bool holds_bytes(const JS::Value& value) {
  return value.isObject() &&
         (JS_IsArrayBufferViewObject(&value.toObject()) || JS::IsArrayBufferObject(&value.toObject()));
}

std::uint8_t* writable_bytes(JSObject* array, std::size_t& size, const JS::AutoRequireNoGC&) {
  size = 0;
  bool is_shared = false;
  std::uint8_t* data = nullptr;
  // Objects of another realm would come in a wrapper; none ever does.
  if (JS_IsArrayBufferViewObject(array)) {
    JSObject* view = js::UnwrapArrayBufferView(array);
    if (view == nullptr) return nullptr;
    js::GetArrayBufferViewLengthAndData(view, &size, &is_shared, &data);
  } else if (JS::IsArrayBufferObject(array)) {
    JSObject* buffer = JS::UnwrapArrayBuffer(array);
    if (buffer == nullptr) return nullptr;
    JS::GetArrayBufferLengthAndData(buffer, &size, &is_shared, &data);
  }
  if (data == nullptr || is_shared) size = 0;
  return size == 0 ? nullptr : data;
}

std::string_view bytes_in_place(const JS::Value& value, const JS::AutoRequireNoGC& nogc) {
  if (!value.isObject()) return {};
  std::size_t size = 0;
  const std::uint8_t* data = writable_bytes(&value.toObject(), size, nogc);
  if (data == nullptr) return {};
  return {reinterpret_cast<const char*>(data), size};
}

bool copy_bytes(JSContext* cx, JS::HandleValue value, const char* what, std::string& bytes) {
  if (holds_bytes(value)) {
    const JS::AutoCheckCannotGC nogc(cx);
    const std::string_view held = bytes_in_place(value, nogc);
    if (held.size() <= kMostBytes) {
      bytes.assign(held);
      return true;
    }
  }
  bool is_array = false;
  if (value.isObject() && !JS::IsArrayObject(cx, value, &is_array)) return false;
  if (!is_array) {
    return holds_bytes(value) ? throw_range(cx, fmt::format("more than {} MiB in one piece", kMostBytes >> 20u))
                              : throw_type(cx, fmt::format("{} takes a Uint8Array or an array of bytes", what));
  }
  const JS::RootedObject array(cx, &value.toObject());
  std::uint32_t length = 0;
  if (!JS::GetArrayLength(cx, array, &length)) return false;
  if (length > kMostBytes) return throw_range(cx, fmt::format("more than {} MiB in one piece", kMostBytes >> 20u));
  bytes.clear();
  JS::RootedValue element(cx);
  for (std::uint32_t i = 0; i < length; ++i) {
    if (i % 4096 == 0 && !JS_CheckForInterrupt(cx)) return false;
    if (!JS_GetElement(cx, array, i, &element)) return false;
    const double number = element.isNumber() ? element.toNumber() : 256;
    if (!(number >= -128 && number <= 255) || std::trunc(number) != number) {
      return throw_type(cx, fmt::format("{}: element {} of the array is no byte", what, i));
    }
    bytes.push_back(static_cast<char>(static_cast<int>(number)));
  }
  return true;
}

bool copy_bytes_or_text(JSContext* cx, JS::HandleValue value, const char* what, std::string& bytes) {
  return value.isString() ? encode(cx, value, Charset::utf8, bytes) : copy_bytes(cx, value, what, bytes);
}

JSObject* new_bytes(JSContext* cx, std::string_view bytes) {
  if (bytes.size() > kMostBytes) {
    throw_range(cx, fmt::format("more than {} MiB in one piece", kMostBytes >> 20u));
    return nullptr;
  }
  JSObject* array = JS_NewUint8Array(cx, bytes.size());
  if (array == nullptr) return nullptr;
  const JS::AutoCheckCannotGC nogc(cx);
  std::size_t size = 0;
  if (std::uint8_t* data = writable_bytes(array, size, nogc); data != nullptr) {
    std::memcpy(data, bytes.data(), std::min(size, bytes.size()));
  }
  return array;
}

bool return_bytes(JSContext* cx, JS::CallArgs& args, std::string_view bytes) {
  JSObject* array = new_bytes(cx, bytes);
  if (array != nullptr) args.rval().setObject(*array);
  return array != nullptr;
}

bool return_text(JSContext* cx, JS::CallArgs& args, std::string_view utf8) {
  JSString* text = decode(cx, utf8, Charset::utf8);
  if (text != nullptr) args.rval().setString(text);
  return text != nullptr;
}

bool whole_number(JSContext* cx, JS::HandleValue value, const char* what, double least, double most, double& number) {
  if (!value.isNumber()) return throw_type(cx, fmt::format("{} takes a number", what));
  number = value.toNumber();
  if (number >= least && number <= most && std::trunc(number) == number) return true;
  return throw_range(cx, fmt::format("{}: {} is no whole number from {} to {}", what, number, least, most));
}

bool text_argument(JSContext* cx, JS::HandleValue value, const char* what, std::string& text) {
  return value.isString() ? encode(cx, value, Charset::utf8, text)
                          : throw_type(cx, fmt::format("{} takes a string", what));
}

bool define_fixed(JSContext* cx, JS::HandleObject global, const char* name, JS::HandleObject object) {
  return JS_FreezeObject(cx, object) && JS_DefineProperty(cx, global, name, object, JSPROP_READONLY | JSPROP_PERMANENT);
}

bool define_namespace(JSContext* cx, JS::HandleObject global, const char* name, const JSFunctionSpec* functions) {
  const JS::RootedObject object(cx, JS_NewPlainObject(cx));
  return object && JS_DefineFunctions(cx, object, functions) && define_fixed(cx, global, name, object);
}

}  // namespace jl::script
