#include "daemon/modbus/poller_points.hpp"

#include <doctest/doctest.h>

namespace jl::modbus {
namespace {

std::shared_ptr<Point> make(const std::string& id) {
  auto point = std::make_shared<Point>();
  point->id = id;
  point->interval = 1'000;
  return point;
}

std::string registers(std::uint16_t value) { return {static_cast<char>(value >> 8), static_cast<char>(value & 0xFF)}; }

/// What is told when a point reads a value; nothing = not told.
struct Reader {
  explicit Reader(std::shared_ptr<const Point> point) { entry.point = std::move(point); }
  Entry entry;
  std::optional<Update> read(std::uint16_t value, Millis at) {
    Update update;
    if (!take_data(entry, registers(value), 3, at, update)) return std::nullopt;
    return update;
  }
  bool reports(std::uint16_t value, Millis at) {
    const auto update = read(value, at);
    return update && update->report;
  }
};

}  // namespace

TEST_SUITE("modbus.poller_points") {
  TEST_CASE("the registers of a point are cut out of those of its block") {
    Format format;
    format.address = 102;
    format.count = 2;
    CHECK(cut_data(format, 100, "aabbccddee") == "ccdd");
    CHECK(cut_data(format, 102, "aabb") == "aabb");
    CHECK(cut_data(format, 100, "aabbcc").empty());
    CHECK(cut_data(format, 103, "aabbcc").empty());
  }

  TEST_CASE("the bits of a point are packed anew, its first one least significant [V1.1b3 6.1]") {
    Format format;
    format.area = model::ModbusArea::coils;
    const std::string data = "\xA5\x3C";  // from the least: 1010 0101  0011 1100
    struct Row {
      std::uint16_t address, count;
      std::string bits;
    };
    const Row rows[] = {{20, 1, std::string("\x01", 1)},
                        {21, 1, std::string("\x00", 1)},
                        {27, 1, "\x01"},
                        {24, 8, "\xCA"},
                        {22, 9, std::string("\x29\x01", 2)},
                        {20, 16, "\xA5\x3C"},
                        {35, 1, std::string("\x00", 1)},
                        {35, 2, ""}};
    for (const Row& row : rows) {
      CAPTURE(row.address);
      CAPTURE(row.count);
      format.address = row.address;
      format.count = row.count;
      CHECK(cut_data(format, 20, data) == row.bits);
    }
  }

  TEST_CASE("without changedOnly every good value is reported") {
    Reader reader(make("p"));
    CHECK(reader.reports(7, 1'000));
    CHECK(reader.reports(7, 2'000));
    CHECK(reader.entry.sample.at == 2'000);
    CHECK(reader.entry.sample.changed_at == 1'000);
    CHECK(reader.entry.sample.raw == registers(7));
    CHECK(reader.entry.sample.rtt == 3);
  }

  TEST_CASE("with changedOnly the first one and changes are reported, all are told") {
    auto point = make("p");
    point->changed_only = true;
    Reader reader(point);
    CHECK(reader.reports(7, 1'000));
    CHECK(!reader.reports(7, 2'000));
    CHECK(reader.read(7, 3'000).has_value());
    CHECK(reader.reports(8, 4'000));
  }

  TEST_CASE("the dead band counts from the value reported last, so that slow changes are reported too") {
    auto point = make("p");
    point->changed_only = true;
    point->dead_band = 5;
    Reader reader(point);
    CHECK(reader.reports(100, 0));
    CHECK(!reader.reports(103, 1));
    CHECK(!reader.reports(105, 2));
    CHECK(reader.reports(106, 3));
    CHECK(!reader.reports(101, 4));
    CHECK(reader.reports(100, 5));
    point->dead_band_percent = true;
    point->dead_band = 10;
    CHECK(!reader.reports(110, 6));
    CHECK(reader.reports(111, 7));
  }

  TEST_CASE("after maxSilence a value is reported although it did not change") {
    auto point = make("p");
    point->changed_only = true;
    point->max_silence = 10'000;
    Reader reader(point);
    CHECK(reader.reports(7, 50'000));
    CHECK(!reader.reports(7, 59'999));
    CHECK(reader.reports(7, 60'000));
    CHECK(!reader.reports(7, 69'999));
    CHECK(reader.reports(8, 69'999));
    CHECK(!reader.reports(8, 79'998));
    CHECK(reader.reports(8, 79'999));
    SUBCASE("and after the clock was set back") { CHECK(reader.reports(8, 1'000)); }
  }

  TEST_CASE("a failure is told once, and leaves the last good value") {
    Reader reader(make("p"));
    REQUIRE(reader.read(7, 1'000));
    Update update;
    CHECK(take_failure(reader.entry, "no answer within 2000 ms", 0, 2'000, update));
    CHECK(update.quality_changed);
    CHECK(!update.report);
    CHECK(!take_failure(reader.entry, "slave device failure (4)", 4, 3'000, update));
    CHECK(reader.entry.sample.error == "slave device failure (4)");
    CHECK(reader.entry.sample.exception == 4);
    CHECK(reader.entry.sample.value == 7);
    CHECK(reader.entry.sample.at == 1'000);
    CHECK(reader.entry.sample.changed_at == 2'000);
    const auto again = reader.read(7, 4'000);
    REQUIRE(again);
    CHECK(again->quality_changed);
    CHECK(reader.entry.sample.error.empty());
    CHECK(reader.entry.sample.exception == 0);
  }

  TEST_CASE("bytes that stand for no value make a point bad, with the reason") {
    auto point = make("p");
    point->format.type = model::ModbusType::bcd16;
    Reader reader(point);
    const auto update = reader.read(0x12A4, 1'000);
    REQUIRE(update);
    CHECK(update->quality_changed);
    CHECK(!update->report);
    CHECK(reader.entry.sample.quality == Quality::bad);
    CHECK(!reader.entry.sample.error.empty());
    CHECK(!reader.read(0x12A4, 2'000));
    CHECK(reader.reports(0x1234, 3'000));
    CHECK(reader.entry.sample.value == 1234);
  }

  TEST_CASE("points of the same unit and format keep their samples, others begin anew") {
    Points points;
    std::vector<Update> updates;
    points.replace({make("a"), make("b"), make("c"), make("c")}, 0, updates);
    CHECK(points.size() == 3);
    CHECK(updates.empty());
    Update update;
    for (const EntryPtr& entry : points.all()) REQUIRE(take_data(*entry, registers(5), 1, 1'000, update));
    const EntryPtr gone = points.find("a");

    auto moved = make("b");
    moved->format.address = 9;
    auto renamed = make("c");
    renamed->name = "another";
    renamed->interval = 7'000;
    points.replace({make("d"), renamed, moved}, 2'000, updates);
    CHECK(points.find("a") == nullptr);
    CHECK(!gone->live);
    CHECK(points.find("c")->sample.value == 5);
    CHECK(points.find("c")->index == 1);
    CHECK(points.find("c")->point->name == "another");
    CHECK(points.find("b")->sample.quality == Quality::pending);
    CHECK(points.find("b")->sample.value.is_null());
    REQUIRE(updates.size() == 1);
    CHECK(updates[0].point->id == "b");
    CHECK(updates[0].quality_changed);
    CHECK(!take_data(*gone, registers(6), 1, 3'000, update));
  }

  TEST_CASE("points that are disabled stop, and take no values until they are enabled") {
    Points points;
    std::vector<Update> updates;
    points.replace({make("a")}, 0, updates);
    auto disabled = make("a");
    disabled->enabled = false;
    points.replace({disabled}, 1'000, updates);
    REQUIRE(updates.size() == 1);
    CHECK(points.find("a")->sample.quality == Quality::stopped);
    Update update;
    CHECK(!take_data(*points.find("a"), registers(6), 1, 3'000, update));
    CHECK(!take_failure(*points.find("a"), "no", 0, 3'000, update));
    updates.clear();
    points.replace({make("a")}, 4'000, updates);
    REQUIRE(updates.size() == 1);
    CHECK(points.find("a")->sample.quality == Quality::pending);
    CHECK(points.find("a")->sample.changed_at == 4'000);
  }

  TEST_CASE("a point that is polled no more is pending, since nothing tells whether its value still holds") {
    Points points;
    std::vector<Update> updates;
    points.replace({make("a")}, 0, updates);
    Update update;
    REQUIRE(take_data(*points.find("a"), registers(6), 1, 1'000, update));
    auto idle = make("a");
    idle->interval = 0;
    points.replace({idle}, 2'000, updates);
    CHECK(points.find("a")->sample.quality == Quality::pending);
    CHECK(points.find("a")->sample.value == 6);
    CHECK(updates.size() == 1);
  }
}

}  // namespace jl::modbus
