#pragma once
// A framing script compiled on one thread. Its connections share the global object: a variable that the script declares
// is the connection's, one that it does not declare is the realm's.
#include "common/base/result.hpp"
#include "daemon/script/framing.hpp"
#include "daemon/script/realm.hpp"

#include <chrono>
#include <memory>

namespace jl::script {

class Engine;

class FramingRealm final : public Realm {
 public:
  /// Makes the global object with what scripts may use, and compiles. Errors: invalid.
  static Result<std::shared_ptr<FramingRealm>> make(Engine& engine, const ScriptSource& source,
                                                    std::chrono::milliseconds limit);

  [[nodiscard]] JSObject* buffer_prototype() const { return buffer_; }
  [[nodiscard]] JSObject* parser_prototype() const { return parser_; }
  /// The script as function(parser).
  [[nodiscard]] JSObject* function() const { return function_; }

 private:
  FramingRealm(JSContext* cx, const std::string& name) : Realm(cx, name), buffer_(cx), parser_(cx), function_(cx) {}
  bool fill(JSContext* cx);
  bool compile(JSContext* cx, const std::string& text);

  JS::PersistentRootedObject buffer_, parser_, function_;
};

}  // namespace jl::script
