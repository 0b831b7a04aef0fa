#include "daemon/network/mqtt_connection.hpp"

#include <algorithm>

namespace jl::network {

namespace mqtt = wire::mqtt;
using mqtt::CloseCause;
using mqtt::ReasonCode;

MqttServerConnection::MqttServerConnection(std::shared_ptr<MqttComponent> component, StreamLane& lane, Stream stream,
                                           const PeerAddress& peer, bool over_limit)
    : StreamConnection(component, lane, std::move(stream), peer, over_limit),
      component_(std::move(component)),
      machine_(*this, component_->options()->limits) {}

template <class Work>
void MqttServerConnection::drive(Work work) {
  with_output([&](std::string& out) {
    machine_.set_time(thread().clock().now());
    work(out);
  });
}

void MqttServerConnection::on_input(std::string_view bytes) {
  drive([&](std::string& out) { machine_.feed(bytes, out); });
}

void MqttServerConnection::on_deadline() {
  if (!is_admitted()) {
    return drive(
        [this](std::string& out) { machine_.close(CloseCause::connect_timeout, ReasonCode::server_unavailable, out); });
  }
  // Not moved with every packet: it looks what happened since and waits for the rest.
  const Millis silent = thread().timers().now() - last_heard();
  if (silent < silence_limit()) return set_deadline(silence_limit() - silent);
  drive([this](std::string& out) {
    machine_.close(CloseCause::keep_alive_timeout, ReasonCode::keep_alive_timeout, out);
  });
}

// MQTT 5 §3.1.2.10 asks for one and a half times the keep alive; JetLinks devices rely on ten seconds at least.
Millis MqttServerConnection::silence_limit() const {
  const Millis keep_alive = Millis{1000} * machine_.keep_alive();
  return std::max(keep_alive + keep_alive / 2, patient_ ? keep_alive + kKeepAliveGrace : 0) + TimerWheel::kResolution;
}

void MqttServerConnection::on_commit_failed() {
  drive([this](std::string& out) { machine_.close(CloseCause::storage_failure, ReasonCode::unspecified_error, out); });
}

void MqttServerConnection::on_slow_consumer() {
  drive([this](std::string& out) { machine_.close(CloseCause::slow_consumer, ReasonCode::quota_exceeded, out); });
}

void MqttServerConnection::shut_down() { close(CloseCause::server_shutdown, ReasonCode::server_shutting_down); }

// ---- what the handler asks for

void MqttServerConnection::accept(mqtt::AcceptOptions options) {
  if (!is_open() || machine_.state() != State::deciding) return;
  admit();
  drive([&](std::string& out) { machine_.accept(std::move(options), out); });
  if (!is_open()) return;
  cancel_deadline();
  if (machine_.keep_alive() > 0) set_deadline(silence_limit());
  go_on();
}

void MqttServerConnection::refuse(ReasonCode reason, std::string_view text, std::string_view server_reference) {
  if (!is_open()) return;
  drive([&](std::string& out) { machine_.refuse(reason, out, text, server_reference); });
}

mqtt::SendResult MqttServerConnection::publish(mqtt::Delivery delivery) {
  if (!may_send()) return is_open() ? mqtt::SendResult::queue_full : mqtt::SendResult::closed;
  mqtt::SendResult result{};
  drive([&](std::string& out) { result = machine_.publish(std::move(delivery), out); });
  if (result != mqtt::SendResult::sent && result != mqtt::SendResult::queued) return result;
  add(component_->counters.sent_messages);
  note_activity();
  return result;
}

bool MqttServerConnection::publish(const mqtt::OutgoingPublish& message) {
  if (!may_send()) return false;
  bool taken = false;
  drive([&](std::string& out) { taken = machine_.publish(message, out); });
  if (!taken) return false;
  add(component_->counters.sent_messages);
  note_activity();
  return true;
}

void MqttServerConnection::close(CloseCause cause, ReasonCode reason) {
  if (!is_open()) return;
  drive([&](std::string& out) { machine_.close(cause, reason, out); });
}

// ---- what the machine reports

void MqttServerConnection::on_connect(const mqtt::ConnectView& connect) {
  if (is_over_limit()) return refuse(ReasonCode::server_busy, "too many connections", {});
  announced_ = true;
  component_->handler().on_connect(*this, connect);
}

ReasonCode MqttServerConnection::on_publish(const mqtt::PublishView& publish) {
  count_message();
  return component_->handler().on_publish(*this, publish);
}

ReasonCode MqttServerConnection::on_subscribe(std::string_view filter, const mqtt::SubscribeOptions& options) {
  return component_->handler().on_subscribe(*this, filter, options);
}

void MqttServerConnection::on_unsubscribe(std::string_view filter) {
  component_->handler().on_unsubscribe(*this, filter);
}

void MqttServerConnection::on_subscribed() { component_->handler().on_subscribed(*this); }

void MqttServerConnection::on_sent(std::uint64_t tag, std::uint16_t packet_id, std::uint8_t qos) {
  component_->handler().on_sent(*this, tag, packet_id, qos);
}

void MqttServerConnection::on_received(std::uint64_t tag) { component_->handler().on_received(*this, tag); }

void MqttServerConnection::on_delivered(std::uint64_t tag) { component_->handler().on_finished(*this, tag); }

void MqttServerConnection::on_inbound_held(std::uint16_t packet_id) {
  component_->handler().on_inbound(*this, packet_id, true);
}

void MqttServerConnection::on_inbound_released(std::uint16_t packet_id) {
  component_->handler().on_inbound(*this, packet_id, false);
}

void MqttServerConnection::on_close(CloseCause cause, bool will) {
  if (cause == CloseCause::client_disconnect) note_goodbye();
  count_close(cause);
  if (announced_) component_->handler().on_close(*this, cause, will);
}

void MqttServerConnection::count_close(CloseCause cause) {
  begin_closing(cause == CloseCause::connection_lost || cause == CloseCause::server_shutdown);
  if (cause == CloseCause::protocol_error || cause == CloseCause::malformed_packet ||
      cause == CloseCause::packet_too_large) {
    report_violation(machine_.close_detail());
  }
}

}  // namespace jl::network
