#include "daemon/network/stream_connection.hpp"

namespace jl::network {
namespace {
constexpr char kTlsHandshake = 0x16;  // the first byte of a TLS connection
constexpr Millis kRateWindow = 1000;
}  // namespace

/// Messages of the second at hand, and the wait for the next one.
struct StreamConnection::Rate {
  explicit Rate(StreamConnection& connection, std::uint32_t most) : limit(most), resume(on_resume, &connection) {}
  static void on_resume(void* connection) {
    auto& self = *static_cast<StreamConnection*>(connection);
    self.rate_->is_over = false;
    self.regulate();
  }
  const std::uint32_t limit;
  std::uint32_t messages = 0;
  Millis window_start = 0;
  bool is_over = false;
  Timer resume;
};

StreamConnection::StreamConnection(std::shared_ptr<StreamComponent> component, StreamLane& lane, Stream stream,
                                   const PeerAddress& peer, bool over_limit)
    : component_(std::move(component)),
      lane_(lane),
      timer_([](void* self) { static_cast<StreamConnection*>(self)->on_timer(); }, this),
      stream_(std::move(stream)),
      peer_(peer),
      max_send_bytes_(component_->stream_options()->max_send_bytes),
      over_limit_(over_limit) {
  component_->count_in(over_limit_);
}

StreamConnection::~StreamConnection() {
  if (phase_ == Phase::finished) return;
  // Never started: its thread had stopped.
  stream_.close();
  component_->count_out(over_limit_);
}

void StreamConnection::abandon() noexcept {
  discard_ = true;
  try {
    on_lost();
    // A protocol that waits for an answer of its own would end later.
    if (phase_ == Phase::open) begin_closing(true);
  } catch (...) {  // the protocol's end as well; what it was is reported by the first one
  }
  io_thread().request_flush(*this);
}

void StreamConnection::release_buffer() { lane_.buffers.give(std::move(out_)); }

ConnectionInfo StreamConnection::info() const {
  const Millis now = io_thread().timers().now();
  return {client(),     peer_name(),         std::string(stream_.tls_version()), std::string(stream_.peer_subject()),
          now - since_, now - last_activity_};
}

// ---- life

void StreamConnection::start(std::chrono::milliseconds connect_limit) {
  position_ = static_cast<std::uint32_t>(lane_.connections.size());
  lane_.connections.push_back(self());
  in_lane_ = true;
  since_ = last_activity_ = io_thread().timers().now();
  const auto options = component_->stream_options();
  if (options->max_message_rate > 0) rate_ = std::make_unique<Rate>(*this, options->max_message_rate);
  if (options->tls != nullptr) {
    if (const Status status = stream_.secure(options->tls); !status) {
      log::error(component_->logger(), "cannot serve a connection error=\"{}\"", status.error().message);
      return finish();
    }
  }
  greeted_ = !stream_.is_secure();
  if (const Status status = io_thread().watch(stream_.fd(), *this); !status) {
    log::error(component_->logger(), "cannot serve a connection error=\"{}\"", status.error().message);
    return finish();
  }
  io_thread().timers().set(timer_, connect_limit.count());
  on_started();
}

void StreamConnection::finish() {
  if (phase_ == Phase::finished) return;
  const auto kept = self();
  if (phase_ == Phase::open) abandon();
  phase_ = Phase::finished;
  timer_.cancel();
  rate_.reset();
  io_thread().forget(stream_.fd(), *this);
  stream_.close();
  release_buffer();
  on_finished();
  if (in_lane_) {
    auto& all = lane_.connections;
    all.back()->position_ = position_;
    std::swap(all[position_], all.back());
    all.pop_back();
  }
  component_->count_out(over_limit_);
}

void StreamConnection::on_timer() {
  if (phase_ != Phase::open) return finish();
  if (!admitted_ && !greeted_) count_tls_failure("not finished in time");
  on_deadline();
}

void StreamConnection::set_deadline(Millis delay) { io_thread().timers().set(timer_, delay); }

void StreamConnection::admit() {
  admitted_ = true;
  add(component_->counters.connected);
  note_activity();
}

void StreamConnection::begin_closing(bool quiet) {
  if (phase_ != Phase::open) return;
  phase_ = Phase::closing;
  timer_.cancel();
  io_thread().request_flush(*this);
  if (admitted_) {
    add(component_->counters.disconnected);
  } else if (!quiet) {
    add(component_->counters.rejected);
  }
}

void StreamConnection::report_violation(std::string_view detail) {
  add(component_->counters.protocol_errors);
  component_->report(StreamComponent::Trouble::protocol, peer_name(), tls_here_ ? "TLS on a port in the clear" : detail,
                     io_thread().timers().now());
}

// ---- reading

void StreamConnection::on_readable() {
  if (phase_ != Phase::open) return throw_input_away();
  const std::span<char> buffer = io_thread().read_buffer();
  for (int round = 0; round < kReadRounds; ++round) {
    const IoResult got = stream_.read_some(buffer);
    if (!greeted_) note_handshake();
    if (got.status == IoResult::Status::would_block) break;
    if (got.status != IoResult::Status::ok) {
      on_input_over(got.status);
      break;
    }
    feed({buffer.data(), got.bytes});
    if (phase_ != Phase::open || !may_read()) break;
    if (got.bytes < buffer.size() && !stream_.has_pending()) break;
  }
  if (phase_ != Phase::open) return;
  // Input waits in the socket while the protocol decides; what TLS holds of it already is asked for here.
  if (!may_read() || stream_.has_pending()) regulate();
}

bool StreamConnection::may_read() const {
  return !paused_ && !reads_late_ && !peer_gone_ && !(rate_ && rate_->is_over) && wants_input();
}

void StreamConnection::feed(std::string_view bytes) {
  if (!heard_) tls_here_ = !stream_.is_secure() && bytes.front() == kTlsHandshake;
  heard_ = true;
  add(component_->counters.received_bytes, bytes.size());
  note_activity();
  on_input(bytes);
}

void StreamConnection::count_message() {
  add(component_->counters.received_messages);
  if (!rate_) return;
  const Millis now = io_thread().timers().now();
  if (now - rate_->window_start >= kRateWindow) {
    rate_->window_start = now;
    rate_->messages = 0;
  }
  if (++rate_->messages < rate_->limit || rate_->is_over) return;
  rate_->is_over = true;
  add(component_->counters.rate_limited);
  io_thread().timers().set(rate_->resume, rate_->window_start + kRateWindow - now);
}

void StreamConnection::on_input_over(IoResult::Status status) {
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
  on_lost();
}

void StreamConnection::note_handshake() {
  greeted_ = stream_.handshake_done();
  if (!greeted_) return;
  add(component_->counters.tls_handshakes);
  if (unsent() > 0) io_thread().request_flush(*this);
}

void StreamConnection::count_tls_failure(std::string_view why) {
  add(component_->counters.tls_failures);
  component_->report(StreamComponent::Trouble::tls, peer_name(), why, io_thread().timers().now());
}

void StreamConnection::read_on() {
  if (reads_on_) return;
  reads_on_ = true;
  io_thread().post([kept = self()] {
    kept->reads_on_ = false;
    if (kept->phase_ == Phase::open && kept->may_read()) kept->on_readable();
  });
}

void StreamConnection::throw_input_away() {
  const std::span<char> buffer = io_thread().read_buffer();
  for (int round = 0; round < kReadRounds; ++round) {
    const IoResult got = stream_.discard_some(buffer);
    if (got.status == IoResult::Status::ok && got.bytes == buffer.size()) continue;
    if (got.status == IoResult::Status::ok || got.status == IoResult::Status::would_block) return;
    // A peer that only closed its half still takes the rest of what it is sent.
    if (got.status == IoResult::Status::end && unsent() > 0 && !peer_gone_) {
      peer_gone_ = true;
      return io_thread().want_read(stream_.fd(), *this, false);
    }
    return finish();
  }
}

// ---- sending

bool StreamConnection::may_send() {
  if (phase_ != Phase::open || !admitted_) return false;
  if (unsent() <= max_send_bytes_) return true;
  // A burst within one turn has not met the socket yet; only a peer that left bytes lying is slow.
  if (blocked_) close_slow();
  return false;
}

void StreamConnection::on_writable() {
  blocked_ = false;
  if (reads_late_ && phase_ == Phase::open) {
    reads_late_ = false;
    on_readable();
  }
  io_thread().request_flush(*this);
}

void StreamConnection::on_flush(bool committed) {
  if (!committed) drop_uncommitted();
  send_what_is_ready();
  if (phase_ == Phase::open && unsent() > max_send_bytes_) close_slow();
  if (phase_ == Phase::open && wants_drained_ && unsent() == 0) {
    wants_drained_ = false;
    on_drained();
  }
  if (phase_ == Phase::open) {
    regulate();
  } else {
    go_on_closing();
  }
}

void StreamConnection::drop_uncommitted() {
  // Half a packet may have left before, after which nothing that follows could be read.
  discard_ = blocked_ || phase_ != Phase::open;
  release_buffer();
  if (phase_ != Phase::open) return;
  component_->report(StreamComponent::Trouble::storage, peer_name(), "connection closed without acknowledgement",
                     io_thread().timers().now());
  on_commit_failed();
}

void StreamConnection::send_what_is_ready() {
  if (out_ == nullptr || blocked_ || discard_) return;
  const std::string_view ready = out_->sendable(io_thread().commit_number());
  if (ready.empty()) return;
  const IoResult sent = stream_.write_some(ready);
  if (sent.status == IoResult::Status::failed) {
    peer_gone_ = discard_ = true;
    if (phase_ == Phase::open) on_lost();
    return;
  }
  blocked_ = sent.bytes < ready.size() && sent.status != IoResult::Status::want_read;
  add(component_->counters.sent_bytes, sent.bytes);
  out_->consume(sent.bytes);
  if (unsent() == 0) release_buffer();
}

// Back-pressure: a peer that does not read is not read from either.
void StreamConnection::regulate() {
  if (phase_ != Phase::open) return;
  if (unsent() > kReadPause) {
    paused_ = true;
  } else if (unsent() == 0) {
    paused_ = false;
  }
  io_thread().want_write(stream_.fd(), *this, blocked_);
  const bool reads = may_read();
  io_thread().want_read(stream_.fd(), *this, reads);
  if (reads && stream_.has_pending()) read_on();
}

void StreamConnection::close_slow(std::string_view detail) {
  discard_ = true;
  add(component_->counters.slow_consumers);
  component_->report(StreamComponent::Trouble::slow_consumer, peer_name(), detail, io_thread().timers().now());
  on_slow_consumer();
}

void StreamConnection::go_on_closing() {
  const bool all_sent = unsent() == 0;
  // With TLS the close_notify of a client that said goodbye may still come, and is not to be answered by a reset.
  const bool is_over = peer_gone_ || (goodbye_ && !stream_.is_secure());
  if (discard_ || (all_sent && is_over)) return finish();
  if (!timer_.is_set()) io_thread().timers().set(timer_, kLinger);
  io_thread().want_write(stream_.fd(), *this, blocked_);
  io_thread().want_read(stream_.fd(), *this, !peer_gone_);
  if (!all_sent || phase_ == Phase::lingering) return;
  if (stream_.shutdown_write()) {
    phase_ = Phase::lingering;
  } else {
    blocked_ = true;
    io_thread().want_write(stream_.fd(), *this, true);
  }
}

}  // namespace jl::network
