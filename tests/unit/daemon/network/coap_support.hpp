#pragma once
// A CoAP server in a house of its own, with a handler that records and a clock that stands still.
#include "daemon/network/coap_server.hpp"
#include "tests/support/manual_clock.hpp"
#include "tests/unit/daemon/network/coap_client.hpp"
#include "tests/unit/daemon/network/thread_support.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <atomic>
#include <chrono>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace jl::network::test {

/// Waits for something that another thread brings about.
template <class Condition>
bool comes_true(Condition condition) {
  const auto end = std::chrono::steady_clock::now() + kCeiling;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::yield();
  }
  return true;
}

/// A value that the server's thread writes and the test reads.
template <class T>
class Shared {
 public:
  Shared() = default;
  /// After the last use on another thread.
  ~Shared() { const std::scoped_lock lock(mutex_); }
  Shared& operator=(T value) {
    const std::scoped_lock lock(mutex_);
    value_ = std::move(value);
    return *this;
  }
  [[nodiscard]] T get() const {
    const std::scoped_lock lock(mutex_);
    return value_;
  }

 private:
  mutable std::mutex mutex_;
  T value_{};
};

/// Answers 2.04 unless told otherwise, and writes down what it is told.
class RecordingCoapHandler final : public CoapServerHandler {
 public:
  // What a test may replace before the server starts, or on its thread.
  std::function<void(const CoapRequest&, CoapRespond)> take = [](const CoapRequest&, const CoapRespond& respond) {
    respond({.code = 204, .payload = {}});
  };
  std::function<std::string(std::string_view)> key = [](std::string_view) { return std::string(); };

  void on_request(const CoapRequest& request, CoapRespond respond) override {
    note(fmt::format(
        "{} {}{}{} {}", request.method, request.path, request.query.empty() ? "" : "?", request.query,
        request.payload.size() > 40 ? fmt::format("[{}]", request.payload.size()) : std::string(request.payload)));
    take(request, std::move(respond));
  }
  void on_observe(const CoapRequest& request, ObserverId id) override {
    {
      const std::scoped_lock lock(mutex_);
      observers_.push_back(id);
    }
    note(fmt::format("observe {} {}", request.path, id));
  }
  void on_observe_end(ObserverId id) override { note(fmt::format("end {}", id)); }
  std::string shared_key(std::string_view identity) override { return key(identity); }

  [[nodiscard]] std::vector<std::string> log() {
    const std::scoped_lock lock(mutex_);
    return log_;
  }
  [[nodiscard]] std::size_t count() { return log().size(); }
  [[nodiscard]] std::string last() {
    const auto all = log();
    return all.empty() ? std::string() : all.back();
  }
  [[nodiscard]] std::vector<ObserverId> observers() {
    const std::scoped_lock lock(mutex_);
    return observers_;
  }

 private:
  void note(std::string line) {
    const std::scoped_lock lock(mutex_);
    log_.push_back(std::move(line));
  }
  std::mutex mutex_;
  std::vector<std::string> log_;
  std::vector<ObserverId> observers_;
};

struct CoapHouse {
  /// Without a commit every answer may leave at once.
  explicit CoapHouse(bool with_commit = false) : threads(1, clock) {
    options.id = "test";
    options.host = "127.0.0.1";
    if (with_commit) threads.at(0).set_commit(&commit);
  }
  ~CoapHouse() {
    stop_server();
    threads.stop();
  }
  /// After the options and the handler are as the test wants them.
  void start() {
    threads.start(true);
    auto started = CoapServer::start(options, threads, handler);
    REQUIRE_MESSAGE(started.has_value(), (started ? std::string() : started.error().message));
    server = std::move(*started);
  }
  void stop_server() {
    if (server == nullptr) return;
    run_on(thread(), [this] {
      commit.holds = false;
      if (commit.held) std::exchange(commit.held, nullptr)(true);
    });
    server->stop();
    server.reset();
  }
  [[nodiscard]] IoThread& thread() { return threads.at(0); }
  [[nodiscard]] std::uint16_t port() const { return server->port(); }
  const CoapCounters& counters() const { return server->counters(); }
  void pass(Millis time) {
    clock.advance(time);
    threads.advance_timers();
  }
  bool notify(ObserverId id, const std::string& payload) {
    return run_on(thread(), [&] { return server->notify(id, payload, 50); });
  }

  jl::test::ManualClock clock;
  IoThreads threads;
  SteeredCommit commit;
  CoapServerOptions options;
  std::shared_ptr<RecordingCoapHandler> handler = std::make_shared<RecordingCoapHandler>();
  std::unique_ptr<CoapServer> server;
};

}  // namespace jl::network::test
