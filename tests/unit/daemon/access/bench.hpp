#pragma once
// A house for tests of the access path: one I/O thread whose timers move with the test's clock, a store in memory, the
// gateway "gw" on component "broker", the product "p", and whatever devices a test puts in.
#include "daemon/access/commands.hpp"
#include "daemon/access/mqtt_client_access.hpp"
#include "tests/support/fake_store.hpp"
#include "tests/support/manual_clock.hpp"

#include <doctest/doctest.h>
#include <array>
#include <boost/json.hpp>
#include <future>
#include <string>
#include <utility>
#include <vector>

namespace jl::access {
namespace json = boost::json;

/// What was published to the broker.
class RecordingClient final : public network::MqttClient {
 public:
  explicit RecordingClient(network::IoThread& thread) : thread_(thread) {}
  void stop() override {}
  void update(const network::MqttClientOptions&) override {}
  void subscribe(std::vector<network::MqttClientFilter>) override {}
  bool publish(std::string_view topic, std::string_view payload, int qos, bool retain) override {
    CHECK(thread_.is_current());
    CHECK_FALSE(retain);
    if (is_full) return false;
    published.push_back(std::string(topic) + " " + std::to_string(qos));
    payloads.emplace_back(payload);
    return true;
  }
  network::IoThread& thread() const override { return thread_; }
  Status status() const override { return {}; }
  const network::MqttClientCounters& counters() const override { return counters_; }
  std::vector<std::string> published, payloads;
  bool is_full = false;

 private:
  network::IoThread& thread_;
  network::MqttClientCounters counters_;
};

/// Keeps what devices wish for, until the test answers.
class RecordingProvisioner final : public Provisioner {
 public:
  void register_device(Registration registration, std::function<void(jl::Status)> done) override {
    wishes.emplace_back(std::move(registration), std::move(done));
  }
  void unbind_child(std::string, std::string) override {}
  void derive_metadata(std::string, std::string, bool) override {}
  std::vector<std::pair<Registration, std::function<void(jl::Status)>>> wishes;
};

/// "TYPE device" of every message on the bus.
class RecordingSink final : public device::Sink {
 public:
  void on_message(const device::Envelope& envelope, device::TurnLog&) override {
    seen.push_back(std::string(codec::to_string(envelope.message.type)) + " " + std::string(envelope.device_id));
  }
  std::vector<std::string> seen;
};

struct Bench {
  explicit Bench(std::size_t max_devices = 1000) {
    put("protocol", "official",
        {{"type", "builtin"}, {"configuration", json::object{{"builtin", "jetlinks-official"}}}});
    put("gateway", "gw",
        {{"provider", "mqtt-client-gateway"},
         {"channelId", "broker"},
         {"protocol", "official"},
         {"productOnly", true}});
    put("product", "p", {{"accessId", "gw"}});
    bus.add(sink);
    logs.push_back(std::make_unique<device::TurnLog>(store, nullptr, threads.at(0)));
    kept.push_back(std::make_unique<KeptSessions>(threads.at(0)));
    threads.start(true);
    access = std::make_shared<MqttClientAccess>(context, "broker", "mqtt://b:1883", threads.at(0), max_devices);
    attach();
    access->bind(client);
    run([&] { access->on_connected(); });
  }
  ~Bench() {
    access->stop();
    threads.stop();
  }

  void put(const char* kind, const std::string& id, json::object spec, bool enabled = true) {
    model::Resource r;
    r.kind = kind;
    r.id = r.name = id;
    r.enabled = enabled;
    r.spec = std::move(spec);
    r.created_at = r.updated_at = 1;
    std::vector<Problem> problems;
    secrets.seal(r, nullptr, problems);
    store::Transaction transaction;
    transaction.put(store::Family::resources, store::key({kind, id}), model::to_stored(r));
    REQUIRE(store.commit(transaction).has_value());
    catalogs.update(kind, id, &r);
  }
  void put_device(const std::string& id, bool enabled = true, const std::string& parent = {}) {
    json::object spec{{"productId", "p"}};
    if (!parent.empty()) spec["parentId"] = parent;
    put("device", id, std::move(spec), enabled);
  }
  /// Attaches "gw" as the catalog has it.
  void attach() {
    const auto catalog = catalogs.current();
    auto gateways = std::make_shared<AttachedGateways>();
    gateways->push_back(attached_gateway(*catalog->gateway("gw"), *catalog, counters));
    access->attach(std::move(gateways));
  }

  template <class Work>
  void run(Work work) {
    std::promise<void> done;
    threads.at(0).post([&] {
      work();
      done.set_value();
    });
    done.get_future().wait();
  }
  /// A message from the broker, and what it sets off.
  void say(const std::string& topic, const std::string& payload = "{}") {
    run([&] { access->on_message(topic, payload, 1, false); });
    run([] {});
  }
  void pass(Millis time) {
    clock.advance(time);
    threads.advance_timers();
  }
  /// Everything on the bus since the last call.
  std::vector<std::string> seen() {
    std::vector<std::string> out;
    run([&] { out = std::exchange(sink.seen, {}); });
    return out;
  }
  [[nodiscard]] bool is_online(const std::string& id) const { return sessions.find(id) != nullptr; }

  test::ManualClock clock;
  test::FakeStore store;
  std::array<unsigned char, 32> key{7};
  device::Secrets secrets{store::Sealer(key)};
  device::Catalogs catalogs{secrets};
  device::Directory directory{store, secrets, catalogs};
  device::Bus bus;
  RecordingSink sink;
  Sessions sessions;
  RecordingProvisioner provisioner;
  network::IoThreads threads{1, clock};
  std::vector<std::unique_ptr<device::TurnLog>> logs;
  std::vector<std::unique_ptr<KeptSessions>> kept;
  Context context{directory, bus, sessions, provisioner, clock, logs, kept};
  std::shared_ptr<GatewayCounters> counters = std::make_shared<GatewayCounters>();
  RecordingClient client{threads.at(0)};
  Commands commands{context};
  std::shared_ptr<MqttClientAccess> access;
};

}  // namespace jl::access
