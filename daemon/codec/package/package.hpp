#pragma once
// One version of a protocol package, checked and compiled: immutable, any thread.
#include "daemon/codec/package/manifest.hpp"
#include "daemon/script/program.hpp"

#include <memory>

namespace jl::codec::package {

/// The functions that modules may export.
enum class Function : std::uint8_t { authenticate, identify, decode, encode, on_connect, check_state, pre_send };
inline constexpr std::size_t kFunctions = 7;
[[nodiscard]] std::string_view to_string(Function function);  ///< as scripts spell it: "onConnect"

struct Package {
  Manifest manifest;
  std::shared_ptr<const Descriptor> descriptor;
  std::shared_ptr<const script::Program> program;
  Files files;  ///< for its own test cases
  /// By Transport, by Function.
  std::array<std::array<bool, kFunctions>, std::size(kTransports)> exports{};

  [[nodiscard]] bool has(Transport transport, Function function) const {
    return exports[static_cast<std::size_t>(transport)][static_cast<std::size_t>(function)];
  }
  [[nodiscard]] const std::string& module_of(Transport transport) const {
    return manifest.entries[static_cast<std::size_t>(transport)].module;
  }
};

/// Checks the files of a package and compiles its modules, running them once on the calling thread; `name` stands in
/// front of errors. Each transport needs decode(), or encode() alone; MQTT and WebSocket need authenticate() unless
/// the manifest says "auth": false. Errors: invalid, timeout, too_large.
[[nodiscard]] Result<std::shared_ptr<const Package>> load(const std::string& name, Files files,
                                                          const script::ProgramLimits& limits = {});

}  // namespace jl::codec::package
