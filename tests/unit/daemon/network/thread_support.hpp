#pragma once
// What the tests of this folder share: running code on an I/O thread, commits that a test steers, a pair of sockets.
#include "daemon/network/io_thread.hpp"

#include <doctest/doctest.h>
#include <sys/socket.h>
#include <unistd.h>
#include <array>
#include <chrono>
#include <future>
#include <memory>
#include <type_traits>
#include <utility>

namespace jl::network::test {

constexpr std::chrono::seconds kCeiling{5};

/// Runs a function on the thread and returns what it returns; the turn it belongs to may still be open.
template <class Work>
auto run_on(IoThread& thread, Work work) {
  using Value = std::invoke_result_t<Work>;
  auto task = std::make_shared<std::packaged_task<Value()>>(std::move(work));
  auto result = task->get_future();
  thread.post([task] { (*task)(); });
  REQUIRE(result.wait_for(kCeiling) == std::future_status::ready);
  return result.get();
}

/// Waits until the turn of everything posted so far has ended.
inline void settle(IoThread& thread) {
  run_on(thread, [] {});
  run_on(thread, [] {});
}

/// Holds a thread inside of one callback, so that a test can prepare what the next turn finds.
class Hold {
 public:
  explicit Hold(IoThread& thread) {
    auto entered = std::make_shared<std::promise<void>>();
    auto is_in = entered->get_future();
    thread.post([entered, gate = gate_.get_future().share()] {
      entered->set_value();
      gate.wait();
    });
    is_in.wait();
  }
  ~Hold() { release(); }
  void release() {
    if (!std::exchange(released_, true)) gate_.set_value();
  }

 private:
  std::promise<void> gate_;
  bool released_ = false;
};

/// A commit whose end a test decides. Touch it on its thread only.
class SteeredCommit final : public TurnCommit {
 public:
  void commit(std::function<void(bool)> done) override {
    ++commits;
    if (throws) throw std::runtime_error("commit");
    if (holds) {
      held = std::move(done);
    } else {
      done(!fails);
    }
  }
  int commits = 0;
  bool holds = false;
  bool fails = false;
  bool throws = false;
  std::function<void(bool)> held;
};

class SocketPair {
 public:
  SocketPair() { REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds_.data()) == 0); }
  ~SocketPair() { close_ours(), close_theirs(); }
  SocketPair(const SocketPair&) = delete;
  [[nodiscard]] int ours() const { return fds_[0]; }
  void say(char byte = 'x') const { REQUIRE(::write(fds_[1], &byte, 1) == 1); }
  void close_ours() { drop(fds_[0]); }
  void close_theirs() { drop(fds_[1]); }
  [[nodiscard]] int theirs() const { return fds_[1]; }

 private:
  static void drop(int& fd) {
    if (fd >= 0) ::close(fd);
    fd = -1;
  }
  std::array<int, 2> fds_{-1, -1};
};

}  // namespace jl::network::test
