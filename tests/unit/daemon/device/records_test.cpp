#include "daemon/device/records.hpp"

#include "daemon/device/bus.hpp"
#include "tests/support/fake_store.hpp"

#include <doctest/doctest.h>

namespace jl::device {
namespace {
void put(test::FakeStore& store, store::Family family, const std::string& key, const std::string& value) {
  const auto batch = store.make_batch();
  batch->put(family, key, value);
  REQUIRE(store.append(*batch).has_value());
}
void message(test::FakeStore& store, const std::string& device, Millis at, std::uint64_t n, const std::string& type) {
  std::string key;
  message_key(key, device, at, n);
  put(store, store::Family::messages, key,
      R"({"messageType":")" + type + R"(","deviceId":")" + device + R"(","n":)" + std::to_string(n) + "}");
}
}  // namespace

TEST_SUITE("device.records") {
  TEST_CASE("messages come newest first, within their time and of their type and device only") {
    test::FakeStore store;
    for (std::uint64_t n = 1; n <= 5; ++n)
      message(store, "d1", static_cast<Millis>(1000 * n), n, n % 2 ? "EVENT" : "LOG");
    message(store, "d10", 2500, 9, "EVENT");
    message(store, "d1-b", 2500, 9, "EVENT");
    const auto numbers = [&](const MessageQuery& query) {
      std::vector<std::int64_t> out;
      const auto found = read_messages(store, "p", "d1", query);
      REQUIRE(found.has_value());
      for (const auto& m : *found) out.push_back(m.at("message").at("n").as_int64());
      return out;
    };
    CHECK(numbers({}) == std::vector<std::int64_t>{5, 4, 3, 2, 1});
    CHECK(numbers({2000, 5000, "", 100}) == std::vector<std::int64_t>{4, 3, 2});
    CHECK(numbers({0, 0, "EVENT", 100}) == std::vector<std::int64_t>{5, 3, 1});
    CHECK(numbers({0, 0, "", 2}) == std::vector<std::int64_t>{5, 4});
  }

  TEST_CASE("values and tags of one device are told apart from each other and from a device with a longer name") {
    test::FakeStore store;
    std::string key, value;
    const auto set = [&](const char* device, char what, const char* name, const char* text) {
      value_key(key, "p", device, what, name);
      value_record(value, 1'700'000'000'000, text);
      put(store, store::Family::devices, key, value);
    };
    set("d1", 'p', "temp", "21.5");
    set("d1", 't', "site", "\"north\"");
    set("d10", 'p', "hum", "1");
    CHECK(*read_values(store, "p", "d1", 'p') ==
          boost::json::parse(R"({"temp":{"value":21.5,"time":"2023-11-14T22:13:20.000Z"}})").as_object());
    CHECK(read_values(store, "p", "d1", 't')->contains("site"));
    CHECK(read_values(store, "p", "d1", 't')->size() == 1);
  }

  TEST_CASE("a state record reads back, and a device that never was online has none") {
    test::FakeStore store;
    std::string key;
    state_key(key, "p", "d1");
    put(store, store::Family::devices, key, to_record({true, 5, "1.2.3.4:5", "gw", "hub"}));
    const auto state = read_state(store, "p", "d1");
    REQUIRE(state.has_value());
    REQUIRE(state->has_value());
    CHECK((*state)->online);
    CHECK((*state)->since == 5);
    CHECK((*state)->parent_id == "hub");
    CHECK_FALSE(read_state(store, "p", "d2")->has_value());
  }

  TEST_CASE("erasing a device's records takes all of them and nothing of its neighbours") {
    test::FakeStore store;
    message(store, "d1", 1, 1, "LOG");
    message(store, "d10", 1, 1, "LOG");
    store::Transaction transaction;
    erase_records(transaction, "p", "d1");
    REQUIRE(store.commit(transaction).has_value());
    CHECK(read_messages(store, "p", "d1", {})->empty());
    CHECK(read_messages(store, "p", "d10", {})->size() == 1);
  }
}

}  // namespace jl::device
