#include "common/control/api.hpp"
#include "tests/unit/daemon/control/control_support.hpp"

#include <future>
#include <thread>

using namespace jl;
using namespace jl::test;

TEST_SUITE_BEGIN("control.server.call");

TEST_CASE("answers may come from any thread, later, as JSON, text or problem") {
  Waiting waiting;
  ControlBench bench([&](const Call&, std::shared_ptr<Responder> r) { waiting.add(std::move(r)); });
  auto client = bench.client();
  client.request("GET", "/metrics");
  std::thread([&] { waiting.next()->text(200, "text/plain; version=0.0.4", "a 1\n"); }).join();
  auto answer = client.read();
  CHECK(answer.header("content-type") == "text/plain; version=0.0.4");
  CHECK(answer.body == "a 1\n");
  client.request("GET", "/v1/networks/x");
  waiting.next()->problem(Error(Errc::not_found, "no network \"x\""));
  answer = client.read();
  CHECK(answer.status == 404);
  CHECK(code_of(answer) == "not_found");
  client.request("GET", "/v1/networks");
  waiting.next()->json(200, json::array(100'000, json::value(7)));
  CHECK(client.read().body.size() == 200'001);
}

TEST_CASE("a call that is dropped, or whose handler throws, is an internal error") {
  ControlBench bench([](const Call& call, const std::shared_ptr<Responder>&) {
    if (call.id == "throws") throw std::runtime_error("boom");
  });
  CHECK(bench.get("/v1/networks/dropped").status == 500);
  const auto thrown = bench.get("/v1/networks/throws");
  CHECK(thrown.status == 500);
  CHECK(code_of(thrown) == "failed");
  CHECK(thrown.body.find("boom") == std::string::npos);
}

TEST_CASE("more calls at once than allowed are busy") {
  Waiting waiting;
  ControlBench bench([&](const Call&, std::shared_ptr<Responder> r) { waiting.add(std::move(r)); },
                     [](ServerOptions& o) { o.max_pending = 2; });
  auto first = bench.client(), second = bench.client(), third = bench.client();
  first.request("GET", "/v1/status");
  second.request("GET", "/v1/status");
  auto one = waiting.next(), two = waiting.next();
  third.request("GET", "/v1/status");
  const auto refused = third.read();
  CHECK(refused.status == 503);
  CHECK(code_of(refused) == "busy");
  one->json(200, nullptr);
  CHECK(first.read().status == 200);
  third.request("GET", "/v1/status");
  waiting.next()->json(200, nullptr);
  CHECK(third.read().status == 200);
}

TEST_CASE("who left is told to the handler, and the call still leaves its record") {
  Waiting waiting;
  ControlBench bench([&](const Call&, std::shared_ptr<Responder> r) { waiting.add(std::move(r)); });
  auto client = bench.client();
  client.request("POST", "/v1/networks/net-1/enable");
  const auto responder = waiting.next();
  std::promise<void> gone;
  responder->on_gone([&] { gone.set_value(); });
  client.close();
  REQUIRE(gone.get_future().wait_for(std::chrono::seconds(20)) == std::future_status::ready);
  responder->notes({"network/net-1", 1, 2});
  responder->json(200, {{"result", "updated"}});
  bench.server->stop(std::chrono::seconds(20));
  const auto records = bench.records();
  REQUIRE(records.size() == 1);
  CHECK(records[0].at("action") == "network enable");
  CHECK(records[0].at("status") == "ok");
  CHECK(records[0].at("revisionAfter") == 2);
}

TEST_CASE("new roles count from the next call on, on open connections too") {
  ControlBench bench;
  auto client = bench.client_as(Role::viewer);
  client.request("GET", "/v1/status");
  CHECK(client.read().status == 200);
  bench.server->set_roles({});
  client.request("GET", "/v1/status");
  CHECK(client.read().status == 403);
  bench.server->set_roles({{{Role::admin, {"viewer"}, {}}}});
  client.request("POST", "/v1/networks", "{}");
  CHECK(json::parse(client.read().body).at("role") == "admin");
}

TEST_CASE("changes and refusals leave exactly one record each, reads leave none [operations 4.4]") {
  ControlBench bench([](const Call& call, const std::shared_ptr<Responder>& responder) {
    responder->notes({"network/net-1", 7, 8});
    if (call.command->verb == "disable") {
      responder->problem(Error(Errc::in_use, "gateway \"g\" uses it"));
    } else {
      responder->json(200, nullptr);
    }
  });
  auto admin = bench.client_as(Role::admin);
  const auto call = [](RawClient& client, std::string_view method, std::string_view target, std::string_view body = {},
                       std::string_view headers = {}) {
    client.request(method, target, body, headers);
    return client.read().status;
  };
  CHECK(call(admin, "GET", "/v1/networks") == 200);
  CHECK(call(admin, "GET", "/v1/nothing") == 404);
  CHECK(bench.records().empty());
  CHECK(call(admin, "POST", "/v1/networks?requestId=r1", R"({"id":"net-1","spec":{"password":"canary"}})",
             "Jlctl-Sudo-User: alice\r\nJlctl-Ssh-Connection: 10.0.0.1 22\r\n") == 200);
  CHECK(call(admin, "POST", "/v1/networks/net-1/disable") == 409);
  CHECK(call(admin, "POST", "/v1/networks", "{broken") == 400);
  CHECK(call(admin, "POST", "/v1/devices/d-1/write", R"({"properties":{"t":1}})") == 200);
  auto nobody = bench.client_as(Role::none);
  CHECK(call(nobody, "GET", "/v1/status") == 403);
  CHECK(call(nobody, "GET", "/v1/nothing") == 403);

  const auto records = bench.records();
  REQUIRE(records.size() == 6);
  CHECK(records[0].at("action") == "network add");
  CHECK(records[0].at("object") == "network/net-1");
  CHECK(records[0].at("user") == "admin");
  CHECK(records[0].at("claimed") == json::value{{"user", "alice"}, {"from", "10.0.0.1 22"}});
  CHECK(records[0].at("revisionBefore") == 7);
  CHECK(records[0].at("parameters").at("query").at("requestId") == "r1");
  CHECK(json::serialize(records[0]).find("canary") == std::string::npos);
  CHECK(records[1].at("status") == "failed");
  CHECK(records[1].at("code") == "in_use");
  CHECK(records[1].at("httpStatus") == 409);
  CHECK(records[1].at("error") == "gateway \"g\" uses it");
  CHECK(records[2].at("code") == "bad_request");
  CHECK(records[3].at("action") == "device write");
  CHECK(records[4].at("action") == "status");
  CHECK(records[4].at("code") == "denied");
  CHECK(records[4].at("uid") == 5000);
  CHECK(records[5].at("path") == "/v1/nothing");
}

TEST_CASE("the server refuses a path that a live server has, and removes its own at the end") {
  ControlBench bench;
  const auto second = control::Server::start(bench.options, echo, bench.access, bench.clock);
  REQUIRE_FALSE(second.has_value());
  CHECK(second.error().code == Errc::conflict);
  bench.server.reset();
  CHECK(bench.folder.entries() == 0);
  const auto third = control::Server::start(bench.options, echo, bench.access, bench.clock);
  REQUIRE(third.has_value());
  // With the real look at the peer this process is its own user, and so admin.
  CHECK(json::parse(bench.get("/v1/whoami").body).at("role") == "admin");
}

TEST_CASE("stopping lets calls end, closes idle connections, and takes no new ones") {
  Waiting waiting;
  ControlBench bench([&](const Call&, std::shared_ptr<Responder> r) { waiting.add(std::move(r)); });
  auto idle = bench.client(), busy = bench.client();
  idle.request("GET", "/v1/status");
  waiting.next()->json(200, nullptr);
  CHECK(idle.read().status == 200);
  busy.request("GET", "/v1/status");
  const auto responder = waiting.next();
  std::thread stopper([&] { bench.server->stop(std::chrono::seconds(20)); });
  CHECK(idle.at_end());
  CHECK_FALSE(RawClient(bench.options.socket_path).is_connected());
  responder->json(200, {{"late", true}});
  const auto answer = busy.read();
  CHECK(answer.body == "{\"late\":true}");
  CHECK(answer.header("connection") == "close");
  CHECK(busy.at_end());
  stopper.join();
}

TEST_CASE("a call that does not end in time is cut, recorded, and its responder stays harmless") {
  Waiting waiting;
  ControlBench bench([&](const Call&, std::shared_ptr<Responder> r) { waiting.add(std::move(r)); });
  auto client = bench.client();
  client.request("POST", "/v1/networks/net-1/enable");
  const auto responder = waiting.next();
  bool gone = false;
  responder->on_gone([&] { gone = true; });
  bench.server->stop(std::chrono::milliseconds(0));
  CHECK(gone);
  CHECK(client.read().status == 0);
  bench.server.reset();
  responder->notes({});
  responder->json(200, nullptr);
  responder->start_stream();
  CHECK_FALSE(responder->line("x"));
  const auto records = bench.records();
  REQUIRE(records.size() == 1);
  CHECK(records[0].at("code") == "unavailable");
}

TEST_SUITE_END();
