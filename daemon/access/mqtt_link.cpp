#include "daemon/access/mqtt_link.hpp"

#include <algorithm>
#include <utility>

namespace jl::access {
using wire::mqtt::CloseCause;
using wire::mqtt::ReasonCode;

Status MqttLink::send(const codec::Downlink& message) {
  const auto connection = connection_.lock();
  if (!connection) return Error(Errc::connection_lost, "the connection is gone");
  if (!connection->is_deciding()) return publish(*connection, message);
  if (held_.size() == kMaxHeld) return Error(Errc::system_busy, "it is not let in yet, and much waits for it");
  held_.push_back(message);
  return {};
}

// That they left was said when they were taken: what is lost now is as good as lost on its way.
void MqttLink::welcomed() {
  const auto connection = connection_.lock();
  for (const codec::Downlink& message : std::exchange(held_, {})) {
    if (connection) (void)publish(*connection, message);
  }
}

Status MqttLink::publish(network::MqttConnection& connection, const codec::Downlink& message) {
  const int granted = connection.granted_qos(message.topic);
  const int qos = granted < 0 ? message.qos : std::min(1, granted);
  if (!connection.publish({message.topic, message.payload, static_cast<std::uint8_t>(qos), false, 0}))
    return Error(Errc::system_busy, "its send queue is full, or the message is larger than it takes");
  return {};
}

void MqttLink::close(EndReason reason) {
  const auto connection = connection_.lock();
  if (!connection) return;
  switch (reason) {
    case EndReason::taken_over:
      return connection->close(CloseCause::taken_over, ReasonCode::session_taken_over);
    case EndReason::administrative:
    case EndReason::refused:
      return connection->close(CloseCause::administrative, ReasonCode::administrative_action);
  }
}

std::string MqttLink::peer() const {
  const auto connection = connection_.lock();
  return connection ? connection->peer() : std::string();
}

}  // namespace jl::access
