#include "daemon/network/mqtt_connection.hpp"

#include <algorithm>

namespace jl::network {

namespace mqtt = wire::mqtt;
using mqtt::CloseCause;
using mqtt::ReasonCode;

namespace {

constexpr char kTlsHandshake = 0x16;  // the first byte of a TLS connection, which no CONNECT has

void add(std::atomic<std::uint64_t>& counter, std::uint64_t by = 1) {
  counter.fetch_add(by, std::memory_order_relaxed);
}

}  // namespace

MqttServerConnection::MqttServerConnection(std::shared_ptr<MqttComponent> component, MqttLane& lane, Stream stream,
                                           const PeerAddress& peer, bool over_limit)
    : component_(std::move(component)),
      lane_(lane),
      machine_(*this, component_->options()->limits),
      timer_([](void* self) { static_cast<MqttServerConnection*>(self)->on_timer(); }, this),
      stream_(std::move(stream)),
      peer_(peer),
      max_send_bytes_(component_->options()->max_send_bytes),
      over_limit_(over_limit) {
  component_->count_in(over_limit_);
}

MqttServerConnection::~MqttServerConnection() {
  if (phase_ == Phase::finished) return;
  // Never started: its thread had stopped.
  stream_.close();
  component_->count_out(over_limit_);
}

template <class Work>
void MqttServerConnection::with_output(Work work) {
  if (out_ == nullptr) out_ = lane_.buffers.take();
  std::string& bytes = out_->begin(thread().commit_number());
  const std::size_t before = bytes.size();
  ++depth_;
  machine_.set_time(thread().clock().now());
  try {
    work(bytes);
  } catch (...) {
    // The handler failed in the middle of a packet: the machine cannot go on.
    --depth_;
    abandon();
    throw;
  }
  --depth_;
  if (bytes.size() != before) thread().request_flush(*this);
  if (depth_ == 0 && unsent() == 0) release_buffer();
}

void MqttServerConnection::abandon() noexcept {
  discard_ = true;
  try {
    machine_.connection_lost();
  } catch (...) {  // the handler's on_close as well; what it was is reported by the first one
  }
  thread().request_flush(*this);
}

void MqttServerConnection::release_buffer() { lane_.buffers.give(std::move(out_)); }

// ---- life

void MqttServerConnection::start(std::chrono::milliseconds connect_limit) {
  position_ = static_cast<std::uint32_t>(lane_.connections.size());
  lane_.connections.push_back(std::static_pointer_cast<MqttServerConnection>(shared_from_this()));
  in_lane_ = true;
  last_activity_ = thread().timers().now();
  if (auto tls = component_->options()->tls; tls != nullptr) {
    if (const Status status = stream_.secure(std::move(tls)); !status) {
      log::error("network.mqtt", "cannot serve a connection error=\"{}\"", status.error().message);
      return finish();
    }
  }
  greeted_ = !stream_.is_secure();
  if (const Status status = thread().watch(stream_.fd(), *this); !status) {
    log::error("network.mqtt", "cannot serve a connection error=\"{}\"", status.error().message);
    return finish();
  }
  thread().timers().set(timer_, connect_limit.count());
}

void MqttServerConnection::finish() {
  if (phase_ == Phase::finished) return;
  const auto self = shared_from_this();
  if (machine_.state() != State::closed) abandon();
  phase_ = Phase::finished;
  timer_.cancel();
  thread().forget(stream_.fd(), *this);
  stream_.close();
  release_buffer();
  attachment.reset();
  if (in_lane_) {
    auto& all = lane_.connections;
    all.back()->position_ = position_;
    std::swap(all[position_], all.back());
    all.pop_back();
  }
  component_->count_out(over_limit_);
}

void MqttServerConnection::on_timer() {
  const Millis now = thread().timers().now();
  if (phase_ != Phase::open) return finish();
  if (!connected_) {
    if (!greeted_) count_tls_failure("not finished in time");
    return with_output(
        [this](std::string& out) { machine_.close(CloseCause::connect_timeout, ReasonCode::server_unavailable, out); });
  }
  // Not moved with every packet: it looks what happened since and waits for the rest.
  const Millis silent = now - last_activity_;
  if (silent < silence_limit()) return thread().timers().set(timer_, silence_limit() - silent);
  with_output([this](std::string& out) {
    machine_.close(CloseCause::keep_alive_timeout, ReasonCode::keep_alive_timeout, out);
  });
}

// MQTT 5 §3.1.2.10 asks for one and a half times the keep alive; JetLinks devices rely on ten seconds at least.
Millis MqttServerConnection::silence_limit() const {
  const Millis keep_alive = Millis{1000} * machine_.keep_alive();
  return std::max(keep_alive + keep_alive / 2, patient_ ? keep_alive + kKeepAliveGrace : 0) + TimerWheel::kResolution;
}

// ---- reading

void MqttServerConnection::on_readable() {
  if (phase_ != Phase::open) return throw_input_away();
  const std::span<char> buffer = thread().read_buffer();
  for (int round = 0; round < kReadRounds; ++round) {
    const IoResult got = stream_.read_some(buffer);
    if (!greeted_) note_handshake();
    if (got.status == IoResult::Status::would_block) break;
    if (got.status != IoResult::Status::ok) {
      on_input_over(got.status);
      break;
    }
    feed({buffer.data(), got.bytes});
    if (phase_ != Phase::open || machine_.state() == State::deciding) break;
    if (got.bytes < buffer.size() && !stream_.has_pending()) break;
  }
  if (phase_ != Phase::open) return;
  // Input waits in the socket while the handler decides; what TLS holds of it already is asked for here.
  if (machine_.state() == State::deciding || reads_late_ || stream_.has_pending()) regulate();
}

void MqttServerConnection::feed(std::string_view bytes) {
  if (!heard_) tls_here_ = !stream_.is_secure() && bytes.front() == kTlsHandshake;
  heard_ = true;
  add(component_->counters.received_bytes, bytes.size());
  last_activity_ = thread().timers().now();
  with_output([&](std::string& out) { machine_.feed(bytes, out); });
}

void MqttServerConnection::on_input_over(IoResult::Status status) {
  if (status == IoResult::Status::want_write) {
    reads_late_ = blocked_ = true;
    return;
  }
  const bool failed = status == IoResult::Status::failed;
  if (failed && stream_.is_secure()) {
    // Nothing more can be sent, but the peer should get to read the alert that says why: linger.
    if (!greeted_) count_tls_failure(stream_.failure());
    release_buffer();
  } else {
    peer_gone_ = true;
    discard_ = failed;
  }
  machine_.connection_lost();
}

void MqttServerConnection::note_handshake() {
  greeted_ = stream_.handshake_done();
  if (!greeted_) return;
  add(component_->counters.tls_handshakes);
  if (unsent() > 0) thread().request_flush(*this);
}

void MqttServerConnection::count_tls_failure(std::string_view why) {
  add(component_->counters.tls_failures);
  component_->report(MqttComponent::Trouble::tls, peer(), why, thread().timers().now());
}

void MqttServerConnection::read_on() {
  if (reads_on_) return;
  reads_on_ = true;
  thread().post([self = std::static_pointer_cast<MqttServerConnection>(shared_from_this())] {
    self->reads_on_ = false;
    if (self->phase_ == Phase::open && !self->paused_ && self->machine_.state() != State::deciding) self->on_readable();
  });
}

void MqttServerConnection::throw_input_away() {
  const std::span<char> buffer = thread().read_buffer();
  for (int round = 0; round < kReadRounds; ++round) {
    const IoResult got = stream_.discard_some(buffer);
    if (got.status == IoResult::Status::ok && got.bytes == buffer.size()) continue;
    if (got.status == IoResult::Status::ok || got.status == IoResult::Status::would_block) return;
    // A peer that only closed its half still takes the rest of what it is sent.
    if (got.status == IoResult::Status::end && unsent() > 0 && !peer_gone_) {
      peer_gone_ = true;
      return thread().want_read(stream_.fd(), *this, false);
    }
    return finish();
  }
}

// ---- sending

void MqttServerConnection::on_writable() {
  blocked_ = false;
  if (reads_late_ && phase_ == Phase::open) {
    reads_late_ = false;
    on_readable();
  }
  thread().request_flush(*this);
}

void MqttServerConnection::on_flush(bool committed) {
  if (!committed) drop_uncommitted();
  send_what_is_ready();
  if (phase_ == Phase::open && unsent() > max_send_bytes_) close_slow();
  if (phase_ == Phase::open && wants_drained_ && unsent() == 0) {
    wants_drained_ = false;
    component_->handler().on_drained(*this);
  }
  if (phase_ == Phase::open) {
    regulate();
  } else {
    go_on_closing();
  }
}

void MqttServerConnection::drop_uncommitted() {
  // Half a packet may have left before, after which nothing that follows could be read.
  discard_ = blocked_ || phase_ != Phase::open;
  release_buffer();
  if (phase_ != Phase::open) return;
  component_->report(MqttComponent::Trouble::storage, peer(), "connection closed without acknowledgement",
                     thread().timers().now());
  with_output(
      [this](std::string& out) { machine_.close(CloseCause::storage_failure, ReasonCode::unspecified_error, out); });
}

void MqttServerConnection::send_what_is_ready() {
  if (out_ == nullptr || blocked_ || discard_) return;
  const std::string_view ready = out_->sendable(thread().commit_number());
  if (ready.empty()) return;
  const IoResult sent = stream_.write_some(ready);
  if (sent.status == IoResult::Status::failed) {
    peer_gone_ = discard_ = true;
    machine_.connection_lost();
    return;
  }
  blocked_ = sent.bytes < ready.size() && sent.status != IoResult::Status::want_read;
  add(component_->counters.sent_bytes, sent.bytes);
  out_->consume(sent.bytes);
  if (unsent() == 0) release_buffer();
}

// Back-pressure: a peer that does not read is not read from either.
void MqttServerConnection::regulate() {
  if (unsent() > kReadPause) {
    paused_ = true;
  } else if (unsent() == 0) {
    paused_ = false;
  }
  thread().want_write(stream_.fd(), *this, blocked_);
  const bool reads = !paused_ && !reads_late_ && machine_.state() != State::deciding;
  thread().want_read(stream_.fd(), *this, reads);
  if (reads && stream_.has_pending()) read_on();
}

void MqttServerConnection::close_slow() {
  discard_ = true;
  add(component_->counters.slow_consumers);
  component_->report(MqttComponent::Trouble::slow_consumer, peer(), "unsent bytes over the limit",
                     thread().timers().now());
  with_output([this](std::string& out) { machine_.close(CloseCause::slow_consumer, ReasonCode::quota_exceeded, out); });
}

void MqttServerConnection::go_on_closing() {
  const bool all_sent = unsent() == 0;
  // With TLS the close_notify of a client that said goodbye may still come, and is not to be answered by a reset.
  const bool is_over = peer_gone_ || (cause_ == CloseCause::client_disconnect && !stream_.is_secure());
  if (discard_ || (all_sent && is_over)) return finish();
  if (!timer_.is_set()) thread().timers().set(timer_, kLinger);
  thread().want_write(stream_.fd(), *this, blocked_);
  thread().want_read(stream_.fd(), *this, !peer_gone_);
  if (!all_sent || phase_ == Phase::lingering) return;
  if (stream_.shutdown_write()) {
    phase_ = Phase::lingering;
  } else {
    blocked_ = true;
    thread().want_write(stream_.fd(), *this, true);
  }
}

// ---- what the handler asks for

void MqttServerConnection::accept(mqtt::AcceptOptions options) {
  if (phase_ != Phase::open || machine_.state() != State::deciding) return;
  connected_ = true;
  add(component_->counters.connected);
  last_activity_ = thread().timers().now();
  with_output([&](std::string& out) { machine_.accept(std::move(options), out); });
  if (phase_ != Phase::open) return;
  timer_.cancel();
  if (machine_.keep_alive() > 0) thread().timers().set(timer_, silence_limit());
  regulate();
}

void MqttServerConnection::refuse(ReasonCode reason, std::string_view text, std::string_view server_reference) {
  if (phase_ != Phase::open) return;
  with_output([&](std::string& out) { machine_.refuse(reason, out, text, server_reference); });
}

bool MqttServerConnection::may_send() {
  if (phase_ != Phase::open || !connected_) return false;
  if (unsent() <= max_send_bytes_) return true;
  // A burst within one turn has not met the socket yet; only a peer that left bytes lying is slow.
  if (blocked_) close_slow();
  return false;
}

mqtt::SendResult MqttServerConnection::publish(mqtt::Delivery delivery) {
  if (!may_send()) return phase_ == Phase::open ? mqtt::SendResult::queue_full : mqtt::SendResult::closed;
  mqtt::SendResult result{};
  with_output([&](std::string& out) { result = machine_.publish(std::move(delivery), out); });
  if (result != mqtt::SendResult::sent && result != mqtt::SendResult::queued) return result;
  add(component_->counters.sent_messages);
  last_activity_ = thread().timers().now();
  return result;
}

bool MqttServerConnection::publish(const mqtt::OutgoingPublish& message) {
  if (!may_send()) return false;
  bool taken = false;
  with_output([&](std::string& out) { taken = machine_.publish(message, out); });
  if (!taken) return false;
  add(component_->counters.sent_messages);
  last_activity_ = thread().timers().now();
  return true;
}

void MqttServerConnection::close(CloseCause cause, ReasonCode reason) {
  if (phase_ != Phase::open) return;
  with_output([&](std::string& out) { machine_.close(cause, reason, out); });
}

// ---- what the machine reports

void MqttServerConnection::on_connect(const mqtt::ConnectView& connect) {
  if (over_limit_) return refuse(ReasonCode::server_busy, "too many connections", {});
  announced_ = true;
  component_->handler().on_connect(*this, connect);
}

ReasonCode MqttServerConnection::on_publish(const mqtt::PublishView& publish) {
  add(component_->counters.received_messages);
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
  phase_ = Phase::closing;
  cause_ = cause;
  timer_.cancel();
  thread().request_flush(*this);
  count_close(cause);
  if (announced_) component_->handler().on_close(*this, cause, will);
}

void MqttServerConnection::count_close(CloseCause cause) {
  MqttServerCounters& counters = component_->counters;
  if (connected_) {
    add(counters.disconnected);
  } else if (cause != CloseCause::connection_lost && cause != CloseCause::server_shutdown) {
    add(counters.rejected);
  }
  if (cause == CloseCause::protocol_error || cause == CloseCause::malformed_packet ||
      cause == CloseCause::packet_too_large) {
    add(counters.protocol_errors);
    component_->report(MqttComponent::Trouble::protocol, peer(),
                       tls_here_ ? "TLS on a port in the clear" : machine_.close_detail(), thread().timers().now());
  }
}

}  // namespace jl::network
