#pragma once
// The parts of ServerMachine, shared by its source files only. Small while idle: what most connections never need
// hangs off pointers that are filled on first use.
#include "daemon/wire/mqtt/decode.hpp"
#include "daemon/wire/mqtt/server.hpp"
#include "daemon/wire/mqtt/session_state.hpp"

#include <algorithm>
#include <array>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace jl::wire::mqtt {

/// Topic aliases that a MQTT 5 client may set (MQTT 5 §3.2.2.3.8).
constexpr std::uint16_t kTopicAliasMaximum = 16;
/// Topic aliases that are set for one MQTT 5 client at most; the first topics keep theirs.
constexpr std::size_t kOutboundAliases = 16;
/// Topics up to this length, bytes, are written out: an alias would not be shorter.
constexpr std::size_t kNoAliasBelow = 8;
/// Input held beyond one packet while the owner decides about a CONNECT, bytes.
constexpr std::size_t kDecidingSlack = 64 * 1024;

struct ServerMachine::Impl {
  Impl(ServerEvents& e, const ServerLimits& l) : events(e), limits(l) {}

  // server.cpp: input, life cycle
  void feed(std::string_view in, std::string& out);
  void drain(std::string_view in, std::string& out);
  std::size_t consume(std::string_view in, std::string& out);
  void hold(std::string_view in, std::string& out);
  void handle(const Frame& frame, std::string_view body, std::string& out);
  void handle_connect(std::string_view body, std::string& out);
  void handle_disconnect(std::string_view body, std::string& out);
  void accept(AcceptOptions&& options, std::string& out);
  bool write_connack_v5(const AcceptOptions& options, bool session_present, std::string& out);
  void resume(std::string& out);
  void reject(const Fault& fault, std::string& out);
  void refuse(CloseCause cause, ReasonCode reason, ReasonDetails details, std::string& out);
  void close(CloseCause cause, ReasonCode reason, ReasonDetails details, std::string& out);
  void fail(const Fault& fault, std::string& out);
  void finish(CloseCause cause, bool will_is_due);

  // server_publish.cpp: messages from the client
  void handle_publish(std::uint8_t first, std::string_view body, std::string& out);
  void read_forwarded(const Properties& properties, PublishView& view);
  Fault apply_alias(std::uint16_t alias, PublishView& view);
  void receive_qos2(const PublishView& view, std::string& out);
  void handle_pubrel(std::string_view body, std::string& out);

  // server_deliver.cpp: messages to the client
  bool publish(const OutgoingPublish& message, std::string& out);
  SendResult publish(Delivery delivery, std::string& out);
  void handle_ack(PacketType type, std::string_view body, std::string& out);
  void complete(const OutboundExchange& exchange, ReasonCode reason, std::string& out);
  void send(Delivery delivery, std::string& out);
  void send_waiting(std::string& out);
  void send_again(std::string& out);
  void send_queued(std::string& out);
  void write(PublishPacket packet, std::string& out);
  [[nodiscard]] PublishPacket packet_of(const Delivery& delivery) const;
  [[nodiscard]] bool fits(const PublishPacket& packet) const;
  [[nodiscard]] bool is_expired(const Message& message) const;
  [[nodiscard]] bool has_slot() const;
  [[nodiscard]] std::size_t window() const;

  // server_subscribe.cpp
  void handle_subscribe(std::string_view body, std::string& out);
  void handle_unsubscribe(std::string_view body, std::string& out);
  ReasonCode subscribe_one(std::string_view filter, const SubscribeOptions& options);
  void answer_filters(PacketType type, std::uint16_t packet_id, std::string_view codes, std::string& out);

  [[nodiscard]] bool is_reading() const { return state == State::awaiting_connect || state == State::connected; }
  [[nodiscard]] bool is_v5() const { return version == ProtocolVersion::v5; }
  [[nodiscard]] bool fits_client(std::size_t packet) const {
    return client_max_packet() == 0 || packet <= client_max_packet();
  }
  [[nodiscard]] std::uint32_t client_max_packet() const { return newer ? newer->max_packet : 0; }
  [[nodiscard]] std::size_t inbound_limit() const { return std::max<std::size_t>(limits.max_inbound_qos2, 1); }
  SessionState& own_session() {
    if (!session) session = std::make_unique<SessionState>();
    return *session;
  }

  using AliasTable = std::array<std::string, kTopicAliasMaximum>;

  /// What only MQTT 5 has.
  struct Newer {
    std::uint32_t max_packet = 0;       // of the client; 0 = no limit
    std::uint32_t asked_expiry = 0;     // of the session, seconds, as in CONNECT
    std::uint32_t session_expiry = 0;   // as granted, then as in DISCONNECT
    std::uint16_t receive_max = 65535;  // of the client
    std::uint16_t alias_max = 0;        // of the client
    bool wants_response_information = false;
    std::unique_ptr<AliasTable> inbound_aliases;
    std::vector<std::string> outbound_aliases;
    std::string forwarded;  // properties of the message that is being handled
  };

  ServerEvents& events;
  const ServerLimits limits;
  std::string held;  // an incomplete packet, or what waits for a decision
  std::unique_ptr<SessionState> session;
  std::unique_ptr<Will> connect_will;
  std::unique_ptr<Newer> newer;
  const char* close_text = "";  // static storage
  std::int64_t now = 0;
  std::uint16_t to_resend = 0;          // exchanges of the session that wait for being sent again
  std::uint16_t inherited_inbound = 0;  // QoS 2 exchanges of the client that came with the session
  std::uint16_t keep_alive = 0;
  State state = State::awaiting_connect;
  ProtocolVersion version = ProtocolVersion::v3_1_1;
  bool busy = false;  // input is being handled further up the stack
  bool clean_start = true;
};

}  // namespace jl::wire::mqtt
