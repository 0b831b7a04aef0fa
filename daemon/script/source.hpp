#pragma once
// What a framing script may not contain, found before it is compiled.
#include "common/base/result.hpp"
#include "daemon/script/framing.hpp"

namespace jl::script {

inline constexpr std::size_t kMostSource = std::size_t{1} << 20u;

/// Errors: unsupported (lang), too_large (above 1 MiB), invalid: a BigInt literal (1n) anywhere, comments and strings
/// included. Arithmetic on BigInts of millions of digits takes minutes and cannot be interrupted; without literals
/// there are none. Nashorn, for which framing scripts are written, has no BigInt.
Status check_source(const ScriptSource& source);

}  // namespace jl::script
