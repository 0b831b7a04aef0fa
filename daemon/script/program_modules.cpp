// The modules of a program: compiling, imports, running them once.
#include "daemon/script/bytes.hpp"
#include "daemon/script/engine.hpp"
#include "daemon/script/errors.hpp"
#include "daemon/script/program_errors.hpp"
#include "daemon/script/program_realm.hpp"
#include "daemon/script/values.hpp"

#include <fmt/format.h>

namespace jl::script {

namespace {
std::string utf8(JSContext* cx, JSString* string) {
  const JS::RootedString text(cx, string);
  const JS::UniqueChars bytes = text ? JS_EncodeStringToUTF8(cx, text) : nullptr;
  if (bytes == nullptr) JS_ClearPendingException(cx);
  return bytes == nullptr ? std::string() : std::string(bytes.get());
}

JSObject* resolve_hook(JSContext* cx, JS::HandleValue from, JS::HandleObject request) {
  if (auto* realm = dynamic_cast<ProgramRealm*>(Engine::of(cx).running_realm()))
    return realm->resolve(cx, from, request);
  throw_error(cx, "import is not available");
  return nullptr;
}

// The promise that import() gives would tell nobody: the script is stopped instead.
bool dynamic_hook(JSContext* cx, JS::HandleValue, JS::HandleObject, JS::HandleObject) {
  if (dynamic_cast<ProgramRealm*>(Engine::of(cx).running_realm()) == nullptr) {
    return throw_error(cx, "import() is not available");
  }
  Engine::of(cx).refuse("import() is not available: write import declarations");
  return false;
}
}  // namespace

void set_module_hooks(JSContext* cx) {
  JS::SetModuleResolveHook(JS_GetRuntime(cx), resolve_hook);
  JS::SetModuleDynamicImportHook(JS_GetRuntime(cx), dynamic_hook);
}

Result<std::string> resolve_import(std::string_view from, std::string_view specifier) {
  const auto refuse = [&](const char* why) {
    return Error{Errc::invalid, fmt::format("import \"{}\" {}", one_line(specifier, 128), why),
                 "import modules of the package: \"./lib/name.js\""};
  };
  if (!specifier.starts_with("./") && !specifier.starts_with("../")) return refuse("does not begin with ./ or ../");
  std::vector<std::string_view> parts;
  const auto walk = [&](std::string_view path, bool is_file) {
    while (!path.empty()) {
      const std::size_t end = path.find('/');
      const std::string_view part = path.substr(0, end);
      if (end == std::string_view::npos && is_file) return true;  // the file that imports
      path = end == std::string_view::npos ? std::string_view() : path.substr(end + 1);
      if (part == ".") continue;
      if (part != "..") {
        parts.push_back(part);
      } else if (parts.empty()) {
        return false;
      } else {
        parts.pop_back();
      }
    }
    return true;
  };
  if (!walk(from, true) || !walk(specifier, false)) return refuse("leads out of the package");
  return fmt::format("{}", fmt::join(parts, "/"));
}

JSObject* ProgramRealm::resolve(JSContext* cx, JS::HandleValue from, JS::HandleObject request) {
  const std::string path = from.isString() ? utf8(cx, from.toString()) : std::string();
  const auto target = resolve_import(path, utf8(cx, JS::GetModuleRequestSpecifier(cx, request)));
  JSObject* found = target ? module(*target) : nullptr;
  if (found == nullptr) throw_error(cx, "there is no such module");  // check_imports() has looked at all of them
  return found;
}

Status ProgramRealm::compile(Engine& engine, const ProgramSource& source) {
  JSContext* cx = engine.cx();
  for (const auto& [path, text] : source.modules) {
    JS::CompileOptions options(cx);
    const std::string file = name() + "/" + path;
    options.setFileAndLine(file.c_str(), 1);
    JS::SourceText<mozilla::Utf8Unit> units;
    if (!units.init(cx, text.data(), text.size(), JS::SourceOwnership::Borrowed)) {
      return take_program_error(engine, name(), {});
    }
    const JS::RootedObject compiled(cx, JS::CompileModule(cx, options, units));
    if (!compiled) return take_program_error(engine, name(), {});
    JSString* private_path = decode(cx, path, Charset::utf8);
    if (private_path == nullptr) return take_program_error(engine, name(), {});
    JS::SetModulePrivate(compiled, JS::StringValue(private_path));
    if (!modules_.append(compiled)) return Error{Errc::too_large, name() + ": no memory for its modules"};
    paths_.push_back(path);
  }
  return {};
}

Status ProgramRealm::check_imports(Engine& engine) {
  JSContext* cx = engine.cx();
  JS::RootedObject itself(cx);
  JS::RootedObject requests(cx);
  JS::RootedValue request(cx);
  for (std::size_t i = 0; i < paths_.size(); ++i) {
    itself = modules_[i];
    requests = JS::GetRequestedModules(cx, itself);
    std::uint32_t length = 0;
    if (!requests || !JS::GetArrayLength(cx, requests, &length)) return take_program_error(engine, name(), {});
    for (std::uint32_t n = 0; n < length; ++n) {
      if (!JS_GetElement(cx, requests, n, &request)) return take_program_error(engine, name(), {});
      const std::string specifier = utf8(cx, JS::GetRequestedModuleSpecifier(cx, request));
      auto target = resolve_import(paths_[i], specifier);
      if (target && module(*target) == nullptr) {
        target = Error{Errc::invalid,
                       fmt::format("import \"{}\" leads to \"{}\", which is not in the package",
                                   one_line(specifier, 128), one_line(*target, 128)),
                       "add it to the package, with its ending (.js)"};
      }
      if (target) continue;
      std::uint32_t line = 0;
      std::uint32_t column = 0;
      JS::GetRequestedModuleSourcePos(cx, request, &line, &column);
      Error error = target.error();
      error.message = fmt::format("{}/{}:{}:{}: {}", name(), paths_[i], line, column + 1, error.message);
      return error;
    }
  }
  return {};
}

Status ProgramRealm::evaluate(Engine& engine, const ProgramSource& source) {
  JSContext* cx = engine.cx();
  JS::RootedValue returned(cx);
  engine.take_refused_job();
  for (const std::string& entry : source.entries) {
    const JS::RootedObject itself(cx, module(entry));
    if (!JS::ModuleInstantiate(cx, itself) || !JS::ModuleEvaluate(cx, itself, &returned)) {
      return take_program_error(engine, name(), {});
    }
    if (!returned.isObject()) continue;
    const JS::RootedObject promise(cx, &returned.toObject());
    if (!JS::IsPromiseObject(promise)) continue;
    const JS::PromiseState state = JS::GetPromiseState(promise);
    if (state == JS::PromiseState::Fulfilled) continue;
    // What await asks for is refused, which the module may catch, but it goes no further than that.
    if (state == JS::PromiseState::Pending || engine.take_refused_job()) {
      return Error{Errc::invalid, fmt::format("{}/{}: top-level await is not supported", name(), entry),
                   "a module must not wait for anything"};
    }
    const JS::RootedValue reason(cx, JS::GetPromiseResult(promise));
    JS_SetPendingException(cx, reason);
    return take_program_error(engine, name(), {});
  }
  return {};
}

}  // namespace jl::script
