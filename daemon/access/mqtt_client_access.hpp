#pragma once
// Devices behind an MQTT client component, that is, behind somebody else's broker (access.md 5.3): many devices on one
// connection, told apart by their topics. The broker has let them in; here they need no credentials. Whoever publishes
// there is a device that exists, or one that registers; nothing tells when one goes.
#include "daemon/access/admission.hpp"
#include "daemon/access/virtual_sessions.hpp"
#include "daemon/base/log.hpp"
#include "daemon/network/mqtt_client.hpp"

#include <set>
#include <variant>

namespace jl::access {

/// One per component. Handler calls come on its I/O thread, where all its state lives.
class MqttClientAccess final : public network::MqttClientHandler,
                               public std::enable_shared_from_this<MqttClientAccess> {
 public:
  static constexpr std::size_t kMaxRegistrations = 16;  ///< on their way at once
  static constexpr Millis kGrace = 30'000;  ///< from the loss of the broker until its devices count as offline

  /// `address` is the broker's, for people: "mqtt://broker:1883".
  MqttClientAccess(const Context& context, std::string network_id, std::string address, network::IoThread& thread,
                   std::size_t max_devices = VirtualSessions::kMaxDevices);

  /// The gateways from now on; subscribing to filters_of() them is the caller's. Any thread.
  void attach(std::shared_ptr<const AttachedGateways> gateways);
  /// The client to publish with. It must stay until stop() has returned. Any thread.
  void bind(network::MqttClient& client);
  /// Ends every session. When it returns the client is not used any more. Call it after the client's own stop(), not
  /// from an I/O thread.
  void stop();

  void on_connected() override;
  void on_disconnected() override;
  void on_message(std::string_view topic, std::string_view payload, int qos, bool retain) override;

  // For the links of its sessions.
  [[nodiscard]] Status publish(const codec::Downlink& message);
  void close(const std::string& device_id) { sessions_.close(device_id); }
  [[nodiscard]] std::size_t sessions() const { return sessions_.size(); }

 private:
  /// The device's session, opened if need be; else why it may have none.
  [[nodiscard]] std::variant<VirtualSessions::Entry*, Refusal> session_of(std::string_view device_id,
                                                                          const codec::Protocol& codec);
  void refuse(std::string_view device_id, std::string_view topic, const Refusal& refusal);
  /// Whether the message was one by which an unknown device registers itself.
  bool handle_registration(const codec::TopicOwner& owner, const codec::Protocol& codec, std::string_view topic,
                           std::string_view payload);
  void on_registered(const codec::DeviceIdentity& device, const codec::Protocol& codec, const std::string& topic,
                     const std::string& payload, const Status& done);
  void go_offline();

  Context context_;
  const std::string network_id_, address_;
  network::IoThread& thread_;
  std::vector<const codec::Protocol*> codecs_;  // of the gateways, each once
  network::MqttClient* client_ = nullptr;
  bool connected_ = false;
  bool draining_ = false;  // the broker is away for longer than the grace: sessions are ending, batch by batch
  bool stopped_ = false;
  std::set<std::string, std::less<>> registering_;
  log::RateLimit refusal_log_;
  network::Timer grace_;
  VirtualSessions sessions_;
};

}  // namespace jl::access
