// Applications: one publishes, others are subscribed to the topic.
#include "tests/bench/loads.hpp"

#include <algorithm>
#include <string>

namespace jl::bench {
namespace {

class Relay {
 public:
  explicit Relay(const Options& options)
      : options_(options), peers_(options), topic_("bench/" + options.prefix + "topic") {
    peers_.connect(options.connections + 1);
    for (std::size_t i = 1; i < peers_.size(); ++i) {
      peers_[i].subscribe(topic_, options.qos);
      peers_[i].flush();
      while (!peers_[i].subscribed()) peers_.for_each_event([&](std::size_t index) { peers_[index].receive(); });
    }
  }

  void run() {
    const std::uint64_t receivers = options_.connections;
    const Meter meter(options_.pid);
    refill();
    while (delivered_ < options_.messages * receivers || !is_acknowledged()) {
      peers_.for_each_event([&](std::size_t index) {
        MqttPeer& peer = peers_[index];
        const std::uint64_t before = peer.delivered();
        peer.receive();
        delivered_ += peer.delivered() - before;
        if (peer.has_output()) peer.flush();
      });
      refill();
    }
    meter.print(options_.messages * receivers);
  }

 private:
  [[nodiscard]] bool is_acknowledged() { return options_.qos == 0 || peers_[0].acknowledged() == options_.messages; }

  // At most `window` messages are on their way, so that no server has to drop any.
  void refill() {
    MqttPeer& publisher = peers_[0];
    std::uint64_t done = delivered_ / options_.connections;
    if (options_.qos > 0) done = std::min(done, publisher.acknowledged());
    if (publisher.has_output() || publisher.sent() - done > options_.window / 2) return;
    while (publisher.sent() < options_.messages && publisher.sent() - done < options_.window)
      publisher.publish(topic_, property_report(publisher.sent()), options_.qos);
    publisher.flush();
  }

  const Options options_;
  PeerSet peers_;
  const std::string topic_;
  std::uint64_t delivered_ = 0;
};

}  // namespace

void relay(const Options& options) { Relay(options).run(); }

}  // namespace jl::bench
