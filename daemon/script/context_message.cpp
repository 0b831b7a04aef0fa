// ctx.message: what came from the device, or goes to it.
#include "daemon/script/bytes.hpp"
#include "daemon/script/context.hpp"
#include "daemon/script/helpers.hpp"
#include "daemon/script/program_realm.hpp"
#include "daemon/script/values.hpp"

namespace jl::script {

namespace {
constexpr JSClass kClass = {"Message", JSCLASS_HAS_RESERVED_SLOTS(1), nullptr, nullptr, nullptr, nullptr};

/// The payload of the message that `this` is, as it came, whatever the script has done to message.payload.
bool payload_of(JSContext* cx, const JS::CallArgs& args, JS::MutableHandleValue payload) {
  if (!args.thisv().isObject() || JS::GetClass(&args.thisv().toObject()) != &kClass) {
    return throw_type(cx, "this is no message");
  }
  payload.set(JS::GetReservedSlot(&args.thisv().toObject(), 0));
  return true;
}

JSString* text_of(JSContext* cx, JS::HandleValue payload) {
  std::string bytes;
  if (payload.isObject() && !copy_bytes(cx, payload, "text()", bytes)) return nullptr;
  return decode(cx, bytes, Charset::utf8);
}

bool text(JSContext* cx, unsigned argc, JS::Value* vp) {
  const JS::CallArgs args = JS::CallArgsFromVp(argc, vp);
  JS::RootedValue payload(cx);
  if (!payload_of(cx, args, &payload)) return false;
  JSString* string = text_of(cx, payload);
  if (string != nullptr) args.rval().setString(string);
  return string != nullptr;
}

bool json(JSContext* cx, unsigned argc, JS::Value* vp) {
  const JS::CallArgs args = JS::CallArgsFromVp(argc, vp);
  JS::RootedValue payload(cx);
  if (!payload_of(cx, args, &payload)) return false;
  const JS::RootedString string(cx, text_of(cx, payload));
  return string && JS_ParseJSON(cx, string, args.rval());
}

bool reader(JSContext* cx, unsigned argc, JS::Value* vp) {
  const JS::CallArgs args = JS::CallArgsFromVp(argc, vp);
  JS::RootedValue payload(cx);
  if (!payload_of(cx, args, &payload)) return false;
  if (payload.isUndefined()) {
    JSObject* empty = new_bytes(cx, {});
    if (empty == nullptr) return false;
    payload.setObject(*empty);
  }
  return new_reader(cx, payload, args.get(0), args.rval());
}

constexpr JSFunctionSpec kMethods[] = {JS_FN("text", text, 0, 0), JS_FN("json", json, 0, 0),
                                       JS_FN("reader", reader, 1, 0), JS_FS_END};
}  // namespace

JSObject* make_message_prototype(JSContext* cx, JS::HandleObject) {
  const JS::RootedObject prototype(cx, JS_NewPlainObject(cx));
  if (!prototype || !JS_DefineFunctions(cx, prototype, kMethods)) return nullptr;
  return prototype;
}

bool new_message(JSContext* cx, ActiveCall& call, JS::MutableHandleValue message) {
  const Invocation& what = call.what;
  if (!what.json.empty()) {
    const JS::RootedString text(cx, decode(cx, what.json, Charset::utf8));
    return text && JS_ParseJSON(cx, text, message);
  }
  const JS::RootedObject prototype(cx, call.realm.prototype(Kind::message));
  const JS::RootedObject object(cx, JS_NewObjectWithGivenProto(cx, &kClass, prototype));
  if (!object) return false;
  JS::RootedValue value(cx);
  if (what.payload) {
    JSObject* bytes = new_bytes(cx, *what.payload);
    if (bytes == nullptr) return false;
    value.setObject(*bytes);
    JS::SetReservedSlot(object, 0, value);
    if (!JS_DefineProperty(cx, object, "payload", value, JSPROP_ENUMERATE)) return false;
  }
  for (const auto& [name, text] : what.texts) {
    if (text.empty()) continue;
    JSString* string = decode(cx, text, Charset::utf8);
    if (string == nullptr) return false;
    value.setString(string);
    if (!JS_DefineProperty(cx, object, name, value, JSPROP_ENUMERATE)) return false;
  }
  for (const auto& [name, number] : what.numbers) {
    value.set(JS::NumberValue(JS::CanonicalizeNaN(number)));
    if (!JS_DefineProperty(cx, object, name, value, JSPROP_ENUMERATE)) return false;
  }
  message.setObject(*object);
  return true;
}

}  // namespace jl::script
