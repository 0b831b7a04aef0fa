#pragma once
// The MQTT server component: a listening socket and its connections, each driving a wire::mqtt::ServerMachine on one
// I/O thread. It knows nothing of devices: a handler decides who may connect and takes what is published.
#include "daemon/network/stream_component.hpp"
#include "daemon/wire/mqtt/server.hpp"

#include <chrono>
#include <memory>
#include <string>

namespace jl::network {

struct MqttServerOptions : StreamOptions {
  wire::mqtt::ServerLimits limits{};
};
using MqttServerCounters = StreamCounters;

class MqttConnection;

/// State that the handler hangs on a connection. Destroyed on the connection's thread after on_close.
class MqttAttachment {
 public:
  virtual ~MqttAttachment() = default;
};

/// Takes what the connections of a component do. Every call is on the connection's own thread.
class MqttServerHandler {
 public:
  virtual ~MqttServerHandler() = default;
  /// Answer with connection.accept() or refuse(), now or later (the connect timeout bounds "later").
  virtual void on_connect(MqttConnection& connection, const wire::mqtt::ConnectView& connect) = 0;
  virtual wire::mqtt::ReasonCode on_publish(MqttConnection& connection, const wire::mqtt::PublishView& publish) = 0;
  virtual wire::mqtt::ReasonCode on_subscribe(MqttConnection& connection, std::string_view filter,
                                              const wire::mqtt::SubscribeOptions& options) = 0;
  virtual void on_unsubscribe(MqttConnection& connection, std::string_view filter) { (void)connection, (void)filter; }
  // What wire::mqtt::ServerEvents tells under the same names.
  virtual void on_subscribed(MqttConnection& connection) { (void)connection; }
  virtual void on_sent(MqttConnection& connection, std::uint64_t tag, std::uint16_t packet_id, std::uint8_t qos) {
    (void)connection, (void)tag, (void)packet_id, (void)qos;
  }
  virtual void on_received(MqttConnection& connection, std::uint64_t tag) { (void)connection, (void)tag; }
  /// The exchange of a message is over: delivered, refused by the client, or given up.
  virtual void on_finished(MqttConnection& connection, std::uint64_t tag) { (void)connection, (void)tag; }
  virtual void on_inbound(MqttConnection& connection, std::uint16_t packet_id, bool held) {
    (void)connection, (void)packet_id, (void)held;
  }
  /// After call_when_drained(): everything that was to be sent has been.
  virtual void on_drained(MqttConnection& connection) { (void)connection; }
  /// Only for connections that were announced by on_connect. `will` as ServerEvents::on_close.
  virtual void on_close(MqttConnection& connection, wire::mqtt::CloseCause cause, bool will) = 0;
};

/// One client. Only its own thread touches it; others hold a weak_ptr and go through thread().post().
class MqttConnection : public std::enable_shared_from_this<MqttConnection> {
 public:
  virtual ~MqttConnection() = default;
  virtual void accept(wire::mqtt::AcceptOptions options) = 0;
  /// `server_reference` goes with use_another_server and server_moved.
  virtual void refuse(wire::mqtt::ReasonCode reason, std::string_view text = {},
                      std::string_view server_reference = {}) = 0;
  [[nodiscard]] virtual bool publish(const wire::mqtt::OutgoingPublish& message) = 0;
  virtual wire::mqtt::SendResult publish(wire::mqtt::Delivery delivery) = 0;
  virtual void close(wire::mqtt::CloseCause cause, wire::mqtt::ReasonCode reason) = 0;
  [[nodiscard]] virtual int granted_qos(std::string_view topic) const = 0;
  [[nodiscard]] virtual const wire::mqtt::Will* will() const = 0;
  [[nodiscard]] virtual wire::mqtt::ProtocolVersion version() const = 0;
  /// Whether on_connect is unanswered.
  [[nodiscard]] virtual bool is_deciding() const = 0;
  [[nodiscard]] virtual std::uint16_t keep_alive() const = 0;
  /// Silence is borne for ten seconds more than the keep alive at least, as JetLinks devices are used to.
  virtual void be_patient() = 0;
  // The session, as wire::mqtt::ServerMachine has it.
  [[nodiscard]] virtual const wire::mqtt::SessionState* session() const = 0;
  [[nodiscard]] virtual std::uint32_t session_expiry() const = 0;
  [[nodiscard]] virtual std::unique_ptr<wire::mqtt::SessionState> release_session() = 0;
  /// Whether little enough is unsent that more may follow at once; else call_when_drained() tells when.
  [[nodiscard]] virtual bool has_room() const = 0;
  virtual void call_when_drained() = 0;
  [[nodiscard]] virtual std::string peer() const = 0;  ///< "192.0.2.7:50312"
  /// Of the client certificate that TLS verified ("CN=dev-1,O=Example"); empty without.
  [[nodiscard]] virtual std::string_view tls_subject() const { return {}; }
  [[nodiscard]] virtual std::string_view tls_version() const { return {}; }  ///< "TLSv1.3"; empty in the clear
  [[nodiscard]] virtual IoThread& thread() const = 0;
  /// Steady milliseconds of the last packet in or publish out.
  [[nodiscard]] virtual Millis last_activity() const = 0;
  std::unique_ptr<MqttAttachment> attachment;
};

class MqttServer {
 public:
  /// Binds and listens. Errors: address_in_use, denied (privileged port), network (`bind 0.0.0.0:1883: ...`), invalid
  /// (host).
  [[nodiscard]] static Result<std::unique_ptr<MqttServer>> start(const MqttServerOptions& options, IoThreads& threads,
                                                                 std::shared_ptr<MqttServerHandler> handler);
  /// Stops accepting, closes every connection (MQTT 5: DISCONNECT "server shutting down"), and waits for them at most
  /// `drain`. Not from an I/O thread.
  virtual void stop(std::chrono::milliseconds drain) = 0;
  /// New limits and TLS context, for connections accepted from now on; open ones stay. host and port are not changed.
  virtual void update(const MqttServerOptions& options) = 0;
  [[nodiscard]] virtual std::uint16_t port() const = 0;
  [[nodiscard]] virtual const MqttServerCounters& counters() const = 0;
  virtual ~MqttServer() = default;
};

}  // namespace jl::network
