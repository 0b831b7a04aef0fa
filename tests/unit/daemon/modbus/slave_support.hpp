#pragma once
// A line and a poller against simulated slaves, with a clock that only the test moves.
#include "daemon/modbus/poller.hpp"

#include <doctest/doctest.h>

#include <map>
#include <random>
#include <set>

namespace jl::modbus::slave_support {

using model::ModbusArea;

/// One unit: what it holds, what it refuses, how long it thinks.
struct Unit {
  std::map<std::uint16_t, std::uint16_t> registers, inputs;  // 0 where nothing is
  std::set<std::uint16_t> coils, discrete;                   // those that are on
  std::set<std::uint32_t> illegal;                           // of registers and bits alike
  std::size_t most_at_once = 65536;                          // more are refused as well
  bool alive = true, keeps_writes = true;
  std::uint8_t exception = 0;  // to everything
  Millis delay = 1;
};

struct Asked {
  Millis at = 0;
  std::uint8_t unit = 0, function = 0;
  std::uint16_t address = 0, count = 0;
};

/// What units answer to a PDU; empty = nothing.
class Slaves {
 public:
  std::map<std::uint8_t, Unit> units;

  std::string answer(std::uint8_t to, std::string_view pdu) {
    Unit& unit = units[to];
    const auto function = byte(pdu, 0);
    if (unit.exception != 0) return refusal(function, unit.exception);
    const std::uint16_t address = word(pdu, 1);
    const std::uint16_t count = function == 5 || function == 6 || function == 22 ? 1 : word(pdu, 3);
    if (count > unit.most_at_once) return refusal(function, 3);
    for (std::uint32_t i = 0; i < count; ++i) {
      if (unit.illegal.contains(address + i)) return refusal(function, 2);
    }
    if (function <= 2) return read_bits(function, function == 1 ? unit.coils : unit.discrete, address, count);
    if (function <= 4) return read_words(function, function == 3 ? unit.registers : unit.inputs, address, count);
    if (unit.keeps_writes) write(unit, pdu, address, count);
    return std::string(pdu.substr(0, function == 22 ? 7 : 5));
  }

 private:
  static std::uint8_t byte(std::string_view pdu, std::size_t at) { return static_cast<std::uint8_t>(pdu.at(at)); }
  static std::uint16_t word(std::string_view pdu, std::size_t at) {
    return static_cast<std::uint16_t>(byte(pdu, at) << 8 | byte(pdu, at + 1));
  }
  static std::string refusal(std::uint8_t function, std::uint8_t code) {
    return {static_cast<char>(function | 0x80), static_cast<char>(code)};
  }
  static std::string read_bits(std::uint8_t function, const std::set<std::uint16_t>& on, std::uint16_t address,
                               std::uint16_t count) {
    std::string bits((count + 7U) / 8, '\0');
    for (std::uint16_t i = 0; i < count; ++i) {
      if (!on.contains(static_cast<std::uint16_t>(address + i))) continue;
      bits[i / 8U] = static_cast<char>(bits[i / 8U] | (1 << (i % 8)));
    }
    return std::string{static_cast<char>(function), static_cast<char>(bits.size())} + bits;
  }
  static std::string read_words(std::uint8_t function, const std::map<std::uint16_t, std::uint16_t>& words,
                                std::uint16_t address, std::uint16_t count) {
    std::string reply{static_cast<char>(function), static_cast<char>(count * 2)};
    for (std::uint16_t i = 0; i < count; ++i) {
      const auto found = words.find(static_cast<std::uint16_t>(address + i));
      const std::uint16_t value = found == words.end() ? std::uint16_t{0} : found->second;
      reply += static_cast<char>(value >> 8);
      reply += static_cast<char>(value & 0xFF);
    }
    return reply;
  }
  static void set_coil(Unit& unit, std::uint16_t address, bool on) {
    if (on) {
      unit.coils.insert(address);
    } else {
      unit.coils.erase(address);
    }
  }
  static void write(Unit& unit, std::string_view pdu, std::uint16_t address, std::uint16_t count) {
    switch (byte(pdu, 0)) {
      case 5:
        return set_coil(unit, address, byte(pdu, 3) == 0xFF);
      case 6:
        unit.registers[address] = word(pdu, 3);
        return;
      case 15:
        for (std::uint16_t i = 0; i < count; ++i) {
          set_coil(unit, static_cast<std::uint16_t>(address + i), (byte(pdu, 6U + i / 8U) >> (i % 8) & 1) != 0);
        }
        return;
      case 16:
        for (std::uint16_t i = 0; i < count; ++i) {
          unit.registers[static_cast<std::uint16_t>(address + i)] = word(pdu, 6U + 2U * i);
        }
        return;
      case 22:
        unit.registers[address] =
            static_cast<std::uint16_t>((unit.registers[address] & word(pdu, 3)) | (word(pdu, 5) & ~word(pdu, 3)));
        return;
      default:
        FAIL("no such function");
    }
  }
};

/// Told of a point, as the poller told it.
struct Told {
  Millis at = 0;
  std::string id;
  Quality quality = Quality::pending;
  boost::json::value value;
  std::string error;
  bool report = false, quality_changed = false;
};

class Bench final : public LineHouse, public PollerHouse {
 public:
  static constexpr Millis kUnix = 1'700'000'000'000;  // of steady 0

  explicit Bench(const LineOptions& options = {})
      : rtu_(options.rtu), line(options, *this, 7), poller(line, *this, [this] { return kUnix + now; }) {}

  Slaves slaves;

 private:
  bool rtu_;
  std::multimap<Millis, std::string> coming_;  // answers on their way
  bool drops_ = false;

 public:
  Line line;
  Poller poller;
  Millis now = 1'000;
  std::vector<Asked> asked;
  std::vector<Told> told;
  std::size_t calls = 0;            // of on_updates()
  std::function<Millis()> is_late;  // how late a wake-up comes; none = in time
  bool records = true;              // what is told; off where that would be too much
  std::vector<std::string> reconnects;

  void open() {
    line.on_open(now);
    poller.on_open(now);
  }
  void close(const std::string& why) {
    coming_.clear();
    line.on_closed(now, why);
    poller.on_closed(now, why);
  }

  /// Lets time pass, with all that happens until then.
  void run_until(Millis time) {
    Millis last = -1;
    int same = 0;
    while (true) {
      Millis next = std::min(line.next_time(), poller.next_time());
      if (!coming_.empty()) next = std::min(next, coming_.begin()->first);
      if (next > time) break;
      if (next > now && is_late) next += is_late();
      now = std::max(now, next);
      same = now == last ? same + 1 : 0;
      last = now;
      REQUIRE(same < 200'000);
      step();
    }
    now = std::max(now, time);
  }
  void run(Millis duration) { run_until(now + duration); }

  [[nodiscard]] std::size_t count_asked(std::uint8_t unit) const {
    return static_cast<std::size_t>(
        std::count_if(asked.begin(), asked.end(), [&](const Asked& one) { return one.unit == unit; }));
  }
  [[nodiscard]] std::vector<Told> told_of(std::string_view id) const {
    std::vector<Told> found;
    for (const Told& one : told) {
      if (one.id == id) found.push_back(one);
    }
    return found;
  }
  [[nodiscard]] const Sample& sample(std::string_view id) const {
    const Sample* found = poller.sample_of(id);
    REQUIRE(found != nullptr);
    return *found;
  }

  void send(std::string_view frame) override {
    const std::size_t head = rtu_ ? 1 : 7;
    const auto unit = static_cast<std::uint8_t>(frame.at(head - 1));
    const auto pdu = frame.substr(head, frame.size() - head - (rtu_ ? 2 : 0));
    const auto at = [&](std::size_t i) { return static_cast<unsigned char>(pdu.at(i)); };
    asked.push_back({now, unit, at(0), static_cast<std::uint16_t>(at(1) << 8 | at(2)),
                     static_cast<std::uint16_t>(at(3) << 8 | at(4))});
    if (unit == 0) {
      for (auto& [number, each] : slaves.units) static_cast<void>(slaves.answer(number, pdu));
      return;
    }
    const Unit& asked_unit = slaves.units[unit];
    if (!asked_unit.alive) return;
    const std::string reply = slaves.answer(unit, pdu);
    const auto id =
        static_cast<std::uint16_t>(static_cast<unsigned char>(frame[0]) << 8 | static_cast<unsigned char>(frame[1]));
    coming_.emplace(now + asked_unit.delay,
                    rtu_ ? wire::modbus::rtu_frame(unit, reply) : wire::modbus::tcp_frame(id, unit, reply));
  }
  void reconnect(std::string why) override {
    reconnects.push_back(std::move(why));
    drops_ = true;
  }
  void on_updates(std::span<const Update> updates) override {
    ++calls;
    for (const Update& update : updates) {
      REQUIRE(update.sample != nullptr);
      if (!records) continue;
      told.push_back({now, update.point->id, update.sample->quality, update.sample->value, update.sample->error,
                      update.report, update.quality_changed});
    }
  }

 private:
  void step() {
    while (!coming_.empty() && coming_.begin()->first <= now) {
      const std::string bytes = std::move(coming_.begin()->second);
      coming_.erase(coming_.begin());
      line.on_bytes(now, bytes);
    }
    if (line.next_time() <= now) line.on_time(now);
    if (poller.next_time() <= now) poller.on_time(now);
    if (!drops_) return;
    drops_ = false;
    close("half-open");
    open();
  }
};

/// A uint16 of the holding registers, unless changed.
inline Point make_point(const std::string& id, std::uint16_t address, Millis interval = 1'000, std::uint8_t unit = 1) {
  Point point;
  point.id = point.name = id;
  point.unit = unit;
  point.format.address = address;
  point.interval = interval;
  return point;
}
inline std::shared_ptr<const Point> share(Point point) { return std::make_shared<const Point>(std::move(point)); }

}  // namespace jl::modbus::slave_support
