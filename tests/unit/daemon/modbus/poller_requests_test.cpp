// What people read and write.
#include "slave_support.hpp"

#include <vector>

namespace jl::modbus {
namespace {

using model::ModbusAccess;
using model::ModbusArea;
using model::ModbusType;
using slave_support::Bench;
using slave_support::make_point;
using slave_support::share;

Point writable(const std::string& id, std::uint16_t address, ModbusType type = ModbusType::uint16) {
  Point point = make_point(id, address, 0);
  point.access = ModbusAccess::read_write;
  point.format.type = type;
  return point;
}

/// Keeps what came of requests, in the order in which it came.
struct Results {
  std::vector<PointResult> all;
  PointDone keep() {
    return [this](const PointResult& result) { all.push_back(result); };
  }
  [[nodiscard]] Errc code(std::size_t i = 0) const {
    REQUIRE(i < all.size());
    REQUIRE(!all[i].status);
    return all[i].status.error().code;
  }
};

struct Setup {
  Bench bench;
  Results results;
  explicit Setup(const std::vector<Point>& points, const LineOptions& options = {}) : bench(options) {
    std::vector<std::shared_ptr<const Point>> shared;
    for (const Point& point : points) shared.push_back(share(point));
    bench.poller.set_points(bench.now, shared, {});
    bench.open();
  }
  void read(const std::string& id) { bench.poller.read(bench.now, id, results.keep()); }
  void write(const std::string& id, const boost::json::value& value, bool verify = false) {
    bench.poller.write(bench.now, id, value, verify, results.keep());
  }
  std::map<std::uint16_t, std::uint16_t>& registers() { return bench.slaves.units[1].registers; }
};

}  // namespace

TEST_SUITE("modbus.poller_requests") {
  TEST_CASE("a point without interval gets its value by being read, which is told only if it changes anything") {
    Setup setup({writable("p", 7)});
    setup.registers()[7] = 42;
    setup.read("p");
    setup.bench.run(10);
    REQUIRE(setup.results.all.size() == 1);
    CHECK(setup.results.all[0].status.has_value());
    CHECK(setup.results.all[0].sample.value == 42);
    CHECK(setup.results.all[0].sample.quality == Quality::good);
    CHECK(setup.bench.told.size() == 1);
    setup.read("p");
    setup.bench.run(10);
    CHECK(setup.results.all.size() == 2);
    CHECK(setup.bench.told.size() == 1);
    setup.registers()[7] = 43;
    setup.read("p");
    setup.bench.run(10);
    REQUIRE(setup.bench.told.size() == 2);
    CHECK(setup.bench.told[1].value == 43);
    CHECK(setup.bench.told[1].report);
  }

  TEST_CASE("what cannot be read or written is refused without traffic") {
    Point sensor = writable("sensor", 1);
    sensor.access = ModbusAccess::read;
    Point input = writable("input", 1);
    input.format.area = ModbusArea::input_registers;
    Point command = writable("command", 2);
    command.access = ModbusAccess::write;
    Point all = writable("all", 2);
    all.unit = 0;
    Point disabled = writable("disabled", 3);
    disabled.enabled = false;
    Point half = writable("half", 4, ModbusType::uint8);
    half.unit = 0;
    Setup setup({sensor, input, command, all, disabled, half, writable("p", 5)});
    struct Row {
      const char* id;
      bool is_write;
      boost::json::value value;
      Errc code;
    };
    const Row rows[] = {{"nobody", false, nullptr, Errc::not_found},
                        {"nobody", true, 1, Errc::not_found},
                        {"command", false, nullptr, Errc::unsupported},
                        {"all", false, nullptr, Errc::unsupported},
                        {"disabled", false, nullptr, Errc::disabled},
                        {"disabled", true, 1, Errc::disabled},
                        {"sensor", true, 1, Errc::unsupported},
                        {"input", true, 1, Errc::unsupported},
                        {"p", true, 65'536, Errc::invalid},
                        {"p", true, -1, Errc::invalid},
                        {"p", true, "on", Errc::invalid},
                        {"half", true, 1, Errc::invalid}};
    for (const Row& row : rows) {
      CAPTURE(row.id);
      setup.results.all.clear();
      if (row.is_write) {
        setup.write(row.id, row.value);
      } else {
        setup.read(row.id);
      }
      CHECK(setup.results.code() == row.code);
    }
    setup.bench.run(1'000);
    CHECK(setup.bench.asked.empty());
  }

  TEST_CASE("a write is done after the slave's answer, and read back") {
    Setup setup({writable("p", 7)});
    setup.write("p", 500);
    CHECK(setup.results.all.empty());
    setup.bench.run(20);
    REQUIRE(setup.results.all.size() == 1);
    CHECK(setup.results.all[0].status.has_value());
    CHECK(setup.results.all[0].sample.value == 500);
    CHECK(setup.registers()[7] == 500);
    REQUIRE(setup.bench.asked.size() == 2);
    CHECK(setup.bench.asked[0].function == 6);
    CHECK(setup.bench.asked[1].function == 3);
    REQUIRE(setup.bench.told.size() == 1);
    CHECK(setup.bench.told[0].report);
  }

  TEST_CASE("a point that is write only is not read back, nor is what was written to all units") {
    Point command = writable("command", 2);
    command.access = ModbusAccess::write;
    Point all = writable("all", 3);
    all.unit = 0;
    Setup setup({command, all});
    setup.bench.slaves.units[1];
    for (const char* id : {"command", "all"}) setup.write(id, 9, true);  // nothing could tell
    REQUIRE(setup.results.all.size() == 2);
    for (const auto& result : setup.results.all) CHECK(result.status.error().code == Errc::unsupported);
    setup.results.all.clear();
    setup.write("command", "1");
    setup.write("all", 2);
    setup.bench.run(500);
    CHECK(setup.bench.asked.size() == 2);
    REQUIRE(setup.results.all.size() == 2);
    CHECK(setup.results.all[0].status.has_value());
    CHECK(setup.results.all[1].status.has_value());
    CHECK(setup.results.all[0].sample.value == 1);
    CHECK(setup.registers()[2] == 1);
    CHECK(setup.registers()[3] == 2);
  }

  TEST_CASE("coils, several registers, lists and masks are verified as what they are") {
    Point coil = writable("coil", 1, ModbusType::boolean);
    coil.format.area = ModbusArea::coils;
    Point coils = writable("coils", 10, ModbusType::boolean);
    coils.format.area = ModbusArea::coils;
    coils.format.count = 11;
    Point real = writable("real", 20, ModbusType::float64);
    real.format.count = 4;
    Point scaled = writable("scaled", 30, ModbusType::int16);
    scaled.format.scale_factor = 0.1;
    scaled.format.decimals = 0;
    Point text = writable("text", 40, ModbusType::text);
    text.format.count = 5;
    Point bit = writable("bit", 50, ModbusType::bit);
    bit.format.bit = 3;
    Point mask = writable("mask", 50, ModbusType::bit);
    mask.format.bit = 12;
    mask.format.mask_write = true;
    Point half = writable("half", 51, ModbusType::int8);
    half.format.high_byte = true;
    const std::vector<Point> points{coil, coils, real, scaled, text, bit, mask, half};
    const boost::json::value list{true, false, true, true, false, false, false, true, true, false, true};
    struct Row {
      const char* id;
      boost::json::value value, read_back;
    };
    const Row rows[] = {{"coil", true, true},   {"coil", false, false},   {"coils", list, list}, {"real", -12.5, -12.5},
                        {"scaled", 12.3, 12.0}, {"text", "pump", "pump"}, {"bit", true, true},   {"mask", true, true},
                        {"mask", false, false}, {"half", -2, -2}};
    for (const Row& row : rows) {
      CAPTURE(row.id);
      Setup setup(points);
      setup.registers()[50] = 0x0101;
      setup.registers()[51] = 0x0042;
      setup.bench.slaves.units[1].coils = {1};
      setup.write(row.id, row.value, true);
      setup.bench.run(50);
      REQUIRE(setup.results.all.size() == 1);
      CHECK(setup.results.all[0].status.has_value());
      CHECK(setup.results.all[0].sample.value == row.read_back);
      CHECK((setup.registers()[50] & 0x0101) == 0x0101);
      CHECK((setup.registers()[51] & 0xFF) == 0x42);

      // A slave that only says so is found out.
      Setup liar(points);
      liar.registers()[50] = row.value == false ? 0x1000 : 0;
      liar.bench.slaves.units[1].coils = {10, 11};
      if (row.value == false) liar.bench.slaves.units[1].coils = {1};
      liar.bench.slaves.units[1].keeps_writes = false;
      liar.write(row.id, row.value, true);
      liar.bench.run(50);
      CHECK(liar.results.code() == Errc::device_error);
    }
  }

  TEST_CASE("bits of one register that are written at once do not undo each other") {
    std::vector<Point> points;
    for (std::uint8_t i = 0; i < 16; ++i) {
      Point point = writable("bit" + std::to_string(i), 9, ModbusType::bit);
      point.format.bit = i;
      points.push_back(point);
    }
    LineOptions options;
    options.max_in_flight = 8;
    Setup setup(points, options);
    for (int i = 0; i < 16; ++i) setup.write("bit" + std::to_string(i), true, true);
    setup.bench.run(500);
    REQUIRE(setup.results.all.size() == 16);
    for (const PointResult& result : setup.results.all) CHECK(result.status.has_value());
    CHECK(setup.registers()[9] == 0xFFFF);
    CHECK(setup.bench.asked.size() == 48);
  }

  TEST_CASE("writes to one point keep their order") {
    Setup setup({writable("p", 7)});
    for (int i = 1; i <= 20; ++i) setup.write("p", i);
    setup.bench.run(500);
    REQUIRE(setup.results.all.size() == 20);
    for (int i = 1; i <= 20; ++i) CHECK(setup.results.all[static_cast<std::size_t>(i) - 1].sample.value == i);
    CHECK(setup.registers()[7] == 20);
  }

  TEST_CASE("errors name point, unit, function, address and reason") {
    Point point = make_point("p1", 107, 0, 3);
    point.access = ModbusAccess::read_write;
    Setup setup({point});
    setup.bench.slaves.units[3].illegal = {107};
    setup.read("p1");
    setup.bench.run(10);
    CHECK(setup.results.code(0) == Errc::device_error);
    const Error error = setup.results.all[0].status.error();
    CHECK(error.message == "point \"p1\" (unit 3, HoldingRegisters 107): illegal data address (2)");
    CHECK(!error.hint.empty());
    CHECK(setup.bench.sample("p1").quality == Quality::bad);
    CHECK(setup.bench.sample("p1").exception == 2);

    setup.bench.slaves.units[3].alive = false;
    setup.write("p1", 5);
    setup.bench.run(3'000);
    CHECK(setup.results.code(1) == Errc::timeout);
    CHECK(setup.results.all[1].status.error().message ==
          "point \"p1\" (unit 3, HoldingRegisters 107): no answer within 2000 ms");
  }

  TEST_CASE("a write that cannot be read back is done all the same, unless it was to be verified") {
    Setup setup({writable("p", 7)});
    setup.write("p", 5, false);
    setup.write("p", 6, true);
    setup.bench.slaves.units[1].delay = 10;
    setup.bench.run(15);  // the first write is answered, its read is asked
    setup.bench.slaves.units[1].alive = false;
    setup.bench.run(30'000);
    REQUIRE(setup.results.all.size() == 2);
    CHECK(setup.results.all[0].status.has_value());
    CHECK(setup.results.code(1) == Errc::timeout);
  }

  TEST_CASE("a lost connection ends all that people wait for, and none of it is sent on the next one") {
    Setup setup({writable("p", 7), writable("q", 8)});
    for (int i = 0; i < 5; ++i) setup.write("p", i, true);
    setup.read("q");
    setup.bench.run(2);
    setup.bench.close("reset");
    CHECK(setup.results.all.size() == 6);
    std::size_t lost = 0;
    for (const PointResult& result : setup.results.all) {
      if (!result.status) lost += result.status.error().code == Errc::connection_lost ? 1 : 0;
    }
    CHECK(lost >= 5);
    const std::size_t asked = setup.bench.asked.size();
    setup.bench.open();
    setup.bench.run(1'000);
    CHECK(setup.bench.asked.size() == asked);
    setup.write("p", 9);
    setup.bench.run(10);
    CHECK(setup.results.all.back().status.has_value());
  }

  TEST_CASE("without a connection requests end at once") {
    Setup setup({writable("p", 7)});
    setup.bench.close("off");
    setup.read("p");
    setup.write("p", 1);
    CHECK(setup.results.code(0) == Errc::connection_lost);
    CHECK(setup.results.code(1) == Errc::connection_lost);
  }

  TEST_CASE("what people wait for ends when the channel stops, or goes") {
    Results results;
    {
      Setup setup({writable("p", 7)});
      for (int i = 0; i < 3; ++i) setup.bench.poller.write(setup.bench.now, "p", i, false, results.keep());
      setup.bench.poller.stop(setup.bench.now);
      CHECK(results.all.size() == 3);
      CHECK(results.code(2) == Errc::disabled);
      CHECK(setup.bench.sample("p").quality == Quality::stopped);
      setup.bench.run(100);
      CHECK(setup.bench.asked.size() == 1);
      setup.bench.open();
      setup.bench.poller.read(setup.bench.now, "p", results.keep());
    }
    REQUIRE(results.all.size() == 4);
    CHECK(results.code(3) == Errc::unavailable);
  }

  TEST_CASE("too many writes at once are refused") {
    Setup setup({writable("p", 7)});
    for (std::size_t i = 0; i <= Line::kMaxWaiting; ++i) setup.write("p", 1);
    CHECK(setup.results.code(0) == Errc::busy);
    setup.bench.run(10'000);
    CHECK(setup.results.all.size() == Line::kMaxWaiting + 1);
  }

  TEST_CASE("a refused point that people read with success is healed") {
    Point point = writable("p", 7);
    point.interval = 1'000;
    Setup setup({point});
    setup.bench.slaves.units[1].illegal = {7};
    setup.bench.run(1'500);
    CHECK(setup.bench.poller.is_bad(0));
    setup.bench.slaves.units[1].illegal.clear();
    setup.read("p");
    setup.bench.run(2'500);
    CHECK(!setup.bench.poller.is_bad(0));
    CHECK(setup.bench.told_of("p").size() >= 3);
  }

  TEST_CASE("requests go out before what is polled") {
    std::vector<Point> points{writable("p", 7)};
    for (std::uint16_t i = 0; i < 100; ++i) {
      points.push_back(make_point("x" + std::to_string(i), static_cast<std::uint16_t>(1'000 + i * 50)));
    }
    Setup setup(points);
    setup.bench.run(3);
    setup.write("p", 1, true);
    setup.bench.run(10);
    CHECK(setup.results.all.size() == 1);
  }
}

}  // namespace jl::modbus
