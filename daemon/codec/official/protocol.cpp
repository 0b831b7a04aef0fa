#include "daemon/codec/protocol.hpp"

#include "daemon/codec/official/auth.hpp"
#include "daemon/codec/official/decode.hpp"
#include "daemon/codec/official/encode.hpp"
#include "daemon/codec/official/topics.hpp"

namespace jl::codec {
namespace official {
namespace {
constexpr std::string_view kMqtt = "MQTT";

std::vector<ConfigKey> mqtt_config_keys() {
  std::vector<ConfigKey> keys;
  keys.push_back({.key = "secureId",
                  .type = "string",
                  .name = "Secure ID 安全ID",
                  .help = "the device's user name; must not contain '|' in md5 mode"});
  keys.push_back({.key = "secureKey",
                  .type = "password",
                  .name = "Secure key 安全密钥",
                  .help = "the device's secret: the password itself, or the key that it is hashed with"});
  keys.push_back({.key = "secureType",
                  .type = "enum",
                  .name = "Authentication 认证方式",
                  .help = "md5: username is secureId|milliseconds, password is md5(username|secureKey); plaintext: "
                          "secureId and secureKey as they are; auto: by the form of the username",
                  .words = {"auto", "md5", "plaintext"},
                  .default_value = "auto"});
  keys.push_back({.key = "downQos",
                  .type = "enum",
                  .name = "Downlink QoS 下行QoS",
                  .help = "QoS of messages to devices that have not subscribed to the topic",
                  .device_scope = false,
                  .words = {"0", "1", "2"},
                  .default_value = "1"});
  keys.push_back({.key = "v1Compat",
                  .type = "boolean",
                  .name = "V1 devices 兼容V1",
                  .help = "also understand child/{id}/connected, disconnect and disconnected, and send \"function\" "
                          "beside \"functionId\"",
                  .default_value = "false"});
  return keys;
}

class OfficialProtocol final : public Protocol {
 public:
  std::string_view id() const override { return "jetlinks-official"; }
  std::string_view name() const override { return "JetLinks official 官方协议"; }
  std::string_view description() const override {
    return "the device protocol of JetLinks, version 3: JSON on fixed topics, authenticated by secureId and secureKey";
  }
  std::span<const std::string> transports() const override { return transports_; }
  std::span<const ConfigKey> config_keys(std::string_view transport) const override {
    return transport == kMqtt ? std::span<const ConfigKey>(config_keys_) : std::span<const ConfigKey>();
  }
  std::span<const Route> routes(std::string_view transport) const override {
    return transport == kMqtt ? std::span<const Route>(routes_) : std::span<const Route>();
  }
  std::string_view document(std::string_view) const override { return {}; }
  AuthOutcome authenticate(const MqttCredentials& credentials, const DeviceIdentity& device,
                           Millis now) const override {
    return official::authenticate(credentials, device, now);
  }
  AuthOutcome authenticate(const WebSocketCredentials&, const DeviceIdentity&) const override {
    return AuthOutcome::unsupported;
  }
  std::string_view pre_shared_key(const DeviceIdentity&) const override { return {}; }
  std::unique_ptr<CodecState> open_state(Transport) const override { return nullptr; }
  void refuse(const Uplink&, Stranger, Millis, Answer& answer) const override { answer.clear(); }
  Result<Decoded> decode(const Uplink& wire, const Peer& peer, Millis now, DeviceMessage& out,
                         Answer& answer) const override {
    return decode_mqtt(wire, peer.device, now, out, answer);
  }
  Result<Encoded> encode(const DownMessage& message, Transport, const Peer& peer) const override {
    return encode_mqtt(message, peer.device);
  }
  bool owns_topic(std::string_view topic_or_filter, const DeviceIdentity& device) const override {
    return is_below_device(topic_or_filter, device.product_id, device.device_id);
  }
  std::optional<TopicOwner> owner_of(const Uplink& wire) const override { return topic_owner(wire.topic); }
  std::optional<TopicOwner> owner_of(const WebSocketCredentials&) const override { return std::nullopt; }

 private:
  const std::vector<std::string> transports_{std::string(kMqtt)};
  const std::vector<ConfigKey> config_keys_ = mqtt_config_keys();
  const std::vector<Route> routes_ = mqtt_routes();
};
}  // namespace
}  // namespace official

const Protocol& official_protocol() {
  static const official::OfficialProtocol protocol;
  return protocol;
}

}  // namespace jl::codec
