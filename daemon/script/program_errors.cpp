#include "daemon/script/program_errors.hpp"

#include "daemon/script/errors.hpp"

#include <fmt/format.h>

#include <utility>

namespace jl::script {

namespace {
constexpr std::size_t kMostBytes = 512;
constexpr int kMostFrames = 4;
constexpr const char* kHint = "correct the script of the package";

std::string utf8(JSContext* cx, JS::HandleString string) {
  const JS::UniqueChars bytes = string ? JS_EncodeStringToUTF8(cx, string) : nullptr;
  if (bytes == nullptr) JS_ClearPendingException(cx);
  return bytes == nullptr ? std::string() : std::string(bytes.get());
}

/// Where the program's own text was, innermost first: not the helpers' JavaScript, nor the engine's.
struct Trace {
  std::string place;   // "meter/main.js:12:5"
  std::string frames;  // "in parse, main.js:12:5; in decode, main.js:3:10"
};

Trace trace_of(JSContext* cx, JSObject* stack, const std::string& name) {
  Trace trace;
  JS::RootedObject frame(cx, stack);
  JS::RootedString text(cx);
  const std::string inside = name + "/";
  int shown = 0;
  for (int depth = 0; frame && depth < 64 && shown < kMostFrames; ++depth) {
    std::uint32_t line = 0;
    std::uint32_t column = 0;
    constexpr auto kOk = JS::SavedFrameResult::Ok;
    if (JS::GetSavedFrameSource(cx, nullptr, frame, &text) != kOk) break;
    const std::string source = utf8(cx, text);
    if (source.starts_with(inside) && JS::GetSavedFrameLine(cx, nullptr, frame, &line) == kOk &&
        JS::GetSavedFrameColumn(cx, nullptr, frame, &column) == kOk) {
      const std::string at = fmt::format("{}:{}:{}", source.substr(inside.size()), line, column);
      if (shown++ == 0) trace.place = inside + at;
      text = nullptr;
      std::string function;
      if (JS::GetSavedFrameFunctionDisplayName(cx, nullptr, frame, &text) == kOk && text) function = utf8(cx, text);
      if (!trace.frames.empty()) trace.frames += "; ";
      trace.frames += function.empty() ? "in " + at : fmt::format("in {}, {}", one_line(function, 48), at);
    }
    JS::RootedObject parent(cx);
    if (JS::GetSavedFrameParent(cx, nullptr, frame, &parent) != kOk) break;
    frame = parent;
  }
  JS_ClearPendingException(cx);
  return trace;
}

std::string text_of(const JSErrorReport& report, const JS::ErrorReportBuilder& builder) {
  const char* text = builder.toStringResult() ? builder.toStringResult().c_str() : report.message().c_str();
  std::string what = text == nullptr || *text == '\0' ? "an exception without a text" : text;
  if (what.ends_with("BigInt is not defined")) what += " (64-bit numbers: Reader.u64())";
  if (what.ends_with("Promise is not defined")) what += " (functions must return their result at once)";
  return what;
}

std::string describe(JSContext* cx, const std::string& name) {
  JS::ExceptionStack thrown(cx);
  if (!JS::StealPendingExceptionStack(cx, &thrown)) {
    JS_ClearPendingException(cx);
    return name + ": an exception that cannot be shown";
  }
  JS::RootedObject stack(cx, thrown.stack());
  bool can_show = true;
  if (thrown.exception().isObject()) {
    const JS::RootedObject object(cx, &thrown.exception().toObject());
    // To show another object than an Error would take its toString(), which is the script's.
    can_show = JS_ErrorFromException(cx, object) != nullptr;
    JS_ClearPendingException(cx);
    if (JSObject* own = can_show ? JS::ExceptionStackOrNull(object) : nullptr; own != nullptr) stack = own;
  }
  Trace trace = trace_of(cx, stack, name);
  std::string what = "an exception that cannot be shown";
  JS::ErrorReportBuilder builder(cx);
  if (can_show && builder.init(cx, thrown, JS::ErrorReportBuilder::NoSideEffects)) {
    const JSErrorReport& report = *builder.report();
    what = text_of(report, builder);
    // What the compiler and the linker say comes without a stack, but with a line; their columns count from 0.
    if (report.filename != nullptr && std::string_view(report.filename).starts_with(name + "/") &&
        (report.linebuf() != nullptr || trace.place.empty())) {
      trace = {fmt::format("{}:{}:{}", report.filename, report.lineno, report.column + 1), {}};
    }
  }
  JS_ClearPendingException(cx);
  // The place of what happened must not be cut off by a long text.
  const std::string line = fmt::format("{}: {}", trace.place.empty() ? name : trace.place, one_line(what, 320));
  return one_line(trace.frames.empty() ? line : fmt::format("{} ({})", line, trace.frames), kMostBytes);
}
}  // namespace

Error take_program_error(Engine& engine, const std::string& name, std::chrono::milliseconds limit) {
  if (std::string why = engine.take_refusal(); !why.empty()) {
    if (!JS_IsExceptionPending(engine.cx())) return {Errc::invalid, name + ": " + why, kHint};
  }
  switch (engine.ending()) {
    case Ending::threw:
      return {Errc::invalid, describe(engine.cx(), name), kHint};
    case Ending::out_of_memory:
      return {Errc::too_large, name + ": used too much memory", kHint};
    case Ending::out_of_time:
      break;
  }
  return {Errc::timeout, fmt::format("{}: ran longer than {} ms", name, limit.count()), kHint};
}

}  // namespace jl::script
