#include "daemon/network/mqtt_server.hpp"

#include "common/base/assert.hpp"
#include "daemon/network/listener.hpp"
#include "daemon/network/mqtt_connection.hpp"

namespace jl::network {
namespace {

constexpr std::uint32_t kMaxOverLimit = 256;               // connections that wait to hear that there are too many
constexpr std::chrono::milliseconds kOverLimitTime{2000};  // for each of them
constexpr std::chrono::milliseconds kForceTime{5000};      // for the threads to close what is left

class Server final : public MqttServer {
 public:
  Server(std::shared_ptr<Listener> listener, std::shared_ptr<MqttComponent> component)
      : listener_(std::move(listener)), component_(std::move(component)) {}
  ~Server() override { Server::stop(std::chrono::milliseconds(0)); }

  void stop(std::chrono::milliseconds drain) override;
  void update(const MqttServerOptions& options) override { component_->set_options(options); }
  std::uint16_t port() const override { return listener_->port(); }
  const MqttServerCounters& counters() const override { return component_->counters; }

 private:
  template <class Each>
  void post_to_all(Each each) {
    for (MqttLane& lane : component_->lanes()) {
      lane.thread->post([component = component_, &lane, each] { each(lane); });
    }
  }

  const std::shared_ptr<Listener> listener_;
  const std::shared_ptr<MqttComponent> component_;
  bool stopped_ = false;
};

void Server::stop(std::chrono::milliseconds drain) {
  if (stopped_) return;
  stopped_ = true;
  for (const MqttLane& lane : component_->lanes()) JL_ASSERT(!lane.thread->is_current());
  Listener::stop(listener_);
  // From here on no connection is added: those that were accepted are in the threads' queues before this.
  post_to_all([](MqttLane& lane) {
    for (std::size_t i = 0; i < lane.connections.size(); ++i) {
      lane.connections[i]->close(wire::mqtt::CloseCause::server_shutdown, wire::mqtt::ReasonCode::server_shutting_down);
    }
  });
  if (component_->wait_until_empty(drain)) return;
  post_to_all([](MqttLane& lane) {
    while (!lane.connections.empty()) lane.connections.back()->finish();
  });
  if (component_->wait_until_empty(kForceTime)) return;
  log::error("network.mqtt", "connections left open component={} connections={}", component_->options()->id,
             component_->counters.connections.load());
}

/// Gives an accepted socket to the thread whose turn it is, or refuses it when there are too many.
void take(const std::shared_ptr<MqttComponent>& component, Stream stream, const PeerAddress& peer, Millis steady_now) {
  const auto options = component->options();
  auto& counters = component->counters;
  counters.accepted.fetch_add(1, std::memory_order_relaxed);
  const bool over_limit = component->within_limit() >= options->max_connections;
  if (over_limit) {
    counters.over_limit.fetch_add(1, std::memory_order_relaxed);
    component->report(MqttComponent::Trouble::over_limit, peer.to_string(),
                      fmt::format("limit={}", options->max_connections), steady_now);
    if (component->over_limit() >= kMaxOverLimit) {
      counters.rejected.fetch_add(1, std::memory_order_relaxed);
      return;
    }
  }
  MqttLane& lane = component->next_lane();
  const std::chrono::milliseconds limit = over_limit ? kOverLimitTime : options->connect_timeout;
  lane.thread->post([limit, connection = std::make_shared<MqttServerConnection>(
                                component, lane, std::move(stream), peer, over_limit)] { connection->start(limit); });
}

}  // namespace

Result<std::unique_ptr<MqttServer>> MqttServer::start(const MqttServerOptions& options, IoThreads& threads,
                                                      std::shared_ptr<MqttServerHandler> handler) {
  IoThread& thread = threads.next();
  JL_TRY(auto listener, Listener::open(options.host, options.port, options.id, thread));
  auto component = std::make_shared<MqttComponent>(options, threads, std::move(handler));
  std::unique_ptr<MqttServer> server = std::make_unique<Server>(listener, component);
  Listener::start(listener, [component, &thread](Stream stream, const PeerAddress& peer) {
    take(component, std::move(stream), peer, thread.timers().now());
  });
  return server;
}

}  // namespace jl::network
