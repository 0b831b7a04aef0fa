// Programs: modules, calls, errors, limits of what a call hands out (access.md 4.2).
#include "tests/unit/daemon/script/program_support.hpp"

using namespace jl::script;
using namespace jl::script::testing;
using jl::Errc;
using jl::Status;

TEST_SUITE_BEGIN("program");

TEST_CASE("modules import each other by relative paths, in cycles too, and run once") {
  const auto program = load(
      "import {parse} from './lib/parse.js'; import * as again from './lib/../lib/parse.js';\n"
      "export function decode(ctx) { return [parse(ctx.message), again.parse === parse, again.runs()]; }",
      {},
      {{"lib/parse.js",
        "import {scale} from '../units.js'; let n = 0; n++; export const runs = () => n;\n"
        "export function parse(m) { return m.reader().u8() * scale(); }"},
       {"units.js", "import {parse} from './lib/parse.js'; export function scale() { return parse.length * 10; }"}});
  RecordingHost host;
  CHECK(decode(program, host, "\x05") == "[50,true,1]");
}

TEST_CASE("exports are the functions of the entries") {
  const auto program = load("export function decode() {} export const encode = () => {}; export const version = 3;");
  CHECK(program->exports("main.js", "decode"));
  CHECK(program->exports("main.js", "encode"));
  CHECK_FALSE(program->exports("main.js", "version"));
  CHECK_FALSE(program->exports("main.js", "toString"));
  CHECK_FALSE(program->exports("other.js", "decode"));
  RecordingHost host;
  std::string json;
  auto what = decoding();
  what.function = "version";
  CHECK(program->call(what, host, json).error().message == "meter/main.js: there is no function \"version\"");
}

TEST_CASE("what is wrong with modules is said with its place when they are loaded") {
  struct Row {
    std::string text;
    Errc code;
    std::string message;
  };
  const Row kRows[] = {
      {"let x = ;", Errc::invalid, "meter/main.js:1:9: SyntaxError: expected expression, got ';'"},
      {"export function a() {}\nexport function a() {}", Errc::invalid, "meter/main.js:2:17: SyntaxError: "},
      {"import './no.js'", Errc::invalid, "meter/main.js:1:8: import \"./no.js\" leads to \"no.js\", which is not"},
      {"import './lib'", Errc::invalid, "leads to \"lib\", which is not in the package"},
      {"\n  import x from '../y.js'", Errc::invalid, "meter/main.js:2:17: import \"../y.js\" leads out of the package"},
      {"import './a/../../main.js'", Errc::invalid, "leads out of the package"},
      {"import 'http://x/y.js'", Errc::invalid, "does not begin with ./ or ../"},
      {"import '/etc/passwd'", Errc::invalid, "does not begin with ./ or ../"},
      {"import 'fs'", Errc::invalid, "import \"fs\" does not begin with ./ or ../"},
      {"import ''", Errc::invalid, "does not begin with ./ or ../"},
      {"import {b} from './main.js'", Errc::invalid, "meter/main.js:1:9: SyntaxError: import not found: b"},
      {"export {b} from './main.js'", Errc::invalid, "meter/main.js:1:9: SyntaxError: indirect export not found: b"},
      {"await 1", Errc::invalid, "meter/main.js: top-level await is not supported"},
      {"await 1; for (;;) {}", Errc::invalid, "meter/main.js: top-level await is not supported"},
      {"await null; await 2", Errc::invalid, "top-level await is not supported"},
      {"import('./main.js')", Errc::invalid, "meter: import() is not available: write import declarations"},
      {"throw new Error('a\\nb')", Errc::invalid, "meter/main.js:1:7: Error: a b (in main.js:1:7)"},
      {"throw 'text'", Errc::invalid, "meter: uncaught exception: text"},
      {"\nnull.x", Errc::invalid, "meter/main.js:2:1: TypeError: null has no properties"},
      {"const x = 10n", Errc::invalid, "meter/main.js:1:11: BigInt literals are not available"},
      {"BigInt(1)", Errc::invalid, "BigInt is not defined (64-bit numbers: Reader.u64())"},
      {"function f() { f() } f()", Errc::invalid, "meter/main.js:1:16: InternalError: too much recursion"},
      {"for (;;) {}", Errc::timeout, "meter: its modules ran longer than 400 ms"},
  };
  for (const auto& [text, code, message] : kRows) {
    CAPTURE(text);
    const jl::Error error = load_error(text, {}, {.load = std::chrono::milliseconds(400)});
    CHECK_MESSAGE(says(error.message, message), error.message);
    CHECK(error.code == code);
    CHECK_FALSE(error.hint.empty());
  }
  const auto no_entry = Program::load({"meter", {"gone.js"}, {}}, {});
  REQUIRE_FALSE(no_entry.has_value());
  CHECK(no_entry.error().message == "meter: there is no module \"gone.js\"");
}

TEST_CASE("a module that nothing imports is compiled, not run") {
  CHECK(says(load_error("export const x = 1", {{"tool.js", "var 3"}}).message, "meter/tool.js:1:5: SyntaxError"));
  load("export const x = 1", {}, {{"tool.js", "throw 1"}});
}

TEST_CASE("what a function throws is one line with the places of the program") {
  struct Row {
    std::string text, message;
  };
  const Row kRows[] = {
      {"export function decode(ctx) {\n  return parse(ctx.message);\n}\nfunction parse(m) { return m.reader().u32(); }",
       "meter/main.js:4:39: RangeError: 4 bytes at offset 0 are outside of 0 bytes (in parse, main.js:4:39; in decode, "
       "main.js:2:10)"},
      {"export function decode() { throw {toString() { throw 1; }}; }", "an exception that cannot be shown (in decode"},
      {"export function decode() { throw {get message() { for (;;); }}; }", "an exception that cannot be shown"},
      {"export function decode() { throw null; }", "meter/main.js:1:28: uncaught exception: null"},
      {"export function decode() { throw new Error('\\u202e\\u0085\\x01x'); }", "Error:    x (in decode"},
      {"export function decode() { throw new Error('x'.repeat(5000)); }", "xxx (in decode, main.js:1:34)"},
      {"export async function decode() { return 1; }", "decode must return its result, not a Promise"},
      {"export async function decode() { await 1; }", "decode must return its result, not a Promise"},
      {"export function decode() { import('./main.js'); }", "meter: import() is not available"},
      {"export function decode() { Promise.resolve(); }", "Promise is not defined (functions must return"},
      {"export function decode() { return [1].map(function each(x) { return x.y.z; }); }",
       "TypeError: x.y is undefined (in each, main.js:1:62; in decode, main.js:1:39)"},
      {"export function decode() { const a = []; a[0] = a; return a; }", "nested deeper than 64 levels, or in a cycle"},
      {"export function decode() { BytesUtils.leToInt([1], 3); }", "meter/main.js:1:39: RangeError: "},
  };
  for (const auto& [text, message] : kRows) {
    CAPTURE(text);
    const jl::Error error = call_error(load(text));
    CHECK_MESSAGE(says(error.message, message), error.message);
    CHECK(error.code == Errc::invalid);
    CHECK(error.message.size() <= 512);
    CHECK(error.message.find('\n') == std::string::npos);
  }
}

TEST_CASE("results are JSON: what JSON lacks is null or left out, bytes are Base64") {
  const std::pair<std::string, std::string> kRows[] = {
      {"NaN, 1/0, -0, 0.1, 1e21, 123456789012", "null,null,0,0.1,1e+21,123456789012"},
      {"{a: undefined, b: () => 1, c: Symbol(), d: null}", "{\"d\":null}"},
      {"undefined, () => 1", "null,null"},
      {"new Date(0), new Uint8Array([1, 2, 3]), new ArrayBuffer(2)", "\"1970-01-01T00:00:00.000Z\",\"AQID\",\"AAA=\""},
      {"new Number(3), new String('x'), new Boolean(false), Object(true)", "3,\"x\",false,true"},
      {"{toJSON(){ return {x: 1}; }}", "{\"x\":1}"},
      {"{3: 'c', x: 1, 1: 'a'}", "{\"1\":\"a\",\"3\":\"c\",\"x\":1}"},
      {"'\"\\\\\\n\\t\\u0001/\\u00e9\\u4f60\\ud83d\\ude00'", "\"\\\"\\\\\\n\\t\\u0001/é你😀\""},
      {"'\\ud800x'", "\"\xEF\xBF\xBDx\""},
      {"[1, , 3]", "[1,null,3]"},
      {"new Map([[1, 2]]), /x/", "{},{}"},
      {"JSON.stringify({b: new Uint8Array([255])})", "\"{\\\"b\\\":\\\"/w==\\\"}\""},
  };
  for (const auto& [expression, want] : kRows) {
    CAPTURE(expression);
    CHECK(value_of(expression) == want);
  }
  RecordingHost host;
  CHECK(decode(load("export function decode() {}"), host).empty());
  CHECK(decode(load("export function decode() { return null; }"), host).empty());
  CHECK(decode(load("export function decode() { return []; }"), host) == "[]");
}

TEST_CASE("what one call hands out is bounded together") {
  const ProgramLimits limits{.load = std::chrono::seconds(5), .call = std::chrono::seconds(20), .output = 4096};
  for (const std::string body : {
           "return 'x'.repeat(5000)",
           "return 'x'.repeat(4090)",
           "return new Uint8Array(4000)",
           "return Array.from({length: 2000}, (_, i) => i)",
           "const s = 'x'.repeat(1e6), a = []; for (let i = 0; i < 1100; i++) a.push(s); return a",
           "return new Array(4e9)",
           "for (;;) ctx.send('')",
           "for (;;) ctx.send({topic: 'a'.repeat(100), payload: 'b'})",
           "for (;;) ctx.handleMessage({a: 1})",
           "ctx.send(new Uint8Array(5000))",
           "ctx.send({payload: {x: 'x'.repeat(5000)}})",
           "ctx.respond({status: 200, body: 'x'.repeat(5000)})",
       }) {
    CAPTURE(body);
    const auto program = load("export function decode(ctx) { " + body + "; }", limits);
    RecordingHost host;
    std::string json;
    const Status status = program->call(decoding(), host, json);
    REQUIRE_FALSE(status.has_value());
    CHECK_MESSAGE(status.error().code == Errc::too_large, status.error().message);
    CHECK(json.empty());
    CHECK(host.sent.size() <= 64);
    CHECK(host.emitted.size() <= 64);
  }
}

TEST_CASE("counters tell calls, errors and overruns") {
  const auto program = load("export function decode(ctx) { if (ctx.message.reader().u8() === 9) throw 1; }");
  RecordingHost host;
  decode(program, host, "\x01");
  decode(program, host, "\x09");
  decode(program, host, "\x02");
  CHECK(program->counters().calls == 3);
  CHECK(program->counters().errors == 1);
  CHECK(program->counters().overruns == 0);
}
