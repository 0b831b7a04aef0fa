#pragma once
// One connected device and its children: the state that hangs on an MQTT connection and the walk of each of its
// messages through the pipeline of access.md 5.1. Lives on the connection's thread.
#include "daemon/access/context.hpp"
#include "daemon/access/pending.hpp"

#include <map>

namespace jl::access {

class MqttClient final : public network::MqttAttachment {
 public:
  MqttClient(const Context& context, network::MqttConnection& connection, device::DeviceRecord device,
             const codec::Protocol& codec, std::string network_id, std::string gateway_id,
             std::shared_ptr<GatewayCounters> counters, std::function<bool()> still_welcome);

  /// Puts the session into the registry, closing the one it replaces, and says ONLINE.
  void go_online();
  wire::mqtt::ReasonCode on_publish(std::string_view topic, std::string_view payload);
  /// The connection is over: children and the device itself go offline. `may_keep` is false when jlinkd itself ended
  /// it; else a device that asked for it is kept online.
  void on_close(bool may_keep);

  /// Sends a message to this device or, when it is a CHILD message, through it. Answers through `done`: when the
  /// device does, or at once when `reply` is MessageType::unknown.
  void send(const codec::DownMessage& message, const std::string& target_device, codec::MessageType reply,
            Millis timeout, CommandDone done);
  /// Ends a child's session (it was edited, disabled or deleted).
  void drop_child(const std::string& child_id);
  [[nodiscard]] const std::string& device_id() const { return device_.identity.device_id; }

 private:
  struct Child {
    std::string product_id;
    std::shared_ptr<const Session> session;
  };
  /// Opens the session again after the device ended it itself; false when it may not be here any more.
  [[nodiscard]] bool come_back();
  void handle(const codec::DeviceMessage& message);
  void handle_child(const codec::DeviceMessage& message, const std::string& parent_id, int depth);
  void handle_registration(const codec::DeviceMessage& message, const std::string& parent_id);
  void derive_metadata(const codec::DeviceMessage& message);
  Child* child_of(const codec::DeviceMessage& message, const std::string& parent_id);
  void open_child(Child& child, const std::string& child_id, const std::string& parent_id);
  void close_child(const std::string& child_id);
  void publish(const codec::DeviceMessage& message, std::string_view product_id);
  [[nodiscard]] int qos_for(const codec::MqttDownlink& downlink) const;

  Context context_;
  network::MqttConnection& connection_;
  device::DeviceRecord device_;
  const codec::Protocol& codec_;
  std::string network_id_, gateway_id_;
  std::shared_ptr<GatewayCounters> counters_;
  std::shared_ptr<const Session> session_;
  std::map<std::string, Child, std::less<>> children_;
  PendingCommands pending_;
  std::function<bool()> still_welcome_;
  bool closed_ = false;  // the connection may live on for a while to send its last bytes
  bool keep_online_ = false;
  Millis keep_online_ms_ = 600'000;
};

/// Publishes ONLINE or OFFLINE of a session on the bus and keeps its state record; of a deleted device nothing is kept.
/// Shared with sessions that outlive their connection.
void record_session(const Context& context, const Session& session, bool online, network::IoThread& thread);

/// Ends a session because jlinkd wants it to: closes its connection, drops the child, or forgets what was kept online.
/// On the session's thread.
void end_session(const Context& context, const std::shared_ptr<const Session>& session);

}  // namespace jl::access
