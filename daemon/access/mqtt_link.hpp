#pragma once
// The link of a device that is connected to an MQTT server component itself.
#include "daemon/access/device_link.hpp"
#include "daemon/network/mqtt_server.hpp"

#include <vector>

namespace jl::access {

class MqttLink final : public DeviceLink {
 public:
  explicit MqttLink(network::MqttConnection& connection)
      : connection_(connection.weak_from_this()), thread_(connection.thread()) {}

  codec::Transport transport() const override { return codec::Transport::mqtt; }
  /// With the QoS that the client subscribed with, else the protocol's. A device is online before its CONNECT is
  /// answered, which waits for whoever has its client id to leave: a few messages are held for it until then.
  Status send(const codec::Downlink& message) override;
  void welcomed() override;
  void close(EndReason reason) override;
  std::string peer() const override;
  network::IoThread& thread() const override { return thread_; }

 private:
  static constexpr std::size_t kMaxHeld = 16;
  [[nodiscard]] static Status publish(network::MqttConnection& connection, const codec::Downlink& message);

  std::weak_ptr<network::MqttConnection> connection_;  // it owns the session, which owns the link
  network::IoThread& thread_;
  std::vector<codec::Downlink> held_;
};

}  // namespace jl::access
