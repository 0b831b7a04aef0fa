#pragma once
// What the tests of framing scripts share: a script with its framers, and scripts that say what they found in a frame.
#include "daemon/script/framing.hpp"
#include "tests/unit/daemon/wire/framing/support.hpp"

namespace jl::script::testing {

using wire::framing::testing::Cutting;
using wire::framing::testing::hex;
using wire::framing::testing::unhex;
using Rule = std::unique_ptr<wire::framing::FramingRule>;

inline constexpr std::size_t kMaxFrame = wire::framing::kDefaultMaxFrame;

inline Result<Rule> compile(const std::string& text, const ScriptLimits& limits = {}) {
  return script_rule({text, "script", "js"}, limits, kMaxFrame);
}
/// A script that must compile.
inline Rule rule_of(const std::string& text, const ScriptLimits& limits = {}) {
  auto rule = compile(text, limits);
  if (!rule) FAIL(rule.error().message);
  return std::move(rule.value());
}
/// What goes wrong with a script, at once or in its first step; "" when nothing does.
inline Error error_of(const std::string& text, const std::string& bytes = "\x01", const ScriptLimits& limits = {}) {
  auto rule = compile(text, limits);
  if (!rule) return rule.error();
  Cutting cutting(*rule);
  const Status status = cutting.framer->feed(bytes, cutting.sink);
  return status ? Error{} : status.error();
}
/// The text that an expression comes to in a step, `b` being a Buffer of these bytes (hex).
inline std::string evaluate(const std::string& expression, const std::string& bytes = "00") {
  auto rule =
      compile("parser.fixed(" + std::to_string(unhex(bytes).size()) + ").handler(function(b, p) { var v; try { v = (" +
                  expression + "); } catch (e) { v = e.name; } p.result(String(v)).complete(); })",
              {.call = std::chrono::seconds(5)});  // none of them is about time
  if (!rule) return rule.error().message;
  Cutting cutting(*rule);
  const Status status = cutting.framer->feed(unhex(bytes), cutting.sink);
  if (!status) return status.error().message;
  return cutting.sink.frames.size() == 1 ? cutting.sink.frames[0] : "no frame";
}

}  // namespace jl::script::testing
