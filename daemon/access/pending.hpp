#pragma once
// Commands that wait for a device's answer on one connection. Lives on the connection's thread.
#include "common/base/result.hpp"
#include "daemon/codec/message.hpp"
#include "daemon/network/timer_wheel.hpp"

#include <boost/json.hpp>
#include <functional>
#include <list>
#include <memory>
#include <string>

namespace jl::access {

/// A device's answer.
struct CommandReply {
  std::string message_id;
  boost::json::object message;  ///< canonical; parts of a fragmented answer merged
  Millis elapsed = 0;
};
/// Called once, on an I/O thread or the caller's.
using CommandDone = std::function<void(Result<CommandReply>)>;

class PendingCommands {
 public:
  static constexpr std::size_t kMax = 64;  ///< per connection
  static constexpr std::size_t kMaxFragments = 256;

  explicit PendingCommands(network::TimerWheel& timers);
  ~PendingCommands();
  PendingCommands(const PendingCommands&) = delete;

  [[nodiscard]] bool is_full() const { return commands_.size() >= kMax; }
  [[nodiscard]] std::size_t size() const { return commands_.size(); }
  /// Waits for an answer of this device and id, at most `timeout`.
  void add(std::string device_id, std::string message_id, codec::MessageType reply, Millis timeout, CommandDone done);
  /// Offers a reply; true when a command waited for it.
  bool complete(const codec::DeviceMessage& reply);
  void fail_all(Errc code);

 private:
  struct Command;
  using List = std::list<std::unique_ptr<Command>>;
  static void on_timeout(void* command);
  void finish(List::iterator at, Result<CommandReply> result);
  network::TimerWheel& timers_;
  List commands_;
};

}  // namespace jl::access
