// COAP_SERVER (CoAP服务): a CoAP endpoint, with DTLS when secure, and the devices that ask it.
#include "daemon/access/coap_access.hpp"
#include "daemon/base/log.hpp"
#include "daemon/network/coap_server.hpp"
#include "daemon/runtime/listening.hpp"

#include <fmt/format.h>

namespace jl::runtime {
namespace json = boost::json;

namespace {

Result<network::CoapServerOptions> options_of(const std::string& id, const model::CoapServer& c,
                                              const CertSource& certs) {
  network::CoapServerOptions out;
  out.id = id;
  out.host = c.host;
  out.port = c.port;
  out.secure = c.secure;
  if (c.secure) {
    JL_TRY(const auto cert, certs(c.cert_id.id));
    out.bundle = cert.bundle;
    out.alias = c.private_key_alias;
    out.mutual = cert.mutual;
    // The library would say later, and less, what is wrong with it.
    JL_CHECK(tls_of(c, certs, true));
  }
  out.max_sessions = static_cast<std::uint32_t>(c.max_connections);
  out.session_timeout = std::chrono::seconds(c.session_timeout);
  out.max_message_bytes = static_cast<std::uint32_t>(c.max_message_size);
  out.max_message_rate = static_cast<std::uint32_t>(c.max_message_rate);
  return out;
}

Millis silence_of(const model::CoapServer& c) { return c.session_timeout * 1000; }

// Who asks for firmware has nothing to do with the component's gateways.
class FrontDoor final : public network::CoapServerHandler {
 public:
  FrontDoor(std::string network_id, ota::Downloads& downloads, std::shared_ptr<access::CoapAccess> access)
      : network_id_(std::move(network_id)), downloads_(downloads), access_(std::move(access)) {}

  void on_request(const network::CoapRequest& request, network::CoapRespond respond) override {
    if (ota::Downloads::is_download(request.path)) return respond(downloads_.answer(network_id_, request));
    access_->on_request(request, std::move(respond));
  }
  void on_observe(const network::CoapRequest& request, network::ObserverId id) override {
    access_->on_observe(request, id);
  }
  void on_observe_end(network::ObserverId id) override { access_->on_observe_end(id); }
  std::string shared_key(std::string_view identity) override { return access_->shared_key(identity); }

 private:
  const std::string network_id_;
  ota::Downloads& downloads_;
  const std::shared_ptr<access::CoapAccess> access_;
};

class CoapServerComponent final : public Component {
 public:
  CoapServerComponent(std::string id, const access::Context& context, std::shared_ptr<access::CoapAccess> access,
                      std::unique_ptr<network::CoapServer> server, const model::CoapServer& configuration)
      : id_(std::move(id)),
        context_(context),
        access_(std::move(access)),
        server_(std::move(server)),
        place_(place_of(model::NetworkType::coap_server, configuration)),
        since_(context.clock.now()) {}

  Result<std::function<void()>> prepare(const json::object& json, const CertSource& certs) override {
    const auto configuration = model::from_json<model::CoapServer>(json);
    JL_TRY(auto options, options_of(id_, configuration, certs));
    return std::function<void()>(
        [this, options = std::move(options), silence = silence_of(configuration), psk = configuration.psk] {
          if (const Status updated = server_->update(options); !updated)
            log::error("runtime", "network={} keeps its certificate: {}", id_, updated.error().message);
          access_->set_silence(silence);
          access_->allow_keys(psk);
        });
  }
  void attach(std::shared_ptr<const access::AttachedGateways> gateways) override {
    access_->attach(std::move(gateways));
  }
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
            {"connections", c.sessions.load()},
            {"observers", c.observers.load()},
            {"counters", json::object{{"receivedMessages", c.requests.load()},
                                      {"sentMessages", c.responses.load() + c.notifications.load()},
                                      {"notifications", c.notifications.load()},
                                      {"receivedBytes", c.received_bytes.load()},
                                      {"sentBytes", c.sent_bytes.load()},
                                      {"rejected", c.rejected.load()},
                                      {"rateLimited", c.rate_limited.load()},
                                      {"tlsHandshakes", c.dtls_handshakes.load()},
                                      {"tlsFailures", c.dtls_failures.load()}}},
            {"since", format_time(since_)}};
  }

 private:
  const std::string id_;
  const access::Context& context_;
  const std::shared_ptr<access::CoapAccess> access_;
  const std::unique_ptr<network::CoapServer> server_;
  const std::string place_;
  const Millis since_;
};

}  // namespace

Result<std::unique_ptr<Component>> start_coap_server(const Materials& materials, const std::string& id,
                                                     const model::CoapServer& configuration, const CertSource& certs,
                                                     std::shared_ptr<const access::AttachedGateways> gateways) {
  JL_TRY(const auto options, options_of(id, configuration, certs));
  auto access = std::make_shared<access::CoapAccess>(
      materials.context, id, static_cast<std::size_t>(configuration.max_connections), silence_of(configuration));
  access->allow_keys(configuration.psk);
  JL_TRY(auto server, network::CoapServer::start(options, materials.threads,
                                                 std::make_shared<FrontDoor>(id, materials.downloads, access)));
  access->bind(*server, std::move(gateways));
  return std::unique_ptr<Component>(std::make_unique<CoapServerComponent>(id, materials.context, std::move(access),
                                                                          std::move(server), configuration));
}

}  // namespace jl::runtime
