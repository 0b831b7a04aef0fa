#pragma once
// A script compiled on one thread, in a global object and a zone of its own. Its connections share the global object: a
// variable that the script declares is the connection's, one that it does not declare is the realm's.
#include "common/base/result.hpp"
#include "daemon/script/framing.hpp"
#include "daemon/script/js.hpp"

#include <chrono>
#include <memory>
#include <string>

namespace jl::script {

class Engine;

class Realm {
 public:
  /// Makes the global object with what scripts may use, and compiles. Errors: invalid.
  static Result<std::shared_ptr<Realm>> make(Engine& engine, const ScriptSource& source,
                                             std::chrono::milliseconds limit);

  [[nodiscard]] JSObject* global() const { return global_; }
  [[nodiscard]] JSObject* buffer_prototype() const { return buffer_; }
  [[nodiscard]] JSObject* parser_prototype() const { return parser_; }
  /// The script as function(parser).
  [[nodiscard]] JSObject* function() const { return function_; }
  [[nodiscard]] const std::string& name() const { return name_; }

  /// A script was stopped in it: what it left behind is not for further connections, which get a new realm.
  void spoil() { spoiled_ = true; }
  [[nodiscard]] bool spoiled() const { return spoiled_; }

 private:
  explicit Realm(JSContext* cx) : global_(cx), buffer_(cx), parser_(cx), function_(cx) {}
  bool make_global(JSContext* cx);
  bool fill(JSContext* cx);
  bool compile(JSContext* cx, const std::string& text);

  JS::PersistentRootedObject global_, buffer_, parser_, function_;
  std::string name_;
  bool spoiled_ = false;
};

}  // namespace jl::script
