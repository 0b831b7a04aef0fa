#include "daemon/codec/package/run_cases.hpp"

#include <doctest/doctest.h>

namespace jl::codec::package {
namespace {

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
  const auto read = read_cases(files);
  REQUIRE_MESSAGE(read.has_value(), (read ? "" : read.error().message));
  const auto package = load("p", files);
  REQUIRE_MESSAGE(package.has_value(), (package ? "" : package.error().message));
  return run_cases(*package, *read, 1'700'000'000'000);
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
}

}  // namespace jl::codec::package
