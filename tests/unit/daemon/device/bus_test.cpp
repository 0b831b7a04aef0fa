#include "daemon/device/bus.hpp"

#include "daemon/device/records.hpp"
#include "tests/support/fake_store.hpp"
#include "tests/support/manual_clock.hpp"

#include <doctest/doctest.h>
#include <string>
#include <vector>

namespace jl::device {
namespace {
using codec::DeviceMessage;
using codec::MessageType;

struct Bench {
  Bench() {
    bus.add(history);
    bus.add(latest);
    bus.add(tail);
  }
  void publish(const DeviceMessage& message, const char* product = "p") {
    bus.publish({message, product, message.device_id, clock.now()}, log);
    bool ok = false;
    log.commit([&](bool done) { ok = done; });
    REQUIRE(ok);
  }
  [[nodiscard]] std::size_t messages(const char* device) const { return read_messages(store, "p", device, {})->size(); }
  test::ManualClock clock;
  test::FakeStore store;
  network::IoThreads threads{1, clock};
  TurnLog log{store, nullptr, threads.at(0)};
  HistorySink history;
  LatestSink latest;
  TailSink tail;
  Bus bus;
};

DeviceMessage report(const std::string& device, MessageType type = MessageType::report_property) {
  DeviceMessage out;
  out.type = type;
  out.device_id = device;
  out.timestamp = 1000;
  out.json = R"({"messageType":")" + std::string(codec::to_string(type)) + R"(","properties":{"temp":1}})";
  out.properties.push_back({"temp", "1", 0});
  return out;
}

}  // namespace

TEST_SUITE_BEGIN("device.bus");

TEST_CASE("messages are kept unless they ask not to be [wire 1.4 ignoreStorage]") {
  Bench b;
  DeviceMessage message = report("d");
  b.publish(message);
  message.headers.ignore_storage = true;
  b.publish(message);
  CHECK(b.messages("d") == 1);
  CHECK(b.log.stored() == 1);
}

TEST_CASE("latest values come from reports and successful replies, tags from tag updates, nothing from failures") {
  Bench b;
  b.publish(report("d"));
  CHECK(read_values(b.store, "p", "d", 'p')->size() == 1);
  b.publish(report("t", MessageType::update_tag));
  CHECK(read_values(b.store, "p", "t", 't')->size() == 1);
  CHECK(read_values(b.store, "p", "t", 'p')->empty());
  DeviceMessage failed = report("f", MessageType::read_property_reply);
  failed.success = false;
  b.publish(failed);
  CHECK(read_values(b.store, "p", "f", 'p')->empty());
  DeviceMessage timed = report("s");
  timed.properties[0].source_time = 5000;
  b.publish(timed);
  CHECK(read_values(b.store, "p", "s", 'p')->at("temp").at("time") == boost::json::value("1970-01-01T00:00:05.000Z"));
}

TEST_CASE("a tail sees what passes its filter until its handle is given up, also within the call") {
  Bench b;
  std::vector<std::string> seen;
  const auto all = b.tail.subscribe({}, [&](const std::string&) { seen.emplace_back("all"); });
  const auto product = b.tail.subscribe({"", "p", "EVENT"}, [&](const std::string&) { seen.emplace_back("events"); });
  std::shared_ptr<void> once;
  once = b.tail.subscribe({"d", "", ""}, [&](const std::string&) {
    seen.emplace_back("once");
    once.reset();
  });
  b.publish(report("d"));
  b.publish(report("d", MessageType::event));
  b.publish(report("e", MessageType::event), "other");
  CHECK(seen == std::vector<std::string>{"all", "once", "all", "events", "all"});
}

TEST_SUITE_END();

}  // namespace jl::device
