#include "daemon/script/framing_realm.hpp"

#include "daemon/script/buffer.hpp"
#include "daemon/script/engine.hpp"
#include "daemon/script/globals.hpp"
#include "daemon/script/parser.hpp"
#include "daemon/script/source.hpp"

namespace jl::script {

Result<std::shared_ptr<FramingRealm>> FramingRealm::make(Engine& engine, const ScriptSource& source,
                                                         std::chrono::milliseconds limit) {
  JL_CHECK(check_source(source));
  JSContext* cx = engine.cx();
  std::shared_ptr<FramingRealm> realm(new FramingRealm(cx, source.name));
  if (!realm->make_global(cx)) return engine.take_error(source.name);
  // Our own part has the time that a loaded machine may need, the script's its own.
  {
    const Call call(engine, *realm, nullptr, std::chrono::seconds(5));
    if (!realm->fill(cx)) return engine.take_error(source.name);
  }
  const Call call(engine, *realm, nullptr, limit);
  if (!realm->compile(cx, source.text)) return engine.take_error(source.name);
  return realm;
}

bool FramingRealm::fill(JSContext* cx) {
  buffer_ = make_buffer_prototype(cx);
  parser_ = make_parser_prototype(cx);
  const JS::RootedObject itself(cx, global());
  return buffer_ && parser_ && define_globals(cx, itself);
}

bool FramingRealm::compile(JSContext* cx, const std::string& text) {
  JS::CompileOptions options(cx);
  options.setFileAndLine(name().c_str(), 0);  // the line of the parameters; the text begins in the next one
  JS::RootedObjectVector scope(cx);
  static constexpr const char* kArguments[] = {"parser"};
  JS::SourceText<mozilla::Utf8Unit> units;
  if (!units.init(cx, text.data(), text.size(), JS::SourceOwnership::Borrowed)) return false;
  JSFunction* compiled = JS::CompileFunction(cx, scope, options, "script", 1, kArguments, units);
  if (compiled == nullptr) return false;
  function_ = JS_GetFunctionObject(compiled);
  return true;
}

}  // namespace jl::script
