#pragma once
// The MQTT client component: one connection to somebody else's broker, kept up for as long as it runs (network.md 1.4).
// libmosquitto speaks the protocol; its socket lives in the turns of one I/O thread, so that a message is in the log
// before its PUBACK leaves. It knows nothing of devices: a handler takes what arrives.
#include "common/base/result.hpp"
#include "common/base/secret.hpp"
#include "daemon/network/io_thread.hpp"

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
  std::string client_id;
  std::string username;
  Secret password;
  bool v5 = false;             ///< MQTT 5 instead of 3.1.1
  bool clean_session = false;  ///< false: the broker keeps what arrives with QoS 1 while we are away
  std::string topic_prefix;    ///< before every filter, verbatim: "$queue", "$share/g1"
  std::uint32_t max_message_size = 8192;
  std::uint16_t keep_alive = 180;  ///< seconds
  /// PEM texts; all empty and `secure` = the system's trust. The key is only in memory.
  bool secure = false;
  bool verify_host = true;
  std::string trust_pem, cert_pem;
  Secret key_pem;
};

struct MqttClientCounters {
  std::atomic<std::uint64_t> connects{0}, failures{0}, received_messages{0}, sent_messages{0}, received_bytes{0},
      sent_bytes{0}, over_limit{0};
};

/// A filter of the protocol's routes, without prefix.
struct MqttClientFilter {
  std::string filter;
  std::uint8_t qos = 1;
  bool operator==(const MqttClientFilter&) const = default;
};

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
  /// Errors: invalid (options, certificate material).
  [[nodiscard]] static Result<std::unique_ptr<MqttClient>> start(const MqttClientOptions& options, IoThread& thread,
                                                                 std::shared_ptr<MqttClientHandler> handler);
  virtual ~MqttClient() = default;
  /// DISCONNECTs and returns when no handler call will come any more. Not from its I/O thread.
  virtual void stop() = 0;
  /// Options for the next (re)connect; host, port, credentials, protocol or TLS that changed reconnect at once.
  virtual void update(const MqttClientOptions& options) = 0;
  /// The filters wanted from now on: new ones are subscribed, gone ones unsubscribed, a changed QoS subscribes again;
  /// all of them after each reconnect. Any thread.
  virtual void subscribe(std::vector<MqttClientFilter> filters) = 0;
  /// On its I/O thread. false when not connected or too much is unsent (64 messages or 1 MiB).
  [[nodiscard]] virtual bool publish(std::string_view topic, std::string_view payload, int qos, bool retain) = 0;
  [[nodiscard]] virtual IoThread& thread() const = 0;

  /// Any thread.
  struct Status {
    enum class State : std::uint8_t { connecting, running, failed } state = State::connecting;
    std::string
        reason;  ///< of the last failure: "connection refused", "not authorised", "certificate verify failed: ..."
    Millis since = 0;  ///< epoch ms of the last change
  };
  [[nodiscard]] virtual Status status() const = 0;
  [[nodiscard]] virtual const MqttClientCounters& counters() const = 0;
};

}  // namespace jl::network
