#pragma once
// A HTTP server in a house of its own, with a handler that records and a clock that stands still.
#include "daemon/network/http_server.hpp"
#include "tests/support/manual_clock.hpp"
#include "tests/unit/daemon/network/tcp_client.hpp"
#include "tests/unit/daemon/network/thread_support.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <atomic>
#include <cstdlib>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace jl::network::test {

inline const std::string kDateField = "Date: Tue, 14 Nov 2023 22:13:20 GMT\r\n";  // of the manual clock

/// A response as the house's handler gives it by default: 200 and the name of what was asked for.
inline std::string ok_response(std::string_view body, std::string_view fields = {}) {
  return fmt::format("HTTP/1.1 200 OK\r\n{}Content-Type: text/plain\r\nContent-Length: {}\r\n{}\r\n{}", kDateField,
                     body.size(), fields, body);
}
inline std::string get(std::string_view target, std::string_view fields = {}) {
  return fmt::format("GET {} HTTP/1.1\r\nHost: h\r\n{}\r\n", target, fields);
}
inline std::string post(std::string_view target, std::string_view body, std::string_view fields = {}) {
  return fmt::format("POST {} HTTP/1.1\r\nHost: h\r\nContent-Length: {}\r\n{}\r\n{}", target, body.size(), fields,
                     body);
}
inline constexpr std::string_view kClose = "Connection: close\r\n";

/// Answers every request with what it is, accepts every handshake, and writes down what it is told.
class RecordingHttpHandler final : public HttpServerHandler {
 public:
  struct Attachment final : HttpAttachment {
    explicit Attachment(RecordingHttpHandler& h) : handler(h) { ++handler.attachments; }
    ~Attachment() override { --handler.attachments; }
    RecordingHttpHandler& handler;
  };

  // What a test may replace before it sends anything.
  std::function<void(HttpConnection&, const HttpRequest&)> answer = [](HttpConnection& c, const HttpRequest& r) {
    c.respond({.body = fmt::format("{} {}", r.method, r.path), .content_type = "text/plain"});
  };
  std::function<void(HttpConnection&, const HttpRequest&)> upgrade = [](HttpConnection& c, const HttpRequest&) {
    c.accept_websocket();
  };
  std::function<void(HttpConnection&, std::string_view, bool)> take = [](auto&&...) {};
  std::function<void(HttpConnection&)> leave = [](auto&&...) {};

  void on_request(HttpConnection& connection, const HttpRequest& request) override {
    note(connection, fmt::format("{} {}", request.method, request.path));
    answer(connection, request);
  }
  void on_upgrade(HttpConnection& connection, const HttpRequest& request) override {
    note(connection, fmt::format("upgrade {}?{}", request.path, request.query));
    upgrade(connection, request);
  }
  void on_message(HttpConnection& connection, std::string_view message, bool text) override {
    note(connection, fmt::format("{} {}", text ? "text" : "binary", message.substr(0, 100)));
    take(connection, message, text);
  }
  void on_close(HttpConnection& connection) override {
    note(connection, "close");
    leave(connection);
  }

  [[nodiscard]] std::vector<std::string> log() {
    const std::scoped_lock lock(mutex_);
    return log_;
  }
  [[nodiscard]] std::size_t count(const std::string& line) {
    const auto all = log();
    return static_cast<std::size_t>(std::count(all.begin(), all.end(), line));
  }
  /// The connection that did something last.
  [[nodiscard]] std::shared_ptr<HttpConnection> last() {
    const std::scoped_lock lock(mutex_);
    return last_.lock();
  }
  std::atomic<int> attachments{0};

 private:
  void note(HttpConnection& connection, std::string line) {
    if (connection.attachment == nullptr) connection.attachment = std::make_unique<Attachment>(*this);
    const std::scoped_lock lock(mutex_);
    log_.push_back(std::move(line));
    last_ = connection.weak_from_this();
  }
  std::mutex mutex_;
  std::vector<std::string> log_;
  std::weak_ptr<HttpConnection> last_;
};

class HttpClient : public TcpClient {
 public:
  using TcpClient::TcpClient;
  /// A whole response, as bytes; what came of it when the stream ends.
  [[nodiscard]] std::string read_response(bool has_body = true) const {
    std::string head;
    while (!head.ends_with("\r\n\r\n")) {
      const std::string next = read(1);
      if (next.empty()) return head;
      head += next;
    }
    const std::size_t at = head.find("\r\nContent-Length: ");
    if (!has_body || at == std::string::npos) return head;
    return head + read(static_cast<std::size_t>(std::atoi(head.c_str() + at + 18)));
  }
  [[nodiscard]] int read_status() const {
    const std::string response = read_response();
    return response.size() > 12 ? std::atoi(response.c_str() + 9) : 0;
  }
  /// Everything until the peer ends the stream in order; what came and "!" when it does not.
  [[nodiscard]] std::string read_all() const {
    std::string out;
    for (std::string next; !(next = read(1)).empty();) out += next;
    return at_end() ? out : out + "!";
  }
};

struct HttpHouse {
  explicit HttpHouse(std::size_t thread_count = 1) : threads(thread_count, clock) {
    options.id = "test";
    options.host = "127.0.0.1";
    options.port = 0;
    threads.at(0).set_commit(&commit);
  }
  ~HttpHouse() {
    stop_server();
    threads.stop();
  }
  /// After the options are as the test wants them.
  void start() {
    threads.start(true);
    auto started = HttpServer::start(options, threads, handler);
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
  [[nodiscard]] const StreamCounters& counters() const { return server->counters(); }
  void pass(Millis time) {
    clock.advance(time);
    threads.advance_timers();
  }
  /// Waits until the server has taken so many bytes in all and done what they led to.
  void wait_received(std::uint64_t bytes) {
    REQUIRE(eventually([&] { return counters().received_bytes.load() >= bytes; }));
    for (std::size_t i = 0; i < threads.size(); ++i) settle(threads.at(i));
  }
  void wait_open(std::uint32_t connections) {
    REQUIRE(eventually([&] { return counters().connections.load() == connections; }));
    for (std::size_t i = 0; i < threads.size(); ++i) settle(threads.at(i));
  }
  [[nodiscard]] bool is_held() {
    return run_on(threads.at(0), [this] { return commit.held != nullptr; });
  }
  /// Ends the held commit.
  void release(bool ok = true) {
    threads.at(0).post([this, ok] {
      if (commit.held) std::exchange(commit.held, nullptr)(ok);
    });
  }

  jl::test::ManualClock clock;
  IoThreads threads;
  SteeredCommit commit;  // of thread 0
  HttpServerOptions options;
  std::shared_ptr<RecordingHttpHandler> handler = std::make_shared<RecordingHttpHandler>();
  std::unique_ptr<HttpServer> server;
};

}  // namespace jl::network::test
