#pragma once
// A line whose bytes and outcomes are kept, and whose time is the test's.
#include "common/base/hex.hpp"
#include "daemon/modbus/line.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

namespace jl::modbus::line_test {

using wire::modbus::Function;
using wire::modbus::Request;
using Kind = Outcome::Kind;
using Words = std::vector<std::string>;

inline std::string_view to_string(Kind kind) {
  constexpr std::string_view kWords[] = {"ok", "exception", "timeout", "malformed", "skipped", "closed", "cancelled"};
  return kWords[static_cast<std::size_t>(kind)];
}

inline Request read_one(std::uint16_t address = 0, std::uint16_t count = 1) {
  return {.function = Function::read_holding_registers, .address = address, .count = count};
}
inline Request write_one(std::uint16_t address = 0) {
  return {.function = Function::write_single_register, .address = address, .data = std::string("\x12\x34", 2)};
}

class RecordingHouse final : public LineHouse {
 public:
  void send(std::string_view frame) override {
    sent.emplace_back(frame);
    if (on_send) on_send();
  }
  void reconnect(std::string why) override {
    reconnects.push_back(std::move(why));
    if (on_reconnect) on_reconnect();
  }
  std::vector<std::string> sent;
  Words reconnects;
  std::function<void()> on_send, on_reconnect;
};

/// A line that is open at time 1000. What a request came to is noted under its name: "a ok", "b timeout".
class LineBench {
 public:
  explicit LineBench(const LineOptions& options = {}, std::uint32_t seed = 7)
      : rtu(options.rtu), line(options, house, seed) {
    line.on_open(now);
  }

  Order order(const std::string& name, std::uint8_t unit, Priority priority, const Request& request) {
    Order order{.unit = unit, .request = request, .priority = priority};
    order.done = [this, name](const Outcome& outcome) {
      ended.push_back(name + " " + std::string(to_string(outcome.kind)));
      last = outcome;
      data = to_hex(outcome.data);
      last.data = {};
      if (on_end) on_end(name, outcome);
    };
    return order;
  }
  Status poll(const std::string& name, std::uint8_t unit, const Request& request = read_one()) {
    return line.submit(now, order(name, unit, Priority::poll, request));
  }
  Status read(const std::string& name, std::uint8_t unit, const Request& request = read_one()) {
    return line.submit(now, order(name, unit, Priority::read, request));
  }
  Status write(const std::string& name, std::uint8_t unit, const Request& request = write_one()) {
    return line.submit(now, order(name, unit, Priority::write, request));
  }

  /// Lets time pass; the line is called whenever it wants to be, and must not want it for nothing.
  void pass(Millis time) {
    const Millis end = now + time;
    for (int calls = 0; line.next_time() <= end; ++calls) {
      REQUIRE(calls < 10'000);
      REQUIRE((line.next_time() > now || calls == 0));
      now = std::max(now, line.next_time());
      line.on_time(now);
    }
    now = end;
  }

  /// Unit and PDU of the request that was sent `back` before the last one: "1/0300000001".
  [[nodiscard]] std::string sent(std::size_t back = 0) const {
    const std::string& frame = house.sent.at(house.sent.size() - 1 - back);
    const std::string pdu = rtu ? frame.substr(1, frame.size() - 3) : frame.substr(7);
    return std::to_string(unit_of(back)) + "/" + to_hex(pdu);
  }
  [[nodiscard]] std::uint8_t unit_of(std::size_t back = 0) const {
    return static_cast<std::uint8_t>(house.sent.at(house.sent.size() - 1 - back)[rtu ? 0 : 6]);
  }
  [[nodiscard]] std::uint16_t transaction_of(std::size_t back = 0) const {
    const std::string& frame = house.sent.at(house.sent.size() - 1 - back);
    return static_cast<std::uint16_t>(static_cast<std::uint8_t>(frame[0]) << 8u | static_cast<std::uint8_t>(frame[1]));
  }
  /// The units of all that was sent, in order.
  [[nodiscard]] std::vector<int> units_sent() const {
    std::vector<int> units;
    for (std::size_t back = house.sent.size(); back-- > 0;) units.push_back(unit_of(back));
    return units;
  }

  void bytes(std::string_view raw) { line.on_bytes(now, raw); }
  [[nodiscard]] std::string frame(std::uint16_t transaction, std::uint8_t unit, std::string_view pdu) const {
    return rtu ? wire::modbus::rtu_frame(unit, pdu) : wire::modbus::tcp_frame(transaction, unit, pdu);
  }
  /// Answers a request that was sent, as its unit; the PDU in hex.
  void answer(std::string_view hex, std::size_t back = 0) {
    bytes(frame(rtu ? std::uint16_t{0} : transaction_of(back), unit_of(back), from_hex(hex).value()));
  }
  /// With one register of value 7, or the echo of write_one().
  void answer_well(std::size_t back = 0) {
    const std::string request = sent(back);
    const std::string pdu = request.substr(request.find('/') + 1);
    answer(pdu.starts_with("03") ? "03020007" : pdu, back);
  }
  /// Polls a unit that does not answer so many times; bytes of another one show that the connection is well.
  void lose(std::uint8_t unit, unsigned times) {
    for (unsigned i = 0; i < times; ++i) {
      const std::size_t before = house.sent.size();
      REQUIRE(poll("lost", unit).has_value());
      pass(4'000);
      REQUIRE(house.sent.size() == before + 1);
      REQUIRE(ended.back() == "lost timeout");
      bytes(frame(0, 200, "\x03\x02xx"));
    }
  }
  [[nodiscard]] UnitState state(std::uint8_t unit) const {
    for (const UnitState& state : line.units()) {
      if (state.unit == unit) return state;
    }
    return {};
  }

  bool rtu;
  Millis now = 1'000;
  RecordingHouse house;
  Line line;
  Words ended;
  Outcome last;
  std::string data;
  std::function<void(const std::string&, const Outcome&)> on_end;
};

}  // namespace jl::modbus::line_test
