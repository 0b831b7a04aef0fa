// ctx.device and ctx.session.
#include "daemon/script/bytes.hpp"
#include "daemon/script/context.hpp"
#include "daemon/script/json_writer.hpp"
#include "daemon/script/program_realm.hpp"
#include "daemon/script/values.hpp"

#include <fmt/format.h>

namespace jl::script {

namespace {
enum Slot : std::size_t { kContext, kValue, kSlots };
// kValue: the id for the host, undefined for the session's device.
constexpr JSClass kDevice = {"Device", JSCLASS_HAS_RESERVED_SLOTS(kSlots), nullptr, nullptr, nullptr, nullptr};
// kValue: the state, undefined until it is looked at.
constexpr JSClass kSession = {"Session", JSCLASS_HAS_RESERVED_SLOTS(kSlots), nullptr, nullptr, nullptr, nullptr};

/// The call of the object that `this` is; null with an exception.
ActiveCall* call_of(JSContext* cx, const JS::CallArgs& args, const JSClass& kind) {
  if (!args.thisv().isObject() || JS::GetClass(&args.thisv().toObject()) != &kind) {
    throw_type(cx, fmt::format("this is no {}", &kind == &kDevice ? "device" : "session"));
    return nullptr;
  }
  return call_of_context(cx, &JS::GetReservedSlot(&args.thisv().toObject(), kContext).toObject());
}

JSObject* new_object(JSContext* cx, const JSClass& kind, JSObject* prototype, JS::HandleObject context) {
  const JS::RootedObject inherited(cx, prototype);
  JSObject* object = JS_NewObjectWithGivenProto(cx, &kind, inherited);
  if (object != nullptr) JS::SetReservedSlot(object, kContext, JS::ObjectValue(*context));
  return object;
}

bool define_text(JSContext* cx, JS::HandleObject object, const char* name, std::string_view text) {
  const JS::RootedString string(cx, decode(cx, text, Charset::utf8));
  return string && JS_DefineProperty(cx, object, name, string, JSPROP_ENUMERATE | JSPROP_READONLY);
}

bool config(JSContext* cx, unsigned argc, JS::Value* vp) {
  JS::CallArgs args = JS::CallArgsFromVp(argc, vp);
  ActiveCall* call = call_of(cx, args, kDevice);
  if (call == nullptr) return false;
  std::string id;
  std::string key;
  const JS::RootedValue held(cx, JS::GetReservedSlot(&args.thisv().toObject(), kValue));
  if (held.isString() && !encode(cx, held, Charset::utf8, id)) return false;
  if (!text_argument(cx, args.get(0), "config()", key)) return false;
  std::optional<std::string> value;
  if (!call->ask([&] { value = call->host.config(id, key); })) return false;
  if (value) return return_text(cx, args, *value);
  args.rval().setUndefined();
  return true;
}

bool peer(JSContext* cx, unsigned argc, JS::Value* vp) {
  JS::CallArgs args = JS::CallArgsFromVp(argc, vp);
  ActiveCall* call = call_of(cx, args, kSession);
  if (call == nullptr) return false;
  std::string text;
  return call->ask([&] { text = call->host.peer(); }) && return_text(cx, args, text);
}

bool get_state(JSContext* cx, unsigned argc, JS::Value* vp) {
  const JS::CallArgs args = JS::CallArgsFromVp(argc, vp);
  ActiveCall* call = call_of(cx, args, kSession);
  if (call == nullptr) return false;
  const JS::RootedObject session(cx, &args.thisv().toObject());
  JS::RootedValue state(cx, JS::GetReservedSlot(session, kValue));
  if (state.isUndefined()) {
    const std::string* text = nullptr;
    if (!call->ask([&] { text = call->host.state(); })) return false;
    if (text != nullptr && !text->empty()) {
      const JS::RootedString string(cx, decode(cx, *text, Charset::utf8));
      // A state that no program has written is none.
      if (!string || !JS_ParseJSON(cx, string, &state)) JS_ClearPendingException(cx);
    }
    if (!state.isObject()) {
      JSObject* empty = JS_NewPlainObject(cx);
      if (empty == nullptr) return false;
      state.setObject(*empty);
    }
    JS::SetReservedSlot(session, kValue, state);
  }
  args.rval().set(state);
  return true;
}

bool set_state(JSContext* cx, unsigned argc, JS::Value* vp) {
  const JS::CallArgs args = JS::CallArgsFromVp(argc, vp);
  if (call_of(cx, args, kSession) == nullptr) return false;
  if (!args.get(0).isObject()) return throw_type(cx, "session.state takes an object");
  JS::SetReservedSlot(&args.thisv().toObject(), kValue, args[0]);
  args.rval().setUndefined();
  return true;
}

constexpr JSFunctionSpec kDeviceMethods[] = {JS_FN("config", config, 1, 0), JS_FS_END};
constexpr JSPropertySpec kSessionProperties[] = {JS_PSG("peer", peer, JSPROP_ENUMERATE),
                                                 JS_PSGS("state", get_state, set_state, JSPROP_ENUMERATE), JS_PS_END};
}  // namespace

JSObject* make_device_prototype(JSContext* cx, JS::HandleObject) {
  const JS::RootedObject prototype(cx, JS_NewPlainObject(cx));
  if (!prototype || !JS_DefineFunctions(cx, prototype, kDeviceMethods)) return nullptr;
  return prototype;
}

JSObject* make_session_prototype(JSContext* cx, JS::HandleObject) {
  const JS::RootedObject prototype(cx, JS_NewPlainObject(cx));
  if (!prototype || !JS_DefineProperties(cx, prototype, kSessionProperties)) return nullptr;
  return prototype;
}

bool new_device(JSContext* cx, ActiveCall& call, JS::HandleObject context, std::string_view id,
                JS::MutableHandleValue device) {
  device.setNull();
  std::optional<Host::Device> found;
  if (!call.ask([&] { found = call.host.device(id); })) return false;
  if (!found) return true;
  const JS::RootedObject object(cx, new_object(cx, kDevice, call.realm.prototype(Kind::device), context));
  if (!object || !define_text(cx, object, "id", found->id) ||
      !define_text(cx, object, "productId", found->product_id)) {
    return false;
  }
  if (!id.empty()) {
    JSString* key = decode(cx, id, Charset::utf8);
    if (key == nullptr) return false;
    JS::SetReservedSlot(object, kValue, JS::StringValue(key));
  }
  device.setObject(*object);
  return true;
}

bool new_session(JSContext* cx, ActiveCall& call, JS::HandleObject context, JS::MutableHandleValue session) {
  session.setNull();
  const std::string* state = nullptr;
  if (!call.ask([&] { state = call.host.state(); })) return false;
  if (state == nullptr) return true;
  JSObject* object = new_object(cx, kSession, call.realm.prototype(Kind::session), context);
  if (object != nullptr) session.setObject(*object);
  return object != nullptr;
}

bool keep_state(JSContext* cx, ActiveCall& call, JS::HandleObject context) {
  const JS::Value session = made_session(context);
  if (!session.isObject()) return true;
  const JS::RootedValue state(cx, JS::GetReservedSlot(&session.toObject(), kValue));
  if (state.isUndefined()) return true;
  std::string text;
  JsonWriter writer(cx, text, call.limits.state);
  if (!writer.write(state)) {
    if (!writer.is_too_large()) return false;
    JS_ClearPendingException(cx);
    call.too_much = true;
    return throw_range(cx, fmt::format("session.state takes more than {} bytes", call.limits.state));
  }
  return call.ask([&] {
    if (std::string* kept = call.host.state(); kept != nullptr && *kept != text) *kept = std::move(text);
  });
}

}  // namespace jl::script
