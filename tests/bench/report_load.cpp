#include "tests/bench/loads.hpp"

#include <algorithm>

namespace jl::bench {
namespace {

class Load {
 public:
  explicit Load(const Options& options) : options_(options), peers_(options), progress_(options.connections) {
    peers_.connect(options.connections);
    for (std::size_t i = 0; i < peers_.size(); ++i)
      topics_.push_back("/" + options.product + "/" + peers_.id_of(i) + "/properties/report");
  }

  void run() {
    const Meter meter(options_.pid);
    left_ = options_.messages;
    for (std::size_t i = 0; i < peers_.size(); ++i) refill(i);
    while (fenced_ < peers_.size()) {
      peers_.for_each_event([&](std::size_t index) {
        peers_[index].receive();
        refill(index);
      });
    }
    meter.print(options_.messages);
  }

 private:
  struct Progress {
    std::uint64_t fence = 0;  // PUBACKs that mean everything has been handled; 0 = still publishing
    bool done = false;
  };

  // Keeps a connection busy. QoS 1: `window` messages unacknowledged. QoS 0: `window` messages per write, and a QoS 1
  // message as the last one, whose PUBACK says that the server has handled all before it.
  void refill(std::size_t index) {
    MqttPeer& peer = peers_[index];
    Progress& progress = progress_[index];
    while (!progress.done && progress.fence == 0 && !peer.has_output()) {
      const std::uint64_t open = options_.qos == 0 ? 0 : peer.sent() - peer.acknowledged();
      const std::uint64_t share = std::min(options_.window - open, left_);
      for (std::uint64_t i = 0; i < share; ++i) peer.publish(topics_[index], property_report(left_--), options_.qos);
      if (left_ == 0) {
        if (options_.qos == 0) peer.publish(topics_[index], property_report(0), 1);
        progress.fence = options_.qos == 0 ? 1 : peer.sent();
      }
      if (!peer.has_output()) break;
      peer.flush();
    }
    if (!progress.done && progress.fence > 0 && peer.acknowledged() >= progress.fence) {
      progress.done = true;
      ++fenced_;
    }
  }

  const Options options_;
  PeerSet peers_;
  std::vector<Progress> progress_;
  std::vector<std::string> topics_;
  std::uint64_t left_ = 0;
  std::size_t fenced_ = 0;
};

}  // namespace

void publish_reports(const Options& options) { Load(options).run(); }

}  // namespace jl::bench
