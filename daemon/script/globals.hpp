#pragma once
// What stands in a realm beside the language: console, utils, Java and the like (network.md 2.5); and what of the
// language is taken away.
#include "daemon/script/js.hpp"

namespace jl::script {

/// Within a call. False with an exception pending.
bool define_globals(JSContext* cx, JS::HandleObject global);

}  // namespace jl::script
