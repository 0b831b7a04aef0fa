#include "daemon/codec/package/run_cases.hpp"

#include <doctest/doctest.h>

namespace jl::codec::package {
namespace {

std::vector<CaseResult> run(Files files) {
  const auto read = read_cases(files);
  REQUIRE_MESSAGE(read.has_value(), (read ? "" : read.error().message));
  const auto package = load("p", std::move(files));
  REQUIRE_MESSAGE(package.has_value(), (package ? "" : package.error().message));
  return run_cases(*package, *read, 1'700'000'000'000);
}

std::vector<CaseResult> results(const std::string& cases) {
  Files files{{"protocol.json", R"({"id":"p","name":"P","transports":[{"transport":"TCP"},{"transport":"MQTT",
                 "routes":[{"topic":"/{deviceId}/up","upstream":true}]}]})"},
              {"main.js", R"(
      export function authenticate(request, device) { return request.password === device.config('key'); }
      export function decode(ctx) {
        console.warn('decoding {}', ctx.transport);
        ctx.session.state.n = (ctx.session.state.n ?? 0) + 1;
        if (ctx.message.payload.length === 0) throw new Error('empty');
        ctx.send(new Uint8Array([6]));
        return {messageType: 'REPORT_PROPERTY', deviceId: 'd1', properties: {n: ctx.session.state.n}};
      }
      export function encode(ctx) { return 'read ' + ctx.message.properties; })"},
              {"tests/all.json", cases}};
  return run(std::move(files));
}

}  // namespace

TEST_SUITE("codec.package.cases") {
  TEST_CASE("cases that hold pass, and each kind can fail") {
    const auto all = results(R"([
      {"name":"decode","transport":"TCP","device":{"id":"d1"},"decode":{"hex":"01"},
       "expect":{"messages":[{"properties":{"n":1}}],"sent":[{"hex":"06"}]}},
      {"name":"decode differs","transport":"TCP","device":{"id":"d1"},"decode":{"hex":"01"},
       "expect":{"messages":[{"properties":{"n":9}}]}},
      {"name":"before it is known","transport":"TCP","decode":{"hex":"01"},
       "expect":{"messages":[{"deviceId":"d1"}]}},
      {"name":"error","transport":"TCP","device":{"id":"d1"},"decode":{"hex":""},"expect":{"error":"empty"}},
      {"name":"error that is not expected","transport":"TCP","device":{"id":"d1"},"decode":{"hex":""},
       "expect":{"messages":[]}},
      {"name":"encode","transport":"TCP","device":{"id":"d1"},
       "encode":{"messageType":"READ_PROPERTY","properties":["a"]},"expect":{"sent":[{"text":"read a"}]}},
      {"name":"login","transport":"MQTT","device":{"id":"d1","config":{"key":"k"}},
       "authenticate":{"clientId":"d1","username":"u","password":"k"},"expect":{"success":true}},
      {"name":"login differs","transport":"MQTT","device":{"id":"d1","config":{"key":"k"}},
       "authenticate":{"clientId":"d1","username":"u","password":"x"},"expect":{"success":true}}])");
    std::string failed;
    for (const auto& result : all) {
      if (!result.difference.empty()) failed += result.name + ": " + result.difference + "\n";
    }
    CAPTURE(failed);
    REQUIRE(all.size() == 8);
    for (std::size_t i = 0; i < all.size(); ++i) {
      CAPTURE(all[i].name);
      CHECK(all[i].difference.empty() == (i != 1 && i != 4 && i != 7));
    }
    CHECK(all[1].difference.find("messages[0].properties.n") != std::string::npos);
    REQUIRE_FALSE(all[0].logs.empty());
    CHECK(all[0].logs[0] == "warn: decoding TCP");
  }

  TEST_CASE("a device that is not online is nobody until a message names it; what it is answered counts") {
    Files files{{"protocol.json", R"({"id":"p","transports":[{"transport":"TCP"}]})"}, {"main.js", R"(
      export function decode(ctx) {
        const text = ctx.message.text();
        if (ctx.device) return {messageType: 'REPORT_PROPERTY', deviceId: ctx.device.id, properties: {text}};
        if (text === 'report') throw new Error('no login');
        const fine = ctx.getDevice('d1').config('key') === text;
        ctx.send(fine ? 'yes' : 'no');
        if (fine) return {messageType: 'ONLINE', deviceId: 'd1'};
      })"}};
    files["tests/all.json"] = R"([
      {"name":"login, then a report","transport":"TCP","device":{"id":"d1","config":{"key":"k"},"online":false},
       "decode":[{"text":"k"},{"text":"report"}],
       "expect":{"messages":[{"messageType":"ONLINE"},{"properties":{"text":"report"}}],"sent":[{"text":"yes"}]}},
      {"name":"a login that is refused","transport":"TCP","device":{"id":"d1","config":{"key":"k"},"online":false},
       "decode":{"text":"x"},"expect":{"messages":[],"sent":[{"text":"no"}]}},
      {"name":"no login","transport":"TCP","device":{"id":"d1","config":{"key":"k"},"online":false},
       "decode":{"text":"report"},"expect":{"error":"no login"}},
      {"name":"online","transport":"TCP","device":{"id":"d1"},"decode":{"text":"report"},
       "expect":{"messages":[{"messageType":"REPORT_PROPERTY"}]}}])";
    for (const auto& result : run(std::move(files))) {
      CAPTURE(result.name);
      CHECK(result.difference == "");
    }
  }

  TEST_CASE("a case may say what the session remembers") {
    for (const auto& result : results(R"([
      {"name":"it is known before","transport":"TCP","device":{"id":"d1"},"state":{"n":41},"decode":{"hex":"01"},
       "expect":{"messages":[{"properties":{"n":42}}]}},
      {"name":"of its own","transport":"TCP","device":{"id":"d1"},"decode":{"hex":"01"},
       "expect":{"messages":[{"properties":{"n":1}}]}}])")) {
      CAPTURE(result.name);
      CHECK(result.difference == "");
    }
    const auto wrong = read_cases({{"tests/a.json", R"([{"name":"n","transport":"TCP","state":7,"decode":{"hex":""},
                                                        "expect":{"messages":[]}}])"}});
    REQUIRE_FALSE(wrong.has_value());
    CHECK(wrong.error().message.find("state: must be an object") != std::string::npos);
  }
}

}  // namespace jl::codec::package
