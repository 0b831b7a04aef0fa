#pragma once
// Who reads the logs live. A handle that has gone is never called again: giving it up waits for a call that is under
// way on another thread, and is allowed inside the callback itself. Handles may outlive this object.
#include "daemon/logs/logs.hpp"

#include <memory>
#include <mutex>
#include <vector>

namespace jl::logs {

class Followers {
 public:
  using Line = std::function<void(const boost::json::object&)>;
  /// The callback should be quick: it holds up the writer thread. Any thread.
  [[nodiscard]] std::shared_ptr<void> add(LogQuery query, Line line);
  /// Calls everyone whose query lets the record through. What a callback throws is dropped, and the callback with it.
  void deliver(LogClass log, const boost::json::object& record, Millis time);

 private:
  struct Slot {
    LogQuery query;
    Line line;
    std::recursive_mutex mutex;  // recursive: a callback may give up its own handle
    bool active = true;
  };
  struct State {
    std::mutex mutex;
    std::vector<std::shared_ptr<Slot>> slots;
  };
  std::shared_ptr<State> state_ = std::make_shared<State>();
};

}  // namespace jl::logs
