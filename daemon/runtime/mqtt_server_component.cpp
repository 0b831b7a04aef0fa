// MQTT_SERVER (MQTT服务): a listener, what clients may do on it, and its broker.
#include "daemon/network/tls_context.hpp"
#include "daemon/runtime/component.hpp"

namespace jl::runtime {
namespace json = boost::json;

namespace {

using Tls = std::shared_ptr<const network::TlsContext>;

Result<Tls> tls_of(const model::MqttServer& configuration, const CertSource& certs) {
  if (!configuration.secure) return Tls();
  JL_TRY(const auto cert, certs(configuration.cert_id.id));
  network::TlsServerOptions options;
  options.bundle = cert.bundle;
  options.alias = configuration.private_key_alias;
  options.mutual = cert.mutual;
  auto context = network::TlsContext::server(options);
  if (context) return *context;
  Error error = context.error();
  error.message = "cert \"" + cert.id + "\": " + error.message;
  return error;
}

// The address without its port, which may be any free one.
std::string place_of(const model::MqttServer& configuration) {
  const bool is_ipv6 = configuration.host.find(':') != std::string::npos;
  return fmt::format(fmt::runtime(is_ipv6 ? "{}://[{}]" : "{}://{}"), configuration.secure ? "mqtts" : "mqtt",
                     configuration.host);
}

access::Redirect redirect_of(const model::MqttServer& configuration) {
  return {configuration.server_reference, configuration.server_moved};
}

class MqttServerComponent final : public Component {
 public:
  MqttServerComponent(std::string id, std::shared_ptr<access::MqttAccess> access,
                      std::shared_ptr<broker::Broker> broker, std::unique_ptr<network::MqttServer> server,
                      const model::MqttServer& configuration, const Clock& clock)
      : id_(std::move(id)),
        access_(std::move(access)),
        broker_(std::move(broker)),
        server_(std::move(server)),
        place_(place_of(configuration)),
        since_(clock.now()) {}

  Result<std::function<void()>> prepare(const json::object& json, const CertSource& certs) override {
    const auto configuration = model::from_json<model::MqttServer>(json);
    auto options = mqtt_options(id_, configuration);
    JL_TRY(options.tls, tls_of(configuration, certs));
    return std::function<void()>(
        [this, options, redirect = redirect_of(configuration), limits = broker_options(id_, json)] {
          access_->redirect(redirect);
          broker_->update(limits);
          server_->update(options);
        });
  }

  void attach(std::shared_ptr<const access::AttachedGateways> gateways) override {
    access_->attach(std::move(gateways));
  }
  void stop(std::chrono::milliseconds drain) override { server_->stop(drain); }

  json::object status() const override {
    const auto& c = server_->counters();
    const auto& b = broker_->counters();
    return {{"state", "running"},
            {"address", fmt::format("{}:{}", place_, server_->port())},
            {"port", server_->port()},
            {"connections", c.connections.load()},
            {"clients", b.clients.load()},
            {"sessions", b.sessions.load()},
            {"retained", broker_->retained_count()},
            {"counters", json::object{{"accepted", c.accepted.load()},
                                      {"connected", c.connected.load()},
                                      {"rejected", c.rejected.load()},
                                      {"disconnected", c.disconnected.load()},
                                      {"receivedMessages", c.received_messages.load()},
                                      {"sentMessages", c.sent_messages.load()},
                                      {"receivedBytes", c.received_bytes.load()},
                                      {"sentBytes", c.sent_bytes.load()},
                                      {"protocolErrors", c.protocol_errors.load()},
                                      {"overLimit", c.over_limit.load()},
                                      {"slowConsumers", c.slow_consumers.load()},
                                      {"tlsHandshakes", c.tls_handshakes.load()},
                                      {"tlsFailures", c.tls_failures.load()},
                                      {"published", b.published.load()},
                                      {"delivered", b.delivered.load()},
                                      {"dropped", b.dropped.load()},
                                      {"retainedRefused", b.retained_refused.load()}}},
            {"since", format_time(since_)}};
  }

 private:
  const std::string id_;
  const std::shared_ptr<access::MqttAccess> access_;
  const std::shared_ptr<broker::Broker> broker_;
  const std::unique_ptr<network::MqttServer> server_;
  const std::string place_;
  const Millis since_;
};

}  // namespace

network::MqttServerOptions mqtt_options(const std::string& id, const model::MqttServer& c) {
  network::MqttServerOptions out;
  out.id = id;
  out.host = c.host;
  out.port = c.port;
  out.limits.max_packet = static_cast<std::uint32_t>(c.max_message_size);
  out.limits.max_subscriptions = static_cast<std::uint16_t>(c.max_subscriptions);
  out.limits.max_outbound_queued = static_cast<std::uint16_t>(c.max_queued_messages);
  out.max_connections = static_cast<std::uint32_t>(c.max_connections);
  out.connect_timeout = std::chrono::seconds(c.connect_timeout);
  return out;
}

Result<std::unique_ptr<Component>> start_mqtt_server(const Materials& materials, const std::string& id,
                                                     const model::MqttServer& configuration, const CertSource& certs,
                                                     const std::shared_ptr<broker::Broker>& broker,
                                                     std::shared_ptr<const access::AttachedGateways> gateways) {
  auto options = mqtt_options(id, configuration);
  JL_TRY(options.tls, tls_of(configuration, certs));
  auto access = std::make_shared<access::MqttAccess>(materials.context, materials.mqtt, id, broker);
  access->attach(std::move(gateways));
  access->redirect(redirect_of(configuration));
  JL_TRY(auto server, network::MqttServer::start(options, materials.threads, access));
  return std::unique_ptr<Component>(std::make_unique<MqttServerComponent>(
      id, std::move(access), broker, std::move(server), configuration, materials.context.clock));
}

}  // namespace jl::runtime
