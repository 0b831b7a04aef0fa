#pragma once
// ctx and what hangs on it: message, device, session. They are made when a script asks for them, and all that leads to
// the host is dead once the call is over.
#include "daemon/script/active_call.hpp"
#include "daemon/script/js.hpp"

namespace jl::script {

/// The objects that they inherit from, one for each realm; null with an exception pending.
JSObject* make_context_prototype(JSContext* cx, JS::HandleObject global);
JSObject* make_message_prototype(JSContext* cx, JS::HandleObject global);
JSObject* make_session_prototype(JSContext* cx, JS::HandleObject global);
JSObject* make_device_prototype(JSContext* cx, JS::HandleObject global);

/// The ctx of a call.
JSObject* new_context(JSContext* cx, ActiveCall& call);
/// The call is over.
void end_context(JSObject* context);
/// The call that a ctx belongs to; throws when it is over, or not the one that runs.
ActiveCall* call_of_context(JSContext* cx, JSObject* context);
/// ctx.message, ctx.device.
bool message_of(JSContext* cx, JS::HandleObject context, JS::MutableHandleValue message);
bool device_of(JSContext* cx, JS::HandleObject context, JS::MutableHandleValue device);

/// What the message is, as the Invocation says.
bool new_message(JSContext* cx, ActiveCall& call, JS::MutableHandleValue message);
/// A device that the host knows; null when it does not. `id` empty: the session's.
bool new_device(JSContext* cx, ActiveCall& call, JS::HandleObject context, std::string_view id,
                JS::MutableHandleValue device);
/// ctx.session; null without one.
bool new_session(JSContext* cx, ActiveCall& call, JS::HandleObject context, JS::MutableHandleValue session);
/// Writes ctx.session.state back when the script has looked at it.
bool keep_state(JSContext* cx, ActiveCall& call, JS::HandleObject context);
/// The ctx.session of a ctx that has been looked at, else undefined.
JS::Value made_session(JSObject* context);

}  // namespace jl::script
