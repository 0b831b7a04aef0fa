#pragma once
// What a call hands out: bytes to devices, device messages.
#include "daemon/script/active_call.hpp"
#include "daemon/script/js.hpp"

namespace jl::script {

/// ctx.send(), and what encode() returns: one thing to send, or a list of them; nothing for null and undefined. False
/// with an exception pending.
bool send_wires(JSContext* cx, ActiveCall& call, JS::HandleValue value);
/// ctx.respond().
bool respond_wire(JSContext* cx, ActiveCall& call, JS::HandleValue value);
/// ctx.handleMessage(), ctx.reply(): one message or an array of them.
bool emit_messages(JSContext* cx, ActiveCall& call, JS::HandleValue value);
bool reply_messages(JSContext* cx, ActiveCall& call, JS::HandleValue value);
/// A value as JSON, counted as output.
bool write_json(JSContext* cx, ActiveCall& call, JS::HandleValue value, std::string& json);

}  // namespace jl::script
