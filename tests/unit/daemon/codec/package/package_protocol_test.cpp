#include "daemon/codec/package/host_call.hpp"

#include <doctest/doctest.h>

#include <map>
#include <string>
#include <thread>

namespace jl::codec::package {
namespace {

constexpr Millis kNow = 1'700'000'000'000;

std::shared_ptr<const Package> made(const std::string& manifest, const std::string& script) {
  auto loaded = load("p", {{"protocol.json", manifest}, {"main.js", script}});
  if (!loaded) FAIL(loaded.error().message);
  return *loaded;
}

std::string tcp(const std::string& more = {}) {
  return R"({"id":"p","name":"P","transports":[{"transport":"TCP")" + more + "}]}";
}

const std::string kMqtt = R"({"id":"p","name":"P","transports":[{"transport":"MQTT","routes":[
  {"topic":"/s/{productId:product}/{deviceId:device}/up","upstream":true},
  {"topic":"/s/{deviceId}/down/{#:rest}","downstream":true}, {"topic":"common/+","upstream":true}]}]})";

DeviceIdentity device(const std::string& id = "d1", const std::map<std::string, std::string>& config = {}) {
  DeviceIdentity out;
  out.device_id = id;
  out.product_id = "prod";
  for (const auto& [key, value] : config) out.configuration.emplace(key, Secret(value));
  return out;
}

class Book final : public DeviceBook {
 public:
  std::optional<DeviceIdentity> find(std::string_view id) const override {
    ++asked;
    const auto it = devices.find(id);
    if (it == devices.end()) return std::nullopt;
    return device(it->first, it->second);
  }
  std::map<std::string, std::map<std::string, std::string>, std::less<>> devices;
  mutable int asked = 0;
};

struct Bench {
  explicit Bench(std::shared_ptr<const Package> package) { protocol.set(std::move(package)); }
  Result<Decoded> decode(std::string_view payload, const DeviceIdentity& who, bool logged_in = true,
                         Transport transport = Transport::tcp) {
    return protocol.decode({{}, payload, transport}, {who, state.get(), logged_in}, kNow, message, answer);
  }
  Result<Encoded> encode(const char* text, Transport transport = Transport::tcp, const DeviceIdentity& who = device()) {
    const auto body = boost::json::parse(text).as_object();
    return protocol.encode({*message_type_from(body.at("messageType").as_string()), body}, transport,
                           {who, state.get()});
  }
  Book book;
  PackageProtocol protocol{"p", &book};
  std::unique_ptr<CodecState> state = protocol.open_state(Transport::tcp);
  DeviceMessage message;
  Answer answer;
};

}  // namespace

TEST_SUITE("codec.package") {
  TEST_CASE("decode() gives none, one or many messages, in their order [access.md 4.1]") {
    Bench b(made(tcp(), R"(
      export function decode(ctx) {
        const n = ctx.message.payload[0];
        if (n === 0) return;
        if (n === 1) return {messageType: 'REPORT_PROPERTY', properties: {n}};
        ctx.handleMessage({messageType: 'EVENT', event: 'first', data: 0});
        const out = [];
        for (let i = 1; i < n; ++i) out.push({messageType: 'REPORT_PROPERTY', properties: {n: i}});
        return out;
      })"));
    const auto who = device();
    CHECK(*b.decode(std::string_view("\0", 1), who) == Decoded::reply);
    CHECK(*b.decode("\1", who) == Decoded::message);
    CHECK(b.message.type == MessageType::report_property);
    CHECK(b.message.device_id == "d1");
    CHECK_FALSE(b.message.has_next);
    REQUIRE(*b.decode("\5", who) == Decoded::message);
    CHECK(b.message.type == MessageType::event);
    std::size_t count = 0;
    for (const auto* m = &b.message; m; m = m->has_next ? m->next.get() : nullptr) ++count;
    CHECK(count == 5);
    // The buffers of the longer chain are kept, and none of its messages with them.
    REQUIRE(*b.decode("\1", who) == Decoded::message);
    CHECK_FALSE(b.message.has_next);
  }

  TEST_CASE("a message that names another device is refused, and one that is none is told apart [access.md 5.1]") {
    Bench b(made(tcp(), R"(
      export function decode(ctx) {
        switch (ctx.message.text()) {
          case 'foreign': return {messageType: 'ONLINE', deviceId: 'd2'};
          case 'number': return 7;
          case 'type': return {messageType: 'NO_SUCH_TYPE'};
          case 'down': return {messageType: 'READ_PROPERTY', properties: ['a']};
          case 'list': return [[{messageType: 'ONLINE'}]];
          case 'throw': throw new RangeError('too short');
          case 'promise': return Promise.resolve(1);
        }
      })"));
    const auto who = device();
    CHECK(b.decode("foreign", who).error().code == Errc::denied);
    for (const char* text : {"number", "down", "list", "throw", "promise"}) {
      CAPTURE(text);
      const auto decoded = b.decode(text, who);
      REQUIRE_FALSE(decoded.has_value());
      CHECK(decoded.error().code == Errc::invalid);
      CHECK(b.message.json.empty());
    }
    CHECK(b.decode("throw", who).error().message.find("main.js:") != std::string::npos);
    const auto unknown = b.decode("type", who);
    CHECK((!unknown || *unknown != Decoded::message));
  }

  TEST_CASE("a session's state lives from call to call, and is another's in another session") {
    Bench b(made(tcp(), R"(
      export function decode(ctx) {
        ctx.session.state.n = (ctx.session.state.n ?? 0) + 1;
        return {messageType: 'REPORT_PROPERTY', properties: {n: ctx.session.state.n}};
      }
      export function encode(ctx) { return new Uint8Array([ctx.session.state.n]); })"));
    const auto who = device();
    (void)b.decode("x", who);
    (void)b.decode("x", who);
    CHECK(b.message.json.find(R"("n":2)") != std::string::npos);
    const auto encoded = b.encode(R"({"messageType":"READ_PROPERTY","messageId":"1","deviceId":"d1","properties":[]})");
    REQUIRE(encoded.has_value());
    CHECK(encoded->sends.at(0).payload == "\2");
    b.state = b.protocol.open_state(Transport::tcp);
    (void)b.decode("x", who);
    CHECK(b.message.json.find(R"("n":1)") != std::string::npos);
  }

  TEST_CASE("the first message of a connection is decoded once, before its device is known, and its state stays") {
    Bench b(made(tcp(), R"(
      let calls = 0;
      export function decode(ctx) {
        ++calls;
        ctx.session.state.seen = ctx.message.text();
        ctx.send('hello ' + calls);
        if (ctx.device) return {messageType: 'REPORT_PROPERTY', properties: {calls, seen: ctx.session.state.seen}};
        const id = ctx.message.text();
        if (ctx.getDevice(id)?.config('key') !== 'right') { ctx.close(); return; }
        return {messageType: 'ONLINE', deviceId: id};
      })"));
    b.book.devices = {{"d1", {{"key", "right"}}}, {"d2", {{"key", "wrong"}}}};
    const Uplink first{{}, "d1", Transport::tcp};
    const auto owner = b.protocol.owner_of(first);
    REQUIRE(owner.has_value());
    CHECK(owner->device_id == "d1");
    CHECK(b.book.asked == 1);
    CHECK(*b.protocol.decode(first, {device("d1"), b.state.get(), false}, kNow, b.message, b.answer) ==
          Decoded::message);
    CHECK(b.message.type == MessageType::online);
    CHECK(b.answer.reply.payload == "hello 1");
    // The same bytes again are another message.
    (void)b.decode("d1", device("d1"));
    CHECK(b.message.json.find(R"("calls":2)") != std::string::npos);

    // Whoever is not let in hears what the script said, and is closed.
    const Uplink wrong{{}, "d2", Transport::tcp};
    CHECK_FALSE(b.protocol.owner_of(wrong).has_value());
    b.protocol.refuse(wrong, Stranger::nameless, kNow, b.answer);
    CHECK(b.answer.close);
    CHECK(b.answer.reply.payload == "hello 3");
    b.protocol.refuse(wrong, Stranger::nameless, kNow, b.answer);
    CHECK_FALSE(b.answer.has_reply);
  }

  TEST_CASE("a device that is not let in after all hears nothing of what the script said to it [access.md 5.1]") {
    Bench b(made(tcp(), R"(
      export function decode(ctx) { ctx.send('welcome'); return {messageType: 'ONLINE', deviceId: 'd1'}; })"));
    const Uplink first{{}, "login", Transport::tcp};
    for (const Stranger why : {Stranger::unknown, Stranger::unavailable}) {
      REQUIRE(b.protocol.owner_of(first).has_value());
      b.protocol.refuse(first, why, kNow, b.answer);
      CHECK_FALSE(b.answer.has_reply);
      CHECK(b.answer.more.empty());
      CHECK(b.answer.close);
    }
  }

  TEST_CASE("a configuration key that nobody sets has the manifest's default") {
    Bench b(made(tcp(R"(,"config":[{"key":"unit","name":"Unit","type":"string","default":"kWh"}])"), R"(
      export function decode(ctx) {
        return {messageType: 'REPORT_PROPERTY', properties: {unit: ctx.device.config('unit'), none: ctx.device.config('x') ?? null}};
      })"));
    REQUIRE(*b.decode("x", device()) == Decoded::message);
    CHECK(b.message.json.find(R"("unit":"kWh")") != std::string::npos);
    REQUIRE(*b.decode("x", device("d1", {{"unit", "MWh"}})) == Decoded::message);
    CHECK(b.message.json.find(R"("unit":"MWh")") != std::string::npos);
  }

  TEST_CASE("what was decoded for one device is not taken by another") {
    Bench b(made(tcp(), R"(
      export function decode(ctx) {
        return {messageType: 'ONLINE', deviceId: ctx.device ? ctx.device.id : 'd1'};
      })"));
    const Uplink same{{}, "bytes", Transport::tcp};
    REQUIRE(b.protocol.owner_of(same).has_value());
    CHECK(*b.protocol.decode(same, {device("d2"), b.state.get(), true}, kNow, b.message, b.answer) == Decoded::message);
    CHECK(b.message.device_id == "d2");
  }

  TEST_CASE("a first message that says nothing does not log a device in") {
    Bench b(made(tcp(), R"(
      export function identify(ctx) { return ctx.message.text(); }
      export function decode() {})"));
    CHECK(b.protocol.owner_of({{}, "d7", Transport::tcp})->device_id == "d7");
    CHECK(*b.decode("x", device(), false) == Decoded::nothing);
    CHECK(*b.decode("x", device(), true) == Decoded::reply);
  }

  TEST_CASE("the device of a topic is that of the routes' {deviceId}; no script runs") {
    Bench b(made(kMqtt, R"(
      export function authenticate() { return true; }
      export function decode() { throw new Error('not to be called'); })"));
    CHECK(b.protocol.owner_of({"/s/prod/d9/up", "", Transport::mqtt})->device_id == "d9");
    CHECK(b.protocol.owner_of({"/s/d8/down/a/b", "", Transport::mqtt})->device_id == "d8");
    CHECK_FALSE(b.protocol.owner_of({"/other", "", Transport::mqtt}).has_value());
  }

  TEST_CASE("a device has the topics of the routes, with its own ids in them [access.md 5.2]") {
    Bench b(made(kMqtt, "export function authenticate() { return true; } export function decode() {}"));
    const auto who = device();
    for (const char* topic :
         {"/s/prod/d1/up", "/s/d1/down/x", "/s/d1/down/#", "/s/d1/down/+/y", "common/x", "common/+"}) {
      CAPTURE(topic);
      CHECK(b.protocol.owns_topic(topic, who));
    }
    for (const char* topic : {"/s/prod/d2/up", "/s/other/d1/up", "/s/prod/+/up", "/s/#", "#", "+/x", "common/#",
                              "common/x/y", "$SYS/x", "/s/d1", ""}) {
      CAPTURE(topic);
      CHECK_FALSE(b.protocol.owns_topic(topic, who));
    }
  }

  TEST_CASE("authenticate() decides; what it throws lets nobody in [access.md 4.1]") {
    Bench b(made(kMqtt, R"(
      export function authenticate(request, device) {
        switch (request.username) {
          case 'true': return true;
          case 'object': return {success: request.password === device.config('key')};
          case 'other': return {success: true, deviceId: 'd2'};
          case 'one': return 1;
          case 'text': return 'true';
          case 'throw': throw new Error('no');
          case 'loop': for (;;) {}
        }
      }
      export function identify(ctx) { return ctx.message.clientId.replace('client-', ''); }
      export function decode() {})"));
    const auto ask = [&](const char* username, const char* password = "") {
      return b.protocol.authenticate(MqttCredentials{"c", username, password}, device("d1", {{"key", "k"}}), kNow);
    };
    CHECK(ask("true") == AuthOutcome::ok);
    CHECK(ask("object", "k") == AuthOutcome::ok);
    for (const char* username : {"object", "other", "one", "text", "nothing"}) {
      CAPTURE(username);
      CHECK(ask(username) == AuthOutcome::bad_credentials);
    }
    CHECK(ask("throw") == AuthOutcome::failed);
    CHECK(b.protocol.device_of(MqttCredentials{"client-d5", "", ""}) == "d5");
    CHECK(ask("loop") == AuthOutcome::failed);
  }

  TEST_CASE("encode() sends bytes, texts and topics, answers by itself, or cannot [access.md 5.7]") {
    Bench b(made(R"({"id":"p","name":"P","transports":[{"transport":"TCP"},{"transport":"MQTT","auth":false,
        "routes":[{"topic":"/d/{deviceId}","downstream":true,"upstream":true}]}]})",
                 R"(
      export function decode() {}
      export function encode(ctx) {
        const m = ctx.message;
        if (ctx.transport === 'MQTT') return [{topic: '/d/' + ctx.device.id, payload: {id: m.messageId}, qos: 1}, {topic: 'x', payload: 'y'}];
        if (m.messageType === 'READ_PROPERTY') return new Writer().u8(1).text(m.properties.join()).toBytes();
        if (m.messageType === 'WRITE_PROPERTY') ctx.reply({messageType: 'WRITE_PROPERTY_REPLY', properties: m.properties});
        if (m.messageType === 'INVOKE_FUNCTION' && m.functionId === 'bye') { ctx.disconnect(); return 'goodbye'; }
      })"));
    const auto read =
        b.encode(R"({"messageType":"READ_PROPERTY","messageId":"1","deviceId":"d1","properties":["a","b"]})");
    REQUIRE(read.has_value());
    CHECK(read->sends.at(0).payload == "\1a,b");
    const auto write =
        b.encode(R"({"messageType":"WRITE_PROPERTY","messageId":"7","deviceId":"d1","properties":{"a":1}})");
    REQUIRE(write.has_value());
    CHECK(write->sends.empty());
    REQUIRE(write->replies.size() == 1);
    CHECK(write->replies[0].message_id == "7");
    CHECK(write->replies[0].type == MessageType::write_property_reply);
    const auto bye =
        b.encode(R"({"messageType":"INVOKE_FUNCTION","messageId":"8","deviceId":"d1","functionId":"bye","inputs":[]})");
    REQUIRE(bye.has_value());
    CHECK(bye->disconnect);
    CHECK(bye->sends.at(0).payload == "goodbye");  // which leaves before the connection ends
    const auto other =
        b.encode(R"({"messageType":"INVOKE_FUNCTION","messageId":"9","deviceId":"d1","functionId":"x","inputs":[]})");
    CHECK(other.error().code == Errc::unsupported_message);
    const auto mqtt =
        b.encode(R"({"messageType":"READ_PROPERTY","messageId":"3","deviceId":"d1","properties":[]})", Transport::mqtt);
    REQUIRE(mqtt.has_value());
    REQUIRE(mqtt->sends.size() == 2);
    CHECK(mqtt->sends[0].topic == "/d/d1");
    CHECK(mqtt->sends[0].payload == R"({"id":"3"})");
    CHECK(mqtt->sends[1].text);
    // Without a word of the script a DISCONNECT closes.
    const auto disconnect = b.encode(R"({"messageType":"DISCONNECT","messageId":"4","deviceId":"d1"})");
    REQUIRE(disconnect.has_value());
    CHECK(disconnect->disconnect);
  }

  TEST_CASE("what cannot be sent is an error of the script, not a lost message") {
    Bench b(made(R"({"id":"p","name":"P","transports":[{"transport":"HTTP","routes":[{"address":"/up","upstream":true,
        "method":"POST"}]},{"transport":"MQTT","auth":false,"routes":[{"topic":"a","upstream":true}]}]})",
                 R"(
      export function decode(ctx) {
        if (ctx.transport === 'HTTP') {
          if (ctx.message.text() === 'send') ctx.send('x');
          ctx.respond({status: ctx.message.text() === 'bad' ? 99 : 401, body: {code: 'unauthorized'}});
        } else {
          ctx.send(ctx.message.text() === 'wild' ? {topic: 'a/#', payload: ''} : 'no topic');
        }
      }
      export function encode() { return 'x'; })"));
    const auto who = device();
    CHECK(*b.decode("", who, true, Transport::http) == Decoded::reply);
    CHECK(b.answer.status == 401);
    CHECK(b.answer.body == R"({"code":"unauthorized"})");
    CHECK_FALSE(b.decode("send", who, true, Transport::http).has_value());
    CHECK_FALSE(b.decode("bad", who, true, Transport::http).has_value());
    CHECK_FALSE(b.decode("wild", who, true, Transport::mqtt).has_value());
    CHECK_FALSE(b.decode("x", who, true, Transport::mqtt).has_value());
  }

  TEST_CASE("another package takes over at the next call, on every thread; without one all calls fail") {
    const auto version = [](const char* n) {
      return made(tcp(),
                  std::string("export function decode() { return {messageType:'REPORT_PROPERTY', properties:{v:") + n +
                      "}}; }");
    };
    Bench b(version("1"));
    const auto who = device();
    std::thread([&] {
      DeviceMessage message;
      Answer answer;
      CHECK(b.protocol.decode({{}, "x", Transport::tcp}, {who}, kNow, message, answer).has_value());
    }).join();
    (void)b.decode("x", who);
    CHECK(b.message.json.find(R"("v":1)") != std::string::npos);
    b.protocol.set(version("2"));
    (void)b.decode("x", who);
    CHECK(b.message.json.find(R"("v":2)") != std::string::npos);
    b.protocol.set(nullptr);
    CHECK(b.decode("x", who).error().code == Errc::unavailable);
    CHECK(b.protocol.descriptor()->transports.empty());
  }

  TEST_CASE("a script that never ends costs its own messages only, then a tenth of the thread") {
    Bench b(made(tcp(), R"(
      export function decode(ctx) {
        if (ctx.message.text() === 'loop') for (;;) {}
        return {messageType: 'ONLINE'};
      })"));
    const auto who = device();
    CHECK(b.decode("loop", who).error().code == Errc::timeout);
    CHECK(b.decode("x", who).error().code == Errc::busy);
    CHECK(b.protocol.package()->program->counters().overruns == 1);
  }

  TEST_CASE("what a transport needs is asked for when a package is loaded [access.md 4.2]") {
    const auto problem = [](const std::string& manifest, const std::string& script) {
      const auto loaded = load("p", {{"protocol.json", manifest}, {"main.js", script}});
      return loaded ? std::string() : loaded.error().message;
    };
    CHECK(problem(tcp(), "export const x = 1;").find("decode(ctx)") != std::string::npos);
    CHECK(problem(kMqtt, "export function decode() {}").find("authenticate(request, device)") != std::string::npos);
    CHECK(problem(tcp(), "export function encode() {}").empty());
    CHECK(problem(tcp(), "for (;;) {}").find("ran longer") != std::string::npos);
    CHECK_FALSE(problem(tcp(), "export function decode( {}").empty());
  }

  TEST_CASE("onConnect() greets, and checkState() knows better") {
    Bench b(made(tcp(), R"(
      export function decode() {}
      export function onConnect(ctx) { return ctx.device ? undefined : [new Uint8Array([5]), 'second']; }
      export function checkState(ctx) { return ctx.device.id === 'd1'; })"));
    b.protocol.connected(Transport::tcp, nullptr, kNow, b.answer);
    CHECK(b.answer.reply.payload == "\5");
    REQUIRE(b.answer.more.size() == 1);
    CHECK(b.answer.more[0].payload == "second");
    const auto who = device();
    const Peer peer{who, b.state.get()};
    b.protocol.connected(Transport::tcp, &peer, kNow, b.answer);
    CHECK_FALSE(b.answer.has_reply);
    CHECK(b.protocol.check_state(Transport::tcp, peer) == true);
    const auto other = device("d2");
    CHECK(b.protocol.check_state(Transport::tcp, {other, nullptr}) == false);
  }
}

}  // namespace jl::codec::package
