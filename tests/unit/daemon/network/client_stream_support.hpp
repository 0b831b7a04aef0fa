#pragma once
// A ClientStream for tests: its thread, a clock that the test moves, a handler that remembers, and peers to dial.
#include "daemon/network/bind.hpp"
#include "daemon/network/client_stream.hpp"
#include "tests/support/manual_clock.hpp"
#include "tests/unit/daemon/network/thread_support.hpp"

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace jl::network::test {

class RecordingStreamHandler final : public ClientStreamHandler {
 public:
  void on_open() override {
    if (then_open) then_open();
    note([this] { ++opens; });
  }
  void on_bytes(std::string_view bytes) override {
    const std::string copy(bytes);
    if (then_bytes) then_bytes(copy);
    note([&] { received += copy; });
  }
  void on_end(const std::string& why) override {
    const std::string copy = why;
    if (then_end) then_end(copy);
    note([&] { ends.push_back(copy); });
  }
  template <class Claim>
  [[nodiscard]] bool wait(Claim claim) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, kCeiling, [&] { return claim(*this); });
  }
  [[nodiscard]] bool wait_open(int times = 1) {
    return wait([times](auto& self) { return self.opens >= times; });
  }
  /// Why the last of so many ended; "still open" after the time limit.
  [[nodiscard]] std::string wait_end(std::size_t times = 1) {
    if (!wait([times](auto& self) { return self.ends.size() >= times; })) return "still open";
    const std::scoped_lock lock(mutex_);
    return ends.back();
  }
  /// So many bytes, or fewer after the time limit; they are taken.
  [[nodiscard]] std::string wait_bytes(std::size_t count) {
    static_cast<void>(wait([count](auto& self) { return self.received.size() >= count; }));
    const std::scoped_lock lock(mutex_);
    return std::exchange(received, {});
  }
  /// How often it opened and ended so far.
  [[nodiscard]] int opened() {
    const std::scoped_lock lock(mutex_);
    return opens;
  }
  [[nodiscard]] std::size_t ended() {
    const std::scoped_lock lock(mutex_);
    return ends.size();
  }
  std::function<void()> then_open;  // these on the thread; set them before open()
  std::function<void(const std::string&)> then_bytes, then_end;
  int opens = 0;
  std::string received;
  std::vector<std::string> ends;

 private:
  template <class Change>
  void note(Change change) {
    {
      const std::scoped_lock lock(mutex_);
      change();
    }
    changed_.notify_all();
  }
  std::mutex mutex_;
  std::condition_variable changed_;
};

/// The accepted end of a connection, blocking for at most five seconds.
class ServerEnd {
 public:
  explicit ServerEnd(int fd) : fd_(fd) {
    REQUIRE(fd >= 0);
    const timeval limit{5, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    ::setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
  }
  ~ServerEnd() { close(); }
  ServerEnd(ServerEnd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  ServerEnd& operator=(ServerEnd&&) = delete;

  [[nodiscard]] int fd() const { return fd_; }
  void send(std::string_view bytes) const {
    while (!bytes.empty()) {
      const ssize_t sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      REQUIRE(sent > 0);
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
  }
  [[nodiscard]] std::string read(std::size_t bytes) const {
    std::string out(bytes, '\0');
    std::size_t have = 0;
    for (ssize_t got = 0; have < bytes; have += static_cast<std::size_t>(got)) {
      got = ::recv(fd_, out.data() + have, bytes - have, 0);
      if (got <= 0) break;
    }
    out.resize(have);
    return out;
  }
  void reset() {
    const linger hard{1, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
    close();
  }
  void close() {
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
  }

 private:
  int fd_;
};

/// A port of this machine. Bound but not listening it refuses.
class TestPort {
 public:
  explicit TestPort(const char* address = "127.0.0.1", std::uint16_t port = 0)
      : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in where{};
    where.sin_family = AF_INET;
    where.sin_port = htons(port);
    REQUIRE(::inet_pton(AF_INET, address, &where.sin_addr) == 1);
    REQUIRE(::bind(fd_, reinterpret_cast<const sockaddr*>(&where), sizeof where) == 0);
    const timeval limit{5, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  }
  ~TestPort() {
    ::close(fd_);
    if (filler_ >= 0) ::close(filler_);
  }
  TestPort(const TestPort&) = delete;

  [[nodiscard]] int fd() const { return fd_; }
  [[nodiscard]] std::uint16_t number() const { return bound_port(fd_); }
  TestPort& listen() {
    REQUIRE(::listen(fd_, 16) == 0);
    return *this;
  }
  /// Whoever connects from now on hears nothing: the queue is full, so the kernel drops what comes.
  TestPort& swallow() {
    REQUIRE(::listen(fd_, 0) == 0);
    sockaddr_storage where{};
    socklen_t size = sizeof where;
    REQUIRE(::getsockname(fd_, reinterpret_cast<sockaddr*>(&where), &size) == 0);
    filler_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    REQUIRE(::connect(filler_, reinterpret_cast<const sockaddr*>(&where), size) == 0);
    return *this;
  }
  [[nodiscard]] ServerEnd accept() const { return ServerEnd(::accept4(fd_, nullptr, nullptr, SOCK_CLOEXEC)); }

 private:
  int fd_;
  int filler_ = -1;
};

inline ClientStreamOptions dial_options(std::uint16_t port, const std::string& host = "127.0.0.1") {
  ClientStreamOptions options;
  options.host = host;
  options.port = port;
  return options;
}

class StreamHouse {
 public:
  template <class Work>
  auto on(Work work) {
    return run_on(threads.at(0), std::move(work));
  }
  StreamHouse() {
    threads.start(true);
    on([this] {
      timers = std::make_unique<PreciseTimers>(threads.at(0), true);
      stream = std::make_unique<ClientStream>(threads.at(0), *timers, handler);
    });
  }
  ~StreamHouse() {
    on([this] {
      stream.reset();
      timers.reset();
    });
    threads.stop();
  }
  void open(const ClientStreamOptions& options) {
    on([&] { stream->open(options); });
  }
  void open(std::uint16_t port) { open(dial_options(port)); }
  /// Opens to a port that listens; the other end.
  [[nodiscard]] ServerEnd connect(const TestPort& port) {
    open(port.number());
    ServerEnd end = port.accept();
    REQUIRE(handler.wait_open());
    return end;
  }
  [[nodiscard]] bool send(std::string_view bytes) {
    return on([&] { return stream->send(bytes); });
  }
  void close() {
    on([this] { stream->close(); });
  }
  [[nodiscard]] bool is_open() {
    return on([this] { return stream->is_open(); });
  }
  [[nodiscard]] std::string peer() {
    return on([this] { return stream->peer(); });
  }
  /// Time goes by, after what was begun already.
  void pass(Millis time) {
    settle(threads.at(0));
    clock.advance(time);
    on([this] { timers->advance(); });
  }

  jl::test::ManualClock clock;
  IoThreads threads{1, clock};
  RecordingStreamHandler handler;
  std::unique_ptr<PreciseTimers> timers;
  std::unique_ptr<ClientStream> stream;
};

}  // namespace jl::network::test
