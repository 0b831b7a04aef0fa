#pragma once
// A running MQTT client component for tests: one I/O thread with manual timers, a clock that the test moves, and a
// handler that remembers.
#include "daemon/network/mqtt_client.hpp"
#include "tests/support/manual_clock.hpp"
#include "tests/unit/daemon/network/mqtt_broker_support.hpp"
#include "tests/unit/daemon/network/thread_support.hpp"

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace jl::network::test {

class RecordingClientHandler final : public MqttClientHandler {
 public:
  struct Message {
    std::string topic, payload;
    int qos;
    bool retain;
    bool operator==(const Message&) const = default;
  };
  void on_connected() override {
    add([this] { ++connected; });
  }
  void on_disconnected() override {
    add([this] { ++disconnected; });
  }
  void on_message(std::string_view topic, std::string_view payload, int qos, bool retain) override {
    if (on_each) on_each();
    add([&] { messages.push_back({std::string(topic), std::string(payload), qos, retain}); });
  }
  /// Waits until the claim holds.
  template <class Claim>
  [[nodiscard]] bool wait(Claim claim) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(10), [&] { return claim(*this); });
  }
  [[nodiscard]] bool wait_connected(int times) {
    return wait([times](auto& self) { return self.connected >= times; });
  }
  [[nodiscard]] bool wait_disconnected(int times) {
    return wait([times](auto& self) { return self.disconnected >= times; });
  }
  [[nodiscard]] std::vector<Message> wait_messages(std::size_t count) {
    CHECK(wait([count](auto& self) { return self.messages.size() >= count; }));
    const std::scoped_lock lock(mutex_);
    return messages;
  }
  std::function<void()> on_each;  // for every message, on the I/O thread; set it before the start
  int connected = 0, disconnected = 0;
  std::vector<Message> messages;

 private:
  template <class Change>
  void add(Change change) {
    {
      const std::scoped_lock lock(mutex_);
      change();
    }
    changed_.notify_all();
  }
  std::mutex mutex_;
  std::condition_variable changed_;
};

class ClientBench {
 public:
  using State = network::MqttClient::Status::State;

  explicit ClientBench(std::uint16_t port) {
    options.id = "uplink";
    options.host = "127.0.0.1";
    options.port = port;
    options.client_id = "gateway-1";
    threads.at(0).set_commit(&commit);
    threads.start(true);
  }
  ~ClientBench() {
    client.reset();
    threads.stop();
  }
  void start() {
    auto started = network::MqttClient::start(options, threads.at(0), handler);
    REQUIRE(started.has_value());
    client = std::move(*started);
  }
  void start_with(std::vector<MqttClientFilter> filters) {
    start();
    client->subscribe(std::move(filters));
    REQUIRE(handler->wait_connected(1));
  }
  void pass(Millis time) {
    clock.advance(time);
    threads.advance_timers();
  }
  /// Waits for a failure and returns its reason.
  [[nodiscard]] std::string failure() {
    REQUIRE(until([this] { return client->status().state == State::failed; }));
    return client->status().reason;
  }
  template <class Claim>
  [[nodiscard]] bool until(Claim claim) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (!claim()) {
      if (std::chrono::steady_clock::now() > deadline) return false;
      settle(threads.at(0));
      std::this_thread::yield();
    }
    return true;
  }
  [[nodiscard]] bool publish(const std::string& topic, const std::string& payload, int qos, bool retain = false) {
    return run_on(threads.at(0), [&] { return client->publish(topic, payload, qos, retain); });
  }
  template <class Change>
  void set_commit(Change change) {
    run_on(threads.at(0), [&] { change(commit); });
  }
  /// Lets the commit that is held succeed, and those after it.
  void release_commit() {
    set_commit([](SteeredCommit& held) {
      held.holds = false;
      if (held.held) std::exchange(held.held, nullptr)(true);
    });
  }

  jl::test::ManualClock clock;
  IoThreads threads{1, clock};
  SteeredCommit commit;
  MqttClientOptions options;
  std::shared_ptr<RecordingClientHandler> handler = std::make_shared<RecordingClientHandler>();
  std::unique_ptr<network::MqttClient> client;
};

}  // namespace jl::network::test
