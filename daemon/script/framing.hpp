#pragma once
// The SCRIPT framing rule (network.md 2.4, 2.5): users' JavaScript on SpiderMonkey, one engine per thread. A script can
// neither read nor write anything but the bytes of its connection; time and memory are bounded (engine.hpp).
#include "common/base/result.hpp"
#include "daemon/wire/framing/framer.hpp"

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>

namespace jl::script {

struct ScriptSource {
  std::string text;
  std::string name;  ///< stands in front of errors: "script:3:7: ..."
  std::string lang;  ///< js, javascript or nashorn, which are the same; "" is js
};

struct ScriptLimits {
  std::chrono::milliseconds call{100};          ///< for one run of the script or of one of its functions
  std::size_t heap = std::size_t{64} << 20u;    ///< bytes per thread; the first rule of a thread decides
  std::size_t stack = std::size_t{256} << 10u;  ///< bytes of native stack; as above
};

/// Compiles the script and runs it once on the calling thread, so that its errors come now. The rule may be used on any
/// thread; each framer lives and dies on the thread that opened it. Errors: unsupported (lang), invalid ("NAME:LINE:
/// COLUMN: what happened"), too_large (a result or length above `max_frame`).
[[nodiscard]] Result<std::unique_ptr<wire::framing::FramingRule>> script_rule(const ScriptSource& source,
                                                                              const ScriptLimits& limits,
                                                                              std::size_t max_frame);

}  // namespace jl::script
