// Programs that run away, hoard, bend the language or look for a way out; and the threads and lives of programs.
#include "tests/unit/daemon/script/program_support.hpp"

#include <chrono>
#include <thread>

using namespace jl::script;
using namespace jl::script::testing;
using jl::Errc;
using jl::Status;

TEST_SUITE_BEGIN("program");

namespace {
constexpr ProgramLimits kSmall{
    .load = std::chrono::seconds(2), .call = std::chrono::milliseconds(60), .heap = 16u << 20u, .stack = 256u << 10u};
/// A decode() with this body.
std::string in_decode(const std::string& body) { return "export function decode(ctx) {" + body + "}"; }

/// Another program still works on this thread.
void check_engine() {
  static const Loaded fine = load("export function decode(ctx) { return ctx.message.reader().u8(); }",
                                  {.load = std::chrono::seconds(5), .call = std::chrono::seconds(5)});
  RecordingHost host;
  CHECK(decode(fine, host, "\x07") == "7");
}
}  // namespace

TEST_CASE("a function that does not end, or takes memory without end, is stopped; other programs go on") {
  const std::pair<std::string, std::string> kRows[] = {
      {"loop", "for (;;) {}"},
      {"catch and loop", "for (;;) { try { for (;;) {} } catch (e) {} finally { continue; } }"},
      {"arrays", "const a = []; for (;;) a.push([1, 2, 3])"},
      {"objects, caught", "const a = []; for (;;) { try { for (;;) a.push({x: a}) } catch (e) {} }"},
      {"typed arrays", "const a = []; for (;;) a.push(new Uint8Array(4e6).fill(1))"},
      {"typed arrays, caught", "const a = []; for (;;) { try { a.push(new Float64Array(5e5).fill(1)) } catch (e) {} }"},
      {"strings",
       "let s = 'abcdefgh', k = []; for (;;) { s += s.charCodeAt(1) + s; k.push(s); if (s.length > 1e6) s = "
       "'x' + k.length }"},
      {"map", "const m = new Map(); for (let i = 0; ; i++) m.set(i, {i})"},
      {"writers", "const a = []; for (;;) a.push(new Writer().fill(1000000))"},
      {"regular expression", "/(a+)+$/.test('a'.repeat(40) + 'b')"},
      {"sort", "[3, 2, 1].sort(() => { for (;;); })"},
      {"replace", "'a'.repeat(1e6).replace(/a/g, () => { for (;;); })"},
      {"getter in the result", "return {get x() { for (;;); }}"},
      {"toJSON of the result", "return {toJSON() { for (;;); }}"},
      {"getter in what is sent", "ctx.send({get topic() { for (;;); }, payload: 'x'})"},
      {"getter in an array", "const a = [1]; Object.defineProperty(a, 1, {get() { for (;;); }}); ctx.send(a)"},
      {"getter in the state", "ctx.session.state = {get x() { for (;;); }}"},
      {"proxy as the result", "return new Proxy({}, {ownKeys() { for (;;); }})"},
      {"proxy as an array", "ctx.send(new Proxy([1], {get() { for (;;); }}))"},
      {"options", "ctx.message.reader({get little() { for (;;); }})"},
      {"iterator", "new Uint8Array({[Symbol.iterator]() { for (;;); }})"},
      {"length", "new Uint8Array({get length() { for (;;); }})"},
      {"array-like", "new Uint8Array({length: 1e9}); for (;;);"},
      {"array-like, growing",
       "const a = [1]; Object.defineProperty(a, Symbol.iterator, {get() { a.length = 3e8; }}); new "
       "Uint8Array(a); for (;;);"},
      {"array-like, prototype",
       "Object.defineProperty(Array.prototype, Symbol.iterator, {get() { this.length = 3e8; }}); new "
       "Uint8Array({length: 3}); for (;;);"},
      {"fill", "new Array(4e9).fill(0)"},
      {"join", "new Array(4e9).join('')"},
      {"array-like, from", "Array.from({length: 4e9})"},
      {"array-like, reverse", "Array.prototype.reverse.call({length: 2 ** 53 - 1})"},
      {"array-like, sort", "Array.prototype.sort.call({length: 2 ** 31})"},
      {"array-like, join", "Array.prototype.join.call({length: 2 ** 53 - 1}, '')"},
      {"array-like, index", "Array.prototype.indexOf.call({length: 2 ** 53 - 1}, 1)"},
      {"array-like, last index", "Array.prototype.lastIndexOf.call({length: 2 ** 53 - 1}, 1)"},
      {"array-like, includes", "Array.prototype.includes.call({length: 2 ** 53 - 1}, 1)"},
      {"array-like, unshift", "Array.prototype.unshift.call({length: 2 ** 53 - 9}, 1)"},
      {"array-like, shift", "Array.prototype.shift.call({length: 2 ** 53 - 9})"},
      {"array-like, splice", "Array.prototype.splice.call({length: 2 ** 53 - 9}, 0, 1)"},
      {"array-like, concat", "[].concat({length: 2 ** 53 - 1, [Symbol.isConcatSpreadable]: true})"},
      {"array-like, raw", "String.raw({raw: {length: 2 ** 53 - 1}})"},
      {"array-like, JSON", "return new Proxy([], {}), JSON.stringify(new Array(4e9))"},
      {"array-like, result", "const a = []; a.length = 4e9; return {get a() { for (const x of a); }}"},
      {"spread", "Math.max(...new Array(4e9))"},
      {"split", "for (;;) 'x'.repeat(1e6).split('')"},
      {"keys", "const o = {}; for (let i = 0; ; i++) { o['k' + i] = i; if (i % 1000 === 0) Object.keys(o) }"},
      {"normalize", "for (;;) '\\u1e9b\\u0323'.repeat(1e5).normalize('NFKD')"},
      {"cbor", "cbor.encode({get x() { for (;;); }})"},
      {"console", "for (;;) console.log({a: 1})"},
      {"close", "for (;;) ctx.close()"},
      {"generator", "function* g() { for (;;) yield 1 } for (const x of g()) {}"},
      {"private names", "for (;;) new (class { #x = 1; get() { return this.#x } })"},
  };
  for (const auto& [name, body] : kRows) {
    CAPTURE(name);
    const auto program = load(in_decode(body), kSmall);
    const jl::Error error = call_error(program);
    CAPTURE(error.message);
    const bool is_stopped = error.code == Errc::timeout || error.code == Errc::too_large;
    // What is long but has an end may come to it, or be refused by the engine, on a machine with time.
    const bool has_end = name.starts_with("array-like") || name == "join" || name == "fill" || name == "spread";
    CHECK((is_stopped || has_end));
    CHECK(program->counters().overruns == (is_stopped ? 1 : 0));
    check_engine();
  }
}

TEST_CASE("pieces that are made in one step are bounded where they are asked for") {
  const std::pair<std::string, std::string> kRows[] = {
      {"new Uint8Array(1e9)", "RangeError: an array of more than 4 MiB"},
      {"new Float64Array(1e6)", "RangeError: an array of more than 4 MiB"},
      {"new ArrayBuffer(2 ** 40)", "RangeError: an array of more than 4 MiB"},
      {"new (Object.getPrototypeOf(new Uint8Array(1)).constructor)(1e9)", "RangeError: an array of more than 4 MiB"},
      {"new Uint8Array(1).map.constructor('return 1')", "EvalError"},
      {"'x'.repeat(2 ** 28)", "RangeError: a string of more than 2 Mi characters"},
      {"'x'.padEnd(2 ** 28)", "RangeError: a string of more than 2 Mi characters"},
      {"new Uint8Array(-1)", "RangeError"},
      {"Uint8Array(3)", "TypeError: typed arrays are made with new"},
      {"new Uint8Array({valueOf() { return 1e9; }}).length", "0"},
      {"new ArrayBuffer({valueOf() { return 1e9; }})", "RangeError: an array of more than 4 MiB"},
      {"new Uint8Array(new Array(5e6))", "RangeError: an array of more than 4 MiB"},
      {"new Float64Array(new Uint8Array(1e6))", "RangeError: an array of more than 4 MiB"},
      {"Uint8Array.from({length: 1e9})", "RangeError: an array of more than 4 MiB"},
      {"new Uint8Array({length: 3, 0: 7, 1: 8})", "Bwg"},
      {"ArrayBuffer.BYTES_PER_ELEMENT === undefined", "true"},
      {"new Uint8Array('5').length", "5"},
      {"new Uint8Array(Symbol())", "TypeError"},
  };
  for (const auto& [expression, want] : kRows) {
    CAPTURE(expression);
    CHECK_MESSAGE(says(value_of(expression), want), value_of(expression));
  }
}

TEST_CASE("typed arrays work as the language says") {
  const std::pair<std::string, std::string> kRows[] = {
      {"new Uint8Array([1, 2, 3]).map(x => x * 2)", "\"AgQG\""},
      {"Uint8Array.from([1, 2]), Uint8Array.of(3), Uint8Array.BYTES_PER_ELEMENT", "\"AQI=\",\"Aw==\",1"},
      {"new Uint8Array(2) instanceof Uint8Array, new Uint8Array(2).constructor === Uint8Array", "true,true"},
      {"[...new Uint8Array([1, 2])], new Uint8Array(new Set([1, 2]))", "[1,2],\"AQI=\""},
      {"new Uint8Array([1, 2, 3]).slice(1), new Uint8Array([1, 2, 3]).buffer.slice(2)", "\"AgM=\",\"Aw==\""},
      {"ArrayBuffer.isView(new DataView(new ArrayBuffer(1))), new ArrayBuffer(3).byteLength", "true,3"},
      {"new (class X extends Uint8Array { two() { return 2 * this[0]; } })([4]).two()", "8"},
      {"new Uint16Array(new Uint8Array([1, 2, 3, 4]).buffer, 2, 1)[0]", "1027"},
      {"new Uint8Array().length, new Uint8Array(undefined).length", "0,0"},
      {"new DataView(new Uint8Array([0, 1]).buffer).getUint16(0)", "1"},
      {"Object.prototype.toString.call(new Float32Array(1))", "\"[object Float32Array]\""},
      {"Uint8Array.name, Uint8Array.length", "\"Uint8Array\",3"},
      {"new Uint8Array([9]) instanceof Object.getPrototypeOf(Uint8Array)", "true"},
  };
  for (const auto& [expression, want] : kRows) {
    CAPTURE(expression);
    CHECK(value_of(expression) == want);
  }
}

TEST_CASE("memory is bounded when time is not; what is left behind is gone with the realm") {
  const ProgramLimits limits{.load = std::chrono::seconds(5), .call = std::chrono::seconds(5), .heap = 16u << 20u};
  for (const std::string body : {"const a = []; for (;;) a.push({x: 1})",
                                 "const a = [new Uint8Array(4e6).fill(1)]; for (;;) a.push(new Uint8Array(a[0]))"}) {
    CAPTURE(body);
    const jl::Error error = call_error(load(in_decode(body), limits));
    // Where the heap is nearly full the engine spends its time collecting, and the limit of that may come first.
    CHECK((error.code == Errc::too_large || error.code == Errc::timeout));
    check_engine();
  }
}

TEST_CASE("what one program hoards from call to call is not missing for the others") {
  const std::pair<std::string, int> kRows[] = {
      {"hoard.push(new Uint8Array(4e6))", 100},                                         // beside the heap
      {"hoard.push('x'.repeat(4e6) + hoard.length); hoard.at(-1).charCodeAt(9)", 100},  // the same
      {"for (let i = 0; i < 20000; i++) hoard.push({i})", 100},                         // in it
      {"hoard.push(new Writer().fill(4000000))", 100},
  };
  const ProgramLimits limits{.load = std::chrono::seconds(5), .call = std::chrono::seconds(5), .heap = 16u << 20u};
  for (const auto& [body, calls] : kRows) {
    CAPTURE(body);
    std::thread([&] {  // an engine of its own, with this heap
      const auto fine = load(
          "let n = 0; export function decode() { const a = []; for (let i = 0; i < 2000; i++) "
          "a.push({i}); return ++n; }",
          limits);
      const auto hoarder =
          load("const hoard = []; export function decode() { " + body + "; return hoard.length; }", limits);
      RecordingHost host;
      std::size_t most = 0;
      for (int i = 0; i < calls; ++i) {
        const std::string got = decode(hoarder, host);
        most = std::max(most, got.empty() || got[0] < '0' || got[0] > '9' ? 0 : std::stoul(got));
        const std::string other = decode(fine, host);
        CHECK_MESSAGE((other[0] >= '0' && other[0] <= '9'), other);
      }
      CHECK(most < (says(body, "20000") ? 20000u * 99 : 99u));
    })
        .join();
  }
}

TEST_CASE("after an overrun a program rests for ten times what it took, then begins anew; its state is kept") {
  const auto program = load(
      "let calls = 0; export function decode(ctx) { ctx.session.state.n = (ctx.session.state.n ?? 0) + 1; if "
      "(ctx.message.text() === 'loop') for (;;); return [++calls, ctx.session.state.n]; }",
      {.load = std::chrono::seconds(2), .call = std::chrono::milliseconds(20)});
  RecordingHost host;
  CHECK(decode(program, host) == "[1,1]");
  std::string json;
  CHECK(program->call(decoding("loop"), host, json).error().code == Errc::timeout);
  const auto stopped = std::chrono::steady_clock::now();
  Status status = program->call(decoding(), host, json);
  REQUIRE_FALSE(status.has_value());
  CHECK(status.error().code == Errc::busy);
  check_engine();
  std::thread([&] {  // other threads do not rest
    RecordingHost other;
    CHECK(decode(program, other) == "[1,1]");
  })
      .join();
  while (!status && status.error().code == Errc::busy) status = program->call(decoding(), host, json);
  const auto rested = std::chrono::steady_clock::now() - stopped;
  CHECK(rested > std::chrono::milliseconds(150));
  REQUIRE(status.has_value());
  CHECK(json == "[1,2]");
}

TEST_CASE("no way leads to code from strings, to other threads, or to work after the call") {
  for (const std::string name :
       {"WebAssembly", "Atomics", "SharedArrayBuffer", "BigInt", "BigInt64Array", "BigUint64Array", "WeakRef",
        "FinalizationRegistry", "Intl", "Promise", "require", "process", "setTimeout", "fetch", "native", "define"}) {
    CAPTURE(name);
    CHECK(value_of("typeof " + name) == "\"undefined\"");
  }
  for (const std::string code : {"eval('1')", "(0, eval)('1')", "Function('return 1')()", "new Function('return 1')",
                                 "(() => 1).constructor('return 1')()", "(async () => 1).constructor('return 1')",
                                 "(function* () {}).constructor('yield 1')", "(async function* () {}).constructor('1')",
                                 "Reflect.construct((() => 1).constructor, ['return 1'])"}) {
    CAPTURE(code);
    CHECK_MESSAGE(says(value_of(code), "EvalError"), value_of(code));
  }
  CHECK(value_of("(() => 1) instanceof Function") == "true");
  CHECK(says(value_of("new DataView(new ArrayBuffer(8)).getBigInt64(0)"), "64-bit numbers through Reader.u64()"));
  CHECK(
      says(value_of("(async () => { await 1; })().then(() => { for (;;); })"), "promises and async functions are not"));
  CHECK(value_of("this === undefined, globalThis.crc === crc, Object.isFrozen(crc)") == "true,true,true");
}

TEST_CASE("what stands in the global object cannot be bent, and bent built-ins do not reach the natives") {
  for (const std::string code :
       {"Object.prototype.toJSON = 1", "Object.prototype.then = 1", "Object.prototype[0] = 1",
        "Reader.prototype.u8 = null", "Writer.prototype.x = 1", "crc.crc32 = 1", "crc = 1",
        "Object.getPrototypeOf(ctx).send = 1", "Object.getPrototypeOf(m).text = 1",
        "Object.getPrototypeOf(ctx.session).peer = 1", "Object.getPrototypeOf(ctx.device).config = 1",
        "ctx.device.id = 'x'", "ctx.message = 1", "BytesUtils.leToInt = 1", "console.log = 1"}) {
    CAPTURE(code);
    CHECK_MESSAGE(says(value_of(code), "error: "), value_of(code));
  }
  const auto program = load(
      "Array.prototype.push = () => { throw 4 }; Array.prototype.toJSON = () "
      "=> "
      "'bent'; Object.defineProperty(Array.prototype, 'x', {get() { throw 1 }}); Function.prototype.call = null; "
      "Function.prototype.apply = null; Number.prototype.valueOf = () => { throw 5 }; String.prototype.toString = () "
      "=> { "
      "throw 6 }; for (const name of ['length', 'buffer', 'byteLength', 'byteOffset']) "
      "Object.defineProperty(Object.getPrototypeOf(Uint8Array.prototype), name, {get() { throw 7 }}); "
      "Uint8Array.prototype.toJSON = () => { throw 8 }; Object.defineProperty(Uint8Array.prototype, 'constructor', "
      "{value: null}); JSON.stringify = JSON.parse = null; Array.prototype[Symbol.iterator] = null;"
      "export function decode(ctx) { ctx.send([1, 2]); ctx.send(new Uint8Array([65])); ctx.session.state.a = [1]; "
      "return [ctx.message.reader().u16(), ctx.message.payload, crc.crc8([1]), new Writer().u8(1).toBytes()]; }");
  RecordingHost host;
  CHECK(decode(program, host, "\x01\x02") == "[258,\"AQI=\",7,\"AQ==\"]");
  CHECK(host.sent.size() == 2);
  CHECK(host.kept_state == "{\"a\":[1]}");
  check_engine();
}

TEST_CASE("arrays that change while natives read them do no harm") {
  const std::pair<std::string, std::string> kRows[] = {
      {"(a => { Object.defineProperty(a, 0, {get() { a.length = 1; return 1; }}); return hex.encode(a); })([1, 2, 3])",
       "is no byte"},
      {"(a => { Object.defineProperty(a, 0, {get() { for (let i = 0; i < 100; i++) a.push(9); return 1; }}); return "
       "hex.encode(a); })([1, 2])",
       "0102"},
      {"hex.encode(new Array(4294967295))", "RangeError: more than 16 MiB"},
      {"hex.encode(new Proxy([1, 2], {get() { for (;;); }}))", "takes a Uint8Array or an array of bytes"},
      {"(r => { const b = new Uint8Array([1, 2]); r = new Reader(b); b.fill(9); return r.u16(); })()", "2313"},
      {"((w, a) => { Object.defineProperty(a, 0, {get() { w.fill(100); return 1; }}); return w.bytes(a).length; })(new "
       "Writer(), [1])",
       "101"},
      {"JSON.stringify(new Proxy(new Uint8Array(4), {}))", ""},
  };
  for (const auto& [expression, want] : kRows) {
    CAPTURE(expression);
    CHECK_MESSAGE(says(value_of(expression), want), value_of(expression));
  }
  check_engine();
}

TEST_CASE("one program serves several threads, and ends before they do") {
  auto program = load("let n = 0; export function decode(ctx) { return [++n, crc.crc16Modbus(ctx.message.payload)]; }");
  std::vector<std::string> got(4);
  std::vector<std::thread> threads;
  for (std::string& last : got) {
    threads.emplace_back([&last, mine = program]() mutable {
      RecordingHost host;
      for (int i = 0; i < 200; ++i) last = decode(mine, host, "123456789");
      mine.reset();
      // What the thread had of it goes at its next call.
      decode(load("export function decode() {}"), host);
    });
  }
  program.reset();
  for (std::thread& thread : threads) thread.join();
  for (const std::string& last : got) CHECK(last == "[200,19255]");
}

TEST_CASE("a program may end within its own call") {
  RecordingHost host;
  Loaded program = load("export function decode(ctx) { ctx.handleMessage({}); return 'still here'; }");
  host.when_emitted = [&](std::string_view) {
    program.reset();
    check_engine();
    return Status();
  };
  const Program& itself = *program;
  std::string json;
  const std::weak_ptr<const Program> watched = program;
  const Loaded held = program;  // a call needs its program; the package may let go of it meanwhile
  CHECK(itself.call(decoding(), host, json).has_value());
  CHECK(json == "\"still here\"");
}

TEST_CASE("many programs are loaded, called and dropped") {
  RecordingHost host;
  for (int i = 0; i < 60; ++i) {
    const auto program = load("export function decode(ctx) { return ctx.message.text(); }");
    REQUIRE(decode(program, host, "x") == "\"x\"");
  }
}
