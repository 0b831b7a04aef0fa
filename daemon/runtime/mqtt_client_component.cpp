// MQTT_CLIENT (MQTT客户端): a connection to somebody else's broker, and the devices behind it.
#include "daemon/access/mqtt_client_access.hpp"
#include "daemon/access/topic_filters.hpp"
#include "daemon/network/mqtt_client.hpp"
#include "daemon/network/tls_context.hpp"
#include "daemon/runtime/component.hpp"

namespace jl::runtime {
namespace json = boost::json;

namespace {

Result<network::MqttClientOptions> options_of(const std::string& id, const model::MqttClient& c,
                                              const CertSource& certs) {
  network::MqttClientOptions out;
  out.id = id;
  out.host = c.remote_host;
  out.port = c.remote_port;
  out.client_id = c.client_id;
  out.username = c.username;
  out.password = c.password;
  out.v5 = c.mqtt_version == model::MqttVersion::v5;
  out.clean_session = c.clean_session;
  out.topic_prefix = c.topic_prefix;
  out.max_message_size = static_cast<std::uint32_t>(c.max_message_size);
  if (!c.secure) return out;
  network::TlsClientOptions tls;
  tls.host = c.remote_host;
  tls.verify_host = c.verify_host;
  tls.alias = c.private_key_alias;
  if (!c.cert_id.id.empty()) {
    JL_TRY(const auto cert, certs(c.cert_id.id));
    tls.bundle = cert.bundle;
    tls.mutual = cert.mutual;
  }
  out.tls_identity = fmt::format("{}/{}/{}", c.cert_id.id, c.private_key_alias, c.verify_host);
  JL_TRY(out.tls, network::TlsContext::client(tls));
  return out;
}

class MqttClientComponent final : public Component {
 public:
  MqttClientComponent(std::string id, std::string address, std::shared_ptr<access::MqttClientAccess> access,
                      std::unique_ptr<network::MqttClient> client)
      : id_(std::move(id)), address_(std::move(address)), access_(std::move(access)), client_(std::move(client)) {
    access_->bind(*client_);
  }

  Result<std::function<void()>> prepare(const json::object& json, const CertSource& certs) override {
    const auto configuration = model::from_json<model::MqttClient>(json);
    JL_TRY(auto options, options_of(id_, configuration, certs));
    return std::function<void()>([this, options = std::move(options)] { client_->update(options); });
  }

  void attach(std::shared_ptr<const access::AttachedGateways> gateways) override {
    client_->subscribe(access::filters_of(*gateways));
    access_->attach(std::move(gateways));
  }

  void stop(std::chrono::milliseconds) override {
    client_->stop();
    access_->stop();
  }

  json::object status() const override {
    using State = network::MqttClient::Status::State;
    const auto status = client_->status();
    const auto& c = client_->counters();
    json::object out{{"state", status.state == State::running      ? "running"
                               : status.state == State::connecting ? "connecting"
                                                                   : "failed"},
                     {"address", address_},
                     {"connections", status.state == State::running ? 1 : 0},
                     {"counters", json::object{{"connects", c.connects.load()},
                                               {"failures", c.failures.load()},
                                               {"receivedMessages", c.received_messages.load()},
                                               {"sentMessages", c.sent_messages.load()},
                                               {"receivedBytes", c.received_bytes.load()},
                                               {"sentBytes", c.sent_bytes.load()},
                                               {"overLimit", c.over_limit.load()}}},
                     {"since", format_time(status.since)}};
    if (!status.reason.empty()) out["reason"] = status.reason;
    return out;
  }

 private:
  const std::string id_, address_;
  const std::shared_ptr<access::MqttClientAccess> access_;
  const std::unique_ptr<network::MqttClient> client_;
};

}  // namespace

Result<std::unique_ptr<Component>> start_mqtt_client(const Materials& materials, const std::string& id,
                                                     const model::MqttClient& configuration, const CertSource& certs,
                                                     std::shared_ptr<const access::AttachedGateways> gateways) {
  JL_TRY(const auto options, options_of(id, configuration, certs));
  network::IoThread& thread = materials.threads.next();
  std::string address = fmt::format("{}://{}:{}", configuration.secure ? "mqtts" : "mqtt", configuration.remote_host,
                                    configuration.remote_port);
  auto access = std::make_shared<access::MqttClientAccess>(materials.context, id, address, thread);
  JL_TRY(auto client, network::MqttClient::start(options, thread, access));
  auto component = std::make_unique<MqttClientComponent>(id, std::move(address), std::move(access), std::move(client));
  component->attach(std::move(gateways));
  return std::unique_ptr<Component>(std::move(component));
}

}  // namespace jl::runtime
