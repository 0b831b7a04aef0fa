#pragma once
// The part of the global object that is written in JavaScript.

namespace jl::script {

/// The body of function(global, native), run once in each realm. native.log(level, text) with levels 0 debug, 1 info,
/// 2 warn, 3 error; native.digest("SHA1" or "MD5", text).
extern const char* const kPrelude;

}  // namespace jl::script
