#include "daemon/script/realm.hpp"

namespace jl::script {

namespace {
constexpr JSClass kGlobal = {"global", JSCLASS_GLOBAL_FLAGS, &JS::DefaultGlobalClassOps, nullptr, nullptr, nullptr};
}  // namespace

bool Realm::make_global(JSContext* cx) {
  JS::RealmOptions options;
  options.creationOptions()
      .setNewCompartmentAndZone()
      .setSharedMemoryAndAtomicsEnabled(false)
      .setWeakRefsEnabled(JS::WeakRefSpecifier::Disabled)
      .setInvisibleToDebugger(true);
  global_ = JS_NewGlobalObject(cx, &kGlobal, nullptr, JS::FireOnNewGlobalHook, options);
  if (!global_) return false;
  const JSAutoRealm entered(cx, global_);
  return JS::InitRealmStandardClasses(cx);
}

bool run_prelude(JSContext* cx, std::string_view text, JS::HandleObject global, JS::HandleObject natives) {
  JS::CompileOptions options(cx);
  options.setFileAndLine("jlinkd", 1);
  JS::RootedObjectVector scope(cx);
  static constexpr const char* kArguments[] = {"global", "native"};
  JS::SourceText<mozilla::Utf8Unit> units;
  if (!units.init(cx, text.data(), text.size(), JS::SourceOwnership::Borrowed)) return false;
  const JS::RootedFunction prelude(cx, JS::CompileFunction(cx, scope, options, "prelude", 2, kArguments, units));
  if (!prelude) return false;
  JS::RootedValueArray<2> arguments(cx);
  arguments[0].setObject(*global);
  arguments[1].setObject(*natives);
  JS::RootedValue returned(cx);
  return JS_CallFunction(cx, nullptr, prelude, arguments, &returned);
}

}  // namespace jl::script
