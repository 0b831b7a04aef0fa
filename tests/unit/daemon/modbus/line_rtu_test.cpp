#include "tests/unit/daemon/modbus/line_support.hpp"

namespace jl::modbus {
namespace {
using namespace line_test;

LineOptions rtu_options(std::size_t window = 1) {
  LineOptions options;
  options.rtu = true;
  options.max_in_flight = window;
  return options;
}

std::string hex(std::string_view text) { return from_hex(text).value(); }

}  // namespace

TEST_SUITE("modbus.line.rtu") {
  TEST_CASE("one request is in flight, whatever the window") {
    LineBench bench(rtu_options(8));
    for (const auto* name : {"a", "b"}) REQUIRE(bench.poll(name, 1).has_value());
    CHECK(bench.line.in_flight() == 1);
    CHECK(to_hex(bench.house.sent.back()) == "010300000001840a");
    bench.answer_well();
    bench.answer_well();
    CHECK(bench.ended == Words{"a ok", "b ok"});
  }

  TEST_CASE("a dead unit keeps the line for its timeout, others go before its next try") {
    LineBench bench(rtu_options());
    REQUIRE(bench.read("dead", 1).has_value());
    REQUIRE(bench.read("dead", 1).has_value());
    REQUIRE(bench.poll("live", 2).has_value());
    bench.pass(2'000);
    CHECK(bench.units_sent() == std::vector<int>{1, 2});
    bench.answer_well();
    bench.pass(1'999);
    CHECK(bench.house.sent.size() == 2);
    bench.pass(1);  // as much time again has passed
    CHECK(bench.units_sent() == std::vector<int>{1, 2, 1});
  }

  TEST_CASE("units that do not answer have the line made anew, but do not keep it from the others") {
    LineOptions options = rtu_options();
    options.breaker = model::ModbusBreaker::ignore;
    LineBench bench(options);
    const auto poll_all = [&] {
      for (std::uint8_t unit = 1; unit <= 5; ++unit) REQUIRE(bench.poll("p", unit).has_value());
    };
    bench.house.on_reconnect = [&] {
      bench.line.on_closed(bench.now, "half-open");
      bench.line.on_open(bench.now);
    };
    poll_all();
    bench.pass(6'000);
    CHECK(bench.house.reconnects.size() == 1);
    poll_all();  // the line is idle: the first one goes at once
    bench.pass(2'000);
    CHECK(bench.units_sent() == std::vector<int>{1, 2, 3, 1, 4});
  }

  TEST_CASE("after a timeout the unit is asked again as soon as its late answer came") {
    LineBench bench(rtu_options());
    REQUIRE(bench.poll("a", 1).has_value());
    bench.pass(2'000);
    REQUIRE(bench.poll("b", 1).has_value());
    CHECK(bench.house.sent.size() == 1);
    bench.pass(100);
    bench.bytes(bench.frame(0, 2, hex("03 02 0007")));  // another unit's, or another function's, is not it
    bench.bytes(bench.frame(0, 1, hex("04 02 0007")));
    CHECK(bench.house.sent.size() == 1);
    bench.bytes(bench.frame(0, 1, hex("03 02 0007")));
    CHECK(bench.line.stats().late == 3);
    CHECK(bench.house.sent.size() == 2);
    CHECK(bench.ended == Words{"a timeout"});
    bench.answer_well();
    CHECK(bench.ended.back() == "b ok");
  }

  TEST_CASE("an answer must fit the request that waits in unit, function and length") {
    LineBench bench(rtu_options());
    REQUIRE(bench.poll("a", 1, read_one(0, 2)).has_value());
    for (const auto* pdu : {"04 04 00000000", "84 02", "03 02 0000", "03 06 000000000000"}) {
      bench.bytes(bench.frame(0, 1, hex(pdu)));
    }
    bench.bytes(bench.frame(0, 2, hex("03 04 00000000")));
    CHECK(bench.line.stats().late == 5);
    CHECK(bench.ended.empty());
    SUBCASE("data") {
      bench.answer("03 04 00010002");
      CHECK(bench.ended == Words{"a ok"});
    }
    SUBCASE("an exception") {
      bench.answer("83 04");
      CHECK(bench.ended == Words{"a exception"});
    }
    SUBCASE("nothing") {
      bench.pass(2'000);
      CHECK(bench.last.problem == "no answer within 2000 ms, only one that does not fit");
    }
  }

  TEST_CASE("the echo of a write must be that of this write") {
    LineBench bench(rtu_options());
    REQUIRE(bench.write("w", 1).has_value());
    bench.answer("06 0001 1234");
    CHECK(bench.ended == Words{"w malformed"});
  }

  TEST_CASE("silence ends a frame: what is begun is forgotten (serial line §2.5.1.1)") {
    LineBench bench(rtu_options());
    const std::string reply = bench.frame(0, 1, hex("03 02 0007"));
    REQUIRE(bench.poll("a", 1).has_value());
    bench.bytes(reply.substr(0, 5));
    CHECK(bench.line.next_time() == bench.now + 50);
    SUBCASE("the owner's timer") {
      bench.pass(50);
      CHECK(bench.line.stats().garbage == 5);
    }
    SUBCASE("the next bytes, when no timer was in time") { bench.now += 50; }
    bench.bytes(reply);
    CHECK(bench.ended == Words{"a ok"});
    CHECK(bench.line.stats().garbage == 5);
  }

  TEST_CASE("bytes without silence between them are one frame, and silence brings up what noise had covered") {
    LineBench bench(rtu_options());
    const std::string reply = bench.frame(0, 1, hex("04 02 0007"));
    const Request request{.function = Function::read_input_registers};
    REQUIRE(bench.poll("a", 1, request).has_value());
    for (const char c : reply) {
      bench.bytes(std::string(1, c));
      bench.pass(49);
    }
    CHECK(bench.ended == Words{"a ok"});
    REQUIRE(bench.poll("b", 1, request).has_value());
    bench.bytes("\xFF" + reply);  // FF 01 04 would be the begin of 9 bytes
    CHECK(bench.ended.size() == 1);
    bench.pass(50);
    CHECK(bench.ended == Words{"a ok", "b ok"});
    CHECK(bench.line.stats().garbage == 1);
  }

  TEST_CASE("bytes are dropped when an answer that silence brought up ends the connection") {
    LineBench bench(rtu_options());
    bench.on_end = [&](const std::string&, const Outcome&) { bench.line.on_closed(bench.now, "closed by the test"); };
    REQUIRE(bench.poll("a", 1, {.function = Function::read_input_registers}).has_value());
    const std::string reply = bench.frame(0, 1, hex("04 02 0007"));
    bench.bytes("\xFF" + reply);
    bench.now += 50;
    bench.bytes(reply.substr(0, 5));
    CHECK(bench.ended == Words{"a ok"});
    CHECK(bench.line.stats().garbage == 1);
    bench.line.on_open(bench.now);
    CHECK(bench.line.next_time() == Line::kNever);  // nothing is begun
  }

  TEST_CASE("after clear the unit is held back as after a timeout") {
    LineBench bench(rtu_options());
    REQUIRE(bench.poll("a", 1).has_value());
    bench.pass(500);
    bench.line.clear();
    REQUIRE(bench.poll("b", 1).has_value());
    CHECK(bench.house.sent.size() == 1);
    bench.pass(1'500);
    CHECK(bench.house.sent.size() == 2);
  }

  TEST_CASE("a flood of nonsense costs bounded memory and changes nothing") {
    LineBench bench(rtu_options());
    REQUIRE(bench.poll("a", 1).has_value());
    std::string noise;
    std::uint32_t state = 1;
    for (int i = 0; i < 100'000; ++i) {  // below kMaxUnasked
      state = state * 1'664'525u + 1'013'904'223u;
      // Mostly what looks like the begin of a long reply of another unit.
      noise +=
          state >> 30u == 0 ? std::string("\x02\x03\xF0") : std::string(1, static_cast<char>(state >> 16u & 0x7Fu));
    }
    bench.bytes(noise);
    bench.pass(50);
    bench.answer_well();
    CHECK(bench.ended == Words{"a ok"});
    const LineStats& stats = bench.line.stats();
    CHECK(stats.received_bytes == noise.size() + 7);
    CHECK(stats.garbage > noise.size() - 260 * (stats.late + 1));
  }

  TEST_CASE("a broadcast holds the line") {
    LineBench bench(rtu_options());
    REQUIRE(bench.write("all", 0).has_value());
    CHECK(bench.ended == Words{"all ok"});
    REQUIRE(bench.write("one", 1).has_value());
    bench.pass(99);
    CHECK(bench.house.sent.size() == 1);
    bench.pass(1);
    CHECK(bench.house.sent.size() == 2);
  }
}

}  // namespace jl::modbus
