#pragma once
// A TCP server in a house of its own, with a handler that records and a clock that stands still.
#include "daemon/network/tcp_server.hpp"
#include "tests/support/manual_clock.hpp"
#include "tests/unit/daemon/network/tcp_client.hpp"
#include "tests/unit/daemon/network/thread_support.hpp"

#include <doctest/doctest.h>
#include <atomic>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace jl::network::test {

/// A frame of LENGTH_FIELD with one byte of length, which is what the house cuts by.
inline std::string tcp_frame(std::string_view body) {
  return std::string(1, static_cast<char>(body.size())).append(body);
}

/// Answers every frame with itself. A frame "login NAME" identifies the connection.
class RecordingTcpHandler final : public TcpServerHandler {
 public:
  struct Attachment final : TcpAttachment {
    explicit Attachment(RecordingTcpHandler& h) : handler(h) { ++handler.attachments; }
    ~Attachment() override { --handler.attachments; }
    RecordingTcpHandler& handler;
  };

  // What a test may replace before the server starts.
  std::function<void(TcpConnection&, std::string_view)> take = [](TcpConnection& connection, std::string_view frame) {
    CHECK(connection.send(frame));
  };

  bool on_open(TcpConnection& connection) override {
    if (refuses) return false;
    connection.attachment = std::make_unique<Attachment>(*this);
    const std::scoped_lock lock(mutex_);
    last_ = connection.weak_from_this();
    return true;
  }
  void on_frame(TcpConnection& connection, std::string_view frame) override {
    {
      const std::scoped_lock lock(mutex_);
      frames_.emplace_back(frame.substr(1));
    }
    if (frame.substr(1).starts_with("login ")) connection.identify(std::string(frame.substr(7)));
    take(connection, frame);
  }
  void on_close(TcpConnection& connection, bool by_us) override {
    CHECK(connection.attachment);
    const std::scoped_lock lock(mutex_);
    closed_.push_back(by_us);
    changed_.notify_all();
  }

  /// The connection that was taken last.
  [[nodiscard]] std::shared_ptr<TcpConnection> last() {
    const std::scoped_lock lock(mutex_);
    return last_.lock();
  }
  [[nodiscard]] std::vector<std::string> frames() {
    const std::scoped_lock lock(mutex_);
    return frames_;
  }
  [[nodiscard]] std::vector<bool> closed() {
    const std::scoped_lock lock(mutex_);
    return closed_;
  }
  /// Waits until that many connections have been closed; for each, whether by this side.
  [[nodiscard]] std::vector<bool> wait_closed(std::size_t count) {
    std::unique_lock lock(mutex_);
    CHECK(changed_.wait_for(lock, kCeiling, [&] { return closed_.size() >= count; }));
    return closed_;
  }

  std::atomic<bool> refuses{false};
  std::atomic<int> attachments{0};

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::string> frames_;
  std::vector<bool> closed_;
  std::weak_ptr<TcpConnection> last_;
};

struct TcpHouse {
  explicit TcpHouse(std::size_t thread_count = 1) : threads(thread_count, clock) {
    options.id = "test";
    options.host = "127.0.0.1";
    options.framing = wire::framing::length_field({.offset = 0, .length = 1}, 100);
    threads.at(0).set_commit(&commit);
  }
  ~TcpHouse() {
    stop_server();
    threads.stop();
  }
  /// After the options and the handler are as the test wants them.
  void start() {
    threads.start(true);
    auto started = TcpServer::start(options, threads, handler);
    REQUIRE(started.has_value());
    server = std::move(*started);
  }
  void stop_server() {
    if (server == nullptr) return;
    release();
    server->stop(std::chrono::milliseconds(0));
    server.reset();
  }
  [[nodiscard]] std::uint16_t port() const { return server->port(); }
  [[nodiscard]] const StreamCounters& counters() const { return server->counters(); }
  void pass(Millis time) {
    clock.advance(time);
    threads.advance_timers();
  }
  /// Sends a frame and waits for its echo: everything before has been worked on.
  static void echo(const TcpClient& client, std::string_view body) {
    client.send(tcp_frame(body));
    REQUIRE(client.read(body.size() + 1) == tcp_frame(body));
  }
  [[nodiscard]] bool has_connections(std::uint32_t count) const {
    return eventually([&] { return counters().connections.load() == count; });
  }
  /// Ends the held commit, and those to come at once.
  void release(bool ok = true) {
    threads.at(0).post([this, ok] {
      commit.holds = false;
      if (commit.held) std::exchange(commit.held, nullptr)(ok);
    });
  }
  [[nodiscard]] std::vector<ConnectionInfo> list() const {
    auto result = std::make_shared<std::promise<std::vector<ConnectionInfo>>>();
    auto listed = result->get_future();
    server->list([result](std::vector<ConnectionInfo> connections) { result->set_value(std::move(connections)); });
    REQUIRE(listed.wait_for(kCeiling) == std::future_status::ready);
    return listed.get();
  }

  jl::test::ManualClock clock;
  IoThreads threads;
  SteeredCommit commit;  // of thread 0
  TcpServerOptions options;
  std::shared_ptr<RecordingTcpHandler> handler = std::make_shared<RecordingTcpHandler>();
  std::unique_ptr<TcpServer> server;
};

}  // namespace jl::network::test
