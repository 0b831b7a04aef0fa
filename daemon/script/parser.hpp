#pragma once
// `parser`, the object through which a script sets up the pipe of its connection (network.md 2.4).
#include "daemon/script/js.hpp"

namespace jl::script {

class ScriptFramer;

/// The object that the parsers of a realm inherit their methods from; null with an exception pending.
JSObject* make_parser_prototype(JSContext* cx);
/// The parser of one framer. Its methods work during that framer's calls only, and no more after close_parser().
JSObject* make_parser(JSContext* cx, JSObject* prototype, ScriptFramer& framer);
void close_parser(JSObject* parser);

}  // namespace jl::script
