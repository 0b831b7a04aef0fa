#include "tests/bench/loads.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>

namespace jl::bench {
namespace {

constexpr std::size_t kPayloadBytes = 140;

// A property report of exactly kPayloadBytes.
std::string report(unsigned long long now, unsigned long long n) {
  std::array<char, 256> text{};
  const int length = std::snprintf(text.data(), text.size(),
                                   R"({"timestamp":%llu,"properties":{"temp":%llu.%02llu,"hum":%llu.%llu,)"
                                   R"("volt":3.%02llu,"rssi":-%llu,"state":"running"})",
                                   now, 10 + n % 30, n % 100, 20 + n % 60, n % 10, n % 100, 40 + n % 50);
  std::string out(text.data(), static_cast<std::size_t>(length));
  const std::string_view open = R"(,"messageId":")", close = R"("})";
  out += open;
  out.append(kPayloadBytes - out.size() - close.size(), 'm');
  out += close;
  return out;
}

}  // namespace

// One of many reports made beforehand, so that making them is no part of the run.
std::string_view property_report(std::uint64_t n) {
  static const std::vector<std::string> reports = [] {
    const auto now =
        std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch());
    std::vector<std::string> out;
    for (unsigned long long i = 0; i < 1024; ++i)
      out.push_back(report(static_cast<unsigned long long>(now.count()), i));
    return out;
  }();
  return reports[n % reports.size()];
}

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
