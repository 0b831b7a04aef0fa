#include "common/control/api.hpp"
#include "tests/unit/daemon/control/control_support.hpp"

#include <future>
#include <thread>

using namespace jl;
using namespace jl::test;

TEST_SUITE_BEGIN("control.server.stream");

TEST_CASE("a stream is chunked lines with a proper end, and the connection goes on") {
  ControlBench bench([](const Call& call, const std::shared_ptr<Responder>& responder) {
    if (!call.wants_ndjson) return responder->json(200, nullptr);
    responder->start_stream();
    for (int i = 0; i < 1000; ++i) CHECK(responder->line("{\"n\":" + std::to_string(i) + "}"));
    responder->end_stream();
  });
  auto client = bench.client();
  client.request("GET", "/v1/networks", {}, "Accept: application/x-ndjson\r\n");
  const auto answer = client.read();
  CHECK(answer.is_complete);
  CHECK(answer.header("content-type") == "application/x-ndjson");
  CHECK(std::ranges::count(answer.body, '\n') == 1000);
  CHECK(answer.body.ends_with("{\"n\":999}\n"));
  client.request("GET", "/v1/networks");
  CHECK(client.read().body == "null");
}

TEST_CASE("lines go out as they come; an error after the first line is a line") {
  Waiting waiting;
  ControlBench bench([&](const Call&, std::shared_ptr<Responder> r) { waiting.add(std::move(r)); });
  auto client = bench.client();
  client.request("GET", "/v1/watch");
  const auto responder = waiting.next();
  responder->start_stream();
  CHECK(client.read_head().status == 200);
  for (int i = 0; i < 3; ++i) {
    CHECK(responder->line("{\"n\":" + std::to_string(i) + "}"));
    CHECK(client.chunk() == "{\"n\":" + std::to_string(i) + "}\n");
  }
  responder->end_stream(Error(Errc::storage, "the disk is full"));
  const auto last = client.chunk();
  REQUIRE(last.has_value());
  CHECK(json::parse(*last).at("error").at("code") == "storage");
  CHECK(client.chunk() == "");
}

TEST_CASE("a slow reader loses droppable lines, never parts of one, and gets all others") {
  Waiting waiting;
  ControlBench bench([&](const Call&, std::shared_ptr<Responder> r) { waiting.add(std::move(r)); });
  auto client = bench.client();
  client.request("GET", "/v1/messages");
  const auto responder = waiting.next();
  responder->start_stream();
  const std::string text(10'000, 'x');
  std::size_t taken = 0, dropped = 0;
  // More than the socket and the queue hold.
  for (int i = 0; i < 1000; ++i) ++(responder->line(text, true) ? taken : dropped);
  CHECK(dropped > 0);
  CHECK(responder->queued() <= 1u << 20u);
  CHECK(responder->line("last"));
  responder->end_stream();
  const auto answer = client.read();
  CHECK(answer.is_complete);
  CHECK(answer.body.size() == taken * (text.size() + 1) + 5);
  CHECK(answer.body.ends_with("x\nlast\n"));
}

TEST_CASE("a stream whose reader never reads is cut at 64 MiB and does not look complete") {
  Waiting waiting;
  ControlBench bench([&](const Call&, std::shared_ptr<Responder> r) { waiting.add(std::move(r)); });
  auto client = bench.client();
  client.request("GET", "/v1/export");
  const auto responder = waiting.next();
  std::promise<void> gone;
  responder->on_gone([&] { gone.set_value(); });
  responder->start_stream();
  const std::string text(1u << 20u, 'x');
  std::size_t lines = 0;
  while (lines < 100 && responder->line(text)) ++lines;
  CHECK(lines >= 60);
  CHECK(lines < 100);
  CHECK(gone.get_future().wait_for(std::chrono::seconds(20)) == std::future_status::ready);
  CHECK_FALSE(client.read().is_complete);
}

TEST_CASE("a reader that stops reading for too long is closed") {
  Waiting waiting;
  ControlBench bench([&](const Call&, std::shared_ptr<Responder> r) { waiting.add(std::move(r)); },
                     [](ServerOptions& o) { o.idle_timeout = std::chrono::seconds(1); });
  auto client = bench.client();
  client.request("GET", "/v1/export");
  const auto responder = waiting.next();
  std::promise<void> gone;
  responder->on_gone([&] { gone.set_value(); });
  responder->start_stream();
  for (int i = 0; i < 8; ++i) responder->line(std::string(1u << 20u, 'x'));
  REQUIRE(gone.get_future().wait_for(std::chrono::seconds(20)) == std::future_status::ready);
  CHECK_FALSE(responder->line("x"));
}

TEST_CASE("an idle stream is not closed, and its end is noticed when the caller goes") {
  Waiting waiting;
  ControlBench bench([&](const Call&, std::shared_ptr<Responder> r) { waiting.add(std::move(r)); },
                     [](ServerOptions& o) { o.idle_timeout = o.header_timeout = std::chrono::seconds(1); });
  auto client = bench.client();
  client.request("GET", "/v1/watch");
  const auto responder = waiting.next();
  std::promise<void> gone;
  auto is_gone = gone.get_future();
  responder->on_gone([&] { gone.set_value(); });
  responder->start_stream();
  CHECK(client.read_head().status == 200);
  // A connection that is idle for its limit, as a clock.
  auto idle = bench.client();
  CHECK(idle.at_end());
  CHECK(responder->line("still here"));
  CHECK(client.chunk() == "still here\n");
  CHECK(is_gone.wait_for(std::chrono::seconds(0)) == std::future_status::timeout);
  client.close();
  CHECK(is_gone.wait_for(std::chrono::seconds(20)) == std::future_status::ready);
  CHECK_FALSE(responder->line("x"));
}

TEST_CASE("no more streams than allowed, and calls are served beside them") {
  Waiting waiting;
  ControlBench bench([&](const Call& call, std::shared_ptr<Responder> r) {
    if (!call.command->streams) return r->json(200, nullptr);
    waiting.add(std::move(r));
  });
  std::vector<RawClient> clients;
  std::vector<std::shared_ptr<Responder>> streams;
  for (std::size_t i = 0; i < control::kMaxStreams; ++i) {
    clients.push_back(bench.client());
    clients.back().request("GET", "/v1/watch");
    streams.push_back(waiting.next());
    streams.back()->start_stream();
    CHECK(clients.back().read_head().status == 200);
  }
  auto extra = bench.client();
  extra.request("GET", "/v1/watch");
  const auto refused = waiting.next();
  bool told = false;
  refused->on_gone([&] { told = true; });
  refused->start_stream();
  CHECK_FALSE(refused->line("x"));
  CHECK(code_of(extra.read()) == "busy");
  CHECK(told);
  CHECK(bench.get("/v1/status").status == 200);
  streams.front()->end_stream();
  CHECK(clients.front().chunk() == "");
  extra.request("GET", "/v1/watch");
  const auto again = waiting.next();
  again->start_stream();
  CHECK(extra.read_head().status == 200);
}

TEST_CASE("stopping ends endless streams with a line that says so, and lets others end by themselves") {
  Waiting waiting;
  ControlBench bench([&](const Call&, std::shared_ptr<Responder> r) { waiting.add(std::move(r)); });
  auto watch = bench.client(), follow = bench.client(), list = bench.client();
  watch.request("GET", "/v1/watch");
  const auto watching = waiting.next();
  follow.request("GET", "/v1/logs/system?follow=true");
  const auto following = waiting.next();
  list.request("GET", "/v1/networks", {}, "Accept: application/x-ndjson\r\n");
  const auto listing = waiting.next();
  for (const auto& each : {watching, following, listing}) {
    each->start_stream();
    CHECK(each->line("one"));
  }
  std::thread stopper([&] { bench.server->stop(std::chrono::seconds(20)); });
  for (auto* client : {&watch, &follow}) {
    const auto answer = client->read();
    CHECK(answer.is_complete);
    CHECK(answer.body.starts_with("one\n{\"error\":"));
    CHECK(answer.body.find("\"unavailable\"") != std::string::npos);
  }
  CHECK(listing->line("two"));
  listing->end_stream();
  const auto answer = list.read();
  CHECK(answer.is_complete);
  CHECK(answer.body == "one\ntwo\n");
  stopper.join();
  CHECK_FALSE(watching->line("x"));
}

TEST_SUITE_END();
