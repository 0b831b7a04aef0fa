#include "daemon/script/prelude.hpp"

namespace jl::script {

const char* const kProgram = R"js(
define("BytesUtils", Object.freeze(BytesUtils));
Object.freeze(console);

// Uint8Arrays in JSON are Base64.
Object.defineProperty(Uint8Array.prototype, "toJSON", {value: native.base64, writable: true, configurable: true});

// A program that adds members to all objects would see them in its messages.
Object.preventExtensions(Object.prototype);

for (const name of ["eval", "Function"]) {
  const refuse = function() { throw new EvalError(name + "() is not available: code comes from the package's modules"); };
  if (name === "Function") Object.defineProperty(refuse, "prototype", {value: Function.prototype});  // for instanceof
  Object.defineProperty(global, name, {value: refuse, writable: false, configurable: false, enumerable: false});
}
)js";

}  // namespace jl::script
