#include "daemon/network/mqtt_server.hpp"

#include "daemon/network/mqtt_connection.hpp"
#include "daemon/network/stream_server.hpp"

namespace jl::network {
namespace {

class Server final : public MqttServer {
 public:
  Server(std::unique_ptr<StreamServer> server, std::shared_ptr<MqttComponent> component)
      : server_(std::move(server)), component_(std::move(component)) {}

  void stop(std::chrono::milliseconds drain) override { server_->stop(drain); }
  void update(const MqttServerOptions& options) override {
    component_->set_options(std::make_shared<const MqttServerOptions>(options));
  }
  std::uint16_t port() const override { return server_->port(); }
  const MqttServerCounters& counters() const override { return component_->counters; }

 private:
  const std::unique_ptr<StreamServer> server_;
  const std::shared_ptr<MqttComponent> component_;
};

}  // namespace

Result<std::unique_ptr<MqttServer>> MqttServer::start(const MqttServerOptions& options, IoThreads& threads,
                                                      std::shared_ptr<MqttServerHandler> handler) {
  auto component = std::make_shared<MqttComponent>(options, threads, std::move(handler));
  JL_TRY(auto server, StreamServer::start(threads, component,
                                          [component](StreamLane& lane, Stream stream, const PeerAddress& peer,
                                                      bool over_limit) -> std::shared_ptr<StreamConnection> {
                                            return std::make_shared<MqttServerConnection>(
                                                component, lane, std::move(stream), peer, over_limit);
                                          }));
  return std::unique_ptr<MqttServer>(std::make_unique<Server>(std::move(server), std::move(component)));
}

}  // namespace jl::network
