#pragma once
// What a script lives in on one thread: a global object in a zone of its own.
#include "daemon/script/js.hpp"

#include <string>
#include <utility>

namespace jl::script {

class Realm {
 public:
  virtual ~Realm() = default;
  Realm(const Realm&) = delete;
  Realm& operator=(const Realm&) = delete;

  [[nodiscard]] JSObject* global() const { return global_; }
  /// In front of errors.
  [[nodiscard]] const std::string& name() const { return name_; }

  /// A script was stopped in it: what it left behind is not for further use, a new realm takes its place.
  void spoil() { spoiled_ = true; }
  [[nodiscard]] bool spoiled() const { return spoiled_; }

 protected:
  Realm(JSContext* cx, std::string name) : global_(cx), name_(std::move(name)) {}
  /// Makes the global object with what the language brings; false with an exception pending, or none.
  bool make_global(JSContext* cx);

 private:
  JS::PersistentRootedObject global_;
  const std::string name_;
  bool spoiled_ = false;
};

/// Compiles `text` as the body of function(global, native) and calls it: the parts of a realm that are JavaScript.
bool run_prelude(JSContext* cx, std::string_view text, JS::HandleObject global, JS::HandleObject natives);

}  // namespace jl::script
