#pragma once
// A program on one thread: its global object with what programs may use, its modules, compiled and run once, and their
// functions.
#include "common/base/result.hpp"
#include "daemon/script/program.hpp"
#include "daemon/script/realm.hpp"

#include <array>
#include <memory>

namespace jl::script {

class Engine;

/// The objects that those of a kind inherit from.
enum class Kind : std::uint8_t { context, message, session, device, reader, writer, count_ };

class ProgramRealm final : public Realm {
 public:
  /// Errors: as Program::load().
  static Result<std::shared_ptr<ProgramRealm>> make(Engine& engine, const ProgramSource& source,
                                                    const ProgramLimits& limits);

  [[nodiscard]] JSObject* prototype(Kind kind) const { return prototypes_[static_cast<std::size_t>(kind)]; }
  /// An export of an entry that is a function; null when there is none. Remembered.
  JSObject* function(JSContext* cx, std::string_view entry, std::string_view name);
  /// The names of an entry's exports that are functions.
  std::vector<std::string> functions(JSContext* cx, std::string_view entry);
  /// Bytes that strings and arrays of the realm take beside the engine's heap; 0 when it is not known.
  std::size_t outside_bytes(JSContext* cx);

  /// For the engine's resolve hook: the module of an import; null with an exception pending.
  JSObject* resolve(JSContext* cx, JS::HandleValue from, JS::HandleObject request);

 private:
  ProgramRealm(JSContext* cx, const std::string& name);
  bool fill(JSContext* cx);
  Status compile(Engine& engine, const ProgramSource& source);
  Status check_imports(Engine& engine);
  Status evaluate(Engine& engine, const ProgramSource& source);
  JSObject* module(std::string_view path) const;
  bool exported(JSContext* cx, std::string_view entry, const char* name, JS::MutableHandleValue value);

  struct Function {
    std::string entry, name;
  };
  std::array<JS::PersistentRootedObject, static_cast<std::size_t>(Kind::count_)> prototypes_;
  std::vector<std::string> paths_;  // of modules_
  JS::PersistentRootedObjectVector modules_;
  std::vector<Function> names_;  // of functions_
  JS::PersistentRootedObjectVector functions_;
  JS::PersistentRootedObject memory_;  // the engine's statistics of the zone
};

/// Tells the engine where imports lead. Once for each context.
void set_module_hooks(JSContext* cx);

/// The path in the package that `specifier` leads to from a module. Errors: invalid, without a position.
Result<std::string> resolve_import(std::string_view from, std::string_view specifier);

}  // namespace jl::script
