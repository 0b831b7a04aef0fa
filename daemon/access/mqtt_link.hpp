#pragma once
// The link of a device that is connected to an MQTT server component itself.
#include "daemon/access/device_link.hpp"
#include "daemon/network/mqtt_server.hpp"

namespace jl::access {

class MqttLink final : public DeviceLink {
 public:
  explicit MqttLink(network::MqttConnection& connection)
      : connection_(connection.weak_from_this()), thread_(connection.thread()) {}

  codec::Transport transport() const override { return codec::Transport::mqtt; }
  /// With the QoS that the client subscribed with, else the protocol's.
  Status send(const codec::Downlink& message) override;
  void close(EndReason reason) override;
  std::string peer() const override;
  network::IoThread& thread() const override { return thread_; }

 private:
  std::weak_ptr<network::MqttConnection> connection_;  // it owns the session, which owns the link
  network::IoThread& thread_;
};

}  // namespace jl::access
