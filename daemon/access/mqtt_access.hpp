#pragma once
// Clients of an MQTT server component, of two kinds that their credentials tell apart: devices, which their product's
// protocol authenticates and decodes (access.md 5.1, 5.2), and applications, which are users of the component.
// One per network component; its calls come on the connections' own threads.
#include "daemon/access/admission.hpp"
#include "daemon/access/commands.hpp"
#include "daemon/access/device_session.hpp"
#include "daemon/access/password_check.hpp"
#include "daemon/base/log.hpp"
#include "daemon/base/published.hpp"
#include "daemon/broker/broker.hpp"
#include "daemon/network/mqtt_server.hpp"

namespace jl::access {

/// Where clients are sent instead (MQTT 5 §4.11).
struct Redirect {
  std::string server;  ///< "" = nowhere
  bool permanent = false;
};

/// What MQTT access needs besides the context.
struct MqttServices {
  const device::Catalogs& catalogs;
  PasswordCheck& passwords;
  Commands& commands;
  Millis command_timeout = 10'000;
};

class MqttAccess final : public network::MqttServerHandler {
 public:
  MqttAccess(const Context& context, const MqttServices& services, std::string network_id,
             std::shared_ptr<broker::Broker> broker)
      : context_(context), services_(services), network_id_(std::move(network_id)), broker_(std::move(broker)) {}

  /// The gateways from now on; none = devices are refused with "server unavailable". Any thread.
  void attach(std::shared_ptr<const AttachedGateways> gateways) { gateways_.store(std::move(gateways)); }
  /// Any thread.
  void redirect(Redirect redirect) { redirect_.store(std::make_shared<const Redirect>(std::move(redirect))); }

  void on_connect(network::MqttConnection& connection, const wire::mqtt::ConnectView& connect) override;
  wire::mqtt::ReasonCode on_publish(network::MqttConnection& connection,
                                    const wire::mqtt::PublishView& publish) override;
  wire::mqtt::ReasonCode on_subscribe(network::MqttConnection& connection, std::string_view filter,
                                      const wire::mqtt::SubscribeOptions& options) override;
  void on_subscribed(network::MqttConnection& connection) override;
  void on_unsubscribe(network::MqttConnection& connection, std::string_view filter) override;
  void on_sent(network::MqttConnection& connection, std::uint64_t tag, std::uint16_t packet_id,
               std::uint8_t qos) override;
  void on_received(network::MqttConnection& connection, std::uint64_t tag) override;
  void on_finished(network::MqttConnection& connection, std::uint64_t tag) override;
  void on_inbound(network::MqttConnection& connection, std::uint16_t packet_id, bool held) override;
  void on_drained(network::MqttConnection& connection) override;
  void on_close(network::MqttConnection& connection, wire::mqtt::CloseCause cause, bool will) override;

 private:
  struct Attachment;
  static Attachment& of(const network::MqttConnection& connection);

  // Devices.
  void connect_device(network::MqttConnection& connection, const wire::mqtt::ConnectView& connect);
  [[nodiscard]] std::variant<Admission, Refusal> authenticate(const network::MqttConnection& connection,
                                                              const wire::mqtt::ConnectView& connect) const;
  /// Opens the session of a device that may, and says ONLINE; nullptr when that has just changed.
  [[nodiscard]] std::shared_ptr<DeviceSession> open(network::MqttConnection& connection, Admission admission) const;
  [[nodiscard]] std::shared_ptr<const TopicAcl> acl_of(std::string_view gateway_id) const;
  wire::mqtt::ReasonCode publish_of_device(Attachment& device, const wire::mqtt::PublishView& publish,
                                           network::IoThread& thread);

  // Applications.
  void connect_application(network::MqttConnection& connection, const wire::mqtt::ConnectView& connect,
                           std::shared_ptr<const device::UserInfo> user);
  void admit_application(network::MqttConnection& connection, broker::Arrival arrival,
                         const std::shared_ptr<const device::UserInfo>& user, bool is_assigned);
  [[nodiscard]] bool is_unchanged(const device::UserInfo& user) const;
  wire::mqtt::ReasonCode publish_of_application(Attachment& application, const wire::mqtt::PublishView& publish,
                                                network::IoThread& thread);

  /// Takes the client id, and accepts.
  void join(network::MqttConnection& connection, broker::Arrival arrival, bool is_assigned);
  wire::mqtt::ReasonCode route(Attachment& from, const wire::mqtt::PublishView& publish, network::IoThread& thread);
  /// Refuses, counts and (at a bounded rate) logs.
  void refuse(network::MqttConnection& connection, const Refusal& refusal, std::string_view client_id);

  Context context_;
  MqttServices services_;
  std::string network_id_;
  std::shared_ptr<broker::Broker> broker_;
  Published<AttachedGateways> gateways_;
  Published<Redirect> redirect_;
  log::RateLimit refusal_log_;
};

}  // namespace jl::access
