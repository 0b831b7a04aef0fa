// What of the language programs do without, and typed arrays of a bounded size.
#include "daemon/script/bytes.hpp"
#include "daemon/script/errors.hpp"
#include "daemon/script/helpers.hpp"
#include "daemon/script/values.hpp"

#include <fmt/format.h>

namespace jl::script {

namespace {
// Code from elsewhere (WebAssembly), work after the call (Promise, FinalizationRegistry), memory that threads share,
// and arithmetic that cannot be interrupted: BigInt, see source.hpp.
constexpr const char* kTakenAway[] = {"SharedArrayBuffer", "Atomics",        "WebAssembly", "BigInt",
                                      "BigInt64Array",     "BigUint64Array", "WeakRef",     "FinalizationRegistry",
                                      "Promise",           "AggregateError", "Intl"};

constexpr const char* kArrays[] = {"ArrayBuffer", "Int8Array",  "Uint8Array",  "Uint8ClampedArray", "Int16Array",
                                   "Uint16Array", "Int32Array", "Uint32Array", "Float32Array",      "Float64Array"};

bool refuse_bigint(JSContext* cx, unsigned, JS::Value*) {
  return throw_type(cx, "BigInt is not available: 64-bit numbers through Reader.u64() and Writer.u64()");
}

/// The constructor of typed arrays: the engine's, which function slot 0 holds, after a look at the size. Slot 1 holds
/// bytes per element. What is not a number is memory that is there already, or is filled step by step.
bool construct(JSContext* cx, unsigned argc, JS::Value* vp) {
  const JS::CallArgs args = JS::CallArgsFromVp(argc, vp);
  if (!args.isConstructing()) return throw_type(cx, "typed arrays are made with new");
  const JS::RootedValue original(cx, js::GetFunctionNativeReserved(&args.callee(), 0));
  const double each = js::GetFunctionNativeReserved(&args.callee(), 1).toNumber();
  JS::RootedValueVector given(cx);
  if (!given.resize(argc)) return throw_error(cx, "no memory");
  for (unsigned i = 0; i < argc; ++i) given[i].set(args[i]);
  if (argc > 0 && !args[0].isObject()) {
    double length = 0;
    if (!JS::ToNumber(cx, args[0], &length)) return false;
    if (length * each > static_cast<double>(kMostBytes)) {
      return throw_range(cx, fmt::format("an array of more than {} MiB", kMostBytes >> 20u));
    }
    given[0].setNumber(length);
  }
  const JS::RootedObject target(cx, &args.newTarget().toObject());
  JS::RootedObject made(cx);
  if (!JS::Construct(cx, original, target, given, &made)) return false;
  args.rval().setObject(*made);
  return true;
}

/// Puts `construct` in the place of one of the engine's constructors.
bool wrap(JSContext* cx, JS::HandleObject global, const char* name) {
  JS::RootedValue original(cx);
  if (!JS_GetProperty(cx, global, name, &original) || !original.isObject()) return false;
  const JS::RootedObject engines(cx, &original.toObject());
  JSFunction* function = js::NewFunctionWithReserved(cx, construct, 3, JSFUN_CONSTRUCTOR, name);
  if (function == nullptr) return false;
  const JS::RootedObject made(cx, JS_GetFunctionObject(function));
  JS::RootedValue prototype(cx);
  JS::RootedObject parent(cx);
  if (!JS_GetProperty(cx, engines, "prototype", &prototype) || !JS_GetPrototype(cx, engines, &parent)) return false;
  JS::RootedValue each(cx);
  if (!JS_GetProperty(cx, engines, "BYTES_PER_ELEMENT", &each)) return false;
  if (!each.isNumber()) each.setInt32(1);
  js::SetFunctionNativeReserved(made, 0, original);
  js::SetFunctionNativeReserved(made, 1, each);
  const JS::RootedObject inherited(cx, &prototype.toObject());
  constexpr unsigned kFixed = JSPROP_READONLY | JSPROP_PERMANENT;
  JS::RootedValue is_view(cx);
  if (!JS_GetProperty(cx, engines, "isView", &is_view)) return false;
  if (!is_view.isUndefined() && !JS_DefineProperty(cx, made, "isView", is_view, 0)) return false;
  return JS_SetPrototype(cx, made, parent) && JS_DefineProperty(cx, made, "prototype", inherited, kFixed) &&
         JS_DefineProperty(cx, made, "BYTES_PER_ELEMENT", each, kFixed) &&
         JS_DefineProperty(cx, inherited, "constructor", made, 0) && JS_DefineProperty(cx, global, name, made, 0);
}
}  // namespace

bool define_bounds(JSContext* cx, JS::HandleObject global) {
  for (const char* name : kTakenAway) {
    JS::ObjectOpResult deleted;
    if (!JS_DeleteProperty(cx, global, name, deleted)) return false;
  }
  for (const char* name : kArrays) {
    if (!wrap(cx, global, name)) return false;
  }
  JS::RootedValue view(cx);
  JS::RootedValue prototype(cx);
  if (!JS_GetProperty(cx, global, "DataView", &view) || !view.isObject()) return false;
  const JS::RootedObject constructor(cx, &view.toObject());
  if (!JS_GetProperty(cx, constructor, "prototype", &prototype)) return false;
  const JS::RootedObject methods(cx, &prototype.toObject());
  for (const char* name : {"getBigInt64", "getBigUint64", "setBigInt64", "setBigUint64"}) {
    if (JS_DefineFunction(cx, methods, name, refuse_bigint, 1, 0) == nullptr) return false;
  }
  return true;
}

}  // namespace jl::script
