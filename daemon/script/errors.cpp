#include "daemon/script/errors.hpp"

#include <fmt/format.h>

namespace jl::script {

namespace {
constexpr std::size_t kMostBytes = 512;

bool throw_as(JSContext* cx, const std::string& message, unsigned number) {
  static constexpr JSExnType kTypes[] = {JSEXN_ERR, JSEXN_RANGEERR, JSEXN_TYPEERR};
  static constexpr JSErrorFormatString kFormats[] = {
      {"error", "{0}", 1, kTypes[0]}, {"range", "{0}", 1, kTypes[1]}, {"type", "{0}", 1, kTypes[2]}};
  JS_ReportErrorNumberUTF8(
      cx, [](void*, unsigned n) -> const JSErrorFormatString* { return &kFormats[n]; }, nullptr, number,
      message.c_str());
  return false;
}
struct Place {
  std::uint32_t line, column;  // from 1
};

/// Where the script's own text was when the exception was thrown: not in the functions that stand in every realm.
Place place_of(JSContext* cx, const JS::ExceptionStack& thrown, const JSErrorReport& report, const std::string& name) {
  // The compiler counts columns from 0, and is the only one to show the line.
  if (report.linebuf() != nullptr) return {report.lineno, report.column + 1};
  if (report.filename != nullptr && report.filename == name) return {report.lineno, report.column};
  JS::RootedObject frame(cx, thrown.stack());
  for (int depth = 0; frame && depth < 32; ++depth) {
    JS::RootedString source(cx);
    Place place{};
    if (JS::GetSavedFrameSource(cx, nullptr, frame, &source) != JS::SavedFrameResult::Ok) break;
    bool is_script = false;
    if (!JS_StringEqualsAscii(cx, source, name.c_str(), name.size(), &is_script)) break;
    if (is_script && JS::GetSavedFrameLine(cx, nullptr, frame, &place.line) == JS::SavedFrameResult::Ok &&
        JS::GetSavedFrameColumn(cx, nullptr, frame, &place.column) == JS::SavedFrameResult::Ok) {
      return place;
    }
    JS::RootedObject parent(cx);
    if (JS::GetSavedFrameParent(cx, nullptr, frame, &parent) != JS::SavedFrameResult::Ok) break;
    frame = parent;
  }
  JS_ClearPendingException(cx);
  return {report.lineno, report.column};
}
}  // namespace

std::string one_line(std::string_view text, std::size_t most) {
  if (text.size() > most) {
    std::size_t end = most;
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0u) == 0x80u) --end;
    text = text.substr(0, end);
  }
  std::string line;
  line.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = [&](std::size_t at) { return at < text.size() ? static_cast<unsigned char>(text[at]) : 0u; };
    // C1 controls, and what changes the direction of a line or ends it: U+0080 to U+009F, U+2028 to U+202E, U+2066 to
    // U+2069.
    const bool is_c1 = byte(i) == 0xC2 && byte(i + 1) < 0xA0;
    const bool is_format = byte(i) == 0xE2 && ((byte(i + 1) == 0x80 && byte(i + 2) >= 0xA8 && byte(i + 2) <= 0xAE) ||
                                               (byte(i + 1) == 0x81 && byte(i + 2) >= 0xA6 && byte(i + 2) <= 0xA9));
    line.push_back(byte(i) < 0x20 || byte(i) == 0x7F || is_c1 || is_format ? ' ' : text[i]);
    i += is_c1 ? 1 : is_format ? 2 : 0;
  }
  return line;
}

std::string describe_exception(JSContext* cx, const std::string& name) {
  const std::string unknown = name + ": an exception that cannot be shown";
  JS::ExceptionStack thrown(cx);
  if (!JS::StealPendingExceptionStack(cx, &thrown)) {
    JS_ClearPendingException(cx);
    return unknown;
  }
  // To show another object than an Error would take its toString(), which is the script's.
  if (thrown.exception().isObject()) {
    JS::RootedObject object(cx, &thrown.exception().toObject());
    if (JS_ErrorFromException(cx, object) == nullptr) {
      JS_ClearPendingException(cx);
      return unknown;
    }
  }
  JS::ErrorReportBuilder builder(cx);
  if (!builder.init(cx, thrown, JS::ErrorReportBuilder::NoSideEffects)) {
    JS_ClearPendingException(cx);
    return unknown;
  }
  const JSErrorReport& report = *builder.report();
  const char* text = builder.toStringResult() ? builder.toStringResult().c_str() : report.message().c_str();
  const std::string what = text == nullptr || *text == '\0' ? "an exception without a text" : text;
  const Place place = place_of(cx, thrown, report, name);
  return one_line(fmt::format("{}:{}:{}: {}", name, place.line, place.column, what), kMostBytes);
}

bool throw_error(JSContext* cx, const std::string& message) { return throw_as(cx, message, 0); }
bool throw_range(JSContext* cx, const std::string& message) { return throw_as(cx, message, 1); }
bool throw_type(JSContext* cx, const std::string& message) { return throw_as(cx, message, 2); }

}  // namespace jl::script
