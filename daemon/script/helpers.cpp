#include "daemon/script/helpers.hpp"

#include "common/base/base64.hpp"
#include "daemon/script/active_call.hpp"
#include "daemon/script/bytes.hpp"
#include "daemon/script/errors.hpp"
#include "daemon/script/json_writer.hpp"
#include "daemon/script/prelude.hpp"
#include "daemon/script/realm.hpp"
#include "daemon/script/values.hpp"

#include <fmt/format.h>

namespace jl::script {

namespace {
constexpr std::size_t kMostLine = 512;
constexpr std::size_t kMostShown = 1024;  // of one value
constexpr int kMostLines = 64;            // of one call

bool log(JSContext* cx, unsigned argc, JS::Value* vp) {
  const JS::CallArgs args = JS::CallArgsFromVp(argc, vp);
  args.rval().setUndefined();
  ActiveCall* call = Engine::of(cx).active();
  if (call == nullptr || call->log_lines >= kMostLines) return true;
  std::int32_t level = 0;
  std::string text;
  if (!JS::ToInt32(cx, args.get(0), &level) || !encode(cx, args.get(1), Charset::utf8, text)) return false;
  ++call->log_lines;
  const std::string line = one_line(text, kMostLine);
  return call->ask([&] { call->host.log(level, line); });
}

/// The text of a value for console: strings as they are, bytes in hex, objects as JSON.
bool show(JSContext* cx, unsigned argc, JS::Value* vp) {
  JS::CallArgs args = JS::CallArgsFromVp(argc, vp);
  JS::RootedValue value(cx, args.get(0));
  std::string text;
  if (holds_bytes(value)) {
    const JS::AutoCheckCannotGC nogc(cx);
    for (const char c : bytes_in_place(value, nogc).substr(0, kMostShown / 2)) {
      fmt::format_to(std::back_inserter(text), "{:02x}", static_cast<unsigned char>(c));
    }
  } else if (value.isObject() && !JS::IsCallable(&value.toObject())) {
    const JS::RootedObject object(cx, &value.toObject());
    js::ESClass kind{};
    if (!JS::GetBuiltinClass(cx, object, &kind)) return false;
    JsonWriter writer(cx, text, 4 * kMostShown);
    if (kind != js::ESClass::Error && !writer.write(value)) {
      if (!writer.is_too_large()) return false;
      JS_ClearPendingException(cx);  // its beginning is enough
    } else if (kind == js::ESClass::Error && !encode(cx, value, Charset::utf8, text)) {
      return false;
    }
  } else if (value.isSymbol()) {
    text = "Symbol()";
  } else if (!encode(cx, value, Charset::utf8, text)) {
    return false;
  }
  return return_text(cx, args, one_line(text, kMostShown));
}

bool to_uint8_array(JSContext* cx, unsigned argc, JS::Value* vp) {
  JS::CallArgs args = JS::CallArgsFromVp(argc, vp);
  std::string bytes;
  return copy_bytes(cx, args.get(0), "BytesUtils", bytes) && return_bytes(cx, args, bytes);
}

constexpr JSFunctionSpec kNatives[] = {JS_FN("log", log, 2, 0), JS_FN("show", show, 1, 0),
                                       JS_FN("bytes", to_uint8_array, 1, 0), JS_FN("base64", base64_of_this, 0, 0),
                                       JS_FS_END};
}  // namespace

bool base64_of_this(JSContext* cx, unsigned argc, JS::Value* vp) {
  JS::CallArgs args = JS::CallArgsFromVp(argc, vp);
  std::string bytes;
  if (!holds_bytes(args.thisv())) return throw_type(cx, "this is no Uint8Array");
  return copy_bytes(cx, args.thisv(), "toJSON()", bytes) && return_text(cx, args, to_base64(bytes));
}

bool is_little(JSContext* cx, JS::HandleValue options, bool& little) {
  little = false;
  if (!options.isObject()) return options.isNullOrUndefined() || throw_type(cx, "options are {little: true}");
  const JS::RootedObject object(cx, &options.toObject());
  JS::RootedValue value(cx);
  if (!JS_GetProperty(cx, object, "little", &value)) return false;
  little = JS::ToBoolean(value);
  return true;
}

bool define_helpers(JSContext* cx, JS::HandleObject global) {
  const JS::RootedObject natives(cx, JS_NewPlainObject(cx));
  return natives && JS_DefineFunctions(cx, natives, kNatives) && define_bounds(cx, global) &&
         run_prelude(cx, program_prelude(), global, natives) && define_checksums(cx, global) &&
         define_texts(cx, global) && define_crypto(cx, global) && define_cbor(cx, global);
}

}  // namespace jl::script
