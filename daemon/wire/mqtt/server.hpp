#pragma once
// One server-side MQTT connection (3.1, 3.1.1 and 5.0) as a pure machine: bytes in, events and bytes out.
// It owns the packet state of one network connection: what is half received, what is in flight, what is subscribed.
// It knows no socket, no clock and no thread; the caller drives it from one thread.
//
// Bytes to send are appended to the buffer given to each call. The caller decides when they leave: a PUBACK that the
// machine wrote while feeding must not leave before the message is in the log, which the caller arranges by writing the
// log before it flushes the buffer.
#include "daemon/wire/mqtt/packet.hpp"
#include "daemon/wire/mqtt/session_state.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace jl::wire::mqtt {

/// Bounds on what a peer can make us hold. Exceeding one closes the connection with the protocol's own code; a filter
/// beyond its bounds is only refused, and a message that finds the outbound queue full is only dropped.
struct ServerLimits {
  std::uint32_t max_packet = 8192;       ///< remaining length of an inbound packet, bytes
  std::uint16_t max_topic_bytes = 1024;  ///< length of a topic name or filter
  std::uint16_t max_subscriptions = 64;  ///< filters held per connection
  std::uint16_t max_inbound_qos2 =
      64;  ///< QoS 2 messages between PUBLISH and PUBREL; also the receive maximum told to MQTT 5 peers
  std::uint16_t max_outbound_inflight = 32;  ///< QoS 1/2 messages sent and not yet acknowledged
  std::uint16_t max_outbound_queued = 256;   ///< messages waiting for an in-flight slot
  std::uint16_t keep_alive_cap = 0;          ///< seconds; 0 = the client's own value stands
  std::uint8_t max_properties = 64;          ///< user properties in one packet
};

/// How a client is admitted.
struct AcceptOptions {
  bool session_present = false;
  /// The session to go on with; null also where nothing of it was ever kept. Ignored unless session_present, and
  /// after clean start.
  std::unique_ptr<SessionState> session{};
  /// MQTT 5, seconds: what is granted where it differs from what was asked for.
  std::optional<std::uint32_t> session_expiry{};
  std::string assigned_client_id{};     ///< MQTT 5, when the client sent none
  std::uint16_t server_keep_alive = 0;  ///< MQTT 5; 0 = the client's own stands
  std::string response_information{};   ///< MQTT 5; only told to a client that asked for it
};

/// What the machine tells its owner, synchronously, while it is fed. Views die with the call.
/// An event may call accept, refuse, publish, close and connection_lost of its machine, but neither feed nor destroy
/// it.
class ServerEvents {
 public:
  /// A well-formed CONNECT. Answer with ServerMachine::accept or ::refuse, now or later; input waits until then.
  virtual void on_connect(const ConnectView& connect) = 0;
  /// A PUBLISH to be handled exactly once per QoS 2 exchange. The reason is what a MQTT 5 PUBACK/PUBREC carries;
  /// a failure reason still completes the exchange.
  virtual ReasonCode on_publish(const PublishView& publish) = 0;
  /// One filter of a SUBSCRIBE: the granted QoS (0..2) or a failure code (>= 0x80).
  virtual ReasonCode on_subscribe(std::string_view filter, const SubscribeOptions& options) = 0;
  /// Once per SUBSCRIBE, after its SUBACK was appended: what is sent now comes behind it.
  virtual void on_subscribed() {}
  virtual void on_unsubscribe(std::string_view filter) = 0;

  // A QoS 2 exchange of the client: held from before its on_publish until PUBREL, or until on_publish refused it.
  // It stays held in the released session when the connection ends inside on_publish.
  virtual void on_inbound_held(std::uint16_t packet_id) { (void)packet_id; }
  virtual void on_inbound_released(std::uint16_t packet_id) { (void)packet_id; }

  // The way of a message that was given with a tag other than 0. Exactly one of on_delivered, on_refused and
  // on_discarded ends it, unless the connection ends before; then it is in the released session. One of QoS 0 that
  // publish says is sent is over at once; one that waited in the session is delivered once it is written.
  /// A QoS 1 or 2 message got its packet identifier. Not told again when it is sent again.
  virtual void on_sent(std::uint64_t tag, std::uint16_t packet_id, std::uint8_t qos) {
    (void)tag, (void)packet_id, (void)qos;
  }
  /// The peer has the QoS 2 message (PUBREC).
  virtual void on_received(std::uint64_t tag) { (void)tag; }
  /// The peer completed delivery.
  virtual void on_delivered(std::uint64_t tag) { (void)tag; }
  /// The peer ended the exchange of that message with a failure code (MQTT 5); it is not sent again.
  virtual void on_refused(std::uint64_t tag, ReasonCode reason) { (void)reason, on_delivered(tag); }
  /// A message that was queued or in flight is given up: it expired or is larger than the client takes.
  virtual void on_discarded(std::uint64_t tag) { (void)tag; }
  /// The connection is over for the given cause; the machine has written its last bytes and ignores input from now on.
  /// Comes exactly once, whoever ended it: also from within refuse, close and connection_lost.
  /// `will` is true when the will message of CONNECT must be published (MQTT 5 §3.1.2.5); will() still has it.
  virtual void on_close(CloseCause cause, bool will) = 0;

 protected:
  ~ServerEvents() = default;
};

class ServerMachine {
 public:
  enum class State : std::uint8_t { awaiting_connect, deciding, connected, closed };

  ServerMachine(ServerEvents& events, const ServerLimits& limits);
  ~ServerMachine();
  ServerMachine(ServerMachine&&) = delete;

  /// Takes bytes from the peer and appends answers to `out`. Complete packets are read in place; only an incomplete
  /// tail is kept. Never throws; a protocol error ends in on_close.
  void feed(std::string_view in, std::string& out);
  /// The time in ms since 1970, told before each other call; messages expire by it. 0 = unknown, nothing expires.
  void set_time(std::int64_t now_ms);
  /// Admits the client that on_connect announced, sends what its session has in flight (again, with DUP) and queued,
  /// and then handles whatever input waited. Does nothing, and leaves the session where it is, at any other time.
  void accept(AcceptOptions&& options, std::string& out);
  /// Refuses the client with a CONNACK (3.1.1 or 5 code as its version needs) and closes. The server reference goes
  /// with use_another_server and server_moved only, to MQTT 5 clients.
  void refuse(ReasonCode reason, std::string& out, std::string_view reason_text = {},
              std::string_view server_reference = {});
  /// Sends a message, or queues it while the window is full. The delivery must have a message whose topic is a topic
  /// name, and a QoS of at most 2: the caller has applied the subscription's maximum.
  SendResult publish(Delivery delivery, std::string& out);
  /// The same for a message given as views, with the identifiers of the subscriptions of this session that match it.
  /// False when it is neither sent nor queued, also for what is no topic name.
  [[nodiscard]] bool publish(const OutgoingPublish& message, std::string& out);
  /// Ends the connection from our side (MQTT 5: DISCONNECT with the reason first; a client that still waits for an
  /// answer gets a CONNACK with it). A reason that the packet may not carry is replaced by the nearest that it may.
  /// The server reference is treated as in refuse.
  void close(CloseCause cause, ReasonCode reason, std::string& out, std::string_view server_reference = {});
  /// The network connection is gone without DISCONNECT.
  void connection_lost();

  /// What is to be kept for the client's next connection, once this one is closed; null when nothing was ever kept, and
  /// before. The messages in flight are in it.
  [[nodiscard]] std::unique_ptr<SessionState> release_session();

  /// The highest QoS that a subscription of this client grants for the topic, or -1 when none matches.
  [[nodiscard]] int granted_qos(std::string_view topic) const;
  [[nodiscard]] State state() const;
  [[nodiscard]] ProtocolVersion version() const;
  /// The keep alive in seconds as negotiated; 0 = none. The peer is dead after one and a half times as much silence
  /// [MQTT-3.1.2-24]. Before MQTT 5 a server cannot impose its own, so keep_alive_cap does not apply there.
  [[nodiscard]] std::uint16_t keep_alive() const;
  /// Seconds that the session outlives the connection: as granted, or as the client's DISCONNECT changed it (which may
  /// be more than was granted). Before MQTT 5: 0 with clean session, else kNeverExpires.
  [[nodiscard]] std::uint32_t session_expiry() const;
  /// What there is of the session now; nullptr when nothing had to be kept.
  [[nodiscard]] const SessionState* session() const;
  [[nodiscard]] bool clean_start() const;
  /// The will of CONNECT, or nullptr. Kept as long as the machine, unless a DISCONNECT of the client discards it.
  [[nodiscard]] const Will* will() const;
  /// Bytes of input that wait for a decision or for the rest of their packet. While deciding it grows to at most
  /// max_packet + 64 KiB; a caller that stops reading before then never sees the refusal that follows.
  [[nodiscard]] std::size_t held_bytes() const;
  /// A few words on what the peer did wrong, for logs; empty unless the machine itself ended the connection.
  [[nodiscard]] std::string_view close_detail() const;

 private:
  struct Impl;  // lazily grown parts: in-flight windows, subscriptions, incomplete input
  std::unique_ptr<Impl> impl_;
};

}  // namespace jl::wire::mqtt
