#pragma once
// The MQTT client component: one connection to somebody else's broker, kept up for as long as it runs (network.md 1.4).
// libmosquitto speaks the protocol; its socket lives in the turns of one I/O thread, so that a message is in the log
// before its PUBACK leaves. It knows nothing of devices: a handler takes what arrives.
#include "common/base/result.hpp"
#include "common/base/secret.hpp"
#include "daemon/network/io_thread.hpp"
#include "daemon/network/tls_context.hpp"

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace jl::network {

struct MqttClientOptions {
  std::string id;  ///< of the component, for logs
  std::string host;
  std::uint16_t port = 1883;
  std::string client_id;  ///< empty = `id`; at most 256 bytes
  std::string username;
  Secret password;             ///< only with a user name
  bool v5 = false;             ///< MQTT 5 instead of 3.1.1
  bool clean_session = false;  ///< false: the broker keeps what arrives with QoS 1 while we are away
  std::string topic_prefix;    ///< before every filter, verbatim: "$queue", "$share/g1"
  /// Largest packet taken, in bytes. An MQTT 5 broker is told. With 3.1.1 a larger message is only dropped when it is
  /// here, since libmosquitto has no limit of its own: up to the 256 MiB of the protocol are in memory until then.
  std::uint32_t max_message_size = 8192;
  std::uint16_t keep_alive = 180;  ///< seconds, at least 5; 0 = none
  /// What the TLS context is made of besides its material: another one reconnects at once, a renewed certificate is
  /// for the next connection.
  std::string tls_identity;
  std::shared_ptr<const TlsContext> tls;  ///< made for `host`; nullptr = plain TCP
};

struct MqttClientCounters {
  std::atomic<std::uint64_t> connects{0};  ///< that the broker accepted
  std::atomic<std::uint64_t> failures{0};  ///< attempts and connections that ended otherwise than by stop() or update()
  std::atomic<std::uint64_t> received_messages{0}, sent_messages{0};
  std::atomic<std::uint64_t> received_bytes{0}, sent_bytes{0};  ///< of topics and payloads
  std::atomic<std::uint64_t> over_limit{0};                     ///< dropped, larger than max_message_size
};

/// A filter of the protocol's routes, without prefix. The broker is asked for QoS 1 at most: with it a message is
/// acknowledged when it is in the log. Between the two handshakes of QoS 2 libmosquitto would have it in memory only.
struct MqttClientFilter {
  std::string filter;
  std::uint8_t qos = 1;
  bool operator==(const MqttClientFilter&) const = default;
};

/// What a topic is matched against when the subscription is `filter`: "$queue" is cut off, "$share/<group>/" becomes
/// "/", and a leading "//" becomes "/" (network.md 1.4, topicPrefix rules).
[[nodiscard]] std::string local_filter(std::string_view filter);

/// Takes what a client component receives. Every call is on the component's I/O thread.
class MqttClientHandler {
 public:
  virtual ~MqttClientHandler() = default;
  virtual void on_connected() {}
  virtual void on_disconnected() {}
  virtual void on_message(std::string_view topic, std::string_view payload, int qos, bool retain) = 0;
};

class MqttClient {
 public:
  /// Starts connecting and goes on until stop(); never fails because the broker is not there.
  /// A lost or refused connection is tried again after 1 s, then twice that, up to 60 s, each +-20 %; one attempt at
  /// a time. Errors: invalid (options).
  [[nodiscard]] static Result<std::unique_ptr<MqttClient>> start(const MqttClientOptions& options, IoThread& thread,
                                                                 std::shared_ptr<MqttClientHandler> handler);
  virtual ~MqttClient() = default;
  /// DISCONNECTs and returns when no handler call will come any more, after 5 s at most. Not from its I/O thread.
  virtual void stop() = 0;
  /// Options for the next (re)connect; host, port, client id, credentials, prefix, protocol or TLS that changed
  /// reconnect at once. Options that start() would refuse are logged and change nothing. Any thread.
  virtual void update(const MqttClientOptions& options) = 0;
  /// The filters wanted from now on: new ones are subscribed, gone ones unsubscribed, a changed QoS subscribes again;
  /// all of them after each reconnect. Any thread.
  virtual void subscribe(std::vector<MqttClientFilter> filters) = 0;
  /// On its I/O thread; leaves when the turn is committed. false when not connected or too much is unsent (64 messages
  /// or 1 MiB). What is unacknowledged when the connection breaks is sent again after the next one is up (QoS 1, 2).
  [[nodiscard]] virtual bool publish(std::string_view topic, std::string_view payload, int qos, bool retain) = 0;
  [[nodiscard]] virtual IoThread& thread() const = 0;

  /// Any thread.
  struct Status {
    enum class State : std::uint8_t { connecting, running, failed } state = State::connecting;
    /// Why it failed ("connection refused", "certificate verify failed: ..."); while running, what the broker refused.
    std::string reason;
    Millis since = 0;  ///< epoch ms of the last change
  };
  [[nodiscard]] virtual Status status() const = 0;
  [[nodiscard]] virtual const MqttClientCounters& counters() const = 0;
};

}  // namespace jl::network
