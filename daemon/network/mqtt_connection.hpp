#pragma once
// One client of a MQTT server: a stream connection with a protocol machine.
#include "daemon/network/mqtt_server.hpp"
#include "daemon/network/stream_connection.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace jl::network {

/// What the connections of one MQTT server share.
class MqttComponent final : public StreamComponent {
 public:
  MqttComponent(const MqttServerOptions& options, IoThreads& threads, std::shared_ptr<MqttServerHandler> handler)
      : StreamComponent(std::make_shared<const MqttServerOptions>(options), threads, "network.mqtt"),
        handler_(std::move(handler)) {}
  [[nodiscard]] MqttServerHandler& handler() const { return *handler_; }
  [[nodiscard]] std::shared_ptr<const MqttServerOptions> options() const {
    return std::static_pointer_cast<const MqttServerOptions>(stream_options());
  }

 private:
  const std::shared_ptr<MqttServerHandler> handler_;
};

class MqttServerConnection final : public MqttConnection, public StreamConnection, private wire::mqtt::ServerEvents {
 public:
  static constexpr Millis kKeepAliveGrace = 10'000;  ///< on top of the keep alive, as JetLinks has it

  /// Any thread. `over_limit` connections get a CONNACK "server busy" and never reach the handler.
  MqttServerConnection(std::shared_ptr<MqttComponent> component, StreamLane& lane, Stream stream,
                       const PeerAddress& peer, bool over_limit);

  // All below on the lane's thread.
  void shut_down() override;

  void accept(wire::mqtt::AcceptOptions options) override;
  void refuse(wire::mqtt::ReasonCode reason, std::string_view text, std::string_view server_reference) override;
  bool publish(const wire::mqtt::OutgoingPublish& message) override;
  wire::mqtt::SendResult publish(wire::mqtt::Delivery delivery) override;
  void close(wire::mqtt::CloseCause cause, wire::mqtt::ReasonCode reason) override;
  int granted_qos(std::string_view topic) const override { return machine_.granted_qos(topic); }
  const wire::mqtt::Will* will() const override { return machine_.will(); }
  wire::mqtt::ProtocolVersion version() const override { return machine_.version(); }
  bool is_deciding() const override { return is_open() && machine_.state() == State::deciding; }
  std::uint16_t keep_alive() const override { return machine_.keep_alive(); }
  void be_patient() override { patient_ = true; }
  const wire::mqtt::SessionState* session() const override { return machine_.session(); }
  std::uint32_t session_expiry() const override { return machine_.session_expiry(); }
  std::unique_ptr<wire::mqtt::SessionState> release_session() override { return machine_.release_session(); }
  bool has_room() const override { return unsent() < kReadPause; }
  void call_when_drained() override { call_on_drained(); }
  std::string peer() const override { return peer_name(); }
  std::string_view tls_subject() const override { return stream().peer_subject(); }
  std::string_view tls_version() const override { return stream().tls_version(); }
  IoThread& thread() const override { return io_thread(); }
  Millis last_activity() const override { return last_heard(); }

 private:
  using State = wire::mqtt::ServerMachine::State;

  std::shared_ptr<StreamConnection> self() override {
    return std::static_pointer_cast<MqttServerConnection>(shared_from_this());
  }
  void on_input(std::string_view bytes) override;
  bool wants_input() const override { return machine_.state() != State::deciding; }
  void on_lost() override { machine_.connection_lost(); }
  void on_deadline() override;
  void on_commit_failed() override;
  void on_slow_consumer() override;
  void on_drained() override { component_->handler().on_drained(*this); }
  void on_finished() override { attachment.reset(); }

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

  void count_close(wire::mqtt::CloseCause cause);
  [[nodiscard]] Millis silence_limit() const;
  /// Lets the machine work with the send buffer at hand.
  template <class Work>
  void drive(Work work);

  const std::shared_ptr<MqttComponent> component_;
  wire::mqtt::ServerMachine machine_;
  bool announced_ : 1 = false;  // on_connect was called, so on_close is owed
  bool patient_ : 1 = false;    // a keep alive has a grace
};

}  // namespace jl::network
