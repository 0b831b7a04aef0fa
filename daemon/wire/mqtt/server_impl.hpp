#pragma once
// The parts of ServerMachine, shared by its source files only. Small while idle: what most connections never need
// hangs off pointers that are filled on first use.
#include "daemon/wire/mqtt/decode.hpp"
#include "daemon/wire/mqtt/server.hpp"
#include "daemon/wire/mqtt/session_state.hpp"

#include <array>
#include <memory>
#include <string>
#include <string_view>

namespace jl::wire::mqtt {

/// Topic aliases that a MQTT 5 client may set (MQTT 5 §3.2.2.3.8).
constexpr std::uint16_t kTopicAliasMaximum = 16;
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
  void accept(const AcceptOptions& options, std::string& out);
  void reject(const Fault& fault, std::string& out);
  void refuse(CloseCause cause, ReasonCode reason, std::string_view text, std::string& out);
  void close(CloseCause cause, ReasonCode reason, std::string_view text, std::string& out);
  void fail(const Fault& fault, std::string& out);
  void finish(CloseCause cause, bool will_is_due);

  // server_publish.cpp: messages both ways
  void handle_publish(std::uint8_t first, std::string_view body, std::string& out);
  Fault apply_alias(std::uint16_t alias, PublishView& view);
  void receive_qos2(const PublishView& view, std::string& out);
  void handle_pubrel(std::string_view body, std::string& out);
  void handle_ack(PacketType type, std::string_view body, std::string& out);
  void complete(const OutboundExchange& exchange, ReasonCode reason, std::string& out);
  bool publish(const OutgoingPublish& message, std::string& out);
  void send(const OutgoingPublish& message, std::string_view properties, std::string& out);
  void send_queued(std::string& out);
  [[nodiscard]] std::size_t window() const;

  // server_subscribe.cpp
  void handle_subscribe(std::string_view body, std::string& out);
  void handle_unsubscribe(std::string_view body, std::string& out);
  ReasonCode subscribe_one(std::string_view filter, const SubscribeOptions& options);
  void answer_filters(PacketType type, std::uint16_t packet_id, std::string_view codes, std::string& out);

  [[nodiscard]] bool is_reading() const { return state == State::awaiting_connect || state == State::connected; }
  [[nodiscard]] bool is_v5() const { return version == ProtocolVersion::v5; }
  [[nodiscard]] bool fits_client(std::size_t packet) const {
    return client_max_packet == 0 || packet <= client_max_packet;
  }
  SessionState& own_session() {
    if (!session) session = std::make_unique<SessionState>();
    return *session;
  }

  using AliasTable = std::array<std::string, kTopicAliasMaximum>;

  ServerEvents& events;
  const ServerLimits limits;
  std::string held;  // an incomplete packet, or what waits for a decision
  std::unique_ptr<SessionState> session;
  std::unique_ptr<Will> connect_will;
  std::unique_ptr<AliasTable> aliases;
  std::string_view close_text;          // static storage
  std::uint32_t client_max_packet = 0;  // 0 = no limit
  std::uint16_t client_receive_max = 65535;
  std::uint16_t keep_alive = 0;
  State state = State::awaiting_connect;
  ProtocolVersion version = ProtocolVersion::v3_1_1;
  bool busy = false;  // input is being handled further up the stack
  bool clean_start = true;
  bool wants_session = false;  // a session expiry interval was asked for
};

}  // namespace jl::wire::mqtt
