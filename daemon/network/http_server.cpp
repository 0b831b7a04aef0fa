#include "daemon/network/http_server.hpp"

#include "daemon/network/http_connection.hpp"
#include "daemon/network/stream_server.hpp"

namespace jl::network {
namespace {

class Server final : public HttpServer {
 public:
  Server(std::unique_ptr<StreamServer> server, std::shared_ptr<HttpComponent> component)
      : server_(std::move(server)), component_(std::move(component)) {}

  void stop(std::chrono::milliseconds drain) override { server_->stop(drain); }
  void update(const HttpServerOptions& options) override {
    component_->set_options(std::make_shared<const HttpSettings>(options));
  }
  std::uint16_t port() const override { return server_->port(); }
  const StreamCounters& counters() const override { return component_->counters; }
  void list(std::function<void(std::vector<ConnectionInfo>)> done) const override { server_->list(std::move(done)); }

 private:
  const std::unique_ptr<StreamServer> server_;
  const std::shared_ptr<HttpComponent> component_;
};

}  // namespace

Result<std::unique_ptr<HttpServer>> HttpServer::start(const HttpServerOptions& options, IoThreads& threads,
                                                      std::shared_ptr<HttpServerHandler> handler) {
  auto component = std::make_shared<HttpComponent>(options, threads, std::move(handler));
  JL_TRY(auto server, StreamServer::start(threads, component,
                                          [component](StreamLane& lane, Stream stream, const PeerAddress& peer,
                                                      bool over_limit) -> std::shared_ptr<StreamConnection> {
                                            return std::make_shared<HttpServerConnection>(
                                                component, lane, std::move(stream), peer, over_limit);
                                          }));
  return std::unique_ptr<HttpServer>(std::make_unique<Server>(std::move(server), std::move(component)));
}

}  // namespace jl::network
