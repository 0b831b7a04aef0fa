#include "daemon/script/parser.hpp"

#include "daemon/script/buffer.hpp"
#include "daemon/script/errors.hpp"
#include "daemon/script/framer.hpp"
#include "daemon/script/values.hpp"

namespace jl::script {

namespace {
constexpr JSClass kClass = {"Parser", JSCLASS_HAS_RESERVED_SLOTS(1), nullptr, nullptr, nullptr, nullptr};

/// The framer whose parser `this` is; null with an exception.
ScriptFramer* framer_of(JSContext* cx, const JS::CallArgs& args) {
  if (!args.thisv().isObject() || JS::GetClass(&args.thisv().toObject()) != &kClass) {
    throw_type(cx, "this is no parser");
    return nullptr;
  }
  const JS::Value slot = JS::GetReservedSlot(&args.thisv().toObject(), 0);
  auto* framer = slot.isUndefined() ? nullptr : static_cast<ScriptFramer*>(slot.toPrivate());
  // A parser that one connection left in a global variable is not another connection's.
  if (framer == nullptr || framer != Engine::of(cx).running()) {
    throw_error(cx, "parser is closed");
    return nullptr;
  }
  return framer;
}

/// A method: `kBody` does the work; it returns `this` when it leaves no value.
template <bool (*kBody)(JSContext*, JS::CallArgs&, ScriptFramer&)>
bool method(JSContext* cx, unsigned argc, JS::Value* vp) {
  JS::CallArgs args = JS::CallArgsFromVp(argc, vp);
  ScriptFramer* framer = framer_of(cx, args);
  return framer != nullptr && kBody(cx, args, *framer);
}

bool chain(JSContext* cx, JS::CallArgs& args, ScriptFramer& framer, const Status& done) {
  args.rval().set(args.thisv());
  return done ? true : framer.raise(cx, done.error());
}

bool fixed(JSContext* cx, JS::CallArgs& args, ScriptFramer& framer) {
  std::int32_t length = 0;
  return JS::ToInt32(cx, args.get(0), &length) && chain(cx, args, framer, framer.pipe().fixed(length));
}

bool delimited(JSContext* cx, JS::CallArgs& args, ScriptFramer& framer) {
  std::string delimiter;
  return low_bytes(cx, args.get(0), delimiter) && chain(cx, args, framer, framer.pipe().delimited(delimiter));
}

bool is_function(const JS::Value& value) { return value.isObject() && JS::IsCallable(&value.toObject()); }

bool handler(JSContext* cx, JS::CallArgs& args, ScriptFramer& framer) {
  if (!is_function(args.get(0))) return throw_type(cx, "handler() takes a function");
  const JS::RootedObject function(cx, &args[0].toObject());
  return framer.add_step(cx, function) && chain(cx, args, framer, {});
}

bool direct(JSContext* cx, JS::CallArgs& args, ScriptFramer& framer) {
  if (!is_function(args.get(0))) return throw_type(cx, "direct() takes a function");
  framer.set_direct(&args[0].toObject());
  return chain(cx, args, framer, {});
}

bool result(JSContext* cx, JS::CallArgs& args, ScriptFramer& framer) {
  if (const std::string* held = buffer_bytes(args.get(0))) return chain(cx, args, framer, framer.pipe().result(*held));
  std::string bytes;
  return to_bytes(cx, args.get(0), "result()", bytes) && chain(cx, args, framer, framer.pipe().result(bytes));
}

bool complete(JSContext* cx, JS::CallArgs& args, ScriptFramer& framer) {
  return chain(cx, args, framer, framer.pipe().complete());
}

bool make_buffer(JSContext* cx, JS::CallArgs& args, ScriptFramer&) { return new_buffer(cx, {}, args.rval()); }

bool reset(JSContext*, JS::CallArgs& args, ScriptFramer& framer) {
  framer.pipe().reset();
  args.rval().setUndefined();
  return true;
}

bool close(JSContext*, JS::CallArgs& args, ScriptFramer& framer) {
  framer.close();
  args.rval().setUndefined();
  return true;
}

constexpr JSFunctionSpec kMethods[] = {
    JS_FN("fixed", method<fixed>, 1, 0),           JS_FN("delimited", method<delimited>, 1, 0),
    JS_FN("handler", method<handler>, 1, 0),       JS_FN("direct", method<direct>, 1, 0),
    JS_FN("result", method<result>, 1, 0),         JS_FN("complete", method<complete>, 0, 0),
    JS_FN("newBuffer", method<make_buffer>, 0, 0), JS_FN("reset", method<reset>, 0, 0),
    JS_FN("close", method<close>, 0, 0),           JS_FS_END};
}  // namespace

JSObject* make_parser_prototype(JSContext* cx) {
  const JS::RootedObject prototype(cx, JS_NewPlainObject(cx));
  if (!prototype || !JS_DefineFunctions(cx, prototype, kMethods)) return nullptr;
  return prototype;
}

JSObject* make_parser(JSContext* cx, JSObject* prototype, ScriptFramer& framer) {
  const JS::RootedObject inherited(cx, prototype);
  JSObject* parser = JS_NewObjectWithGivenProto(cx, &kClass, inherited);
  if (parser != nullptr) JS::SetReservedSlot(parser, 0, JS::PrivateValue(&framer));
  return parser;
}

void close_parser(JSObject* parser) { JS::SetReservedSlot(parser, 0, JS::UndefinedValue()); }

}  // namespace jl::script
