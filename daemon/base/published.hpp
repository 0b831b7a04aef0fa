#pragma once
// A snapshot that one thread replaces and others read: readers keep what they took for as long as they hold it.
// Taking one costs a short lock, so it is for connects and changes; what runs per message keeps its own pointer.
#include <memory>
#include <mutex>
#include <utility>

namespace jl {

/// The current version of something immutable. Any thread. Why not std::atomic<std::shared_ptr>: GCC 12's load() gives
/// its lock bit back with relaxed order, which is a data race with the next store (ThreadSanitizer says so).
template <class T>
class Published {
 public:
  explicit Published(std::shared_ptr<const T> first = std::make_shared<const T>()) : current_(std::move(first)) {}
  Published(const Published&) = delete;
  Published& operator=(const Published&) = delete;

  [[nodiscard]] std::shared_ptr<const T> load() const {
    const std::lock_guard lock(mutex_);
    return current_;
  }
  /// The version that it replaces is released after the lock.
  void store(std::shared_ptr<const T> next) {
    const std::lock_guard lock(mutex_);
    current_.swap(next);
  }

 private:
  mutable std::mutex mutex_;
  std::shared_ptr<const T> current_;
};

}  // namespace jl
