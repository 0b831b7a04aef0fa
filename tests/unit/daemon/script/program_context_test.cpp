// ctx as programs see it.
#include "tests/unit/daemon/script/program_support.hpp"

using namespace jl::script;
using namespace jl::script::testing;
using jl::Errc;
using jl::Status;

TEST_SUITE_BEGIN("program");

TEST_CASE("ctx.message has the payload and the texts and numbers of the transport; empty texts are left out") {
  const auto program = load(
      "export function decode(ctx) { const m = ctx.message; return [ctx.transport, m, m.text(), m.topic, m.qos, "
      "m.clientId === undefined, Object.keys(m), m === ctx.message, m.payload instanceof Uint8Array]; }");
  const Invocation::Text texts[] = {{"topic", "/meter/é"}, {"clientId", ""}};
  const Invocation::Number numbers[] = {{"qos", 1}};
  Invocation what = decoding("h\xC3\xA9");
  what.transport = "MQTT";
  what.texts = texts;
  what.numbers = numbers;
  RecordingHost host;
  std::string json;
  REQUIRE(program->call(what, host, json).has_value());
  CHECK(json ==
        "[\"MQTT\",{\"payload\":\"aMOp\",\"topic\":\"/meter/é\",\"qos\":1},\"hé\",\"/meter/é\",1,true,"
        "[\"payload\",\"topic\",\"qos\"],true,true]");
}

TEST_CASE("ctx.message.text(), json() and reader() look at the payload as it came") {
  CHECK(value_of("m.json().a[1]", "{\"a\":[1,\"é\"]}") == "\"é\"");
  CHECK(says(value_of("m.json()", "{"), "error: SyntaxError: JSON.parse"));
  CHECK(value_of("(m.payload = null, m.text())", "abc") == "\"abc\"");
  CHECK(value_of("m.reader().u16(), m.reader({little: true}).u16()", "\x01\x02") == "258,513");
  CHECK(value_of("m.text.call({})") == "\"error: TypeError: this is no message\"");
  CHECK(value_of("m.text()", "\xFF") == "\"\xEF\xBF\xBD\"");
}

TEST_CASE("the message of encode() is the device message; what it returns is sent") {
  const auto program = load(
      "export function encode(ctx) { const m = ctx.message; return {topic: '/' + m.deviceId, qos: 1, payload: {p: "
      "m.properties}}; }");
  Invocation what;
  what.entry = "main.js";
  what.function = "encode";
  what.json = "{\"deviceId\":\"é\",\"properties\":{\"a\":1}}";
  what.sends_result = true;
  RecordingHost host;
  std::string json;
  REQUIRE(program->call(what, host, json).has_value());
  CHECK(json.empty());
  CHECK(host.sent == std::vector<std::string>{"{\"p\":{\"a\":1}}|/é|1|text|0|-1|"});
}

TEST_CASE("authenticate() is called with request, device and ctx") {
  const auto program = load(
      "export function authenticate(request, device, ctx) { return {ok: request.username, key: "
      "device.config('secure_key'), same: request === ctx.message && device === ctx.device}; }");
  const Invocation::Text texts[] = {{"username", "joe"}};
  Invocation what;
  what.entry = "main.js";
  what.function = "authenticate";
  what.texts = texts;
  what.is_request = true;
  RecordingHost host;
  std::string json;
  REQUIRE(program->call(what, host, json).has_value());
  CHECK(json == "{\"ok\":\"joe\",\"key\":\"key of dev-1\",\"same\":true}");
}

TEST_CASE("devices are found by the host; their configuration is text or undefined") {
  CHECK(value_of("ctx.device, ctx.device.config('secure_key'), ctx.device.config('none') === undefined") ==
        "{\"id\":\"dev-1\",\"productId\":\"meter\"},\"key of dev-1\",true");
  CHECK(value_of("ctx.getDevice('dev-2'), ctx.getDevice('dev-2').config('secure_key'), ctx.getDevice('dev-3'), "
                 "ctx.getDevice('')") == "{\"id\":\"dev-2\",\"productId\":\"valve\"},\"key of dev-2\",null,null");
  CHECK(value_of("ctx.getDevice(3)") == "\"error: TypeError: getDevice() takes a string\"");
  CHECK(value_of("ctx.device.config({toString() { for (;;); }})") == "\"error: TypeError: config() takes a string\"");
  CHECK(value_of("ctx.device.config.call(ctx, 'x')") == "\"error: TypeError: this is no device\"");
  RecordingHost host;
  host.has_device = false;
  host.has_session = false;
  CHECK(decode(load("export function decode(ctx) { return [ctx.device, ctx.session]; }"), host) == "[null,null]");
}

TEST_CASE("what can be sent: bytes, text, objects with a payload, lists of them") {
  struct Row {
    std::string value;
    std::vector<std::string> sent;
    std::string error{};
  };
  const Row kRows[] = {
      {"new Uint8Array([1, 65])", {"\\01A||-1|binary|0|-1|"}},
      {"new Uint8Array([1, 65]).buffer", {"\\01A||-1|binary|0|-1|"}},
      {"new DataView(new Uint8Array([1, 65, 66]).buffer, 1, 1)", {"A||-1|binary|0|-1|"}},
      {"new Uint8Array([1, 65, 66]).subarray(1)", {"AB||-1|binary|0|-1|"}},
      {"new Uint16Array([0x4142])", {"BA||-1|binary|0|-1|"}},
      {"[65, 255, -1]", {"A\\ff\\ff||-1|binary|0|-1|"}},
      {"'text'", {"text||-1|text|0|-1|"}},
      {"''", {"||-1|text|0|-1|"}},
      {"{payload: 'x', topic: '/a', qos: 2}", {"x|/a|2|text|0|-1|"}},
      {"{payload: [65]}", {"A||-1|binary|0|-1|"}},
      {"{payload: {a: [1]}}", {"{\"a\":[1]}||-1|text|0|-1|"}},
      {"{payload: [{a: 1}]}", {"[{\"a\":1}]||-1|text|0|-1|"}},
      {"{payload: 5}", {"5||-1|text|0|-1|"}},
      {"{topic: '/t'}", {"|/t|-1|binary|0|-1|"}},
      {"{body: 'b', status: 404, contentType: 'text/plain', contentFormat: 60}", {"b||-1|text|404|60|text/plain"}},
      {"['a', [65], {payload: 'b'}, null]", {"a||-1|text|0|-1|", "A||-1|binary|0|-1|", "b||-1|text|0|-1|"}},
      {"[]", {}},
      {"null", {}},
      {"[['a']]", {}, "TypeError: send(): a list within a list"},
      {"['a', 'b', 3]", {"a||-1|text|0|-1|", "b||-1|text|0|-1|"}, "TypeError: send() takes bytes, a text"},
      {"{a: 1}", {}, "TypeError: send() takes bytes, a text or {payload: ...}"},
      {"3", {}, "TypeError: send() takes bytes, a text or {payload: ...}"},
      {"() => 1", {}, "TypeError: send() takes bytes, a text or {payload: ...}"},
      {"[1, 256]", {}, "TypeError: payload: element 1 of the array is no byte"},
      {"[1, {valueOf() { return 1; }}]", {}, "TypeError: payload: element 1 of the array is no byte"},
      {"{payload: 'x', qos: 3}", {}, "RangeError: qos: 3 is no whole number from 0 to 2"},
      {"{payload: 'x', qos: '1'}", {}, "TypeError: qos takes a number"},
      {"{payload: 'x', topic: 3}", {}, "TypeError: topic takes a string"},
      {"{get payload() { throw new Error('trap'); }}", {}, "Error: trap"},
  };
  for (const auto& [value, sent, error] : kRows) {
    CAPTURE(value);
    RecordingHost host;
    const auto program = load(std::string("export function decode(ctx) { ctx.send(") + value + "); }");
    const std::string got = decode(program, host);
    CHECK(host.sent == sent);
    CHECK_MESSAGE((error.empty() ? got.empty() : says(got, error)), got);
  }
}

TEST_CASE("respond(), handleMessage(), reply(), close() and now() reach the host") {
  RecordingHost host;
  const auto program = load(
      "export function decode(ctx) { ctx.respond({status: 201, body: {ok: true}}); ctx.respond('plain'); "
      "ctx.handleMessage({a: 1}); ctx.handleMessage([{b: new Uint8Array([1])}, {c: NaN}]); ctx.reply({d: 1}); "
      "ctx.reply([{e: 1}]); ctx.close(); ctx.disconnect(); return ctx.now(); }");
  CHECK(decode(program, host) == "1700000000123");
  CHECK(host.sent ==
        std::vector<std::string>{"respond {\"ok\":true}||-1|text|201|-1|", "respond plain||-1|text|0|-1|"});
  CHECK(host.emitted == std::vector<std::string>{"{\"a\":1}", "{\"b\":\"AQ==\"}", "{\"c\":null}"});
  CHECK(host.replied == std::vector<std::string>{"{\"d\":1}", "{\"e\":1}"});
  CHECK(host.closed == 2);
  CHECK(value_of("ctx.handleMessage('x')") == "\"error: TypeError: handleMessage() takes a device message\"");
}

TEST_CASE("what the host refuses is an exception that a program may catch") {
  RecordingHost host;
  host.answer = jl::Error{Errc::connection_lost, "the device is gone"};
  CHECK(decode(load("export function decode(ctx) { try { ctx.send('x'); } catch (e) { return e.message; } }"), host) ==
        "\"the device is gone\"");
  CHECK(says(decode(load("export function decode(ctx) { ctx.send('x'); }"), host),
             "Error: the device is gone (in decode"));
}

TEST_CASE("what the host throws passes through the engine to the caller") {
  RecordingHost host;
  host.when_emitted = [](std::string_view) -> Status { throw std::runtime_error("host"); };
  const auto program = load("export function decode(ctx) { try { ctx.handleMessage({}); } catch (e) {} return 1; }");
  CHECK_THROWS_WITH_AS(decode(program, host), "host", std::runtime_error);
  host.when_emitted = nullptr;
  CHECK(decode(program, host) == "1");
}

TEST_CASE("session.state is kept from call to call, and only when the call returned") {
  RecordingHost host;
  const auto program = load(
      "export function decode(ctx) { const s = ctx.session.state; s.n = (s.n ?? 0) + 1; "
      "if (ctx.message.text() === 'throw') throw new Error('no'); if (ctx.message.text() === 'new') "
      "ctx.session.state = {fresh: true}; return [s.n, ctx.session.peer]; }");
  CHECK(decode(program, host) == "[1,\"192.0.2.7:50312\"]");
  CHECK(host.kept_state == "{\"n\":1}");
  CHECK(says(decode(program, host, "throw"), "Error: no"));
  CHECK(host.kept_state == "{\"n\":1}");
  CHECK(decode(program, host, "new") == "[2,\"192.0.2.7:50312\"]");
  CHECK(host.kept_state == "{\"fresh\":true}");
  host.kept_state = "no JSON";
  CHECK(decode(program, host) == "[1,\"192.0.2.7:50312\"]");

  host.kept_state = "{\"old\":1}";
  CHECK(decode(load("export function decode(ctx) { ctx.session.peer; }"), host).empty());
  CHECK(host.kept_state == "{\"old\":1}");
  const auto big = load("export function decode(ctx) { ctx.session.state.x = 'x'.repeat(20000); }");
  std::string json;
  const Status status = big->call(decoding(), host, json);
  REQUIRE_FALSE(status.has_value());
  CHECK(status.error().code == Errc::too_large);
  CHECK(says(status.error().message, "session.state takes more than 16384 bytes"));
  CHECK(host.kept_state == "{\"old\":1}");
}

TEST_CASE("a ctx is dead once its call is over, and is not another call's") {
  const auto program = load(
      "let kept; export function decode(ctx) { const k = kept; kept = {ctx, s: ctx.session, d: ctx.device, m: "
      "ctx.message}; if (!k) return; const say = f => { try { return String(f()); } catch (e) { return e.message; } }; "
      "return [say(() => k.ctx.message), say(() => k.ctx.send('x')), say(() => k.s.state), say(() => k.d.config('x')), "
      "say(() => k.d.id), say(() => k.m.text()), say(() => k.ctx.now.call(ctx)), say(() => k.ctx.now.call({}))]; }");
  RecordingHost host;
  decode(program, host, "one");
  CHECK(decode(program, host, "two") ==
        "[\"the call of this ctx is over\",\"the call of this ctx is over\",\"the call of this ctx is over\","
        "\"the call of this ctx is over\",\"dev-1\",\"one\",\"1700000000123\",\"this is no ctx\"]");
  CHECK(host.sent.empty());

  // A call within a call, through the host.
  const auto nested = load(
      "let outer; export function decode(ctx) { if (!outer) { outer = ctx; ctx.handleMessage({}); return 'outer'; } "
      "try "
      "{ return outer.message; } catch (e) { return e.message; } }");
  std::string inner;
  host.when_emitted = [&](std::string_view) {
    RecordingHost other;
    inner = decode(nested, other);
    return Status();
  };
  CHECK(decode(nested, host) == "\"outer\"");
  CHECK(inner == "\"this ctx belongs to another call\"");
}

TEST_CASE("calls within calls end after a few") {
  RecordingHost host;
  const auto program = load("export function decode(ctx) { ctx.handleMessage({}); }");
  int depth = 0;
  std::string error;
  host.when_emitted = [&](std::string_view) -> Status {
    ++depth;
    std::string json;
    const Status status = program->call(decoding(), host, json);
    if (!status && error.empty()) error = status.error().message;
    return status;
  };
  decode(program, host);
  CHECK(depth == 8);
  CHECK(error == "meter: more than 8 calls within calls");
}

TEST_CASE("console writes a bounded number of printable lines to the host") {
  RecordingHost host;
  const auto program = load(
      "console.log('not while loading'); export function decode(ctx) { console.log('a {} b {}', 1, {x: new "
      "Uint8Array([1])}, 'rest'); console.debug(new Uint8Array([1, 255])); console.info('x\\ny'); "
      "console.warn(new TypeError('no'), undefined, null); console.error(Symbol('s'), () => 1, 'z'.repeat(9999)); "
      "for (let i = 0; i < 1000; i++) console.log(i); }");
  CHECK(decode(program, host).empty());
  REQUIRE(host.logged.size() == 64);
  CHECK(host.logged[0] == "0 a 1 b {\"x\":\"AQ==\"}");
  CHECK(host.logged[1] == "0 01ff");
  CHECK(host.logged[2] == "1 x y");
  CHECK(host.logged[3] == "2 TypeError: no");
  CHECK(host.logged[4] == "3 Symbol()");
  host.logged.clear();
  decode(load("export function decode() { console.log('é'.repeat(9999)); }"), host);
  REQUIRE(host.logged.size() == 1);
  CHECK(host.logged[0].size() == 2 + 512);
}
