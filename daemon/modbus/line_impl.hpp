#pragma once
// The insides of a line. Private to it: line.cpp is what its owner calls, line_impl.cpp what comes of it.
#include "daemon/modbus/line.hpp"
#include "daemon/modbus/line_breaker.hpp"
#include "daemon/modbus/line_queue.hpp"

#include <algorithm>
#include <deque>
#include <map>
#include <random>
#include <vector>

namespace jl::modbus {

struct Line::Impl {
  /// What a line knows of a unit.
  struct Unit {
    UnitBreaker breaker;
    UnitStats stats;
    Millis paused_until = 0;  // error_delay
    Millis held_until = 0;    // RTU: an answer to `held_for` may still come
    wire::modbus::Function held_for = wire::modbus::Function::read_coils;
    std::size_t in_flight = 0, writes_in_flight = 0;
  };

  /// A request that was sent.
  struct Sent {
    Order order;
    std::uint16_t transaction = 0;
    Millis at = 0, timeout = 0;
    bool counts = true;   // in the window
    bool probe = false;   // of an open breaker
    bool strays = false;  // an answer came that does not fit
    [[nodiscard]] Millis deadline() const { return at + timeout; }
  };

  /// An outcome that is still to be told.
  struct Ended {
    std::function<void(const Outcome&)> done;
    Outcome outcome;
  };

  Impl(const LineOptions& given, LineHouse& owner, std::uint32_t seed);

  /// Does what a call asks for, then sends what may go and tells what ended, until there is neither. A call from within
  /// an outcome, or from within the house, only does its own part: nothing here runs within itself.
  template <class Work>
  void turn(Millis time, Work&& work) {
    now = std::max(now, time);
    if (running) return work();
    running = true;
    work();
    do send_what_may_go();
    while (tell());
    running = false;
  }

  bool tell();
  void end(Order& order, Outcome outcome) { ended.push_back({std::move(order.done), std::move(outcome)}); }

  // Sending
  bool may_go(const Order& order);
  /// Whether a request does not count in the window: the unit may not be there.
  bool goes_beside(const Order& order, const Unit& unit) const;
  void send_what_may_go();
  void send(Order order);
  std::uint16_t next_transaction();

  // Receiving
  void take(const wire::modbus::Frame& frame);
  void on_answer(Sent& sent, const wire::modbus::Reply& reply);
  void on_stray(const wire::modbus::Frame& frame);
  void flush_silence();
  void feed(std::string_view bytes);

  // Ends
  Sent take_out(std::vector<Sent>::iterator place);
  void expire();
  void on_timeout(Sent sent);
  void on_unanswered(Unit& unit, const Sent& sent);
  void skip(Order& order);
  void end_all(Outcome::Kind kind, const std::string& problem);
  void ask_to_reconnect(std::string why);
  std::size_t window() const { return std::max<std::size_t>(options.max_in_flight, 1); }
  void pause(Unit& unit) const { unit.paused_until = now + options.error_delay; }

  LineOptions options;
  LineHouse& house;
  std::minstd_rand random;
  std::uint16_t transaction;
  std::unique_ptr<wire::modbus::Framer> framer;
  wire::modbus::Framer::Take on_frame = [this](const wire::modbus::Frame& frame) { take(frame); };
  LineQueue queue;
  std::vector<Sent> in_flight;
  std::size_t counted = 0;  // of in_flight, those in the window
  std::deque<Ended> ended;
  std::map<std::uint8_t, Unit> units;
  LineStats stats;
  Millis now = 0;
  Millis free_at = 0;  // of the whole line: request_delay, broadcast_delay
  Millis last_byte_at = 0;
  unsigned silent_timeouts = 0;
  std::size_t unasked = 0;  // bytes since the last answer
  bool open = false, running = false;
  bool reconnecting = false;  // the house was asked to
  bool broken = false;        // the stream cannot be followed any more
};

}  // namespace jl::modbus
