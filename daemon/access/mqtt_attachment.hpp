#pragma once
// What hangs on an MQTT connection: who the client is, and what it may do. For the files of MqttAccess only.
#include "daemon/access/mqtt_access.hpp"
#include "daemon/access/northbound.hpp"
#include "daemon/access/topic_acl.hpp"

#include <string>
#include <string_view>

namespace jl::access {

/// Where an application that asks for it may be answered (MQTT 5 §4.10.1); it alone may subscribe below. Empty for a
/// client id that would be more than one level, or a wildcard.
[[nodiscard]] inline std::string response_topic(std::string_view client_id) {
  if (client_id.find_first_of("/+#") != std::string_view::npos) return {};
  return "response/" + std::string(client_id) + "/";
}

[[nodiscard]] inline wire::mqtt::MessagePtr message_of(const wire::mqtt::Will& will, Millis now) {
  auto out = std::make_shared<wire::mqtt::Message>();
  out->topic = will.topic;
  out->payload = will.payload;
  out->properties = will.properties;
  out->qos = will.qos;
  out->retain = will.retain;
  if (will.message_expiry)
    out->expires_at = now + Millis{1000} * *will.message_expiry + Millis{1000} * will.delay_seconds;
  return out;
}

struct MqttAccess::Attachment final : network::MqttAttachment {
  /// An application's user and rights.
  struct Application {
    std::shared_ptr<const device::UserInfo> user;  // as it logged in
    TopicAcl acl;
  };
  std::shared_ptr<broker::Client> client;  // once it is admitted
  // One of these two.
  std::shared_ptr<DeviceSession> device;
  std::unique_ptr<Application> application;
  std::shared_ptr<const TopicAcl> acl;  // of a device's gateway

  /// Whether a topic, or all that a filter matches, is the device's own.
  [[nodiscard]] bool owns(std::string_view topic) const {
    return device && device->codec().owns_topic(topic, device->identity());
  }
  /// Whether a device may publish to a topic that is none of its protocol's.
  [[nodiscard]] bool is_granted(std::string_view topic) const {
    return !acl->empty() && !topic.starts_with(kNorthbound) && !owns(topic) &&
           acl->may_publish(topic, device->identity());
  }
  [[nodiscard]] bool may_publish(std::string_view topic) const {
    if (device) return owns(topic) || is_granted(topic);
    if (!application || topic.starts_with('$')) return false;
    return topic.starts_with("response/") || application->acl.may_publish(topic, {});
  }
  /// A will is published without being looked at: below kNorthbound it could be neither command nor report.
  [[nodiscard]] bool may_leave(std::string_view topic) const {
    return !topic.starts_with(kNorthbound) && may_publish(topic);
  }
  [[nodiscard]] bool may_subscribe(std::string_view filter) const {
    // What applications read is not for devices, whatever their product is called.
    if (device) {
      return !filter.starts_with(kNorthbound) && (owns(filter) || acl->may_subscribe(filter, device->identity()));
    }
    if (!application) return false;
    const std::string own = response_topic(client->id);
    return (!own.empty() && filter.starts_with(own)) || application->acl.may_subscribe(filter, {});
  }
};

}  // namespace jl::access
