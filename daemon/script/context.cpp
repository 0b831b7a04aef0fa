#include "daemon/script/context.hpp"

#include "daemon/script/bytes.hpp"
#include "daemon/script/output.hpp"
#include "daemon/script/program_realm.hpp"
#include "daemon/script/values.hpp"

namespace jl::script {

namespace {
enum Slot : std::size_t { kCall, kMessage, kDevice, kSession, kSlots };
constexpr JSClass kClass = {"Context", JSCLASS_HAS_RESERVED_SLOTS(kSlots), nullptr, nullptr, nullptr, nullptr};

/// The call whose ctx `this` is; null with an exception.
ActiveCall* call_of(JSContext* cx, const JS::CallArgs& args) {
  if (!args.thisv().isObject() || JS::GetClass(&args.thisv().toObject()) != &kClass) {
    throw_type(cx, "this is no ctx");
    return nullptr;
  }
  return call_of_context(cx, &args.thisv().toObject());
}

/// A method or getter: `kBody` does the work; it returns undefined when it leaves no value.
template <bool (*kBody)(JSContext*, JS::CallArgs&, ActiveCall&)>
bool method(JSContext* cx, unsigned argc, JS::Value* vp) {
  JS::CallArgs args = JS::CallArgsFromVp(argc, vp);
  ActiveCall* call = call_of(cx, args);
  if (call == nullptr) return false;
  // What stands in rval() is also the callee's place, thus not needed any more.
  return kBody(cx, args, *call);
}

/// What is made at the first look.
template <Slot kSlot, class Make>
bool lazy(JSContext* cx, JS::HandleObject context, JS::MutableHandleValue value, Make&& make) {
  value.set(JS::GetReservedSlot(context, kSlot));
  if (!value.isUndefined()) return true;
  if (!make(value)) return false;
  JS::SetReservedSlot(context, kSlot, value);
  return JS_CheckForInterrupt(cx);
}

bool transport(JSContext* cx, JS::CallArgs& args, ActiveCall& call) {
  return return_text(cx, args, call.what.transport);
}

bool message(JSContext* cx, JS::CallArgs& args, ActiveCall&) {
  const JS::RootedObject context(cx, &args.thisv().toObject());
  return message_of(cx, context, args.rval());
}

bool device(JSContext* cx, JS::CallArgs& args, ActiveCall&) {
  const JS::RootedObject context(cx, &args.thisv().toObject());
  return device_of(cx, context, args.rval());
}

bool session(JSContext* cx, JS::CallArgs& args, ActiveCall& call) {
  const JS::RootedObject context(cx, &args.thisv().toObject());
  return lazy<kSession>(cx, context, args.rval(),
                        [&](JS::MutableHandleValue value) { return new_session(cx, call, context, value); });
}

bool get_device(JSContext* cx, JS::CallArgs& args, ActiveCall& call) {
  const JS::RootedObject context(cx, &args.thisv().toObject());
  std::string id;
  if (!text_argument(cx, args.get(0), "getDevice()", id)) return false;
  if (!id.empty()) return new_device(cx, call, context, id, args.rval());
  args.rval().setNull();
  return true;
}

bool send(JSContext* cx, JS::CallArgs& args, ActiveCall& call) {
  const JS::RootedValue value(cx, args.get(0));
  args.rval().setUndefined();
  return send_wires(cx, call, value);
}

bool respond(JSContext* cx, JS::CallArgs& args, ActiveCall& call) {
  const JS::RootedValue value(cx, args.get(0));
  args.rval().setUndefined();
  return respond_wire(cx, call, value);
}

bool handle_message(JSContext* cx, JS::CallArgs& args, ActiveCall& call) {
  const JS::RootedValue value(cx, args.get(0));
  args.rval().setUndefined();
  return emit_messages(cx, call, value);
}

bool reply(JSContext* cx, JS::CallArgs& args, ActiveCall& call) {
  const JS::RootedValue value(cx, args.get(0));
  args.rval().setUndefined();
  return reply_messages(cx, call, value);
}

bool close(JSContext*, JS::CallArgs& args, ActiveCall& call) {
  args.rval().setUndefined();
  return call.ask([&] { call.host.close(); });
}

bool now(JSContext*, JS::CallArgs& args, ActiveCall& call) {
  Millis time = 0;
  if (!call.ask([&] { time = call.host.now(); })) return false;
  args.rval().setNumber(static_cast<double>(time));
  return true;
}

constexpr JSPropertySpec kProperties[] = {JS_PSG("transport", method<transport>, JSPROP_ENUMERATE),
                                          JS_PSG("message", method<message>, JSPROP_ENUMERATE),
                                          JS_PSG("device", method<device>, JSPROP_ENUMERATE),
                                          JS_PSG("session", method<session>, JSPROP_ENUMERATE), JS_PS_END};

constexpr JSFunctionSpec kMethods[] = {JS_FN("getDevice", method<get_device>, 1, 0),
                                       JS_FN("send", method<send>, 1, 0),
                                       JS_FN("respond", method<respond>, 1, 0),
                                       JS_FN("handleMessage", method<handle_message>, 1, 0),
                                       JS_FN("reply", method<reply>, 1, 0),
                                       JS_FN("close", method<close>, 0, 0),
                                       JS_FN("disconnect", method<close>, 0, 0),
                                       JS_FN("now", method<now>, 0, 0),
                                       JS_FS_END};
}  // namespace

JSObject* make_context_prototype(JSContext* cx, JS::HandleObject) {
  const JS::RootedObject prototype(cx, JS_NewPlainObject(cx));
  if (!prototype || !JS_DefineProperties(cx, prototype, kProperties)) return nullptr;
  return JS_DefineFunctions(cx, prototype, kMethods) ? prototype.get() : nullptr;
}

JSObject* new_context(JSContext* cx, ActiveCall& call) {
  const JS::RootedObject prototype(cx, call.realm.prototype(Kind::context));
  JSObject* context = JS_NewObjectWithGivenProto(cx, &kClass, prototype);
  if (context != nullptr) JS::SetReservedSlot(context, kCall, JS::PrivateValue(&call));
  return context;
}

void end_context(JSObject* context) { JS::SetReservedSlot(context, kCall, JS::UndefinedValue()); }

ActiveCall* call_of_context(JSContext* cx, JSObject* context) {
  const JS::Value slot = JS::GetReservedSlot(context, kCall);
  auto* call = slot.isUndefined() ? nullptr : static_cast<ActiveCall*>(slot.toPrivate());
  if (call != nullptr && call == Engine::of(cx).active()) return call;
  throw_error(cx, call == nullptr ? "the call of this ctx is over" : "this ctx belongs to another call");
  return nullptr;
}

bool message_of(JSContext* cx, JS::HandleObject context, JS::MutableHandleValue message) {
  ActiveCall* call = call_of_context(cx, context);
  return call != nullptr && lazy<kMessage>(cx, context, message,
                                           [&](JS::MutableHandleValue value) { return new_message(cx, *call, value); });
}

bool device_of(JSContext* cx, JS::HandleObject context, JS::MutableHandleValue device) {
  ActiveCall* call = call_of_context(cx, context);
  return call != nullptr && lazy<kDevice>(cx, context, device, [&](JS::MutableHandleValue value) {
           return new_device(cx, *call, context, {}, value);
         });
}

JS::Value made_session(JSObject* context) { return JS::GetReservedSlot(context, kSession); }

}  // namespace jl::script
