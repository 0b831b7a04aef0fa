#pragma once
// Group commit: callers that need a sync at the same time share one. Any thread; blocks until the data is safe.
#include "common/base/result.hpp"

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>

namespace jl::store {

class GroupSync {
 public:
  explicit GroupSync(std::function<Status()> sync) : sync_(std::move(sync)) {}

  /// Returns the result of a sync that began after this call did.
  [[nodiscard]] Status wait() {
    std::unique_lock lock(mutex_);
    // A sync that is under way may have begun before the caller's last write: only the next round covers it.
    const auto mine = next_;
    while (!mine->done) {
      if (running_) {
        finished_.wait(lock);
        continue;
      }
      running_ = true;
      next_ = std::make_shared<Round>();
      lock.unlock();
      Status result = sync_();
      lock.lock();
      running_ = false;
      mine->done = true;
      mine->result = std::move(result);
      finished_.notify_all();
    }
    return mine->result;
  }

 private:
  struct Round {
    bool done = false;
    Status result;
  };
  std::function<Status()> sync_;
  std::mutex mutex_;
  std::condition_variable finished_;
  bool running_ = false;
  std::shared_ptr<Round> next_ = std::make_shared<Round>();
};

}  // namespace jl::store
