// hex.*, base64.*, bcd.*, utf8.*, text.*
#include "common/base/base64.hpp"
#include "daemon/script/bytes.hpp"
#include "daemon/script/charsets.hpp"
#include "daemon/script/errors.hpp"
#include "daemon/script/helpers.hpp"
#include "daemon/script/values.hpp"

#include <fmt/format.h>

namespace jl::script {

namespace {
bool hex_encode(JSContext* cx, unsigned argc, JS::Value* vp) {
  JS::CallArgs args = JS::CallArgsFromVp(argc, vp);
  std::string bytes;
  return copy_bytes_or_text(cx, args.get(0), "hex.encode()", bytes) && return_text(cx, args, to_hex(bytes));
}

bool hex_decode(JSContext* cx, unsigned argc, JS::Value* vp) {
  JS::CallArgs args = JS::CallArgsFromVp(argc, vp);
  std::string text;
  if (!text_argument(cx, args.get(0), "hex.decode()", text)) return false;
  const auto bytes = from_hex(text);
  return bytes ? return_bytes(cx, args, *bytes) : throw_range(cx, "hex.decode() takes pairs of hexadecimal digits");
}

bool base64_encode(JSContext* cx, unsigned argc, JS::Value* vp) {
  JS::CallArgs args = JS::CallArgsFromVp(argc, vp);
  std::string bytes;
  return copy_bytes_or_text(cx, args.get(0), "base64.encode()", bytes) && return_text(cx, args, to_base64(bytes));
}

bool base64_decode(JSContext* cx, unsigned argc, JS::Value* vp) {
  JS::CallArgs args = JS::CallArgsFromVp(argc, vp);
  std::string text;
  if (!text_argument(cx, args.get(0), "base64.decode()", text)) return false;
  const auto bytes = from_pasted_base64(text);
  return bytes ? return_bytes(cx, args, *bytes) : throw_range(cx, "base64.decode(): " + bytes.error().message);
}

/// bcd.encode("1234", n): n bytes with leading zeros, as many as it takes without n.
bool bcd_encode(JSContext* cx, unsigned argc, JS::Value* vp) {
  JS::CallArgs args = JS::CallArgsFromVp(argc, vp);
  std::string bytes;
  return bcd_argument(cx, args, bytes) && return_bytes(cx, args, bytes);
}

bool bcd_decode(JSContext* cx, unsigned argc, JS::Value* vp) {
  JS::CallArgs args = JS::CallArgsFromVp(argc, vp);
  std::string bytes;
  std::string digits;
  if (!copy_bytes(cx, args.get(0), "bcd.decode()", bytes)) return false;
  const std::size_t bad = append_bcd_digits(bytes, digits);
  if (bad == bytes.size()) return return_text(cx, args, digits);
  return throw_range(cx,
                     fmt::format("byte 0x{:02X} at offset {} is not BCD", static_cast<unsigned char>(bytes[bad]), bad));
}

bool text_encode(JSContext* cx, unsigned argc, JS::Value* vp) {
  JS::CallArgs args = JS::CallArgsFromVp(argc, vp);
  Encoding encoding{};
  std::string bytes;
  return encoding_of(cx, args.get(1), encoding) && encode_text(cx, args.get(0), encoding, bytes) &&
         return_bytes(cx, args, bytes);
}

bool text_decode(JSContext* cx, unsigned argc, JS::Value* vp) {
  const JS::CallArgs args = JS::CallArgsFromVp(argc, vp);
  Encoding encoding{};
  std::string bytes;
  if (!encoding_of(cx, args.get(1), encoding) || !copy_bytes(cx, args.get(0), "decode()", bytes)) return false;
  JSString* string = decode_text(cx, bytes, encoding);
  if (string != nullptr) args.rval().setString(string);
  return string != nullptr;
}

constexpr JSFunctionSpec kHex[] = {JS_FN("encode", hex_encode, 1, 0), JS_FN("decode", hex_decode, 1, 0), JS_FS_END};
constexpr JSFunctionSpec kBase64[] = {JS_FN("encode", base64_encode, 1, 0), JS_FN("decode", base64_decode, 1, 0),
                                      JS_FS_END};
constexpr JSFunctionSpec kBcd[] = {JS_FN("encode", bcd_encode, 2, 0), JS_FN("decode", bcd_decode, 1, 0), JS_FS_END};
constexpr JSFunctionSpec kText[] = {JS_FN("encode", text_encode, 2, 0), JS_FN("decode", text_decode, 2, 0), JS_FS_END};
}  // namespace

bool bcd_argument(JSContext* cx, const JS::CallArgs& args, std::string& bytes) {
  std::string digits;
  double number = 0;
  if (args.get(0).isNumber()) {
    if (!whole_number(cx, args[0], "bcd()", 0, 9007199254740991.0, number)) return false;
    digits = fmt::to_string(static_cast<std::uint64_t>(number));
  } else if (!text_argument(cx, args.get(0), "bcd()", digits)) {
    return false;
  }
  const auto packed = from_bcd_digits(digits);
  if (!packed) return throw_range(cx, "bcd() takes decimal digits");
  bytes = *packed;
  if (args.get(1).isUndefined()) return true;
  double size = 0;
  if (!whole_number(cx, args.get(1), "bcd()", 0, 4096, size)) return false;
  const auto wanted = static_cast<std::size_t>(size);
  if (bytes.size() > wanted) return throw_range(cx, fmt::format("{} digits in {} bytes", digits.size(), wanted));
  bytes.insert(0, wanted - bytes.size(), '\0');
  return true;
}

bool define_texts(JSContext* cx, JS::HandleObject global) {
  // utf8.* is text.* without the second argument, which is UTF-8 then.
  return define_namespace(cx, global, "hex", kHex) && define_namespace(cx, global, "base64", kBase64) &&
         define_namespace(cx, global, "bcd", kBcd) && define_namespace(cx, global, "utf8", kText) &&
         define_namespace(cx, global, "text", kText);
}

}  // namespace jl::script
