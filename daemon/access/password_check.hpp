#pragma once
// Whether an application's password is right. Hashing one takes tens of milliseconds on purpose, so it runs on a thread
// of its own; what was right once is remembered (as a keyed digest, in memory only), so that reconnecting costs
// nothing.
#include "common/base/secret.hpp"
#include "daemon/network/io_thread.hpp"

#include <array>
#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <thread>

namespace jl::access {

class PasswordCheck {
 public:
  static constexpr std::size_t kMaxWaiting = 64;  ///< over it, who comes is told "busy"
  static constexpr std::size_t kMaxRemembered = 4096;

  enum class Outcome : std::uint8_t { right, wrong, busy };

  PasswordCheck();
  ~PasswordCheck();
  PasswordCheck(const PasswordCheck&) = delete;

  /// Calls `done` on `thread` (the caller's): at once when the answer is known, else later.
  void check(const Secret& hash, const Secret& plain, network::IoThread& thread, std::function<void(Outcome)> done);

 private:
  struct Job {
    Secret hash, plain;
    std::string digest;
    network::IoThread* thread;
    std::function<void(Outcome)> done;
  };
  void run();
  [[nodiscard]] std::string digest_of(const Secret& hash, const Secret& plain) const;
  /// Under the lock.
  [[nodiscard]] bool is_remembered(const Secret& hash, const std::string& digest) const;

  std::array<unsigned char, 32> key_{};
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Job> waiting_;
  std::map<std::string, std::string> remembered_;  // hash -> digest of the password that fits
  bool stop_ = false;
  std::thread thread_;
};

}  // namespace jl::access
