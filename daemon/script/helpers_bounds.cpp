// What of the language programs do without, and typed arrays of a bounded size.
#include "daemon/script/bytes.hpp"
#include "daemon/script/errors.hpp"
#include "daemon/script/helpers.hpp"
#include "daemon/script/values.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace jl::script {

namespace {
// Code from elsewhere (WebAssembly), work after the call (Promise, FinalizationRegistry), memory that threads share,
// and arithmetic that cannot be interrupted: BigInt, see source.hpp.
constexpr const char* kTakenAway[] = {"SharedArrayBuffer", "Atomics",        "WebAssembly", "BigInt",
                                      "BigInt64Array",     "BigUint64Array", "WeakRef",     "FinalizationRegistry",
                                      "Promise",           "AggregateError", "Intl"};

// Larger ones the engine fills for longer than it may without looking at the time.
constexpr std::size_t kMostArray = std::size_t{4} << 20u;

constexpr const char* kArrays[] = {"ArrayBuffer", "Int8Array",  "Uint8Array",  "Uint8ClampedArray", "Int16Array",
                                   "Uint16Array", "Int32Array", "Uint32Array", "Float32Array",      "Float64Array"};

bool refuse_bigint(JSContext* cx, unsigned, JS::Value*) {
  return throw_type(cx, "BigInt is not available: 64-bit numbers through Reader.u64() and Writer.u64()");
}

bool too_large(JSContext* cx) {
  return throw_range(cx, fmt::format("an array of more than {} MiB", kMostArray >> 20u));
}

// What the constructors of typed arrays hold.
enum Held : std::size_t { kOriginal, kInfo };
// kInfo is an array of two: bytes per element (ArrayBuffer: 0), and Array.from().
struct Info {
  explicit Info(JSContext* cx) : from(cx) {}
  double each = 0;
  JS::RootedValue from;
};
bool info_of(JSContext* cx, JSObject& callee, Info& info) {
  const JS::RootedObject held(cx, &js::GetFunctionNativeReserved(&callee, kInfo).toObject());
  JS::RootedValue each(cx);
  if (!JS_GetElement(cx, held, 0, &each) || !JS_GetElement(cx, held, 1, &info.from)) return false;
  info.each = each.toNumber();
  return true;
}

/// Bounds what a typed array is made from. The engine reads lengths and elements of objects in one go, and reads them
/// again after it has called into the script: only memory that is there already and numbers are left to it. Of anything
/// else an array is made, which can be interrupted; `elements` are then to be copied, and `source` is their number.
bool bound(JSContext* cx, const Info& info, JS::MutableHandleValue source, JS::MutableHandleObject elements) {
  const double each = std::max(1.0, info.each);
  if (!source.isObject()) {
    double length = 0;
    if (!JS::ToNumber(cx, source, &length)) return false;
    if (length * each > static_cast<double>(kMostArray)) return too_large(cx);
    source.setNumber(length);
    return true;
  }
  if (info.each == 0) {  // ArrayBuffer makes a number of it
    double length = 0;
    if (!JS::ToNumber(cx, source, &length)) return false;
    source.setNumber(length);
    return bound(cx, info, source, elements);
  }
  if (JS::IsArrayBufferObject(&source.toObject())) return true;
  if (JS_IsTypedArrayObject(&source.toObject())) {
    const double length = static_cast<double>(JS_GetTypedArrayLength(&source.toObject()));
    return length * each <= static_cast<double>(kMostArray) || too_large(cx);
  }
  JS::RootedObject array(cx, &source.toObject());
  bool is_array = false;
  if (!JS::IsArrayObject(cx, array, &is_array)) return false;
  if (!is_array) {
    JS::RootedValueArray<1> arguments(cx);
    arguments[0].set(source);
    if (!JS::Call(cx, JS::UndefinedHandleValue, info.from, arguments, source)) return false;
    if (!source.isObject()) return throw_type(cx, "no array");
    array = &source.toObject();
    if (!JS::IsArrayObject(cx, array, &is_array) || !is_array) return throw_type(cx, "no array");
  }
  std::uint32_t length = 0;
  if (!JS::GetArrayLength(cx, array, &length)) return false;
  if (length * each > static_cast<double>(kMostArray)) return too_large(cx);
  elements.set(array);
  source.setNumber(length);
  return true;
}

/// Copies elements one by one, with an eye on the time. What changes meanwhile is as it is found.
bool copy(JSContext* cx, JS::HandleObject from, JS::HandleObject to) {
  constexpr std::uint32_t kBetweenLooks = 1024;
  JS::RootedValue element(cx);
  const auto length = static_cast<std::uint32_t>(JS_GetTypedArrayLength(to));
  for (std::uint32_t i = 0; i < length; ++i) {
    if (i % kBetweenLooks == 0 && !JS_CheckForInterrupt(cx)) return false;
    if (!JS_GetElement(cx, from, i, &element) || !JS_SetElement(cx, to, i, element)) return false;
  }
  return true;
}

/// The constructor of typed arrays and ArrayBuffer: the engine's, after a look at the size.
bool construct(JSContext* cx, unsigned argc, JS::Value* vp) {
  const JS::CallArgs args = JS::CallArgsFromVp(argc, vp);
  if (!args.isConstructing()) return throw_type(cx, "typed arrays are made with new");
  const JS::RootedValue original(cx, js::GetFunctionNativeReserved(&args.callee(), kOriginal));
  Info info(cx);
  if (!info_of(cx, args.callee(), info)) return false;
  JS::RootedValueVector given(cx);
  if (!given.resize(std::min(argc, 3u))) return throw_error(cx, "no memory");
  for (unsigned i = 0; i < given.length(); ++i) given[i].set(args[i]);
  JS::RootedObject elements(cx);
  if (argc > 0 && !bound(cx, info, given[0], &elements)) return false;
  if (elements && !given.resize(1)) return throw_error(cx, "no memory");
  const JS::RootedObject target(cx, &args.newTarget().toObject());
  JS::RootedObject made(cx);
  if (!JS::Construct(cx, original, target, given, &made)) return false;
  if (elements && !copy(cx, elements, made)) return false;
  args.rval().setObject(*made);
  return true;
}

/// Puts `construct` in the place of one of the engine's constructors.
bool wrap(JSContext* cx, JS::HandleObject global, JS::HandleValue from, const char* name) {
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
  JS::RootedValueArray<2> facts(cx);
  facts[0].set(each.isNumber() ? each.get() : JS::Int32Value(0));
  facts[1].set(from);
  JSObject* info = JS::NewArrayObject(cx, facts);
  if (info == nullptr) return false;
  js::SetFunctionNativeReserved(made, kInfo, JS::ObjectValue(*info));
  js::SetFunctionNativeReserved(made, kOriginal, original);
  const JS::RootedObject inherited(cx, &prototype.toObject());
  constexpr unsigned kFixed = JSPROP_READONLY | JSPROP_PERMANENT;
  JS::RootedValue is_view(cx);
  if (!JS_GetProperty(cx, engines, "isView", &is_view)) return false;
  if (!is_view.isUndefined() && !JS_DefineProperty(cx, made, "isView", is_view, 0)) return false;
  return JS_SetPrototype(cx, made, parent) && JS_DefineProperty(cx, made, "prototype", inherited, kFixed) &&
         (!each.isNumber() || JS_DefineProperty(cx, made, "BYTES_PER_ELEMENT", each, kFixed)) &&
         JS_DefineProperty(cx, inherited, "constructor", made, 0) && JS_DefineProperty(cx, global, name, made, 0);
}
/// (source) => Array.from(source), whatever scripts do to Array; null with an exception pending.
JSObject* array_from(JSContext* cx, JS::HandleObject global) {
  JS::RootedValue constructor(cx);
  JS::RootedValue from(cx);
  if (!JS_GetProperty(cx, global, "Array", &constructor) || !constructor.isObject()) return nullptr;
  const JS::RootedObject array(cx, &constructor.toObject());
  if (!JS_GetProperty(cx, array, "from", &from)) return nullptr;
  return from.isObject() ? &from.toObject() : nullptr;
}
}  // namespace

bool define_bounds(JSContext* cx, JS::HandleObject global) {
  for (const char* name : kTakenAway) {
    JS::ObjectOpResult deleted;
    if (!JS_DeleteProperty(cx, global, name, deleted)) return false;
  }
  const JS::RootedValue from(cx, JS::ObjectOrNullValue(array_from(cx, global)));
  if (!from.isObject()) return false;
  for (const char* name : kArrays) {
    if (!wrap(cx, global, from, name)) return false;
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
