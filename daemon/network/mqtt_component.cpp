#include "daemon/network/mqtt_component.hpp"

#include "daemon/network/mqtt_connection.hpp"

namespace jl::network {

MqttComponent::MqttComponent(const MqttServerOptions& options, IoThreads& threads,
                             std::shared_ptr<MqttServerHandler> handler)
    : id_(options.id),
      handler_(std::move(handler)),
      lanes_(threads.size()),
      options_(std::make_shared<const MqttServerOptions>(options)) {
  for (std::size_t i = 0; i < lanes_.size(); ++i) lanes_[i].thread = &threads.at(i);
}

MqttLane& MqttComponent::next_lane() {
  return lanes_[next_lane_.fetch_add(1, std::memory_order_relaxed) % lanes_.size()];
}

std::shared_ptr<const MqttServerOptions> MqttComponent::options() const {
  const std::scoped_lock lock(mutex_);
  return options_;
}

void MqttComponent::set_options(const MqttServerOptions& options) {
  auto next = std::make_shared<const MqttServerOptions>(options);
  const std::scoped_lock lock(mutex_);
  options_.swap(next);
}

void MqttComponent::count_in(bool over_limit) {
  (over_limit ? over_limit_ : within_limit_).fetch_add(1, std::memory_order_relaxed);
  counters.connections.fetch_add(1, std::memory_order_relaxed);
}

void MqttComponent::count_out(bool over_limit) {
  (over_limit ? over_limit_ : within_limit_).fetch_sub(1, std::memory_order_relaxed);
  // Released here and acquired by who waits: what the handler did in on_close happened before.
  if (counters.connections.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
  const std::scoped_lock lock(mutex_);
  emptied_.notify_all();
}

bool MqttComponent::wait_until_empty(std::chrono::milliseconds limit) {
  std::unique_lock lock(mutex_);
  return emptied_.wait_for(lock, limit, [this] { return counters.connections.load(std::memory_order_acquire) == 0; });
}

void MqttComponent::report(Trouble kind, std::string_view peer, std::string_view detail, Millis steady_now) {
  static constexpr std::array<std::string_view, static_cast<std::size_t>(Trouble::count_)> kWhat{
      "connection over the limit", "peer broke the protocol", "peer does not take what it is sent", "log write failed",
      "TLS handshake failed"};
  std::uint64_t held = 0;
  if (!troubles_[static_cast<std::size_t>(kind)].allow(steady_now, held)) return;
  log::warn("network.mqtt", "{} component={} peer={} detail=\"{}\" suppressed={}",
            kWhat[static_cast<std::size_t>(kind)], id_, peer, detail, held);
}

}  // namespace jl::network
