#include "daemon/control/exchange.hpp"

#include "common/control/api.hpp"

#include <doctest/doctest.h>

using namespace jl;
using namespace jl::control;
using State = Exchange::State;

namespace {

struct Desk {
  std::shared_ptr<std::atomic<std::size_t>> streams = std::make_shared<std::atomic<std::size_t>>(0);
  int told = 0;
  std::shared_ptr<Exchange> exchange = std::make_shared<Exchange>("req-1", streams, [this] { ++told; });
  std::shared_ptr<Responder> responder = exchange->responder();
};

}  // namespace

TEST_SUITE_BEGIN("control.exchange");

TEST_CASE("the first answer counts, and the connection is told once") {
  Desk desk;
  desk.responder->json(201, {{"a", 1}});
  desk.responder->text(200, "text/plain", "late");
  desk.responder->problem(Error(Errc::busy, "late"));
  desk.responder->start_stream();
  CHECK_FALSE(desk.responder->line("late"));
  CHECK(desk.told == 1);
  CHECK(desk.exchange->poll(99).state == State::replied);
  const Reply reply = desk.exchange->take_reply();
  CHECK(reply.status == 201);
  CHECK(reply.body == "{\"a\":1}");
  CHECK_FALSE(reply.code.has_value());
}

TEST_CASE("a responder that is dropped answers with an internal error") {
  Desk desk;
  SUBCASE("before any answer") {
    desk.responder.reset();
    CHECK(desk.exchange->poll(99).state == State::replied);
    const Reply reply = desk.exchange->take_reply();
    CHECK(reply.status == 500);
    CHECK(reply.code == Errc::failed);
    CHECK(from_problem(reply.body, 500).code == Errc::failed);
  }
  SUBCASE("in a stream") {
    desk.responder->start_stream();
    desk.responder.reset();
    const auto news = desk.exchange->poll(4096);
    CHECK(news.lines.starts_with("{\"error\":{"));
    CHECK(news.lines.ends_with("\n"));
    CHECK(desk.exchange->poll(4096).state == State::stream_ended);
    CHECK(desk.exchange->stream_error()->code == Errc::failed);
  }
}

TEST_CASE("a stream is polled in pieces and ends after its last byte") {
  Desk desk;
  desk.responder->start_stream();
  CHECK(desk.responder->line("abc"));
  CHECK(desk.responder->line("defg"));
  desk.responder->end_stream();
  CHECK_FALSE(desk.responder->line("late"));
  std::string all;
  for (;;) {
    const auto news = desk.exchange->poll(2);
    all += news.lines;
    desk.exchange->sent(news.lines.size());
    if (news.state == State::stream_ended) break;
    REQUIRE(news.state == State::streaming);
    REQUIRE(all.size() < 100);
  }
  CHECK(all == "abc\ndefg\n");
  CHECK(desk.responder->queued() == 0);
}

TEST_CASE("droppable lines are dropped at 1 MiB, others cut the stream at 64 MiB") {
  Desk desk;
  desk.responder->start_stream();
  const std::string line((1u << 18u) - 1, 'x');
  for (int i = 0; i < 4; ++i) CHECK(desk.responder->line(line, true));
  CHECK_FALSE(desk.responder->line(line, true));
  const auto news = desk.exchange->poll(1u << 19u);
  CHECK_FALSE(desk.responder->line(line, true));  // taken is not yet sent
  desk.exchange->sent(news.lines.size());
  CHECK(desk.responder->line(line, true));
  std::size_t taken = 0;
  while (desk.responder->line(line)) ++taken;
  CHECK(taken == 64 * 4 - 3);
  CHECK(desk.exchange->poll(1).is_cut);
  CHECK_FALSE(desk.responder->line("x"));
}

TEST_CASE("going away is told once, at once when it has happened, and not after the end") {
  Desk desk;
  int calls = 0;
  SUBCASE("before the end") {
    desk.responder->on_gone([&] { ++calls; });
    desk.exchange->set_gone();
    desk.exchange->set_gone();
    CHECK(calls == 1);
    desk.responder->on_gone([&] { ++calls; });
    CHECK(calls == 2);
  }
  SUBCASE("after the end") {
    auto held = std::make_shared<int>(0);
    desk.responder->on_gone([&, held] { ++calls; });
    desk.responder->json(200, nullptr);
    CHECK(held.use_count() == 1);  // the callback is let go of
    desk.exchange->set_gone();
    CHECK(calls == 0);
  }
  SUBCASE("in a stream") {
    desk.responder->start_stream();
    desk.responder->on_gone([&] { ++calls; });
    desk.exchange->set_gone();
    CHECK_FALSE(desk.responder->line("x"));
    CHECK(calls == 1);
  }
}

TEST_CASE("no more streams than allowed; a place is free again when one is over") {
  auto streams = std::make_shared<std::atomic<std::size_t>>(kMaxStreams - 1);
  const auto first = std::make_shared<Exchange>("1", streams, [] {});
  const auto second = std::make_shared<Exchange>("2", streams, [] {});
  const auto one = first->responder(), two = second->responder();
  one->start_stream();
  two->start_stream();
  CHECK(first->poll(1).state == State::streaming);
  CHECK(second->poll(1).state == State::replied);
  CHECK(second->poll(1).is_cut);
  CHECK(second->take_reply().code == Errc::busy);
  CHECK_FALSE(two->line("x"));
  first->detach();
  CHECK(*streams == kMaxStreams - 1);
}

TEST_CASE("after detaching nobody is told any more") {
  Desk desk;
  desk.exchange->detach();
  desk.responder->notes({"network/a", 1, 2});
  desk.responder->json(200, nullptr);
  desk.responder.reset();
  CHECK(desk.told == 0);
  CHECK(desk.exchange->notes().object == "network/a");
}

TEST_SUITE_END();
