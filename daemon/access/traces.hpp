#pragma once
// What passes between a device and its codec, for those who look on (protocol trace): bytes in, messages out, bytes
// back, errors. Costs one relaxed load per message while nobody does. Any thread.
#include "daemon/codec/protocol.hpp"

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

namespace jl::access {

class Traces {
 public:
  /// Called on I/O threads, one line of JSON at a time.
  using Line = std::function<void(const std::string& json)>;

  /// Follows a device, whether or not it exists; the handle ends it.
  [[nodiscard]] std::shared_ptr<void> follow(std::string device_id, Line line);
  [[nodiscard]] bool follows(std::string_view device_id) const;

  /// What came, and what was made of it: `messages` null = nothing, `error` "" = none.
  void up(std::string_view device_id, const codec::Uplink& wire, const codec::DeviceMessage* messages,
          std::string_view outcome, Millis now);
  /// What was sent: by a command, or as the protocol's own answer.
  void down(std::string_view device_id, codec::Transport transport, const codec::Downlink& sent, std::string_view why,
            Millis now);
  /// Something went wrong that shows in no bytes.
  void trouble(std::string_view device_id, std::string_view what, Millis now);

 private:
  struct Follower {
    std::string device_id;
    Line line;
  };
  void tell(std::string_view device_id, const boost::json::object& record);
  std::atomic<std::size_t> count_{0};
  mutable std::recursive_mutex mutex_;  // a line may be the last one and give up its own handle
  std::multimap<std::string, std::shared_ptr<Follower>, std::less<>> followers_;
};

}  // namespace jl::access
