#pragma once
// Writing JSON text: everything is appended to a buffer that the caller reuses. No parsing here.
#include <boost/json/fwd.hpp>
#include <cstdint>
#include <string>
#include <string_view>

namespace jl::codec {

/// Appends `text` as a JSON string with its quotes. `text` must be well-formed UTF-8.
void append_quoted(std::string& json, std::string_view text);
/// Appends a decimal integer.
void append_integer(std::string& json, std::int64_t number);
/// Appends `bytes` as a quoted base64 string (RFC 4648 section 4, padded).
void append_base64(std::string& json, std::string_view bytes);
/// Appends a decimal with the fewest digits that read back as the same number, without an exponent from 0.0001 up to a
/// billion; integral ones keep a ".0". NaN and the infinities, which JSON cannot express, become null.
void append_double(std::string& json, double number);
/// The same for single precision: 36.8f is "36.8", not "36.79999923706055".
void append_float(std::string& json, float number);
/// Appends a value in the plainest spelling ("36.8", not "3.68E1"), which the small parsers of devices read best.
/// Values that JSON cannot express (infinite, NaN) become null.
void append_value(std::string& json, const boost::json::value& value);

}  // namespace jl::codec
