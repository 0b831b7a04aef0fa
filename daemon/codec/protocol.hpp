#pragma once
// What a protocol is to the rest of the house: it says what it needs to know of a device, authenticates it, and turns
// bytes into device messages and back. Built-in protocols and (later) packages implement it. Thread-safe: const calls
// from every I/O thread.
#include "common/base/result.hpp"
#include "common/base/secret.hpp"
#include "daemon/codec/message.hpp"

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace jl::codec {

/// One configuration key that a product or device must or may set for a transport (access.md 4.1, "config metadata").
struct ConfigKey {
  std::string key;
  std::string type;  ///< string, password, enum, boolean
  std::string name;  ///< for people
  std::string help;
  bool product_scope = true;
  bool device_scope = true;
  bool required = false;
  std::vector<std::string> words{};  ///< enum
  std::string default_value{};
};

/// One topic or URL that the protocol uses (access.md 4.1, "routes").
struct Route {
  std::string group, topic, description, example;
  bool upstream = false, downstream = false;
  int qos = 1;
};

using Configuration = std::map<std::string, Secret, std::less<>>;

/// What a codec may know of the device it serves.
struct DeviceIdentity {
  std::string device_id;
  std::string product_id;
  Configuration configuration;  ///< the device's own
  /// One for all devices of the product; nullptr = none.
  std::shared_ptr<const Configuration> product_configuration{};
  /// The device's own value, else its product's; "" = none.
  [[nodiscard]] std::string_view config(std::string_view key) const {
    if (const auto own = configuration.find(key); own != configuration.end()) return own->second.reveal();
    if (!product_configuration) return {};
    const auto it = product_configuration->find(key);
    return it == product_configuration->end() ? std::string_view() : std::string_view(it->second.reveal());
  }
};

struct MqttCredentials {
  std::string_view client_id, username, password;
  std::string_view tls_subject{};  ///< of the client certificate that TLS verified; "" without one
};

enum class AuthOutcome : std::uint8_t { ok, bad_format, clock_skew, bad_credentials, unsupported, not_configured };
[[nodiscard]] std::string_view to_string(AuthOutcome outcome);  ///< lower-case sentence for the log

/// An MQTT message of a device.
struct MqttUplink {
  std::string_view topic, payload;
};
/// An MQTT message to a device.
struct MqttDownlink {
  std::string topic, payload;
  int qos = 1;  ///< the protocol's own; a matching subscription may lower it
};

/// Whose topic it is. Views point into the topic.
struct TopicOwner {
  std::string_view product_id, device_id;
};

enum class Decoded : std::uint8_t {
  message,  ///< `out` holds a message
  nothing,  ///< the topic is none of the protocol's: drop it quietly
  reply,    ///< the codec answered by itself (time-sync): send `reply`
};

/// What encoding gives: something to publish, or the wish to close the device's connection.
struct Encoded {
  std::vector<MqttDownlink> publishes;
  bool disconnect = false;
};

class Protocol {
 public:
  virtual ~Protocol() = default;
  [[nodiscard]] virtual std::string_view id() const = 0;
  [[nodiscard]] virtual std::string_view name() const = 0;
  [[nodiscard]] virtual std::string_view description() const = 0;
  [[nodiscard]] virtual std::span<const std::string> transports() const = 0;  ///< MQTT, TCP, ... (access.md 3.5)
  [[nodiscard]] virtual std::span<const ConfigKey> config_keys(std::string_view transport) const = 0;
  [[nodiscard]] virtual std::span<const Route> routes(std::string_view transport) const = 0;

  [[nodiscard]] virtual AuthOutcome authenticate(const MqttCredentials& credentials, const DeviceIdentity& device,
                                                 Millis now) const = 0;
  /// Decodes one message into `out` (cleared first). `reply` is filled only for Decoded::reply.
  /// Errors: Errc::invalid with a message that names what is wrong with the payload (never its secrets).
  [[nodiscard]] virtual Result<Decoded> decode(const MqttUplink& wire, const DeviceIdentity& device, Millis now,
                                               DeviceMessage& out, MqttDownlink& reply) const = 0;
  /// Encodes one message to the device. Errors: Errc::unsupported_message.
  [[nodiscard]] virtual Result<Encoded> encode(const DownMessage& message, const DeviceIdentity& device) const = 0;
  /// Whether every topic that a topic name or filter can match belongs to this device, its children's below it included
  /// (access.md 5.2). Plain filters only: the caller takes "$share/<group>/" off.
  [[nodiscard]] virtual bool owns_topic(std::string_view topic_or_filter, const DeviceIdentity& device) const = 0;
  /// The device that publishes on a topic, for connections that many devices share; nothing when the topic is none of
  /// the protocol's upstream ones. The device need not exist.
  [[nodiscard]] virtual std::optional<TopicOwner> owner_of(std::string_view topic) const = 0;
};

/// The built-in `jetlinks-official` protocol, v3 (wire.md). Lives as long as the program.
[[nodiscard]] const Protocol& official_protocol();

}  // namespace jl::codec
