#pragma once
// The parts of the global objects that are written in JavaScript: bodies of function(global, native), run once in each
// realm. Both have native.log(level, text) with levels 0 debug, 1 info, 2 warn, 3 error.
#include <string>

namespace jl::script {

/// Of framing scripts; native.digest("SHA1" or "MD5", text).
const std::string& framing_prelude();
/// Of programs; native.show(value) gives the text of a value for console, native.bytes(numbers) a Uint8Array.
const std::string& program_prelude();
/// What only programs have.
extern const char* const kProgram;

}  // namespace jl::script
