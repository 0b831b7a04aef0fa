#include "daemon/script/program_realm.hpp"

#include "daemon/script/context.hpp"
#include "daemon/script/engine.hpp"
#include "daemon/script/helpers.hpp"
#include "daemon/script/program_errors.hpp"
#include "daemon/script/source.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace jl::script {

namespace {
constexpr std::size_t kMostModules = 256;
constexpr std::size_t kMostText = std::size_t{4} << 20u;

Status check_sources(const ProgramSource& source) {
  std::size_t total = 0;
  for (const auto& [path, text] : source.modules) {
    total += text.size();
    if (auto status = check_source({text, source.name + "/" + path, {}}); !status) {
      Error error = status.error();
      error.hint = error.code == Errc::too_large ? "divide the module" : "64-bit numbers: Reader.u64()";
      return error;
    }
  }
  if (total > kMostText || source.modules.size() > kMostModules) {
    return Error{Errc::too_large,
                 fmt::format("{}: {} modules of {} bytes, at most {} of {}", source.name, source.modules.size(), total,
                             kMostModules, kMostText),
                 "leave out what the package does not need"};
  }
  for (const std::string& entry : source.entries) {
    if (!source.modules.contains(entry)) {
      return Error{Errc::invalid, fmt::format("{}: there is no module \"{}\"", source.name, entry),
                   "add it to the package"};
    }
  }
  return {};
}
}  // namespace

ProgramRealm::ProgramRealm(JSContext* cx, const std::string& name)
    : Realm(cx, name), modules_(cx), functions_(cx), memory_(cx) {
  for (auto& prototype : prototypes_) prototype.init(cx);
}

Result<std::shared_ptr<ProgramRealm>> ProgramRealm::make(Engine& engine, const ProgramSource& source,
                                                         const ProgramLimits& limits) {
  JL_CHECK(check_sources(source));
  JSContext* cx = engine.cx();
  std::shared_ptr<ProgramRealm> realm(new ProgramRealm(cx, source.name));
  if (!realm->make_global(cx)) return take_program_error(engine, source.name, std::chrono::seconds(5));
  {
    const Call call(engine, *realm, nullptr, std::chrono::seconds(5));
    if (!realm->fill(cx)) return take_program_error(engine, source.name, std::chrono::seconds(5));
  }
  const Call call(engine, *realm, nullptr, limits.load);
  auto done = realm->compile(engine, source);
  if (done) done = realm->check_imports(engine);
  if (done) done = realm->evaluate(engine, source);
  if (!done && done.error().code == Errc::timeout) {
    return Error{Errc::timeout, fmt::format("{}: its modules ran longer than {} ms", source.name, limits.load.count()),
                 done.error().hint};
  }
  if (!done) return done.error();
  return realm;
}

bool ProgramRealm::fill(JSContext* cx) {
  const JS::RootedObject itself(cx, global());
  memory_ = js::gc::NewMemoryInfoObject(cx);
  if (!memory_ || !define_helpers(cx, itself)) return false;
  const std::pair<Kind, JSObject* (*)(JSContext*, JS::HandleObject)> kKinds[] = {
      {Kind::context, make_context_prototype}, {Kind::message, make_message_prototype},
      {Kind::session, make_session_prototype}, {Kind::device, make_device_prototype},
      {Kind::reader, define_reader},           {Kind::writer, define_writer},
  };
  for (const auto& [kind, define] : kKinds) {
    auto& prototype = prototypes_[static_cast<std::size_t>(kind)];
    prototype = define(cx, itself);
    if (!prototype || !JS_FreezeObject(cx, prototype)) return false;
  }
  return true;
}

JSObject* ProgramRealm::module(std::string_view path) const {
  const auto found = std::find(paths_.begin(), paths_.end(), path);
  return found == paths_.end() ? nullptr : modules_[static_cast<std::size_t>(found - paths_.begin())].get();
}

bool ProgramRealm::exported(JSContext* cx, std::string_view entry, const char* name, JS::MutableHandleValue value) {
  value.setUndefined();
  const JS::RootedObject found(cx, module(entry));
  if (!found) return true;
  const JS::RootedObject names(cx, JS::GetModuleNamespace(cx, found));
  bool has = false;
  if (!names || !JS_HasProperty(cx, names, name, &has)) return false;
  return !has || JS_GetProperty(cx, names, name, value);
}

JSObject* ProgramRealm::function(JSContext* cx, std::string_view entry, std::string_view name) {
  for (std::size_t i = 0; i < names_.size(); ++i) {
    if (names_[i].name == name && names_[i].entry == entry) return functions_[i];
  }
  JS::RootedValue value(cx);
  const std::string terminated(name);
  if (!exported(cx, entry, terminated.c_str(), &value)) JS_ClearPendingException(cx);
  if (!value.isObject() || !JS::IsCallable(&value.toObject())) return nullptr;
  if (!functions_.append(&value.toObject())) return nullptr;
  names_.push_back({std::string(entry), terminated});
  return &value.toObject();
}

std::vector<std::string> ProgramRealm::functions(JSContext* cx, std::string_view entry) {
  std::vector<std::string> found;
  const JS::RootedObject itself(cx, module(entry));
  const JS::RootedObject names(cx, itself ? JS::GetModuleNamespace(cx, itself) : nullptr);
  JS::Rooted<JS::IdVector> ids(cx, JS::IdVector(cx));
  if (!names || !JS_Enumerate(cx, names, &ids)) {
    JS_ClearPendingException(cx);
    return found;
  }
  for (std::size_t i = 0; i < ids.length(); ++i) {
    if (!ids[i].isString()) continue;
    const JS::RootedString text(cx, ids[i].toString());
    const JS::UniqueChars name = JS_EncodeStringToUTF8(cx, text);
    if (name != nullptr && function(cx, entry, name.get()) != nullptr) found.emplace_back(name.get());
  }
  JS_ClearPendingException(cx);
  return found;
}

std::size_t ProgramRealm::outside_bytes(JSContext* cx) {
  const JSAutoRealm entered(cx, global());
  JS::RootedValue bytes(cx);
  if (!JS_GetProperty(cx, memory_, "mallocBytes", &bytes)) JS_ClearPendingException(cx);
  return bytes.isNumber() ? static_cast<std::size_t>(bytes.toNumber()) : 0;
}

}  // namespace jl::script
