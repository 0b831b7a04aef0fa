#include "daemon/script/globals.hpp"

#include "daemon/base/clock.hpp"
#include "daemon/base/log.hpp"
#include "daemon/script/errors.hpp"
#include "daemon/script/prelude.hpp"
#include "daemon/script/realm.hpp"
#include "daemon/script/values.hpp"

#include <fmt/format.h>
#include <openssl/evp.h>

#include <string_view>

namespace jl::script {

namespace {
// Memory outside of the engine's heap (ArrayBuffer and its views), code from elsewhere (WebAssembly), work after the
// call (Promise, FinalizationRegistry), arithmetic that cannot be interrupted (BigInt, see source.hpp), and what only
// makes the surface larger.
constexpr const char* kTakenAway[] = {"ArrayBuffer",   "SharedArrayBuffer",
                                      "DataView",      "Int8Array",
                                      "Uint8Array",    "Uint8ClampedArray",
                                      "Int16Array",    "Uint16Array",
                                      "Int32Array",    "Uint32Array",
                                      "Float32Array",  "Float64Array",
                                      "BigInt64Array", "BigUint64Array",
                                      "BigInt",        "WebAssembly",
                                      "Atomics",       "FinalizationRegistry",
                                      "WeakRef",       "Proxy",
                                      "Reflect",       "Promise",
                                      "Intl",          "AggregateError"};

constexpr std::size_t kMostLog = 1024;
constexpr Millis kLogEvery = 100;  // records of all scripts

bool native_log(JSContext* cx, unsigned argc, JS::Value* vp) {
  static log::RateLimit limit(kLogEvery);
  const JS::CallArgs args = JS::CallArgsFromVp(argc, vp);
  args.rval().setUndefined();
  std::int32_t number = 0;
  if (!JS::ToInt32(cx, args.get(0), &number)) return false;
  constexpr log::Level kLevels[] = {log::Level::debug, log::Level::info, log::Level::warn, log::Level::error};
  const log::Level level = kLevels[number >= 0 && number < 4 ? number : 0];
  std::uint64_t held_back = 0;
  if (!log::enabled(level) || !limit.allow(system_clock().steady(), held_back)) return true;
  std::string text;
  if (!encode(cx, args.get(1), Charset::utf8, text)) return false;
  std::string line = one_line(text, kMostLog);
  if (held_back > 0) line += fmt::format(" held_back={}", held_back);
  log::write(level, "network.script", line);
  return true;
}

bool native_digest(JSContext* cx, unsigned argc, JS::Value* vp) {
  const JS::CallArgs args = JS::CallArgsFromVp(argc, vp);
  std::string name;
  std::string text;
  if (!encode(cx, args.get(0), Charset::utf8, name) || !to_bytes(cx, args.get(1), "a digest", text)) return false;
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  const EVP_MD* kind = EVP_get_digestbyname(name.c_str());
  if (kind == nullptr || EVP_Digest(text.data(), text.size(), digest, &size, kind, nullptr) != 1) {
    return throw_error(cx, name + " is not available on this host");
  }
  std::string hex;
  for (unsigned i = 0; i < size; ++i) hex += fmt::format("{:02x}", digest[i]);
  JSString* string = JS_NewStringCopyN(cx, hex.data(), hex.size());
  if (string != nullptr) args.rval().setString(string);
  return string != nullptr;
}

constexpr JSFunctionSpec kNatives[] = {JS_FN("log", native_log, 2, 0), JS_FN("digest", native_digest, 2, 0), JS_FS_END};
}  // namespace

bool define_globals(JSContext* cx, JS::HandleObject global) {
  for (const char* name : kTakenAway) {
    JS::ObjectOpResult deleted;
    if (!JS_DeleteProperty(cx, global, name, deleted)) return false;
  }
  const JS::RootedObject natives(cx, JS_NewPlainObject(cx));
  if (!natives || !JS_DefineFunctions(cx, natives, kNatives)) return false;

  return run_prelude(cx, framing_prelude(), global, natives);
}

}  // namespace jl::script
