#include "common/control/api.hpp"
#include "tests/unit/daemon/control/control_support.hpp"

using namespace jl;
using namespace jl::test;

TEST_SUITE_BEGIN("control.server.http");

TEST_CASE("an answered call carries the versions and a request id, and the connection goes on [cli 54]") {
  ControlBench bench;
  auto client = bench.client();
  std::string last_id;
  for (int i = 0; i < 3; ++i) {
    client.request("GET", "/v1/networks/net-1");
    const auto answer = client.read();
    CHECK(answer.status == 200);
    CHECK(answer.header("content-type") == "application/json");
    CHECK(answer.header("jlinkd-version") == control::kProgramVersion);
    CHECK(answer.header("jlinkd-api") == control::kApiVersion);
    CHECK(answer.header("jlinkd-request-id") != last_id);
    last_id = answer.header("jlinkd-request-id");
    CHECK(json::parse(answer.body).at("call") == "network show");
    CHECK(json::parse(answer.body).at("id") == "net-1");
  }
}

TEST_CASE("bodies and queries reach the handler") {
  ControlBench bench;
  auto client = bench.client();
  client.request("POST", "/v1/networks?ifNotExists=true&requestId=r%201", R"({"id":"n","spec":{"port":1883}})");
  const auto answer = client.read();
  CHECK(answer.status == 200);
  const auto body = json::parse(answer.body);
  CHECK(body.at("call") == "network add");
  CHECK(body.at("query") == json::value{{"ifNotExists", "true"}, {"requestId", "r 1"}});
  CHECK(body.at("body").at("spec").at("port") == 1883);

  client.send(
      "POST /v1/networks HTTP/1.1\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
      "4\r\n{\"a\"\r\n3;x=y\r\n:1}\r\n0\r\nTrailer: x\r\n\r\n");
  CHECK(json::parse(client.read().body).at("body") == json::value{{"a", 1}});
}

TEST_CASE("every command is checked against every role on the wire") {
  std::unique_ptr<store::FileStore> files;
  const Folder folder;
  ControlBench bench(echo, [&](ServerOptions& o) { files = files_for(o, folder); });
  std::size_t calls = 0, denied = 0;
  for (const Role role : {Role::none, Role::viewer, Role::operator_, Role::admin}) {
    auto client = bench.client_as(role);
    for (const auto& command : control::commands()) {
      if (command.path.empty()) continue;
      std::string path = command.path;
      if (const auto at = path.find("{id}"); at != std::string::npos) path.replace(at, 4, "x-1");
      CAPTURE(command.method);
      CAPTURE(path);
      CAPTURE(control::to_string(role));
      if (command.upload) {
        client.request(command.method, path + "?purpose=protocol", "x", kBytesHeader);
      } else {
        client.request(command.method, path);
      }
      const bool is_head = command.method == "HEAD";
      const auto answer = client.read(is_head);
      CHECK(answer.status == (role >= command.role ? 200 : 403));
      if (answer.status == 403) ++denied;
      if (answer.status == 403 && !is_head) CHECK(code_of(answer) == "denied");
      if (answer.status == 200 && !is_head) CHECK(json::parse(answer.body).at("call").as_string() == command.label());
      ++calls;
    }
  }
  CHECK(calls > 4 * 60);
  std::size_t recorded = 0;
  for (const auto& command : control::commands()) {
    if (!command.path.empty() && (command.mutates || command.role >= Role::operator_)) {
      recorded += command.role == Role::admin ? 1 : 2;  // those that were allowed
    }
  }
  auto query = logs::LogQuery();
  query.limit = 10'000;
  bench.logs.flush();
  const auto records = bench.logs.read(query);
  REQUIRE(records.has_value());
  CHECK(records->size() == denied + recorded);
}

TEST_CASE("a HEAD call is answered without a body and with its length") {
  ControlBench bench;
  auto client = bench.client();
  client.request("HEAD", "/v1/networks/net-1");
  const auto answer = client.read(true);
  CHECK(answer.status == 200);
  CHECK(std::stoul(answer.header("content-length")) > 0);
  client.request("HEAD", "/v1/networks");
  CHECK(client.read(true).status == 405);
  client.request("GET", "/v1/networks/net-1");
  CHECK(client.read().status == 200);
}

TEST_CASE("wrong paths, methods, parameters and versions are problems that help") {
  ControlBench bench;
  auto client = bench.client();
  client.request("GET", "/v1/netwroks");
  auto answer = client.read();
  CHECK(answer.status == 404);
  CHECK(code_of(answer) == "not_found");
  CHECK(json::parse(answer.body).at("hint") == "did you mean \"/v1/networks\"?");
  CHECK(json::parse(answer.body).at("requestId").as_string() == answer.header("jlinkd-request-id"));
  client.request("PUT", "/v1/networks");
  answer = client.read();
  CHECK(code_of(answer) == "method_not_allowed");
  CHECK(answer.header("allow") == "GET, POST");
  client.request("GET", "/v1/networks?limt=3");
  answer = client.read();
  CHECK(code_of(answer) == "bad_request");
  CHECK(json::parse(answer.body).at("field") == "limt");
  client.request("POST", "/v1/nothing", "{}", "Jlctl-Api: 2.0\r\n");
  answer = client.read();
  CHECK(answer.status == 426);
  CHECK(code_of(answer) == "version_mismatch");
  client.request("GET", "/v1/status", {}, "Jlctl-Api: 1.7\r\n");
  CHECK(client.read().status == 200);
}

TEST_CASE("a bad body is refused with its position, and the connection goes on") {
  ControlBench bench;
  auto client = bench.client();
  client.request("POST", "/v1/networks", "{\"id\": \"n\",\n \"spec\": nope}");
  const auto answer = client.read();
  CHECK(answer.status == 400);
  CHECK(code_of(answer) == "bad_request");
  const auto problem = json::parse(answer.body).at("problems").at(0);
  CHECK(problem.at("position").at("line") == 2);
  client.request("POST", "/v1/networks", "[1,2]");
  CHECK(client.read().status == 400);
  client.request("POST", "/v1/networks", "a=b", "Content-Type: application/x-www-form-urlencoded\r\n");
  CHECK(client.read().status == 400);
  client.request("GET", "/v1/status");
  CHECK(client.read().status == 200);
}

TEST_CASE("what is not HTTP/1.1 is answered with 400 and closed") {
  ControlBench bench;
  const std::string rest = "Host: x\r\n\r\n";
  const std::string json_type = "Content-Type: application/json\r\n";
  struct Row {
    const char* name;
    std::string bytes;
    int status = 400;
  };
  for (const auto& row : std::vector<Row>{
           {"garbage", "\x16\x03\x01\x02garbage\r\n\r\n"},
           {"HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"},
           {"no version", "GET /v1/status\r\n\r\n"},
           {"lower case version", "GET /v1/status http/1.1\r\n" + rest},
           {"space before the colon", "GET /v1/status HTTP/1.1\r\nHost : x\r\n\r\n"},
           {"header without a name", "GET /v1/status HTTP/1.1\r\n: x\r\n\r\n"},
           {"NUL in a header", std::string("GET /v1/status HTTP/1.1\r\nA: x\0y\r\n\r\n", 36)},
           {"two lengths",
            "POST /v1/apply HTTP/1.1\r\n" + json_type + "Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}"},
           {"negative length", "POST /v1/apply HTTP/1.1\r\n" + json_type + "Content-Length: -1\r\n\r\n"},
           {"length that is no number", "POST /v1/apply HTTP/1.1\r\n" + json_type + "Content-Length: 2x\r\n\r\n{}"},
           {"length beyond 64 bits",
            "POST /v1/apply HTTP/1.1\r\n" + json_type + "Content-Length: 99999999999999999999\r\n\r\n"},
           {"length and chunks", "POST /v1/apply HTTP/1.1\r\n" + json_type +
                                     "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"},
           {"chunks twice", "POST /v1/apply HTTP/1.1\r\n" + json_type +
                                "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"},
           {"bad chunk size", "POST /v1/apply HTTP/1.1\r\n" + json_type + "Transfer-Encoding: chunked\r\n\r\nzz\r\n"},
           {"chunk size beyond 64 bits",
            "POST /v1/apply HTTP/1.1\r\n" + json_type + "Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n"}}) {
    CAPTURE(row.name);
    auto client = bench.client();
    client.send(row.bytes);
    const auto answer = client.read();
    CHECK(answer.status == row.status);
    CHECK(code_of(answer) == "bad_request");
    CHECK(answer.header("connection") == "close");
    CHECK(client.at_end());
  }
  CHECK(bench.get("/v1/status").status == 200);
}

TEST_CASE("well-formed HTTP that this server does not take is answered with 400") {
  ControlBench bench;
  for (const std::string& text :
       {std::string("GET /v1/status HTTP/1.0\r\n\r\n"), std::string("OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n"),
        std::string("CONNECT host:80 HTTP/1.1\r\nHost: x\r\n\r\n"),
        std::string("GET /v1/status HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n"),
        std::string("GET /v1/status HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n"),
        std::string("GET /v1/status HTTP/1.1\r\nExpect: tea\r\n\r\n"), std::string("GET /a%zz HTTP/1.1\r\n\r\n"),
        std::string("GET /v1/status?x=%00 HTTP/1.1\r\n\r\n")}) {
    CAPTURE(text);
    auto client = bench.client();
    client.send(text);
    const auto answer = client.read();
    CHECK(answer.status == 400);
    CHECK(code_of(answer) == "bad_request");
  }
  auto client = bench.client();
  client.send("GET http://localhost/v1/status HTTP/1.1\r\nHost: localhost\r\n\r\n");
  CHECK(client.read().status == 200);
  client.send("BREW /v1/status HTTP/1.1\r\nHost: localhost\r\n\r\n");
  CHECK(client.read().status == 405);
}

TEST_CASE("headers and bodies above their limits are refused") {
  ControlBench bench;
  SUBCASE("header") {
    auto client = bench.client();
    client.request("GET", "/v1/status", {}, "X: " + std::string(control::kMaxHeader, 'x') + "\r\n");
    const auto answer = client.read();
    CHECK(code_of(answer) == "too_large");
    CHECK(client.at_end());
  }
  SUBCASE("endless header") {
    auto client = bench.client();
    client.send("GET /v1/status HTTP/1.1\r\n");
    for (int i = 0; i < 1000 && client.send("A: " + std::string(200, 'x') + "\r\n"); ++i) continue;
    CHECK(code_of(client.read()) == "too_large");
  }
  SUBCASE("body by its length: refused before it is sent") {
    auto client = bench.client();
    client.send("POST /v1/networks HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: " +
                std::to_string(control::kMaxBody + 1) + "\r\n\r\n");
    const auto answer = client.read();
    CHECK(answer.status == 413);
    CHECK(code_of(answer) == "too_large");
    CHECK(answer.header("connection") == "close");
  }
  SUBCASE("body by its length: a caller that sends first can still read why") {
    auto client = bench.client();
    const std::string body(3 * control::kMaxBody, ' ');
    CHECK(client.request("POST", "/v1/networks", body));
    CHECK(code_of(client.read()) == "too_large");
  }
  SUBCASE("chunked body") {
    auto client = bench.client();
    client.send("POST /v1/networks HTTP/1.1\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n");
    const std::string chunk = "10000\r\n" + std::string(65536, ' ') + "\r\n";
    for (int i = 0; i < 20 && client.send(chunk); ++i) continue;
    CHECK(code_of(client.read()) == "too_large");
  }
  SUBCASE("a large body where one is allowed") {
    auto client = bench.client();
    const std::string body = "{\"x\":\"" + std::string(3 * control::kMaxBody, 'x') + "\"}";
    client.request("POST", "/v1/diff", body);
    const auto answer = client.read();
    CHECK(answer.status == 200);
    CHECK(answer.body.size() > 3 * control::kMaxBody);
  }
  CHECK(bench.get("/v1/status").status == 200);
}

TEST_CASE("few large bodies are held at once") {
  Waiting waiting;
  ControlBench bench([&](const Call&, std::shared_ptr<Responder> r) { waiting.add(std::move(r)); });
  const std::string body = "{\"x\":\"" + std::string(2 * control::kMaxBody, 'x') + "\"}";
  std::vector<RawClient> clients;
  std::vector<std::shared_ptr<Responder>> held;
  for (int i = 0; i < 4; ++i) {
    clients.push_back(bench.client());
    clients.back().request("POST", "/v1/diff", body);
    held.push_back(waiting.next());
  }
  auto fifth = bench.client();
  fifth.request("POST", "/v1/diff", body);
  CHECK(code_of(fifth.read()) == "busy");
  held.front()->json(200, nullptr);
  CHECK(clients.front().read().status == 200);
  auto sixth = bench.client();
  sixth.request("POST", "/v1/diff", body);
  waiting.next()->json(200, nullptr);
  CHECK(sixth.read().status == 200);
}

TEST_CASE("Expect: 100-continue is honoured, and spares a refused caller its body [RFC 9110 10.1.1]") {
  ControlBench bench;
  auto client = bench.client();
  client.send(
      "POST /v1/networks HTTP/1.1\r\nExpect: 100-continue\r\nContent-Type: application/json\r\n"
      "Content-Length: 7\r\n\r\n");
  CHECK(client.read_head().status == 100);
  client.send("{\"a\":1}");
  CHECK(client.read().status == 200);

  auto viewer = bench.client_as(Role::viewer);
  viewer.send(
      "POST /v1/networks HTTP/1.1\r\nExpect: 100-continue\r\nContent-Type: application/json\r\n"
      "Content-Length: 7\r\n\r\n");
  const auto answer = viewer.read();
  CHECK(answer.status == 403);
  CHECK(answer.header("connection") == "close");
}

TEST_CASE("pipelined requests are answered one after the other, in order") {
  ControlBench bench;
  auto client = bench.client();
  std::string text;
  for (int i = 0; i < 20; ++i) text += "GET /v1/networks/n" + std::to_string(i) + " HTTP/1.1\r\nHost: x\r\n\r\n";
  client.send(text);
  for (int i = 0; i < 20; ++i) {
    CHECK(json::parse(client.read().body).at("id") == json::value("n" + std::to_string(i)));
  }
}

TEST_CASE("a caller that only ends its sending side still gets its answer") {
  Waiting waiting;
  ControlBench bench([&](const Call&, std::shared_ptr<Responder> r) { waiting.add(std::move(r)); });
  auto client = bench.client();
  client.request("GET", "/v1/status");
  client.shutdown_send();
  waiting.next()->json(200, {{"a", 1}});
  CHECK(client.read().body == "{\"a\":1}");
  CHECK(client.at_end());
}

TEST_CASE("slow headers, slow bodies and idle connections are closed in time") {
  ControlBench bench(echo, [](ServerOptions& o) {
    o.header_timeout = std::chrono::seconds(1);
    o.idle_timeout = std::chrono::seconds(1);
  });
  auto silent = bench.client();
  auto half_header = bench.client();
  half_header.send("GET /v1/status HTTP/1.1\r\nHo");
  auto half_body = bench.client();
  half_body.send("POST /v1/networks HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{");
  auto idle = bench.client();
  idle.request("GET", "/v1/status");
  CHECK(idle.read().status == 200);
  CHECK(silent.at_end());
  CHECK(half_header.at_end());
  CHECK(half_body.at_end());
  CHECK(idle.at_end());
}

TEST_CASE("more connections than allowed are told so and closed; the others are served on") {
  ControlBench bench;
  std::vector<RawClient> clients;
  std::size_t served = 0, refused = 0;
  for (int i = 0; i < 300; ++i) {
    clients.push_back(bench.client());
    clients.back().request("GET", "/v1/status");
    const auto answer = clients.back().read();
    if (answer.status == 200) ++served;
    if (code_of(answer) == "busy" && clients.back().at_end()) ++refused;
  }
  CHECK(served == control::kMaxConnections);
  CHECK(refused == 300 - control::kMaxConnections);
  clients.front().request("GET", "/v1/status");
  CHECK(clients.front().read().status == 200);
  clients.front().close();
  // The place is free as soon as the server has seen the end of the connection.
  int status = 0;
  for (int i = 0; i < 10'000 && status != 200; ++i) status = bench.get("/v1/status").status;
  CHECK(status == 200);
}

TEST_SUITE_END();
