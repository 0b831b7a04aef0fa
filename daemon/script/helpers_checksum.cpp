// crc.*, checksum.*
#include "daemon/script/bytes.hpp"
#include "daemon/script/checksums.hpp"
#include "daemon/script/errors.hpp"
#include "daemon/script/helpers.hpp"

namespace jl::script {

namespace {
template <const Crc* kKind>
bool known(JSContext* cx, unsigned argc, JS::Value* vp) {
  const JS::CallArgs args = JS::CallArgsFromVp(argc, vp);
  std::string bytes;
  if (!copy_bytes_or_text(cx, args.get(0), "crc", bytes)) return false;
  args.rval().setNumber(crc(*kKind, bytes));
  return true;
}

bool read_number(JSContext* cx, JS::HandleObject object, const char* name, double least, double most,
                 std::uint32_t& number) {
  JS::RootedValue value(cx);
  double given = 0;
  if (!JS_GetProperty(cx, object, name, &value)) return false;
  if (value.isUndefined()) return true;
  if (!whole_number(cx, value, name, least, most, given)) return false;
  number = static_cast<std::uint32_t>(given);
  return true;
}

bool read_flag(JSContext* cx, JS::HandleObject object, const char* name, bool& flag) {
  JS::RootedValue value(cx);
  if (!JS_GetProperty(cx, object, name, &value)) return false;
  flag = JS::ToBoolean(value);
  return true;
}

/// crc.of({width, poly, init, refin, refout, xorout}, bytes)
bool of(JSContext* cx, unsigned argc, JS::Value* vp) {
  const JS::CallArgs args = JS::CallArgsFromVp(argc, vp);
  if (!args.get(0).isObject()) return throw_type(cx, "crc.of({width, poly, init, refin, refout, xorout}, bytes)");
  const JS::RootedObject options(cx, &args[0].toObject());
  constexpr double kMost = 4294967295.0;
  Crc kind;
  std::string bytes;
  if (!read_number(cx, options, "width", 8, 32, kind.width) || !read_number(cx, options, "poly", 0, kMost, kind.poly) ||
      !read_number(cx, options, "init", 0, kMost, kind.init) ||
      !read_number(cx, options, "xorout", 0, kMost, kind.xorout) || !read_flag(cx, options, "refin", kind.refin) ||
      !read_flag(cx, options, "refout", kind.refout) || !copy_bytes_or_text(cx, args.get(1), "crc.of()", bytes)) {
    return false;
  }
  args.rval().setNumber(crc(kind, bytes));
  return true;
}

enum class Sum : std::uint8_t { sum8, sum16, xor8 };
template <Sum kSum>
bool checksum(JSContext* cx, unsigned argc, JS::Value* vp) {
  const JS::CallArgs args = JS::CallArgsFromVp(argc, vp);
  std::string bytes;
  if (!copy_bytes_or_text(cx, args.get(0), "checksum", bytes)) return false;
  args.rval().setNumber(kSum == Sum::xor8 ? xor_of(bytes) : sum(bytes) & (kSum == Sum::sum8 ? 0xFFu : 0xFFFFu));
  return true;
}

constexpr JSFunctionSpec kCrc[] = {JS_FN("crc8", known<&kCrc8>, 1, 0),
                                   JS_FN("crc16Modbus", known<&kCrc16Modbus>, 1, 0),
                                   JS_FN("crc16Ccitt", known<&kCrc16Ccitt>, 1, 0),
                                   JS_FN("crc16Xmodem", known<&kCrc16Xmodem>, 1, 0),
                                   JS_FN("crc16Kermit", known<&kCrc16Kermit>, 1, 0),
                                   JS_FN("crc16X25", known<&kCrc16X25>, 1, 0),
                                   JS_FN("crc32", known<&kCrc32>, 1, 0),
                                   JS_FN("of", of, 2, 0),
                                   JS_FS_END};
constexpr JSFunctionSpec kSums[] = {JS_FN("sum8", checksum<Sum::sum8>, 1, 0),
                                    JS_FN("sum16", checksum<Sum::sum16>, 1, 0),
                                    JS_FN("xor8", checksum<Sum::xor8>, 1, 0), JS_FS_END};
}  // namespace

bool define_checksums(JSContext* cx, JS::HandleObject global) {
  return define_namespace(cx, global, "crc", kCrc) && define_namespace(cx, global, "checksum", kSums);
}

}  // namespace jl::script
