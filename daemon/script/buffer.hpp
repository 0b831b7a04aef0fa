#pragma once
// The Buffer that scripts see (network.md 2.5): bytes with absolute indexes, each method as vert.x names it. Long
// integers are JavaScript numbers: beyond 2^53 they lose their lowest bits.
#include "daemon/script/js.hpp"

#include <string>

namespace jl::script {

class Engine;

/// The object that the Buffers of a realm inherit their methods from; null with an exception pending.
JSObject* make_buffer_prototype(JSContext* cx);
/// A Buffer that holds `bytes`; false with an exception pending. Within a call only.
bool new_buffer(JSContext* cx, std::string bytes, JS::MutableHandleValue buffer);
/// What a Buffer holds, until the script goes on; null for any other value.
const std::string* buffer_bytes(JS::HandleValue value);

}  // namespace jl::script
