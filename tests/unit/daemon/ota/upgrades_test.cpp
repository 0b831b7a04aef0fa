// The engine: what devices hear when, and what becomes of a record when they cannot hear.
#include "daemon/ota/upgrades.hpp"

#include "daemon/device/records.hpp"
#include "tests/support/fake_store.hpp"
#include "tests/support/manual_clock.hpp"
#include "tests/support/ota_machines.hpp"

#include <doctest/doctest.h>
#include <chrono>
#include <thread>

namespace jl::ota {
namespace {
namespace json = boost::json;
using codec::MessageType;

/// Takes everything down; what it is told to fail, fails.
class FakeOutbox final : public Outbox {
 public:
  void tell(const Dispatch& dispatch, json::object body, std::function<void(Status)> done) override {
    const std::scoped_lock lock(mutex);
    told.push_back(dispatch.device_id + " " + std::string(body.at("firmwareId").as_string()));
    if (failure) done(*failure);
  }
  void answer(const std::string& device_id, json::object body, std::function<void(Status)> done) override {
    answers.emplace_back(device_id, std::move(body));
    done(failure ? Status(*failure) : Status());
  }
  void ask_version(const std::string& device_id) override { asked.push_back(device_id); }
  [[nodiscard]] bool prefers_coap(std::string_view) const override { return coap; }

  [[nodiscard]] std::size_t count() const {
    const std::scoped_lock lock(mutex);
    return told.size();
  }
  void fail_with(std::optional<Error> error) {
    const std::scoped_lock lock(mutex);
    failure = std::move(error);
  }
  mutable std::recursive_mutex mutex;
  std::vector<std::string> told, asked;
  std::vector<std::pair<std::string, json::object>> answers;
  std::optional<Error> failure;
  bool coap = false;
};

// Waits for the engine's thread, up to a limit that no machine needs.
template <class Condition>
bool comes_true(const Condition& condition) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::yield();
  }
  return true;
}

struct Engine {
  jl::test::ManualClock clock;
  jl::test::FakeStore store;
  Depot depot{std::string(32, 'k')};
  Upgrades upgrades{store, clock, depot};
  FakeOutbox outbox;
  test::FakePresence presence;
  network::IoThreads threads{1, clock};
  device::TurnLog log{store, nullptr, threads.at(0)};

  Engine() {
    model::OtaFirmware firmware;
    firmware.product_id.id = "p1";
    firmware.version = "1.2.0";
    firmware.version_order = 12;
    firmware.file_id = firmware.sign = std::string(64, 'a');
    firmware.size = 1000;
    depot.set_firmware("fw", firmware);
    serve(true);
    upgrades.connect(outbox, presence);
  }
  ~Engine() { upgrades.stop(); }
  Engine(const Engine&) = delete;

  void serve(bool enabled, const std::string& id = "main") {
    model::OtaServer server;
    server.network_id.id = "http-" + id;
    server.public_url = "http://gw:8848";
    depot.set_server(id, server, enabled);
  }
  void load(const Plan& plan, const std::vector<Record>& records) {
    const auto batch = store.make_batch();
    for (const Record& record : records)
      batch->put(store::Family::upgrades, record_key(plan.task_id, record.device_id), to_stored(record));
    REQUIRE(store.append(*batch).has_value());
    REQUIRE(upgrades.load(plan).has_value());
  }
  void hear(MessageType type, const std::string& device_id, json::object body = {}) {
    codec::DeviceMessage message;
    message.type = type;
    message.device_id = device_id;
    message.message_id = "m1";
    message.success = true;
    message.json = json::serialize(body);
    upgrades.on_message({message, "p1", device_id, clock.now()}, log);
  }
  [[nodiscard]] Record record(const std::string& device_id, const std::string& task_id = "t1") const {
    const auto found = upgrades.records(task_id, std::nullopt, {device_id}, "", 1);
    REQUIRE(found.has_value());
    REQUIRE(found->size() == 1);
    return found->front();
  }
  [[nodiscard]] bool is(const std::string& device_id, State state) const { return record(device_id).state == state; }
};

Record processing(const std::string& device_id, Millis now) {
  Record out = test::make_record(device_id);
  REQUIRE(apply(out, Event::dispatched, {.text = "ota-1", .response_timeout = 60'000, .timeout = 3'600'000}, now));
  return out;
}

}  // namespace

TEST_SUITE_BEGIN("ota.upgrades");

TEST_CASE("a device that comes before others are told is asked for its version: the daemon has just started") {
  Engine e;
  e.load(test::make_plan(), {processing("d1", e.clock.now())});
  e.upgrades.loaded();
  e.hear(MessageType::online, "d1");
  CHECK(e.outbox.asked == std::vector<std::string>{"d1"});
}

TEST_CASE("a device that asks for the image gave a sign, however long its first bytes take (row 6)") {
  Engine e;
  e.load(test::make_plan(), {processing("d1", e.clock.now())});
  e.upgrades.served({e.clock.now() + 1000, "t1", "d1"}, 0);
  const Record record = e.record("d1");
  CHECK(record.ack_time == e.clock.now());
  CHECK(record.ack_deadline == 0);
  CHECK(record.bytes_served == 0);
}

TEST_CASE("a device that counts as online but cannot be reached is tried again a minute later") {
  Engine e;
  e.outbox.fail_with(Error(Errc::connection_lost, "gone"));
  e.presence.online.insert("d1");
  e.load(test::make_plan(), {test::make_record("d1")});
  e.upgrades.start();
  REQUIRE(comes_true([&] { return e.outbox.count() == 1 && e.is("d1", State::waiting); }));
  CHECK(e.record("d1").attempt == 0);
  e.outbox.fail_with(std::nullopt);
  e.clock.advance(61'000);
  e.upgrades.poke();
  CHECK(comes_true([&] { return e.outbox.count() == 2 && e.is("d1", State::processing); }));
}

TEST_CASE("who has no way down fails with the reason, but a CoAP device may yet begin to observe") {
  Engine e;
  e.outbox.fail_with(Error(Errc::unsupported_message, "it does not observe its downlink resource"));
  e.presence.online.insert("d1");
  State expected = State::failed;
  SUBCASE("HTTP") {}
  SUBCASE("CoAP") {
    e.outbox.coap = true;
    expected = State::waiting;
  }
  e.load(test::make_plan(), {test::make_record("d1")});
  e.upgrades.start();
  CHECK(comes_true([&] { return e.outbox.count() == 1 && e.is("d1", expected); }));
}

TEST_CASE("while no server can serve a task its devices wait instead of failing") {
  Engine e;
  e.presence.online.insert("d1");
  SUBCASE("disabled") { e.serve(false); }
  SUBCASE("one of several, none named") { e.serve(true, "other"); }
  e.load(test::make_plan(), {test::make_record("d1")});
  // Another task shows that the engine has looked at all of them.
  Plan elsewhere = test::make_plan("t2");
  elsewhere.firmware_id = "fw-url";
  model::OtaFirmware firmware;
  firmware.url = "https://files.example/fw.bin";
  e.depot.set_firmware("fw-url", firmware);
  e.presence.online.insert("d2");
  e.load(elsewhere, {test::make_record("d2")});
  e.upgrades.start();
  REQUIRE(comes_true([&] { return e.outbox.count() == 1; }));
  CHECK(e.outbox.told.front() == "d2 fw-url");
  CHECK(e.record("d1").steps.empty());
  CHECK(e.is("d1", State::waiting));
  e.serve(false, "other");
  e.serve(true);
  e.upgrades.poke();
  CHECK(comes_true([&] { return e.is("d1", State::processing); }));
}

TEST_CASE("a record that was handed out waits again when the answer did not reach the device") {
  Engine e;
  e.load(test::make_plan("t1", model::UpgradeMode::pull), {test::make_record("d1")});
  SUBCASE("it cannot be sent to") {
    e.outbox.fail_with(Error(Errc::unsupported_message, "a device that sends HTTP requests cannot be sent to"));
    e.hear(MessageType::request_firmware, "d1");
  }
  SUBCASE("nothing can be told") {
    e.serve(false);
    e.hear(MessageType::request_firmware, "d1");
    REQUIRE(e.outbox.answers.size() == 1);
    CHECK(e.outbox.answers.front().second.at("code") == "SYSTEM_ERROR");
  }
  CHECK(e.is("d1", State::waiting));
  CHECK(e.record("d1").attempt == 0);
  e.serve(true);
  e.outbox.fail_with(std::nullopt);
  e.hear(MessageType::request_firmware, "d1");
  CHECK(e.outbox.answers.back().second.at("success") == true);
  CHECK(e.is("d1", State::processing));
}

TEST_CASE("a device gets no firmware of another product, whatever it was before") {
  Engine e;
  Plan plan = test::make_plan("t1", model::UpgradeMode::pull);
  plan.product_id = "p0";
  e.load(plan, {test::make_record("d1")});
  e.hear(MessageType::request_firmware, "d1");
  REQUIRE(e.outbox.answers.size() == 1);
  CHECK(e.outbox.answers.front().second.at("code") == "NO_UPDATE");
  CHECK(e.is("d1", State::waiting));
}

TEST_CASE("the end of an upgrade is the device's new version, also when it names its firmware only (row 8)") {
  Engine e;
  e.load(test::make_plan(), {processing("d1", e.clock.now())});
  e.hear(MessageType::upgrade_firmware_progress, "d1", {{"firmwareId", "fw"}, {"complete", true}, {"progress", 100}});
  CHECK(e.is("d1", State::success));
  REQUIRE(e.log.commit_now());
  const auto info = device::read_firmware(e.store, "p1", "d1");
  REQUIRE(info.has_value());
  REQUIRE(info->has_value());
  CHECK((*info)->version == "1.2.0");
}

TEST_CASE("a record that cannot be read does not hide the others of its task") {
  Engine e;
  const auto batch = e.store.make_batch();
  batch->put(store::Family::upgrades, record_key("t1", "d1"), "{\"state\":");
  REQUIRE(e.store.append(*batch).has_value());
  e.load(test::make_plan("t1"), {test::make_record("d2")});
  CHECK(e.record("d2").state == State::waiting);
  CHECK(e.upgrades.record_count() == 1);
}

TEST_CASE("a task that replaced others leaves a newer one alone, and what is over of it takes nothing over") {
  Engine e;
  Plan older = test::make_plan("t1");
  older.task.replace = true;
  older.created_at = 1000;
  Plan newer = test::make_plan("t2");
  newer.created_at = 2000;
  e.load(older, {test::make_record("d1")});
  e.load(newer, {test::make_record("d1")});
  e.upgrades.replace(older);
  CHECK(e.record("d1", "t2").state == State::waiting);
  newer.task.replace = true;
  e.upgrades.replace(newer);
  CHECK(e.record("d1", "t2").state == State::waiting);
  CHECK(e.record("d1", "t1").state == State::canceled);
}

TEST_CASE("what cannot be stored is told to nobody, and stored with the next") {
  Engine e;
  e.presence.online.insert("d1");
  e.load(test::make_plan(), {test::make_record("d1")});
  e.store.fail_appends(true);
  e.upgrades.start();
  e.upgrades.poke();
  REQUIRE(comes_true([&] { return e.is("d1", State::waiting) && e.upgrades.picture("t1")->in_flight == 0; }));
  CHECK(e.outbox.count() == 0);
  e.store.fail_appends(false);
  e.clock.advance(6'000);
  e.upgrades.poke();
  REQUIRE(comes_true([&] { return e.outbox.count() == 1; }));
  const auto kept = e.store.get(store::Family::upgrades, record_key("t1", "d1"));
  REQUIRE(kept.has_value());
  REQUIRE(kept->has_value());
  CHECK(record_from_stored("d1", (*kept)->value)->state == State::processing);
}

TEST_SUITE_END();

}  // namespace jl::ota
