#include "daemon/network/udp_lane.hpp"

#include <array>
#include <cerrno>
#include <system_error>

namespace jl::network {
namespace {

using Trouble = UdpComponent::Trouble;

constexpr std::string_view kLogger = "network.udp";
constexpr std::int32_t kNoPayload = -1;

}  // namespace

UdpSocketLane::UdpSocketLane(std::shared_ptr<UdpComponent> shared, DatagramSocket socket, IoThread& thread)
    : shared_(std::move(shared)), thread_(thread), socket_(std::move(socket)), version_(shared_->version() - 1) {
  if (shared_->options()->dtls != nullptr) peers_.emplace(*shared_, thread_, static_cast<Owner&>(*this));
}

UdpSocketLane::~UdpSocketLane() = default;

void UdpSocketLane::start(const std::shared_ptr<UdpSocketLane>& self) {
  self->thread_.post([self] {
    if (const Status status = self->thread_.watch(self->socket_.fd(), *self); !status) {
      log::error(kLogger, "cannot serve datagrams component={} error=\"{}\"", self->shared_->options()->id,
                 status.error().message);
    }
  });
}

void UdpSocketLane::stop(const std::shared_ptr<UdpSocketLane>& self, std::function<void()> done) {
  self->thread_.post([self, done = std::move(done)]() mutable {
    self->stopping_ = true;
    self->thread_.want_read(self->socket_.fd(), *self, false);
    self->thread_.after_commit([self, done = std::move(done)](bool) {
      self->finish();
      done();
    });
  });
}

void UdpSocketLane::finish() {
  // A close_notify acknowledges nothing, and there is no later turn that it could leave in.
  at_once_ = true;
  add(shared_->counters.dropped, queue_.count());
  if (peers_) peers_->close_all();
  thread_.forget(socket_.fd(), *this);
  socket_.close();
}

// ---- what comes

void UdpSocketLane::take_options() {
  if (version_ == shared_->version()) return;
  version_ = shared_->version();
  const auto options = shared_->options();
  max_rate_ = options->max_message_rate;
  if (peers_) peers_->set_options(options);
}

void UdpSocketLane::on_readable() {
  if (stopping_) return;
  take_options();
  for (int round = 0; round < kReadRounds; ++round) {
    const auto batch = socket_.receive();
    for (const DatagramSocket::Datagram& datagram : batch) {
      if (peers_) {
        peers_->take(datagram.peer, datagram.bytes);
      } else {
        on_payload(datagram.peer, datagram.bytes, {});
      }
    }
    if (batch.size() < DatagramSocket::kBatch) return;
  }
}

void UdpSocketLane::on_payload(const PeerAddress& from, std::string_view payload, std::string_view subject) {
  if (max_rate_ > 0 && !rates_.allow(from, max_rate_, thread_.timers().now()))
    return add(shared_->counters.rate_limited);
  add(shared_->counters.received);
  add(shared_->counters.received_bytes, payload.size());
  tell_handler(from, [&](UdpServerHandler& handler) { handler.on_datagram(*this, from, payload, subject); });
}

void UdpSocketLane::on_end(const PeerAddress& peer) {
  if (stopping_) return;
  tell_handler(peer, [&](UdpServerHandler& handler) { handler.on_gone(*this, peer); });
}

/// What the handler throws ends here: the rest of the batch is somebody else's.
template <class Call>
void UdpSocketLane::tell_handler(const PeerAddress& peer, Call call) {
  try {
    call(*shared_->handler);
  } catch (const std::exception& e) {
    shared_->report(Trouble::handler, peer, e.what(), thread_.timers().now());
  } catch (...) {
    shared_->report(Trouble::handler, peer, "unknown exception", thread_.timers().now());
  }
}

// ---- what goes

bool UdpSocketLane::send(const PeerAddress& to, std::string_view datagram) {
  if (stopping_ || datagram.size() > DatagramSocket::kMaxDatagram) return false;
  if (!peers_) return enqueue(to, datagram, static_cast<std::int32_t>(datagram.size()));
  // Asked before it is encrypted: what has a number in the session should leave.
  if (queue_.has_room(datagram.size() + DtlsSession::kMaxOverhead)) return peers_->send(to, datagram);
  add(shared_->counters.dropped);
  return false;
}

void UdpSocketLane::close(const PeerAddress& peer) {
  if (peers_) peers_->close(peer);
}

void UdpSocketLane::transmit(const PeerAddress& to, std::string_view datagram, std::int32_t payload) {
  if (!at_once_) return static_cast<void>(enqueue(to, datagram, payload));
  const DatagramSocket::Datagram one{to, datagram};
  static_cast<void>(socket_.send({&one, 1}));
}

bool UdpSocketLane::enqueue(const PeerAddress& to, std::string_view datagram, std::int32_t payload) {
  if (!queue_.push(thread_.commit_number(), to, datagram, payload)) {
    add(shared_->counters.dropped);
    return false;
  }
  thread_.request_flush(*this);
  return true;
}

void UdpSocketLane::on_writable() {
  blocked_ = false;
  thread_.want_write(socket_.fd(), *this, false);
  thread_.request_flush(*this);
}

void UdpSocketLane::on_flush(bool committed) {
  if (!committed) {
    const std::size_t dropped = queue_.drop(thread_.commit_number() - 1);
    add(shared_->counters.dropped, dropped);
    if (dropped > 0) shared_->report(Trouble::storage, {}, "datagrams dropped unsent", thread_.timers().now());
  }
  send_what_is_ready();
}

void UdpSocketLane::send_what_is_ready() {
  std::array<DatagramSocket::Datagram, DatagramSocket::kSendBatch> batch;
  std::array<std::int32_t, DatagramSocket::kSendBatch> payloads{};
  while (!blocked_) {
    std::size_t count = 0;
    queue_.for_sendable(thread_.commit_number(), batch.size(),
                        [&](const DatagramQueue::Datagram& datagram, std::string_view bytes) {
                          payloads[count] = datagram.payload;
                          batch[count++] = {datagram.to, bytes};
                        });
    if (count == 0) return;
    const auto [gone, error] = socket_.send({batch.data(), count});
    count_sent({payloads.data(), gone});
    blocked_ = error == EAGAIN || error == EWOULDBLOCK;
    const bool is_refused = error != 0 && !blocked_;
    if (is_refused) {
      add(shared_->counters.dropped);
      shared_->report(Trouble::sending, batch[gone].peer, std::generic_category().message(error),
                      thread_.timers().now());
    }
    queue_.pop(gone + (is_refused ? 1 : 0));
  }
  thread_.want_write(socket_.fd(), *this, true);
}

void UdpSocketLane::count_sent(std::span<const std::int32_t> payloads) {
  std::uint64_t count = 0, bytes = 0;
  for (const std::int32_t payload : payloads) {
    if (payload == kNoPayload) continue;
    ++count;
    bytes += static_cast<std::uint64_t>(payload);
  }
  add(shared_->counters.sent, count);
  add(shared_->counters.sent_bytes, bytes);
}

}  // namespace jl::network
