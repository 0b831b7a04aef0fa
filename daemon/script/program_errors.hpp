#pragma once
// What went wrong in a program, as an Error.
#include "daemon/script/engine.hpp"

#include <chrono>

namespace jl::script {

/// The pending exception, "NAME/main.js:12:5: RangeError: ... (in parse, main.js:12:5; in decode, main.js:3:10)", one
/// printable line of at most 512 bytes; or what stopped the script: timeout, too_large (memory), invalid (import()).
/// Runs none of the script's code; nothing is pending afterwards.
Error take_program_error(Engine& engine, const std::string& name, std::chrono::milliseconds limit);

}  // namespace jl::script
