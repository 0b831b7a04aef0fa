// MQTT_SERVER (MQTT服务): a listener, what clients may do on it, and its broker.
#include "daemon/runtime/listening.hpp"

#include <fmt/format.h>

namespace jl::runtime {
namespace json = boost::json;

namespace {

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
        place_(place_of(model::NetworkType::mqtt_server, configuration)),
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
    json::object counters = counters_json(c);
    counters["published"] = b.published.load();
    counters["delivered"] = b.delivered.load();
    counters["dropped"] = b.dropped.load();
    counters["retainedRefused"] = b.retained_refused.load();
    return {{"state", "running"},
            {"address", fmt::format("{}:{}", place_, server_->port())},
            {"port", server_->port()},
            {"connections", c.connections.load()},
            {"clients", b.clients.load()},
            {"sessions", b.sessions.load()},
            {"retained", broker_->retained_count()},
            {"counters", std::move(counters)},
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
  fill_stream_options(out, id, c);
  out.limits.max_packet = static_cast<std::uint32_t>(c.max_message_size);
  out.limits.max_subscriptions = static_cast<std::uint16_t>(c.max_subscriptions);
  out.limits.max_outbound_queued = static_cast<std::uint16_t>(c.max_queued_messages);
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
