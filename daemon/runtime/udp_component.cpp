// UDP: a socket per I/O thread, with DTLS when secure, and the devices that send datagrams to it.
#include "daemon/access/udp_access.hpp"
#include "daemon/network/udp_server.hpp"
#include "daemon/runtime/listening.hpp"

#include <fmt/format.h>

namespace jl::runtime {
namespace json = boost::json;

namespace {

Result<network::UdpServerOptions> options_of(const std::string& id, const model::Udp& c, const CertSource& certs) {
  network::UdpServerOptions out;
  out.id = id;
  out.host = c.host;
  out.port = c.port;
  out.max_sessions = static_cast<std::uint32_t>(c.max_connections);
  out.max_message_rate = static_cast<std::uint32_t>(c.max_message_rate);
  out.handshake_timeout = std::chrono::seconds(c.connect_timeout);
  out.session_timeout = std::chrono::seconds(c.session_timeout);
  JL_TRY(out.dtls, tls_of(c, certs, true));
  return out;
}

Millis silence_of(const model::Udp& c) { return c.session_timeout * 1000; }

class UdpComponent final : public Component {
 public:
  UdpComponent(std::string id, const access::Context& context, std::shared_ptr<access::UdpAccess> access,
               std::unique_ptr<network::UdpServer> server, const model::Udp& configuration)
      : id_(std::move(id)),
        context_(context),
        access_(std::move(access)),
        server_(std::move(server)),
        place_(place_of(model::NetworkType::udp, configuration)),
        since_(context.clock.now()) {}

  Result<std::function<void()>> prepare(const json::object& json, const CertSource& certs) override {
    const auto configuration = model::from_json<model::Udp>(json);
    JL_TRY(auto options, options_of(id_, configuration, certs));
    return std::function<void()>([this, options = std::move(options), silence = silence_of(configuration)] {
      server_->update(options);
      access_->set_silence(silence);
    });
  }
  void attach(std::shared_ptr<const access::AttachedGateways> gateways) override { access_->attach(gateways); }
  void stop(std::chrono::milliseconds) override {
    server_->stop();
    access_->stop();
  }
  void list(ClientsDone done) const override { done(sessions_json(context_, id_)); }

  json::object status() const override {
    const auto& c = server_->counters();
    return {{"state", "running"},
            {"address", fmt::format("{}:{}", place_, server_->port())},
            {"port", server_->port()},
            {"connections", context_.sessions.count([&](const access::Session& s) { return s.network_id == id_; })},
            {"counters", json::object{{"receivedMessages", c.received.load()},
                                      {"sentMessages", c.sent.load()},
                                      {"receivedBytes", c.received_bytes.load()},
                                      {"sentBytes", c.sent_bytes.load()},
                                      {"dropped", c.dropped.load()},
                                      {"unheard", access_->unheard()},
                                      {"overLimit", c.over_limit.load()},
                                      {"rateLimited", c.rate_limited.load()},
                                      {"tlsHandshakes", c.dtls_handshakes.load()},
                                      {"tlsFailures", c.dtls_failures.load()},
                                      {"tlsSessions", c.sessions.load()},
                                      {"cookies", c.cookies.load()}}},
            {"since", format_time(since_)}};
  }

 private:
  const std::string id_;
  const access::Context& context_;
  const std::shared_ptr<access::UdpAccess> access_;
  const std::unique_ptr<network::UdpServer> server_;
  const std::string place_;
  const Millis since_;
};

}  // namespace

Result<std::unique_ptr<Component>> start_udp(const Materials& materials, const std::string& id,
                                             const model::Udp& configuration, const CertSource& certs,
                                             std::shared_ptr<const access::AttachedGateways> gateways) {
  JL_TRY(const auto options, options_of(id, configuration, certs));
  auto access = std::make_shared<access::UdpAccess>(materials.context, id, materials.threads,
                                                    static_cast<std::size_t>(configuration.max_connections),
                                                    silence_of(configuration));
  access->attach(gateways);
  JL_TRY(auto server, network::UdpServer::start(options, materials.threads, access));
  return std::unique_ptr<Component>(
      std::make_unique<UdpComponent>(id, materials.context, std::move(access), std::move(server), configuration));
}

}  // namespace jl::runtime
