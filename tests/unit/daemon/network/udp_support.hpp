#pragma once
// A UDP server in a house of its own, with a handler that records, a clock that stands still, and clients of it.
#include "daemon/network/udp_server.hpp"
#include "tests/support/manual_clock.hpp"
#include "tests/unit/daemon/network/mqtt_support.hpp"
#include "tests/unit/daemon/network/thread_support.hpp"

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <array>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace jl::network::test {

/// Answers every datagram with the same, unless told otherwise, and writes down what it is told.
class UdpRecorder final : public UdpServerHandler {
 public:
  struct Seen {
    PeerAddress from;
    std::string bytes, subject;
    std::size_t thread = 0;
  };
  // What a test may replace before the server starts.
  std::function<void(UdpLane&, const PeerAddress&, std::string_view)> take =
      [](UdpLane& lane, const PeerAddress& from, std::string_view bytes) { CHECK(lane.send(from, bytes)); };

  void on_datagram(UdpLane& lane, const PeerAddress& from, std::string_view bytes, std::string_view subject) override {
    {
      const std::scoped_lock lock(mutex_);
      seen_.push_back({from, std::string(bytes), std::string(subject), lane.thread().index()});
      last_lane_ = &lane;
    }
    CHECK(lane.thread().is_current());
    take(lane, from, bytes);
  }
  void on_gone(UdpLane& lane, const PeerAddress& peer) override {
    CHECK(lane.thread().is_current());
    const std::scoped_lock lock(mutex_);
    gone_.push_back(peer);
  }

  [[nodiscard]] std::vector<Seen> seen() {
    const std::scoped_lock lock(mutex_);
    return seen_;
  }
  [[nodiscard]] std::vector<PeerAddress> gone() {
    const std::scoped_lock lock(mutex_);
    return gone_;
  }
  [[nodiscard]] UdpLane& last_lane() {
    const std::scoped_lock lock(mutex_);
    REQUIRE(last_lane_ != nullptr);
    return *last_lane_;
  }
  /// Waits until that many datagrams have come and returns them.
  [[nodiscard]] std::vector<Seen> wait_seen(std::size_t count) {
    CHECK(eventually([&] { return seen().size() >= count; }));
    return seen();
  }
  [[nodiscard]] std::vector<PeerAddress> wait_gone(std::size_t count) {
    CHECK(eventually([&] { return gone().size() >= count; }));
    return gone();
  }

 private:
  std::mutex mutex_;
  std::vector<Seen> seen_;
  std::vector<PeerAddress> gone_;
  UdpLane* last_lane_ = nullptr;
};

struct UdpHouse {
  explicit UdpHouse(std::size_t thread_count = 1) : threads(thread_count, clock) {
    options.id = "test";
    options.host = "127.0.0.1";
    threads.at(0).set_commit(&commit);
  }
  ~UdpHouse() {
    stop_server();
    threads.stop();
  }
  /// After the options and the handler are as the test wants them.
  void start() {
    threads.start(true);
    auto started = UdpServer::start(options, threads, handler);
    REQUIRE_MESSAGE(started.has_value(), (started ? std::string() : started.error().message));
    server = std::move(*started);
  }
  void stop_server() {
    if (server == nullptr) return;
    release(true);
    server->stop();
    server.reset();
  }
  /// Ends the commit that is held, and holds none from now on.
  void release(bool ok) {
    run_on(threads.at(0), [this, ok] {
      commit.holds = false;
      if (commit.held) std::exchange(commit.held, nullptr)(ok);
    });
  }
  /// The commit after this is held until release(), and the sockets are not served meanwhile.
  [[nodiscard]] bool is_held() {
    return run_on(threads.at(0), [this] { return commit.held != nullptr; });
  }
  [[nodiscard]] std::uint16_t port() const { return server->port(); }
  [[nodiscard]] const UdpCounters& counters() const { return server->counters(); }
  void pass(Millis time) {
    clock.advance(time);
    threads.advance_timers();
  }
  /// Waits until the turns that have begun are over.
  void settle_all() {
    for (std::size_t i = 0; i < threads.size(); ++i) settle(threads.at(i));
  }

  jl::test::ManualClock clock;
  IoThreads threads;
  SteeredCommit commit;  // of thread 0
  UdpServerOptions options;
  std::shared_ptr<UdpRecorder> handler = std::make_shared<UdpRecorder>();
  std::unique_ptr<UdpServer> server;
};

/// A socket that talks to one port of this machine.
class UdpClient {
 public:
  explicit UdpClient(std::uint16_t port, const char* host = "127.0.0.1") {
    const bool is_v6 = std::string_view(host).find(':') != std::string_view::npos;
    fd_ = ::socket(is_v6 ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    REQUIRE(fd_ >= 0);
    sockaddr_storage address{};
    if (is_v6) {
      auto& v6 = reinterpret_cast<sockaddr_in6&>(address);
      v6.sin6_family = AF_INET6;
      v6.sin6_port = htons(port);
      REQUIRE(::inet_pton(AF_INET6, host, &v6.sin6_addr) == 1);
    } else {
      auto& v4 = reinterpret_cast<sockaddr_in&>(address);
      v4.sin_family = AF_INET;
      v4.sin_port = htons(port);
      REQUIRE(::inet_pton(AF_INET, host, &v4.sin_addr) == 1);
    }
    REQUIRE(::connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  }
  ~UdpClient() {
    if (fd_ >= 0) ::close(fd_);
  }
  UdpClient(UdpClient&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  UdpClient(const UdpClient&) = delete;

  void send(std::string_view bytes) const {
    REQUIRE(::send(fd_, bytes.data(), bytes.size(), 0) == static_cast<ssize_t>(bytes.size()));
  }
  /// The next datagram; nothing when none comes in this time.
  [[nodiscard]] std::optional<std::string> receive(std::chrono::milliseconds limit = kCeiling) const {
    pollfd wanted{fd_, POLLIN, 0};
    if (::poll(&wanted, 1, static_cast<int>(limit.count())) != 1) return std::nullopt;
    std::string bytes(65'536, '\0');
    const ssize_t got = ::recv(fd_, bytes.data(), bytes.size(), 0);
    if (got < 0) return std::nullopt;
    bytes.resize(static_cast<std::size_t>(got));
    return bytes;
  }
  /// What is there already.
  [[nodiscard]] std::optional<std::string> receive_now() const { return receive(std::chrono::milliseconds(0)); }
  [[nodiscard]] PeerAddress address() const {
    sockaddr_storage own{};
    socklen_t size = sizeof own;
    REQUIRE(::getsockname(fd_, reinterpret_cast<sockaddr*>(&own), &size) == 0);
    return PeerAddress(own);
  }
  [[nodiscard]] int fd() const { return fd_; }

 private:
  int fd_;
};

}  // namespace jl::network::test
