#pragma once
// What a protocol is to the rest of the house: it says what it needs to know of a device, authenticates it, and turns
// bytes into device messages and back. Built-in protocols and (later) packages implement it. Thread-safe: const calls
// from every I/O thread.
#include "common/base/result.hpp"
#include "common/base/secret.hpp"
#include "daemon/codec/descriptor.hpp"
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

/// A WebSocket handshake (wire.md 3.2).
struct WebSocketCredentials {
  std::string_view path, query;    ///< as sent, percent-encoded; the path without its query
  std::string_view authorization;  ///< header; "" when absent
  std::string_view tls_subject{};
};

enum class AuthOutcome : std::uint8_t {
  ok,
  bad_format,
  clock_skew,
  bad_credentials,
  unsupported,
  not_configured,
  failed,  ///< the protocol's own code did
};
[[nodiscard]] std::string_view to_string(AuthOutcome outcome);  ///< lower-case sentence for the log

/// A message of a device, as its transport brought it. What a transport does not have is empty.
struct Uplink {
  std::string_view topic;  ///< of MQTT; path of HTTP and CoAP, decoded, "/sensor/dev-1/online"
  std::string_view
      payload;  ///< MQTT payload, TCP frame as the framing rule gives it, datagram, body, WebSocket message
  Transport transport = Transport::mqtt;
  std::string_view method{};         ///< HTTP: "POST"
  std::string_view authorization{};  ///< HTTP: that header
  std::string_view query{};          ///< HTTP: as sent; CoAP: its options joined by '&'
  int content_format = -1;           ///< CoAP (RFC 7252 §12.3); -1 = absent
  std::string_view device_option{};  ///< CoAP: option 2100 of the official protocol
  std::string_view proven_id{};      ///< CoAP: device id that DTLS has proven (PSK identity)
  std::string_view content_type{};   ///< HTTP: that header
};

/// A message to a device.
struct Downlink {
  std::string topic;    ///< MQTT
  std::string payload;  ///< whole frame, datagram, WebSocket message
  int qos = 1;          ///< MQTT: the protocol's own; a matching subscription may lower it
  bool text = true;     ///< WebSocket: text or binary frame
};

/// What a codec itself says to the peer, besides the message that it made of its words.
struct Answer {
  bool has_reply = false;
  Downlink reply;              ///< MQTT, TCP, UDP, WebSocket
  std::vector<Downlink> more;  ///< sent after `reply`
  bool close = false;          ///< the connection ends once the reply is sent
  int status = 0;          ///< HTTP status; CoAP code as class * 100 + detail (2.01 = 201); 0 = the transport's usual
  std::string body;        ///< HTTP, CoAP
  int content_format = 0;  ///< CoAP body: 50 JSON, 60 CBOR
  std::string content_type{};  ///< HTTP body; "" = JSON

  void clear() {
    has_reply = close = false, status = content_format = 0, body.clear(), content_type.clear(), more.clear();
  }
};

/// Whose message it is, as it says itself: nothing is proven. Views point into the message.
struct TopicOwner {
  std::string_view product_id, device_id;
};

enum class Decoded : std::uint8_t {
  message,  ///< `out` holds a message
  nothing,  ///< none of the protocol's, or nothing to tell: drop it quietly
  reply,    ///< the codec answered by itself (time-sync)
  refused,  ///< it does not prove to come from the device
};

/// Why a message finds no session: for Protocol::refuse().
enum class Stranger : std::uint8_t {
  nameless,     ///< owner_of() found nobody
  unknown,      ///< there is no such device, it is disabled, or it may not come in here
  unavailable,  ///< not now: a failure on this side
};

/// What a codec remembers between the messages of one session: sequence numbers. On the session's thread.
class CodecState {
 public:
  virtual ~CodecState() = default;
};

/// The device at the other end of a session.
struct Peer {
  const DeviceIdentity& device;
  CodecState* state = nullptr;  ///< of open_state()
  bool logged_in = true;        ///< TCP: false until a message has proven who it is
  std::string_view address{};   ///< where it was when the session began: "192.0.2.7:50312"
};

/// What encoding gives: something to send, or the wish to close the device's connection.
struct Encoded {
  std::vector<Downlink> sends;
  bool disconnect = false;
  /// Messages of the device that the codec makes by itself: an answer that needs no asking.
  std::vector<DeviceMessage> replies{};
};

class Protocol {
 public:
  virtual ~Protocol() = default;
  /// What it says of itself. A package that is loaded anew says something else from then on: keep what was taken for as
  /// long as it is looked at. Never null.
  [[nodiscard]] virtual std::shared_ptr<const Descriptor> descriptor() const = 0;

  [[nodiscard]] virtual AuthOutcome authenticate(const MqttCredentials& credentials, const DeviceIdentity& device,
                                                 Millis now) const = 0;
  [[nodiscard]] virtual AuthOutcome authenticate(const WebSocketCredentials& credentials,
                                                 const DeviceIdentity& device) const = 0;
  /// The key that a device proves itself with in DTLS; "" = none (CoAP; the PSK identity is the device id).
  [[nodiscard]] virtual std::string_view pre_shared_key(const DeviceIdentity& device) const = 0;

  /// What a session on this transport needs to remember; nullptr = nothing.
  [[nodiscard]] virtual std::unique_ptr<CodecState> open_state(Transport transport) const = 0;
  /// The device that a message is from: for connections that many devices share, and for those that nobody has logged
  /// in on yet (TCP: only its login names one). Nothing when the message is none of the protocol's or names nobody. The
  /// device need not exist.
  [[nodiscard]] virtual std::optional<TopicOwner> owner_of(const Uplink& wire) const = 0;
  /// The device of an MQTT connection: its client id, unless the protocol knows better.
  [[nodiscard]] virtual std::string device_of(const MqttCredentials& credentials) const {
    return std::string(credentials.client_id);
  }
  /// What to say first to a peer that has just connected: TCP before anything is known of it, MQTT and WebSocket to a
  /// device that has just been let in. `peer` is null for the former.
  virtual void connected(Transport transport, const Peer* peer, Millis now, Answer& answer) const {
    (void)transport, (void)peer, (void)now;
    answer.clear();
  }
  /// What the protocol says of a device's state: true = online; nothing = it leaves that to the session.
  [[nodiscard]] virtual std::optional<bool> check_state(Transport transport, const Peer& peer) const {
    (void)transport, (void)peer;
    return std::nullopt;
  }
  /// The device of a WebSocket handshake.
  [[nodiscard]] virtual std::optional<TopicOwner> owner_of(const WebSocketCredentials& handshake) const = 0;
  /// Answers a message that finds no session.
  virtual void refuse(const Uplink& wire, Stranger why, Millis now, Answer& answer) const = 0;
  /// Decodes one message into `out`, further ones into DeviceMessage::next; `answer` is what to send back, whatever the
  /// result, errors included. Both are cleared first. Errors: Errc::invalid with a message that names what is wrong
  /// with the payload (never its secrets); Errc::denied when it speaks for another device.
  [[nodiscard]] virtual Result<Decoded> decode(const Uplink& wire, const Peer& peer, Millis now, DeviceMessage& out,
                                               Answer& answer) const = 0;
  /// Encodes one message to the device. Errors: Errc::unsupported_message, also for transports without a way down.
  [[nodiscard]] virtual Result<Encoded> encode(const DownMessage& message, Transport transport,
                                               const Peer& peer) const = 0;
  /// Whether every topic that a topic name or filter can match belongs to this device, its children's below it included
  /// (access.md 5.2). Plain filters only: the caller takes "$share/<group>/" off.
  [[nodiscard]] virtual bool owns_topic(std::string_view topic_or_filter, const DeviceIdentity& device) const = 0;
};

/// The built-in `jetlinks-official` protocol, v3 (wire.md). Lives as long as the program.
[[nodiscard]] const Protocol& official_protocol();
/// The built-in `modbus-tcp` protocol of devices that are made of Modbus points.
[[nodiscard]] const Protocol& modbus_protocol();

}  // namespace jl::codec
