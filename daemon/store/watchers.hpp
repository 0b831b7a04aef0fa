#pragma once
// The change feed of a Store: who is told of commits. Lives as long as the store or the last handle, whichever is
// longer. A handle that has gone is never called again: giving it up waits for a call that is under way on another
// thread, and is allowed inside the callback itself.
#include "daemon/store/store.hpp"

#include <memory>
#include <mutex>
#include <vector>

namespace jl::store {

class Watchers {
 public:
  /// The callback must not throw and must not commit. Any thread.
  [[nodiscard]] std::shared_ptr<void> add(Store::Watcher watcher);
  /// Calls everyone who was there when it began, in the order they came.
  void notify(const Commit& commit) const noexcept;

 private:
  struct Slot {
    Store::Watcher call;
    bool active = true;
  };
  struct State {
    std::recursive_mutex mutex;  // recursive: a callback may add a watcher or give up a handle
    std::vector<std::shared_ptr<Slot>> slots;
  };
  std::shared_ptr<State> state_ = std::make_shared<State>();
};

}  // namespace jl::store
