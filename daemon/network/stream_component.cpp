#include "daemon/network/stream_component.hpp"

#include "daemon/network/stream_connection.hpp"

namespace jl::network {

StreamComponent::StreamComponent(std::shared_ptr<const StreamOptions> options, IoThreads& threads,
                                 std::string_view logger)
    : id_(options->id), logger_(logger), lanes_(threads.size()), options_(std::move(options)) {
  for (std::size_t i = 0; i < lanes_.size(); ++i) lanes_[i].thread = &threads.at(i);
}

StreamLane& StreamComponent::next_lane() {
  return lanes_[next_lane_.fetch_add(1, std::memory_order_relaxed) % lanes_.size()];
}

std::shared_ptr<const StreamOptions> StreamComponent::stream_options() const {
  const std::scoped_lock lock(mutex_);
  return options_;
}

void StreamComponent::set_options(std::shared_ptr<const StreamOptions> options) {
  const std::scoped_lock lock(mutex_);
  options_.swap(options);
}

void StreamComponent::count_in(bool over_limit) {
  (over_limit ? over_limit_ : within_limit_).fetch_add(1, std::memory_order_relaxed);
  counters.connections.fetch_add(1, std::memory_order_relaxed);
}

void StreamComponent::count_out(bool over_limit) {
  (over_limit ? over_limit_ : within_limit_).fetch_sub(1, std::memory_order_relaxed);
  // Released here and acquired by who waits: what the handler did in on_close happened before.
  if (counters.connections.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
  const std::scoped_lock lock(mutex_);
  emptied_.notify_all();
}

bool StreamComponent::wait_until_empty(std::chrono::milliseconds limit) {
  std::unique_lock lock(mutex_);
  return emptied_.wait_for(lock, limit, [this] { return counters.connections.load(std::memory_order_acquire) == 0; });
}

void StreamComponent::report(Trouble kind, std::string_view peer, std::string_view detail, Millis steady_now) {
  static constexpr std::array<std::string_view, static_cast<std::size_t>(Trouble::count_)> kWhat{
      "connection over the limit", "peer broke the protocol", "peer does not take what it is sent",
      "log write failed",          "TLS handshake failed",    "file not sent to its end"};
  std::uint64_t held = 0;
  if (!troubles_[static_cast<std::size_t>(kind)].allow(steady_now, held)) return;
  log::warn(logger_, "{} component={} peer={} detail=\"{}\" suppressed={}", kWhat[static_cast<std::size_t>(kind)], id_,
            peer, detail, held);
}

}  // namespace jl::network
