// Devices that are upgraded: each one is told, answers, and says that it is done. Who tells them is a server with a
// task, or, beside a broker that knows of none, one more connection that sends the same bytes and counts the answers.
#include "tests/bench/loads.hpp"

#include <cstdio>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace jl::bench {
namespace {

// The text of a member, of JSON without escapes in it.
std::string_view member(std::string_view json, std::string_view key) {
  const std::string quoted = "\"" + std::string(key) + "\":\"";
  const std::size_t at = json.find(quoted);
  if (at == std::string_view::npos) die("a device was told no " + std::string(key));
  json.remove_prefix(at + quoted.size());
  return json.substr(0, json.find('"'));
}

class Upgrade {
 public:
  explicit Upgrade(const Options& options) : options_(options), peers_(options), devices_(options.connections) {
    peers_.connect(devices_.size() + (options_.command.empty() ? 1 : 0));
    for (std::size_t i = 0; i < devices_.size(); ++i) {
      peers_[i].listen([this, i](std::string_view, std::string_view payload) { hear(i, payload); });
      subscribe(i, topic_of(i));
    }
    if (options_.command.empty()) {
      subscribe(devices_.size(), "/" + options_.product + "/+/firmware/upgrade/+");
      peers_[devices_.size()].listen([this](std::string_view, std::string_view) { ++answers_; });
    }
    while (subscribed_ < peers_.size()) serve();
  }

  void run() {
    const Meter meter(options_.pid);
    meter_ = &meter;
    // What it prints is for people who look into it.
    const auto end = [](std::FILE* command) { return command ? pclose(command) : 0; };
    std::unique_ptr<std::FILE, decltype(end)> command(nullptr, end);
    if (!options_.command.empty()) command.reset(popen((options_.command + " >&2").c_str(), "w"));
    while (done_ < devices_.size()) {
      if (options_.command.empty()) tell_more();
      serve();
    }
    const double seconds = meter.seconds();
    const auto count = static_cast<double>(devices_.size());
    std::printf("%.0f %.2f %.1f %.1f\n", count / (last_told_ - first_told_), seconds, meter.server_cpu() / count * 1e6,
                meter.generator_cpu() / count * 1e6);
    if (command && end(command.release()) != 0) die("the command has failed");
    write_urls();
  }

 private:
  struct Device {
    bool done = false;
    std::string url;
  };

  [[nodiscard]] std::string topic_of(std::size_t index) const {
    return "/" + options_.product + "/" + peers_.id_of(index) + "/firmware/upgrade";
  }

  void subscribe(std::size_t index, std::string_view filter) {
    peers_[index].subscribe(filter, 1);
    peers_[index].flush();
  }

  void serve() {
    peers_.for_each_event([&](std::size_t index) {
      MqttPeer& peer = peers_[index];
      const bool was_subscribed = peer.subscribed();
      peer.receive();
      if (peer.has_output()) peer.flush();
      if (!was_subscribed && peer.subscribed()) ++subscribed_;
      if (index >= devices_.size() || devices_[index].done || peer.sent() == 0) return;
      devices_[index].done = peer.acknowledged() == peer.sent();
      if (devices_[index].done) ++done_;
    });
  }

  void hear(std::size_t index, std::string_view payload) {
    MqttPeer& peer = peers_[index];
    if (peer.sent() > 0) die("a device was told twice");
    last_told_ = meter_->seconds();
    if (first_told_ == 0) first_told_ = last_told_;
    const std::string firmware(member(payload, "firmwareId")), version(member(payload, "version"));
    const std::string topic = topic_of(index);
    peer.publish(topic + "/reply",
                 R"({"messageId":")" + std::string(member(payload, "messageId")) + R"(","success":true})", 1);
    if (options_.urls.empty()) {
      peer.publish(topic + "/progress",
                   R"({"firmwareId":")" + firmware + R"(","version":")" + version +
                       R"(","progress":100,"complete":true,"success":true})",
                   1);
    } else {
      devices_[index].url = member(payload, "url");
    }
  }

  // At most `window` devices that have not answered.
  void tell_more() {
    MqttPeer& teller = peers_[devices_.size()];
    const std::uint64_t begun = answers_ / 2 + options_.window;
    while (teller.sent() < devices_.size() && teller.sent() < begun) {
      const std::string message =
          R"({"messageId":"ota-mit4v5zk-2s)" + std::to_string(teller.sent()) +
          R"(","firmwareId":"fw-bench","version":"1.2.0","url":"http://127.0.0.1:8848/ota/v1/fw-bench/firmware.bin?k=)" +
          std::string(80, 'k') + R"(","size":52428800,"sign":")" + std::string(64, '5') +
          R"(","signMethod":"sha256","parameters":{}})";
      teller.publish(topic_of(teller.sent()), message, 1);
    }
    teller.flush();
  }

  void write_urls() const {
    if (options_.urls.empty()) return;
    std::FILE* file = std::fopen(options_.urls.c_str(), "w");
    if (file == nullptr) die("cannot write " + options_.urls);
    for (const Device& device : devices_) std::fprintf(file, "%s\n", device.url.c_str());
    if (std::fclose(file) != 0) die("cannot write " + options_.urls);
  }

  const Options options_;
  PeerSet peers_;
  std::vector<Device> devices_;
  const Meter* meter_ = nullptr;
  std::size_t subscribed_ = 0, done_ = 0;
  std::uint64_t answers_ = 0;  // to the connection that tells
  double first_told_ = 0, last_told_ = 0;
};

}  // namespace

void upgrade_devices(const Options& options) { Upgrade(options).run(); }

}  // namespace jl::bench
