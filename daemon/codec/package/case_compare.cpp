// What a test case expects, held against what came out.
#include "common/model/field.hpp"
#include "daemon/codec/package/cases.hpp"
#include "daemon/codec/package/json_file.hpp"

#include <fmt/format.h>
#include <cmath>

namespace jl::codec::package {
namespace {

constexpr std::size_t kShown = 200;

// A text cut at a character's end.
std::string cut(std::string text) {
  if (text.size() <= kShown) return text;
  std::size_t end = kShown;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0u) == 0x80u) --end;
  text.resize(end);
  return text + "...";
}

std::string shown(const json::value& value) {
  return cut(value.is_double() ? model::text_of(value) : json::serialize(value));
}

std::string hex(std::string_view bytes) {
  std::string out;
  for (const char c : bytes.substr(0, kShown)) {
    if (!out.empty()) out += ' ';
    out += fmt::format("{:02X}", static_cast<unsigned>(static_cast<unsigned char>(c)));
  }
  return cut(std::move(out));
}

std::string differs(const std::string& path, const std::string& expected, const std::string& actual) {
  return (path.empty() ? "" : path + ": ") + "expected " + expected + ", got " + actual;
}

bool same_number(const json::value& a, const json::value& b) {
  if (a.is_double() || b.is_double()) return a.to_number<double>() == b.to_number<double>();
  if (a.is_int64() && b.is_int64()) return a.get_int64() == b.get_int64();
  if (a.is_uint64() && b.is_uint64()) return a.get_uint64() == b.get_uint64();
  const std::int64_t signed_one = a.is_int64() ? a.get_int64() : b.get_int64();
  const std::uint64_t unsigned_one = a.is_uint64() ? a.get_uint64() : b.get_uint64();
  return signed_one >= 0 && static_cast<std::uint64_t>(signed_one) == unsigned_one;
}

std::string count(std::size_t n, const char* noun) { return std::to_string(n) + " " + noun + (n == 1 ? "" : "s"); }

std::string compare_wire(const ExpectedWire& expected, const Outcome::Wire& actual, const std::string& path) {
  if (expected.topic && *expected.topic != actual.topic)
    return differs(path + ".topic", shown(json::value(*expected.topic)), shown(json::value(actual.topic)));
  switch (expected.form) {
    case ExpectedWire::Form::any:
      return "";
    case ExpectedWire::Form::bytes:
      if (expected.bytes == actual.payload) return "";
      return differs(path, hex(expected.bytes), hex(actual.payload));
    case ExpectedWire::Form::text:
      if (expected.bytes == actual.payload) return "";
      return differs(path, shown(json::value(expected.bytes)), shown(json::value(actual.payload)));
    case ExpectedWire::Form::json: {
      boost::system::error_code ec;
      json::parse_options options;
      options.max_depth = kMaxJsonDepth;
      const json::value value = json::parse(actual.payload, ec, {}, options);
      if (ec) return differs(path, "JSON", hex(actual.payload));
      return compare(expected.value, value, path);
    }
  }
  return "";
}

}  // namespace

std::string compare(const json::value& expected, const json::value& actual, const std::string& path) {
  if (const auto* object = expected.if_object()) {
    if (!actual.is_object()) return differs(path, shown(expected), shown(actual));
    for (const auto& [key, value] : *object) {
      const std::string at = path.empty() ? std::string(key) : path + "." + std::string(key);
      const json::value* member = actual.get_object().if_contains(key);
      if (!member && !value.is_null()) return differs(at, shown(value), "nothing");
      if (!member) continue;
      if (std::string found = compare(value, *member, at); !found.empty()) return found;
    }
    return "";
  }
  if (const auto* list = expected.if_array()) {
    if (!actual.is_array()) return differs(path, shown(expected), shown(actual));
    const json::array& items = actual.get_array();
    for (std::size_t i = 0; i < std::min(list->size(), items.size()); ++i) {
      std::string found = compare((*list)[i], items[i], path + "[" + std::to_string(i) + "]");
      if (!found.empty()) return found;
    }
    if (list->size() != items.size()) return differs(path, count(list->size(), "item"), count(items.size(), "item"));
    return "";
  }
  const bool same = expected.is_number() && actual.is_number() ? same_number(expected, actual) : expected == actual;
  return same ? "" : differs(path, shown(expected), shown(actual));
}

std::string difference(const Case& test, const Outcome& outcome) {
  const Expectation& expect = test.expect;
  if (expect.error.empty() && !outcome.error.empty()) return differs("error", "none", cut(outcome.error));
  if (!expect.error.empty() && outcome.error.find(expect.error) == std::string::npos)
    return differs("error", shown(json::value(expect.error)), outcome.error.empty() ? "none" : cut(outcome.error));
  if (expect.success && expect.success != outcome.success)
    return differs("success", *expect.success ? "true" : "false",
                   outcome.success ? (*outcome.success ? "true" : "false") : "nothing");
  if (expect.messages) {
    if (std::string found = compare(*expect.messages, outcome.messages, "messages"); !found.empty()) return found;
  }
  if (!expect.sent) return "";
  for (std::size_t i = 0; i < std::min(expect.sent->size(), outcome.sent.size()); ++i) {
    std::string found = compare_wire((*expect.sent)[i], outcome.sent[i], "sent[" + std::to_string(i) + "]");
    if (!found.empty()) return found;
  }
  if (expect.sent->size() != outcome.sent.size())
    return differs("sent", count(expect.sent->size(), "item"), count(outcome.sent.size(), "item"));
  return "";
}

}  // namespace jl::codec::package
