#include "tests/unit/daemon/modbus/line_support.hpp"

namespace jl::modbus {
namespace {
using namespace line_test;

LineOptions with_window(std::size_t window) {
  LineOptions options;
  options.max_in_flight = window;
  return options;
}

}  // namespace

TEST_SUITE("modbus.line") {
  TEST_CASE("a request goes out at once, and its answer ends it with data and round trip") {
    LineBench bench;
    REQUIRE(bench.poll("a", 5, read_one(0x6B, 2)).has_value());
    CHECK(bench.sent() == "5/03006b0002");
    CHECK(bench.line.in_flight() == 1);
    CHECK(bench.line.next_time() == 3'000);
    bench.pass(40);
    bench.answer("03 04 0102 0304");
    CHECK(bench.ended == Words{"a ok"});
    CHECK(bench.data == "01020304");
    CHECK(bench.last.rtt == 40);
    CHECK(bench.last.problem.empty());
    CHECK(bench.line.in_flight() == 0);
    CHECK(bench.line.next_time() == Line::kNever);
    const LineStats& stats = bench.line.stats();
    CHECK(stats.requests == 1);
    CHECK(stats.replies == 1);
    CHECK(stats.sent_bytes == 12);
    CHECK(stats.received_bytes == 13);
    CHECK(stats.rtt.last() == 40);
    CHECK(bench.state(5).stats.replies == 1);
    CHECK(bench.state(5).stats.rtt.count() == 1);
  }

  TEST_CASE("writes of people go before their reads, these before polls, each in their order (operations.md 2.5: 1)") {
    LineBench bench;
    REQUIRE(bench.poll("first", 1).has_value());
    REQUIRE(bench.poll("p1", 1).has_value());
    REQUIRE(bench.read("r1", 1).has_value());
    REQUIRE(bench.read("r2", 1).has_value());
    REQUIRE(bench.write("w1", 1, write_one(1)).has_value());
    REQUIRE(bench.write("w2", 2).has_value());
    REQUIRE(bench.write("w3", 1, write_one(3)).has_value());
    CHECK(bench.line.waiting() == 6);
    for (int i = 0; i < 7; ++i) bench.answer_well();
    CHECK(bench.ended == Words{"first ok", "w1 ok", "w2 ok", "w3 ok", "r1 ok", "r2 ok", "p1 ok"});
  }

  TEST_CASE("polls: units take turns, whatever each of them has waiting (operations.md 2.5: 1)") {
    LineBench bench;
    for (int i = 0; i < 5; ++i) REQUIRE(bench.poll("a", 1).has_value());
    for (int i = 0; i < 2; ++i) REQUIRE(bench.poll("b", 2).has_value());
    REQUIRE(bench.poll("c", 3).has_value());
    for (int i = 0; i < 8; ++i) bench.answer_well();
    CHECK(bench.units_sent() == std::vector<int>{1, 2, 3, 1, 2, 1, 1, 1});
  }

  TEST_CASE("no more than the window is in flight, and answers may come in any order") {
    LineBench bench(with_window(3));
    for (const auto* name : {"a", "b", "c", "d", "e"}) REQUIRE(bench.poll(name, 1).has_value());
    CHECK(bench.line.in_flight() == 3);
    bench.answer_well(0);  // c
    CHECK(bench.ended == Words{"c ok"});
    CHECK(bench.line.in_flight() == 3);
    bench.answer_well(3);  // a
    bench.answer_well(3);  // b
    CHECK(bench.ended == Words{"c ok", "a ok", "b ok"});
    CHECK(bench.line.waiting() == 0);
  }

  TEST_CASE("transaction ids grow, wrap, and pass over those in flight") {
    LineBench bench(with_window(2), 0xFFFE);
    REQUIRE(bench.read("slow", 1).has_value());
    CHECK(bench.transaction_of() == 0xFFFF);
    std::uint16_t want = 0;
    for (int i = 0; i < 65'535; ++i) {
      REQUIRE(bench.read("a", 2).has_value());
      if (bench.transaction_of() != want++) FAIL("id out of order after ", i);
      bench.answer_well();
    }
    REQUIRE(bench.read("b", 2).has_value());
    CHECK(bench.transaction_of() == 0);
  }

  TEST_CASE("two writes to one unit are never under way at once, and nothing overtakes them there") {
    LineBench bench(with_window(4));
    REQUIRE(bench.write("w1", 1).has_value());
    REQUIRE(bench.write("w2", 1).has_value());
    REQUIRE(bench.read("r", 1).has_value());
    REQUIRE(bench.poll("p", 1).has_value());
    REQUIRE(bench.write("other", 2).has_value());
    CHECK(bench.units_sent() == std::vector<int>{1, 2});
    bench.answer_well(1);
    CHECK(bench.units_sent() == std::vector<int>{1, 2, 1, 1, 1});
    CHECK(bench.sent(2) == "1/0600001234");
  }

  TEST_CASE("without an answer in time a request ends as timeout, and the next one goes out") {
    LineBench bench;
    REQUIRE(bench.poll("a", 1).has_value());
    REQUIRE(bench.poll("b", 2).has_value());
    bench.pass(1'999);
    CHECK(bench.ended.empty());
    bench.pass(1);
    CHECK(bench.ended == Words{"a timeout"});
    CHECK(bench.last.problem == "no answer within 2000 ms");
    CHECK(bench.units_sent() == std::vector<int>{1, 2});
    CHECK(bench.line.stats().timeouts == 1);
    CHECK(bench.state(1).unanswered == 1);

    Order own = bench.order("c", 3, Priority::read, read_one());
    own.timeout = 500;
    bench.answer_well();
    REQUIRE(bench.line.submit(bench.now, std::move(own)).has_value());
    bench.pass(500);
    CHECK(bench.ended.back() == "c timeout");
    CHECK(bench.last.problem == "no answer within 500 ms");
  }

  TEST_CASE("late, doubled and foreign answers are dropped and counted (operations.md 2.5: 6)") {
    LineBench bench;
    REQUIRE(bench.poll("a", 1).has_value());
    const std::uint16_t first = bench.transaction_of();
    bench.pass(2'000);
    REQUIRE(bench.poll("b", 1).has_value());
    const std::uint16_t second = bench.transaction_of();
    const std::string pdu = from_hex("03 02 0007").value();
    bench.bytes(bench.frame(first, 1, pdu));                                   // late
    bench.bytes(bench.frame(static_cast<std::uint16_t>(second + 1), 1, pdu));  // never asked for
    bench.bytes(bench.frame(second, 2, pdu));                                  // of another unit
    bench.bytes(bench.frame(second, 1, from_hex("04 02 0007").value()));       // of another function
    bench.bytes(bench.frame(second, 1, from_hex("84 02").value()));
    CHECK(bench.line.stats().late == 5);
    CHECK(bench.line.in_flight() == 1);
    bench.bytes(bench.frame(second, 1, pdu));
    CHECK(bench.ended == Words{"a timeout", "b ok"});
    bench.bytes(bench.frame(second, 1, pdu));  // doubled
    CHECK(bench.line.stats().late == 6);
    CHECK(bench.line.stats().malformed == 0);

    REQUIRE(bench.poll("c", 1).has_value());
    bench.bytes(bench.frame(bench.transaction_of(), 2, pdu));
    bench.pass(2'000);
    CHECK(bench.last.problem == "no answer within 2000 ms, only one that does not fit");
  }

  TEST_CASE("exceptions end a request with their code and text, and are counted by code") {
    LineBench bench;
    REQUIRE(bench.poll("a", 1).has_value());
    bench.answer("83 02");
    CHECK(bench.ended == Words{"a exception"});
    CHECK(bench.last.exception == 2);
    CHECK(bench.last.problem == "illegal data address (2)");
    REQUIRE(bench.poll("b", 1).has_value());
    bench.answer("83 4D");
    CHECK(bench.last.problem == "exception 77");
    CHECK(bench.line.stats().exceptions[2] == 1);
    CHECK(bench.line.stats().exceptions[0] == 1);
    CHECK(bench.state(1).stats.exceptions == 2);
    CHECK(bench.state(1).unanswered == 0);
  }

  TEST_CASE("an answer to the request that does not fit it ends it as malformed") {
    LineBench bench;
    REQUIRE(bench.poll("a", 1).has_value());
    bench.answer("03 04 0000 0000");
    CHECK(bench.ended == Words{"a malformed"});
    CHECK_FALSE(bench.last.problem.empty());
    CHECK(bench.line.stats().malformed == 1);
    CHECK(bench.state(1).stats.malformed == 1);
  }

  TEST_CASE("request_delay keeps the line quiet after each end, error_delay only the unit at fault") {
    LineOptions options;
    options.request_delay = 30;
    options.error_delay = 500;
    LineBench bench(options);
    for (const int unit : {1, 1, 2}) REQUIRE(bench.poll("p", static_cast<std::uint8_t>(unit)).has_value());
    bench.answer("83 06");
    bench.pass(29);
    CHECK(bench.units_sent() == std::vector<int>{1});
    bench.pass(1);
    CHECK(bench.units_sent() == std::vector<int>{1, 2});
    bench.answer_well();
    REQUIRE(bench.write("w", 1).has_value());
    bench.pass(469);
    CHECK(bench.house.sent.size() == 2);
    bench.pass(1);
    CHECK(bench.sent() == "1/0600001234");
  }

  TEST_CASE("a broadcast is a write, ends when it is sent, and keeps the line quiet (serial line §2.4.1)") {
    LineBench bench;
    REQUIRE(bench.write("all", 0).has_value());
    CHECK(bench.ended == Words{"all ok"});
    CHECK(bench.sent() == "0/0600001234");
    REQUIRE(bench.read("r", 1).has_value());
    CHECK(bench.house.sent.size() == 1);
    bench.pass(99);
    CHECK(bench.house.sent.size() == 1);
    bench.pass(1);
    CHECK(bench.house.sent.size() == 2);
    const Status status = bench.read("none", 0);
    REQUIRE(status.has_error());
    CHECK(status.error().code == Errc::invalid);
    for (const UnitState& state : bench.line.units()) CHECK(state.unit != 0);
  }

  TEST_CASE("an answer does not cut short the quiet after a broadcast") {
    LineBench bench(with_window(2));
    REQUIRE(bench.read("a", 1).has_value());
    REQUIRE(bench.write("all", 0).has_value());
    bench.answer_well(1);
    REQUIRE(bench.read("b", 1).has_value());
    CHECK(bench.ended == Words{"all ok", "a ok"});
    bench.pass(99);
    CHECK(bench.house.sent.size() == 2);
    bench.pass(1);
    CHECK(bench.house.sent.size() == 3);
  }

  TEST_CASE("what cannot be queued is refused, and its outcome never comes") {
    LineBench bench;
    const Status bad = bench.read("bad", 1, read_one(0, 126));
    REQUIRE(bad.has_error());
    CHECK(bad.error().code == Errc::invalid);
    for (std::size_t i = 0; i <= Line::kMaxWaiting; ++i) REQUIRE(bench.read("r", 1).has_value());
    for (const Status& status : {bench.read("more", 1), bench.write("more", 2)}) {
      REQUIRE(status.has_error());
      CHECK(status.error().code == Errc::busy);
    }
    CHECK(bench.poll("p", 1).has_value());
    CHECK(bench.ended.empty());
    bench.line.on_closed(bench.now, "gone");
    CHECK(bench.ended.size() == Line::kMaxWaiting + 2);
    const Status closed = bench.poll("late", 1);
    REQUIRE(closed.has_error());
    CHECK(closed.error().code == Errc::connection_lost);
    CHECK(bench.ended.size() == Line::kMaxWaiting + 2);
  }

  TEST_CASE("the end of a connection ends everything with its reason, and the next one begins empty") {
    LineBench bench;
    for (const auto* name : {"a", "b"}) REQUIRE(bench.poll(name, 1).has_value());
    REQUIRE(bench.write("w", 1).has_value());
    bench.bytes(std::string("\0\x08\0", 3));  // the begin of a frame
    bench.line.on_closed(bench.now, "reset by peer");
    CHECK(bench.ended == Words{"a closed", "w closed", "b closed"});
    CHECK(bench.last.problem == "reset by peer");
    CHECK_FALSE(bench.line.is_open());
    CHECK(bench.line.next_time() == Line::kNever);
    bench.line.on_open(bench.now);
    REQUIRE(bench.poll("c", 1).has_value());
    bench.answer_well();
    CHECK(bench.ended.back() == "c ok");
  }

  TEST_CASE("clear cancels what waits and what is in flight; a late answer to it is dropped") {
    LineBench bench;
    REQUIRE(bench.poll("a", 1).has_value());
    REQUIRE(bench.read("b", 1).has_value());
    bench.line.clear();
    CHECK(bench.ended == Words{"a cancelled", "b cancelled"});
    bench.answer_well();
    CHECK(bench.line.stats().late == 1);
    CHECK(bench.line.next_time() == Line::kNever);
  }

  TEST_CASE("an outcome may submit again, clear, or find the connection gone") {
    LineBench bench;
    int left = 1'000;
    bench.on_end = [&](const std::string&, const Outcome&) {
      if (left-- > 0) CHECK(bench.poll("again", 1).has_value());
    };
    REQUIRE(bench.poll("first", 1).has_value());
    while (bench.line.in_flight() != 0) bench.answer_well();
    CHECK(bench.ended.size() == 1'001);

    SUBCASE("submitting within a house that answers within send()") {
      left = 1'000;
      bench.house.on_send = [&] { bench.answer_well(); };
      REQUIRE(bench.poll("first", 1).has_value());
      CHECK(bench.ended.size() == 2'002);
    }
    SUBCASE("the connection ends within an outcome, with frames left in the same read") {
      bench.on_end = [&](const std::string&, const Outcome& outcome) {
        if (outcome.kind == Kind::ok) bench.line.on_closed(bench.now, "closed by the test");
        CHECK(bench.poll("never", 1).has_error());
      };
      bench.ended.clear();
      REQUIRE(bench.poll("a", 1).has_value());
      REQUIRE(bench.poll("b", 1).has_value());
      const std::string reply = bench.frame(bench.transaction_of(), 1, from_hex("03 02 0007").value());
      bench.bytes(reply + reply + reply.substr(0, 5));
      CHECK(bench.ended == Words{"a ok", "b closed"});
      bench.on_end = nullptr;
      bench.line.on_open(bench.now);
      REQUIRE(bench.poll("c", 1).has_value());
      bench.answer_well();
      CHECK(bench.ended.back() == "c ok");
    }
    SUBCASE("clearing within an outcome") {
      bench.on_end = [&](const std::string& name, const Outcome&) {
        if (name == "a") bench.line.clear();
      };
      bench.ended.clear();
      for (const auto* name : {"a", "b", "c"}) REQUIRE(bench.poll(name, 1).has_value());
      bench.answer_well();
      CHECK(bench.ended == Words{"a ok", "b cancelled", "c cancelled"});
    }
    SUBCASE("sending ends the connection") {
      bench.house.on_send = [&] { bench.line.on_closed(bench.now, "cannot send"); };
      bench.ended.clear();
      REQUIRE(bench.poll("a", 1).has_value());
      CHECK(bench.ended == Words{"a closed"});
    }
  }

  TEST_CASE("bytes that cannot be Modbus TCP have the house connect anew, once") {
    LineBench bench(with_window(2));
    REQUIRE(bench.poll("a", 1).has_value());
    bench.bytes("HTTP/1.1 400 Bad Request\r\n");
    CHECK(bench.house.reconnects.size() == 1);
    bench.bytes("HTTP/1.1 400 Bad Request\r\n");
    bench.answer_well();
    CHECK(bench.house.reconnects.size() == 1);
    CHECK(bench.ended.empty());
    REQUIRE(bench.poll("b", 1).has_value());
    CHECK(bench.house.sent.size() == 1);  // nothing more is sent on it
    bench.line.on_closed(bench.now, "not Modbus");
    CHECK(bench.ended == Words{"a closed", "b closed"});
  }

  TEST_CASE("timeouts in a row without a byte have the house connect anew, once until it did (operations.md 2.5: 5)") {
    LineBench bench;
    for (std::uint8_t unit = 1; unit <= 5; ++unit) {
      REQUIRE(bench.read("r", unit).has_value());
      bench.answer_well();
    }
    const auto time_out = [&](std::uint8_t unit) {
      REQUIRE(bench.read("r", unit).has_value());
      bench.pass(2'000);
    };
    time_out(1);
    time_out(2);
    bench.bytes(bench.frame(0, 9, "\x03\x02xx"));  // something lives
    time_out(3);
    time_out(4);
    CHECK(bench.house.reconnects.empty());
    time_out(5);
    CHECK(bench.house.reconnects.size() == 1);
    bench.pass(10'000);
    CHECK(bench.house.reconnects.size() == 1);
    bench.line.on_closed(bench.now, "half-open");
    bench.line.on_open(bench.now);
    time_out(1);
    time_out(1);
    CHECK(bench.house.reconnects.size() == 1);

    bench.house.on_reconnect = [&] {  // may end the connection at once
      bench.line.on_closed(bench.now, "half-open");
      bench.line.on_open(bench.now);
    };
    time_out(1);
    CHECK(bench.house.reconnects.size() == 2);
    REQUIRE(bench.read("well", 1).has_value());
    bench.answer_well();
    CHECK(bench.ended.back() == "well ok");
  }

  TEST_CASE("who looks for units finds many silent ones on a connection that is well (operations.md 2.5: 5)") {
    LineBench bench;
    for (std::uint8_t unit = 1; unit < 10; ++unit) {
      REQUIRE(bench.read("r", unit).has_value());
      bench.pass(2'000);
    }
    CHECK(bench.house.reconnects.empty());
    for (int i = 0; i < 3; ++i) {
      REQUIRE(bench.poll("p", 1).has_value());
      bench.pass(70'000);
    }
    CHECK(bench.house.reconnects.size() == 1);
  }

  TEST_CASE("a peer that floods is given up; one that answers in between is not (operations.md 2.5: 6)") {
    for (const bool rtu : {false, true}) {
      CAPTURE(rtu);
      LineBench bench({.rtu = rtu});
      std::string flood;
      while (flood.size() < Line::kMaxUnasked * 3 / 4) flood += bench.frame(0, 9, "\x03\x02xx");
      bench.bytes(flood);
      REQUIRE(bench.read("well", 1).has_value());
      bench.answer_well();
      bench.bytes(flood);
      CHECK(bench.house.reconnects.empty());
      bench.bytes(flood);
      CHECK(bench.house.reconnects == Words{"it sends without an end what nobody asked for"});
      bench.bytes(flood);
      CHECK(bench.house.reconnects.size() == 1);
    }
  }

  TEST_CASE("a unit that did not answer keeps nobody else waiting over TCP (operations.md 2.5: 7)") {
    LineBench bench;
    bench.lose(9, 1);
    REQUIRE(bench.poll("dead", 9).has_value());
    REQUIRE(bench.poll("dead", 9).has_value());
    CHECK(bench.line.in_flight() == 1);  // one at a time
    for (int i = 0; i < 10; ++i) {
      REQUIRE(bench.poll("live", 1).has_value());
      bench.answer_well();
    }
    CHECK(bench.ended.size() == 11);
    CHECK(bench.line.in_flight() == 1);
    CHECK(bench.line.waiting() == 1);
  }

  TEST_CASE("who looks for units keeps nobody waiting over TCP: reads of unknown ones go besides the window") {
    LineBench bench;
    REQUIRE(bench.read("scan", 9).has_value());
    REQUIRE(bench.poll("live", 1).has_value());
    CHECK(bench.line.in_flight() == 2);
    bench.answer_well();
    REQUIRE(bench.read("ask", 1).has_value());
    REQUIRE(bench.poll("live", 1).has_value());
    CHECK(bench.line.in_flight() == 2);  // this one has answered before: it counts
    // A write is never sent besides others.
    REQUIRE(bench.write("w", 8).has_value());
    CHECK(bench.line.in_flight() == 2);
  }

  TEST_CASE("at most 16 doubtful units are asked besides the window") {
    LineBench bench;
    for (std::uint8_t unit = 1; unit <= 20; ++unit) bench.lose(unit, 1);
    for (std::uint8_t unit = 1; unit <= 20; ++unit) REQUIRE(bench.read("r", unit).has_value());
    CHECK(bench.line.in_flight() == 16);
    REQUIRE(bench.poll("live", 100).has_value());
    CHECK(bench.line.in_flight() == 17);
    bench.answer_well(1);  // the last of the 16
    CHECK(bench.line.in_flight() == 17);
    CHECK(bench.line.waiting() == 3);
  }

  TEST_CASE("other options hold from the next request on, and the framing stays") {
    LineBench bench;
    REQUIRE(bench.poll("a", 1).has_value());
    LineOptions options;
    options.rtu = true;
    options.request_timeout = 300;
    options.max_in_flight = 2;
    bench.line.configure(options);
    REQUIRE(bench.poll("b", 2).has_value());
    CHECK(bench.line.in_flight() == 2);
    bench.pass(300);
    CHECK(bench.ended == Words{"b timeout"});
    bench.answer_well(1);
    CHECK(bench.ended.back() == "a ok");
  }
}

}  // namespace jl::modbus
