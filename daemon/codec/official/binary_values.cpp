#include "daemon/codec/official/binary_values.hpp"

#include "daemon/codec/json_document.hpp"
#include "daemon/codec/json_text.hpp"
#include "daemon/codec/official/binary_decode.hpp"

#include <bit>

namespace jl::codec::official {

bool BinaryValues::is_whole() { return !reader_.has_failed() || fail("ends early"); }

bool BinaryValues::may_open(std::size_t depth) {
  return depth < kMaxJsonDepth || fail("is nested deeper than 32 levels");
}

bool BinaryValues::integer(std::int64_t number) {
  append_integer(json_, number);
  return is_whole();
}

bool BinaryValues::string(std::string_view& plain) {
  plain = reader_.string();
  if (!is_whole()) return false;
  if (!simdjson::validate_utf8(plain.data(), plain.size())) return fail("has text that is not UTF-8");
  append_quoted(json_, plain);
  return true;
}

bool BinaryValues::object(std::size_t depth) {
  if (!may_open(depth)) return false;
  const auto count = reader_.integer<std::uint16_t>();
  json_ += '{';
  for (std::size_t i = 0; i < count; ++i) {
    if (i > 0) json_ += ',';
    std::string_view key;
    if (!string(key)) return false;
    json_ += ':';
    if (!value(depth + 1)) return false;
  }
  json_ += '}';
  return is_whole();
}

bool BinaryValues::array(std::size_t depth) {
  if (!may_open(depth)) return false;
  const auto count = reader_.integer<std::uint16_t>();
  json_ += '[';
  for (std::size_t i = 0; i < count; ++i) {
    if (i > 0) json_ += ',';
    if (!value(depth + 1)) return false;
  }
  json_ += ']';
  return is_whole();
}

bool BinaryValues::value_of(std::uint8_t type, std::size_t depth) {
  if (!is_whole()) return false;
  if (++values_ > kMaxBinaryValues) return fail("has more than 65536 values");
  switch (static_cast<ValueType>(type)) {
    case ValueType::null:
      json_ += "null";
      return true;
    case ValueType::boolean:
      json_ += reader_.integer<std::uint8_t>() != 0 ? "true" : "false";
      return is_whole();
    case ValueType::int8:
      return integer(reader_.integer<std::int8_t>());
    case ValueType::int16:
      return integer(reader_.integer<std::int16_t>());
    case ValueType::int32:
      return integer(reader_.integer<std::int32_t>());
    case ValueType::int64:
      return integer(reader_.integer<std::int64_t>());
    case ValueType::uint8:
      return integer(reader_.integer<std::uint8_t>());
    case ValueType::uint16:
      return integer(reader_.integer<std::uint16_t>());
    case ValueType::uint32:
      return integer(reader_.integer<std::uint32_t>());
    case ValueType::float32:
      append_float(json_, std::bit_cast<float>(reader_.integer<std::uint32_t>()));
      return is_whole();
    case ValueType::float64:
      append_double(json_, std::bit_cast<double>(reader_.integer<std::uint64_t>()));
      return is_whole();
    case ValueType::string: {
      std::string_view plain;
      return string(plain);
    }
    case ValueType::binary:
      append_base64(json_, reader_.string());
      return is_whole();
    case ValueType::array:
      return array(depth);
    case ValueType::object:
      return object(depth);
  }
  return fail("has a value of a type that does not exist");
}

}  // namespace jl::codec::official
