#pragma once
// Bytes of programs: Uint8Array, ArrayBuffer and DataView, and arrays of numbers.
#include "daemon/script/js.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace jl::script {

/// Whether the value holds bytes without a conversion: a typed array, a DataView or an ArrayBuffer.
bool holds_bytes(const JS::Value& value);
/// The bytes of such a value; in place, until anything else of the engine is called.
std::string_view bytes_in_place(const JS::Value& value, const JS::AutoRequireNoGC&);
/// Writable; null when the array is empty or no bytes.
std::uint8_t* writable_bytes(JSObject* array, std::size_t& size, const JS::AutoRequireNoGC&);

/// Copies the bytes of a value: those above, and arrays of numbers from -128 to 255. No code of the script runs, but
/// getters of an array. Throws a TypeError for anything else, a RangeError above kMostBytes; `what` is the function at
/// fault.
bool copy_bytes(JSContext* cx, JS::HandleValue value, const char* what, std::string& bytes);
/// As above; a string is its UTF-8.
bool copy_bytes_or_text(JSContext* cx, JS::HandleValue value, const char* what, std::string& bytes);

/// A new Uint8Array; null with an exception pending.
JSObject* new_bytes(JSContext* cx, std::string_view bytes);
/// The same as what a native returns.
bool return_bytes(JSContext* cx, JS::CallArgs& args, std::string_view bytes);
bool return_text(JSContext* cx, JS::CallArgs& args, std::string_view utf8);

/// A whole number from `least` to `most`; anything else throws, "NAME takes ...".
bool whole_number(JSContext* cx, JS::HandleValue value, const char* what, double least, double most, double& number);
/// The UTF-8 of a value that must be a string.
bool text_argument(JSContext* cx, JS::HandleValue value, const char* what, std::string& text);

/// Defines a frozen object of natives as a fixed global.
bool define_namespace(JSContext* cx, JS::HandleObject global, const char* name, const JSFunctionSpec* functions);
/// Defines a fixed global.
bool define_fixed(JSContext* cx, JS::HandleObject global, const char* name, JS::HandleObject object);

}  // namespace jl::script
