#pragma once
// The device bus: one straight call from the decoded message to everything that wants it, on the thread that read it.
#include "daemon/codec/message.hpp"
#include "daemon/device/turn_log.hpp"

#include <atomic>
#include <mutex>
#include <string_view>
#include <vector>

namespace jl::device {

/// A decoded message on its way. Views die with the call.
struct Envelope {
  const codec::DeviceMessage& message;
  std::string_view product_id;
  std::string_view device_id;
  Millis received;
};

class Sink {
 public:
  virtual ~Sink() = default;
  /// Called on I/O threads, several at once; what it puts into `log` is written before the device is acknowledged.
  virtual void on_message(const Envelope& envelope, TurnLog& log) = 0;
};

/// Sinks are added before the I/O threads start.
class Bus {
 public:
  void add(Sink& sink) { sinks_.push_back(&sink); }
  void publish(const Envelope& envelope, TurnLog& log) const {
    for (Sink* sink : sinks_) sink->on_message(envelope, log);
  }

 private:
  std::vector<Sink*> sinks_;
};

/// Keeps messages (Family::messages) unless they ask not to be.
class HistorySink final : public Sink {
 public:
  void on_message(const Envelope& envelope, TurnLog& log) override;
};

/// Keeps the newest value of each property and tag, and what devices say of their firmware (Family::devices).
class LatestSink final : public Sink {
 public:
  void on_message(const Envelope& envelope, TurnLog& log) override;
};

/// Which messages a live tail wants.
struct TailFilter {
  std::string device, product, type;
};

/// Live tails: `jlctl message tail`. Costs one relaxed load per message while nobody looks.
class TailSink final : public Sink {
 public:
  using Line = std::function<void(const std::string& json)>;
  /// Calls `line` on I/O threads with the API's JSON for each message that passes, one at a time; the handle
  /// ends it, also from within such a call.
  [[nodiscard]] std::shared_ptr<void> subscribe(TailFilter filter, Line line);
  void on_message(const Envelope& envelope, TurnLog& log) override;

 private:
  struct Subscriber {
    TailFilter filter;
    Line line;
    bool active = true;
  };
  std::atomic<std::size_t> count_{0};
  std::recursive_mutex mutex_;  // recursive: a line may be the last one and give up its own handle
  std::vector<std::shared_ptr<Subscriber>> subscribers_;
};

}  // namespace jl::device
