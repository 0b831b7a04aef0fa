#pragma once
// What may stand at the cursor: `jlctl __complete WORDS...`, called by the scripts in completions/.
#include "cli/args.hpp"
#include "cli/environment.hpp"

namespace jl::cli {

/// Writes the candidates for the last word, one per line as "word<TAB>what it is". Words may be split at "=", as bash
/// does. Silent about every failure; the daemon gets 250 ms to name objects.
void complete(const Words& words, const Environment& env);

}  // namespace jl::cli
