#pragma once
// A MQTT server in a house of its own, with a handler that records and a clock that stands still.
#include "daemon/network/mqtt_server.hpp"
#include "tests/support/manual_clock.hpp"
#include "tests/unit/daemon/network/mqtt_client.hpp"
#include "tests/unit/daemon/network/thread_support.hpp"

#include <doctest/doctest.h>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace jl::network::test {

namespace mqtt = wire::mqtt;
using mqtt::CloseCause;
using mqtt::ReasonCode;

/// Accepts everyone unless told otherwise, and writes down what it is told.
class RecordingHandler final : public MqttServerHandler {
 public:
  struct Closed {
    std::string client;
    CloseCause cause{};
    bool will = false;
  };
  struct Attachment final : MqttAttachment {
    Attachment(RecordingHandler& h, std::string c) : handler(h), client(std::move(c)) { ++handler.attachments; }
    ~Attachment() override { --handler.attachments; }
    RecordingHandler& handler;
    std::string client;
  };

  // What a test may replace before the server starts.
  std::function<void(MqttConnection&, const mqtt::ConnectView&)> decide = [](MqttConnection& c, const auto&) {
    c.accept({});
  };
  std::function<ReasonCode(MqttConnection&, const mqtt::PublishView&)> take = [](auto&, const auto&) {
    return ReasonCode::success;
  };

  void on_connect(MqttConnection& connection, const mqtt::ConnectView& connect) override {
    connection.attachment = std::make_unique<Attachment>(*this, std::string(connect.client_id));
    {
      const std::scoped_lock lock(mutex_);
      connections_[std::string(connect.client_id)] = connection.weak_from_this();
      log_.push_back(fmt::format("connect {}", connect.client_id));
    }
    decide(connection, connect);
  }
  ReasonCode on_publish(MqttConnection& connection, const mqtt::PublishView& publish) override {
    note(fmt::format("publish {} {} {}", name_of(connection), publish.topic, publish.payload));
    return take(connection, publish);
  }
  ReasonCode on_subscribe(MqttConnection& connection, std::string_view filter,
                          const mqtt::SubscribeOptions& options) override {
    note(fmt::format("subscribe {} {} {}", name_of(connection), filter, options.qos));
    return static_cast<ReasonCode>(options.qos);
  }
  void on_unsubscribe(MqttConnection& connection, std::string_view filter) override {
    note(fmt::format("unsubscribe {} {}", name_of(connection), filter));
  }
  void on_finished(MqttConnection& connection, std::uint64_t tag) override {
    note(fmt::format("delivered {} {}", name_of(connection), tag));
  }
  void on_close(MqttConnection& connection, CloseCause cause, bool will) override {
    const std::scoped_lock lock(mutex_);
    closed_.push_back({name_of(connection), cause, will});
    log_.push_back(fmt::format("close {}", closed_.back().client));
    changed_.notify_all();
  }

  [[nodiscard]] std::shared_ptr<MqttConnection> find(const std::string& client) {
    const std::scoped_lock lock(mutex_);
    return connections_[client].lock();
  }
  [[nodiscard]] std::vector<std::string> log() {
    const std::scoped_lock lock(mutex_);
    return log_;
  }
  [[nodiscard]] std::vector<Closed> closed() {
    const std::scoped_lock lock(mutex_);
    return closed_;
  }
  /// Waits until that many on_close calls have come and returns them.
  [[nodiscard]] std::vector<Closed> wait_closed(std::size_t count) {
    std::unique_lock lock(mutex_);
    CHECK(changed_.wait_for(lock, kCeiling, [&] { return closed_.size() >= count; }));
    return closed_;
  }

  std::atomic<int> attachments{0};

 private:
  static std::string name_of(const MqttConnection& connection) {
    const auto* attachment = dynamic_cast<const Attachment*>(connection.attachment.get());
    return attachment != nullptr ? attachment->client : "?";
  }
  void note(std::string line) {
    const std::scoped_lock lock(mutex_);
    log_.push_back(std::move(line));
  }
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::string> log_;
  std::vector<Closed> closed_;
  std::map<std::string, std::weak_ptr<MqttConnection>> connections_;
};

struct MqttHouse {
  explicit MqttHouse(std::size_t thread_count = 1) : threads(thread_count, clock) {
    options.id = "test";
    options.host = "127.0.0.1";
    options.port = 0;
    threads.at(0).set_commit(&commit);
  }
  ~MqttHouse() {
    stop_server();
    threads.stop();
  }
  /// After the options and the handler are as the test wants them.
  void start() {
    threads.start(true);
    auto started = MqttServer::start(options, threads, handler);
    REQUIRE(started.has_value());
    server = std::move(*started);
  }
  void stop_server() {
    if (server == nullptr) return;
    run_on(threads.at(0), [this] {
      commit.holds = false;
      if (commit.held) std::exchange(commit.held, nullptr)(true);
    });
    server->stop(std::chrono::milliseconds(0));
    server.reset();
  }
  [[nodiscard]] std::uint16_t port() const { return server->port(); }
  const MqttServerCounters& counters() const { return server->counters(); }
  void pass(Millis time) {
    clock.advance(time);
    threads.advance_timers();
  }
  /// Waits until everything that a client's bytes led to is done: the client's PINGREQ was answered.
  static void settle(const MqttClient& client) {
    client.send(kPingreq);
    REQUIRE(client.read_packet() == kPingresp);
  }
  [[nodiscard]] bool is_empty() const {
    return eventually([this] { return counters().connections.load() == 0; });
  }

  jl::test::ManualClock clock;
  IoThreads threads;
  SteeredCommit commit;  // of thread 0
  MqttServerOptions options;
  std::shared_ptr<RecordingHandler> handler = std::make_shared<RecordingHandler>();
  std::unique_ptr<MqttServer> server;
};

}  // namespace jl::network::test
