// TCP_SERVER (TCP服务): a listener, its framing rule, and the devices on it.
#include "daemon/access/tcp_access.hpp"
#include "daemon/network/tcp_server.hpp"
#include "daemon/runtime/framing_rule.hpp"
#include "daemon/runtime/listening.hpp"

#include <fmt/format.h>

namespace jl::runtime {
namespace json = boost::json;

namespace {

Result<network::TcpServerOptions> options_of(const std::string& id, const model::TcpServer& c,
                                             const CertSource& certs) {
  network::TcpServerOptions out;
  fill_stream_options(out, id, c);
  out.idle_timeout = std::chrono::milliseconds(c.parser_configuration.keep_alive_timeout);
  JL_TRY(out.framing, framing_rule(c));
  JL_TRY(out.tls, tls_of(c, certs));
  return out;
}

class TcpServerComponent final : public Component {
 public:
  TcpServerComponent(std::string id, std::shared_ptr<access::TcpAccess> access,
                     std::unique_ptr<network::TcpServer> server, const model::TcpServer& configuration,
                     const Clock& clock)
      : id_(std::move(id)),
        access_(std::move(access)),
        server_(std::move(server)),
        place_(place_of(model::NetworkType::tcp_server, configuration)),
        clock_(clock),
        since_(clock.now()) {}

  Result<std::function<void()>> prepare(const json::object& json, const CertSource& certs) override {
    JL_TRY(auto options, options_of(id_, model::from_json<model::TcpServer>(json), certs));
    return std::function<void()>([this, options = std::move(options)] { server_->update(options); });
  }
  void attach(std::shared_ptr<const access::AttachedGateways> gateways) override {
    access_->attach(std::move(gateways));
  }
  void stop(std::chrono::milliseconds drain) override { server_->stop(drain); }
  void list(ClientsDone done) const override {
    server_->list([done = std::move(done), &clock = clock_](const std::vector<network::ConnectionInfo>& clients) {
      done(clients_json(clients, clock));
    });
  }

  json::object status() const override {
    const auto& c = server_->counters();
    return {{"state", "running"},           {"address", fmt::format("{}:{}", place_, server_->port())},
            {"port", server_->port()},      {"connections", c.connections.load()},
            {"counters", counters_json(c)}, {"since", format_time(since_)}};
  }

 private:
  const std::string id_;
  const std::shared_ptr<access::TcpAccess> access_;
  const std::unique_ptr<network::TcpServer> server_;
  const std::string place_;
  const Clock& clock_;
  const Millis since_;
};

}  // namespace

Result<std::unique_ptr<Component>> start_tcp_server(const Materials& materials, const std::string& id,
                                                    const model::TcpServer& configuration, const CertSource& certs,
                                                    std::shared_ptr<const access::AttachedGateways> gateways) {
  JL_TRY(const auto options, options_of(id, configuration, certs));
  auto access = std::make_shared<access::TcpAccess>(materials.context, id);
  access->attach(std::move(gateways));
  JL_TRY(auto server, network::TcpServer::start(options, materials.threads, access));
  return std::unique_ptr<Component>(std::make_unique<TcpServerComponent>(id, std::move(access), std::move(server),
                                                                         configuration, materials.context.clock));
}

}  // namespace jl::runtime
