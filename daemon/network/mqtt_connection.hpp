#pragma once
// One client of a MQTT server: a socket and a protocol machine, living in the turns of one I/O thread. Idle it holds no
// buffer: it reads into the thread's and borrows one to send.
//
// Its life: open (awaiting CONNECT, deciding, connected) -> closing (the machine has ended; what it wrote last waits
// for the commit and the socket) -> lingering (nothing more is sent; input is thrown away until the peer has read the
// last bytes and closes, because closing over unread input would destroy them) -> finished.
#include "daemon/network/address.hpp"
#include "daemon/network/mqtt_component.hpp"
#include "daemon/network/stream.hpp"

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace jl::network {

class MqttServerConnection final : public MqttConnection, private TurnMember, private wire::mqtt::ServerEvents {
 public:
  static constexpr int kReadRounds = 4;                               ///< of a full read buffer per turn
  static constexpr std::size_t kReadPause = std::size_t{256} * 1024;  ///< unsent bytes over which nothing is read
  static constexpr Millis kLinger = 1000;                             ///< for the last bytes and the peer's close
  static constexpr Millis kKeepAliveGrace = 10'000;                   ///< on top of the keep alive, as JetLinks has it

  /// Any thread. `over_limit` connections get a CONNACK "server busy" and never reach the handler.
  MqttServerConnection(std::shared_ptr<MqttComponent> component, MqttLane& lane, Stream stream, const PeerAddress& peer,
                       bool over_limit);
  ~MqttServerConnection() override;

  // All below on the lane's thread.
  /// Starts reading; the client has this long to be admitted.
  void start(std::chrono::milliseconds connect_limit);
  /// Closes without waiting for anything; on_close comes if it is owed. The connection may be gone afterwards.
  void finish();

  void accept(wire::mqtt::AcceptOptions options) override;
  void refuse(wire::mqtt::ReasonCode reason, std::string_view text, std::string_view server_reference) override;
  bool publish(const wire::mqtt::OutgoingPublish& message) override;
  wire::mqtt::SendResult publish(wire::mqtt::Delivery delivery) override;
  void close(wire::mqtt::CloseCause cause, wire::mqtt::ReasonCode reason) override;
  int granted_qos(std::string_view topic) const override { return machine_.granted_qos(topic); }
  const wire::mqtt::Will* will() const override { return machine_.will(); }
  wire::mqtt::ProtocolVersion version() const override { return machine_.version(); }
  bool is_deciding() const override { return phase_ == Phase::open && machine_.state() == State::deciding; }
  std::uint16_t keep_alive() const override { return machine_.keep_alive(); }
  void be_patient() override { patient_ = true; }
  const wire::mqtt::SessionState* session() const override { return machine_.session(); }
  std::uint32_t session_expiry() const override { return machine_.session_expiry(); }
  std::unique_ptr<wire::mqtt::SessionState> release_session() override { return machine_.release_session(); }
  bool has_room() const override { return unsent() < kReadPause; }
  void call_when_drained() override { wants_drained_ = true; }
  std::string peer() const override { return peer_.to_string(); }
  std::string_view tls_subject() const override { return stream_.peer_subject(); }
  std::string_view tls_version() const override { return stream_.tls_version(); }
  IoThread& thread() const override { return *lane_.thread; }
  Millis last_activity() const override { return last_activity_; }

 private:
  enum class Phase : std::uint8_t { open, closing, lingering, finished };
  using State = wire::mqtt::ServerMachine::State;

  void on_readable() override;
  void on_writable() override;
  void on_flush(bool committed) override;

  void on_connect(const wire::mqtt::ConnectView& connect) override;
  wire::mqtt::ReasonCode on_publish(const wire::mqtt::PublishView& publish) override;
  wire::mqtt::ReasonCode on_subscribe(std::string_view filter, const wire::mqtt::SubscribeOptions& options) override;
  void on_unsubscribe(std::string_view filter) override;
  void on_subscribed() override;
  void on_sent(std::uint64_t tag, std::uint16_t packet_id, std::uint8_t qos) override;
  void on_received(std::uint64_t tag) override;
  void on_delivered(std::uint64_t tag) override;
  void on_discarded(std::uint64_t tag) override { on_delivered(tag); }
  void on_inbound_held(std::uint16_t packet_id) override;
  void on_inbound_released(std::uint16_t packet_id) override;
  void on_close(wire::mqtt::CloseCause cause, bool will) override;

  void on_timer();
  void feed(std::string_view bytes);
  void on_input_over(IoResult::Status status);
  void read_on();
  void note_handshake();
  void count_tls_failure(std::string_view why);
  void count_close(wire::mqtt::CloseCause cause);
  void drop_uncommitted();
  void send_what_is_ready();
  void regulate();
  void close_slow();
  void go_on_closing();
  void throw_input_away();
  void abandon() noexcept;
  void release_buffer();
  [[nodiscard]] std::size_t unsent() const { return out_ ? out_->unsent() : 0; }
  [[nodiscard]] Millis silence_limit() const;

  /// Whether a message may be sent at all; a peer that left too much lying is closed.
  [[nodiscard]] bool may_send();
  /// Lets the machine work with the send buffer at hand, also from within another such call.
  template <class Work>
  void with_output(Work work);

  const std::shared_ptr<MqttComponent> component_;
  MqttLane& lane_;
  wire::mqtt::ServerMachine machine_;
  std::unique_ptr<SendBuffer> out_;
  Timer timer_;  // before CONNACK its limit, then the keep alive, while closing the linger
  Millis last_activity_ = 0;
  Stream stream_;
  const PeerAddress peer_;
  std::uint32_t position_ = 0;  // in the lane
  const std::uint32_t max_send_bytes_;
  std::uint16_t depth_ = 0;  // of with_output
  Phase phase_ = Phase::open;
  wire::mqtt::CloseCause cause_{};
  const bool over_limit_ : 1;
  bool in_lane_ : 1 = false;
  bool announced_ : 1 = false;  // on_connect was called, so on_close is owed
  bool connected_ : 1 = false;
  bool blocked_ : 1 = false;        // the socket took less than there was; on_writable is due
  bool paused_ : 1 = false;         // reading waits for the peer to take what it is sent
  bool peer_gone_ : 1 = false;      // nothing more comes from it
  bool discard_ : 1 = false;        // what is unsent must not or cannot be sent
  bool patient_ : 1 = false;        // a keep alive has a grace
  bool wants_drained_ : 1 = false;  // the handler wants to hear when all is sent
  bool heard_ : 1 = false;          // from the client
  bool greeted_ : 1 = false;        // the TLS handshake is done and counted, or there is none
  bool reads_late_ : 1 = false;     // reading waits for the socket to be writable (TLS handshake)
  bool reads_on_ : 1 = false;       // more is read soon, whatever the socket says
  bool tls_here_ : 1 = false;       // the client began TLS on a port in the clear
};

}  // namespace jl::network
