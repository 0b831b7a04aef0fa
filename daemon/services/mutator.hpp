#pragma once
// The mutation thread: changes run one at a time, in the order they came; those that waited together share one sync of
// the store before any of them is answered (group commit).
#include "daemon/store/store.hpp"

#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace jl::services {

class Mutator {
 public:
  /// Called with whether what the change wrote is safely on disk.
  using Answer = std::function<void(const Status& synced)>;
  /// Does the change and returns how to answer.
  using Change = std::function<Answer()>;

  explicit Mutator(store::Store& store);
  ~Mutator();
  Mutator(const Mutator&) = delete;

  /// Queues a change. False when it is stopping or more than kMaxQueued wait.
  [[nodiscard]] bool submit(Change change);
  /// Runs work on the mutation thread that changes nothing in the store.
  void run(std::function<void()> work);
  /// Finishes what is queued and takes nothing more.
  void stop();

  static constexpr std::size_t kMaxQueued = 1024;

 private:
  void loop();
  store::Store& store_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::vector<Change> queue_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace jl::services
