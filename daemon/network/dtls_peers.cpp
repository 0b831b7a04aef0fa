#include "daemon/network/dtls_peers.hpp"

#include <algorithm>

namespace jl::network {
namespace {

using Greeting = DtlsSession::Greeting;
using State = DtlsSession::State;
using Trouble = UdpComponent::Trouble;

}  // namespace

struct DtlsPeers::Peer {
  Peer(DtlsPeers& peers, std::unique_ptr<DtlsSession> own, const UdpServerOptions& options)
      : all(peers), session(std::move(own)), timer(on_time, this), silence_limit(options.session_timeout) {}
  static void on_time(void* self) {
    auto& peer = *static_cast<Peer*>(self);
    peer.all.on_timer(peer);
  }
  DtlsPeers& all;
  std::unique_ptr<DtlsSession> session;
  Timer timer;
  Millis deadline = 0;    // of the handshake
  Millis last_heard = 0;  // once it is open
  const std::chrono::milliseconds silence_limit;
  bool is_open = false;
};

DtlsPeers::DtlsPeers(UdpComponent& shared, IoThread& thread, Owner& owner)
    : shared_(shared), thread_(thread), owner_(owner) {}

DtlsPeers::~DtlsPeers() = default;

void DtlsPeers::set_options(std::shared_ptr<const UdpServerOptions> options) {
  options_ = std::move(options);
  if (options_->dtls != nullptr) context_ = options_->dtls;
}

DtlsPeers::Peer* DtlsPeers::find(const PeerAddress& address) {
  const auto found = peers_.find(address);
  return found != peers_.end() ? found->second.get() : nullptr;
}

void DtlsPeers::take(const PeerAddress& from, std::string_view datagram) {
  Peer* const known = find(from);
  const auto hello = find_client_hello(datagram);
  // A client that started anew chose another random; a ClientHello that was only late or repeated has the old one.
  const bool is_new = hello && (known == nullptr || *hello != known->session->client_random());
  if (is_new) return meet(from, *hello, datagram, known);
  if (known != nullptr) serve(*known, datagram);
}

void DtlsPeers::meet(const PeerAddress& from, const ClientRandom& random, std::string_view datagram, Peer* known) {
  if (!shared_.has_room(*options_, known != nullptr)) return refuse(from);
  if (!has_listener(from)) return;
  const auto greeting = listener_->accept(from, random, datagram, thread_.timers().now());
  if (greeting == Greeting::asked) add(shared_.counters.cookies);
  if (greeting != Greeting::accepted) return;
  auto peer = std::make_unique<Peer>(*this, std::move(listener_), *options_);
  // RFC 6347 §4.2.8: the cookie has shown that this is the peer of the old session, started anew.
  if (known != nullptr) end(*known, "the peer began anew");
  if (!shared_.begin_handshake(*options_)) return refuse(from);
  peer->deadline = thread_.timers().now() + std::chrono::milliseconds(options_->handshake_timeout).count();
  Peer& met = *peers_.emplace(from, std::move(peer)).first->second;
  serve(met, {});
}

void DtlsPeers::refuse(const PeerAddress& from) {
  add(shared_.counters.over_limit);
  shared_.report(Trouble::over_limit, from, "not answered", thread_.timers().now());
}

bool DtlsPeers::has_listener(const PeerAddress& from) {
  if (listener_ != nullptr && listener_->context() == context_.get()) return true;
  auto made = DtlsSession::listen(context_, shared_.cookies, owner_);
  if (made) {
    listener_ = std::move(*made);
    return true;
  }
  shared_.report(Trouble::handshake, from, made.error().message, thread_.timers().now());
  return false;
}

void DtlsPeers::serve(Peer& peer, std::string_view datagram) {
  serving_ = &peer;
  peer.session->feed(datagram);
  const std::span<char> buffer = thread_.read_buffer();
  while (const auto payload = peer.session->read(buffer)) {
    note_open(peer);
    peer.last_heard = thread_.timers().now();
    owner_.on_payload(peer.session->peer(), *payload, peer.session->peer_subject());
  }
  serving_ = nullptr;
  if (doomed_ != nullptr) return doomed_.reset();
  settle(peer);
}

void DtlsPeers::settle(Peer& peer) {
  switch (peer.session->state()) {
    case State::listening:
      break;
    case State::handshaking:
      set_timer(peer);
      break;
    case State::open:
      note_open(peer);
      peer.session->rest();
      break;
    case State::closed:
      end(peer, "the peer left during the handshake");
      break;
    case State::failed:
      end(peer, peer.session->failure());
      break;
  }
}

void DtlsPeers::note_open(Peer& peer) {
  if (peer.is_open || peer.session->state() != State::open) return;
  peer.is_open = true;
  shared_.end_handshake();
  add(shared_.counters.dtls_handshakes);
  peer.last_heard = thread_.timers().now();
  set_timer(peer);
}

void DtlsPeers::set_timer(Peer& peer) {
  const Millis now = thread_.timers().now();
  if (peer.is_open) return thread_.timers().set(peer.timer, peer.last_heard + peer.silence_limit.count() - now);
  const Millis left = peer.deadline - now;
  thread_.timers().set(peer.timer, std::min(left, peer.session->timeout_in().value_or(left)));
}

void DtlsPeers::on_timer(Peer& peer) {
  const Millis now = thread_.timers().now();
  if (peer.session->state() == State::failed) return settle(peer);
  if (!peer.is_open) {
    if (now >= peer.deadline) return end(peer, "not finished in time");
    peer.session->on_timeout();
    return settle(peer);
  }
  // What was heard since the timer was set has only moved the time.
  if (now < peer.last_heard + peer.silence_limit.count()) return set_timer(peer);
  peer.session->close();
  end(peer, {});
}

void DtlsPeers::end(Peer& peer, std::string_view why) {
  const PeerAddress address = peer.session->peer();
  const bool was_open = peer.is_open;
  if (!was_open) {
    add(shared_.counters.dtls_failures);
    shared_.report(Trouble::handshake, address, why, thread_.timers().now());
  }
  remove(peer);
  if (was_open) owner_.on_end(address);
}

void DtlsPeers::remove(Peer& peer) {
  if (!peer.is_open) shared_.end_handshake();
  shared_.end_session();
  auto node = peers_.extract(peer.session->peer());
  peer.timer.cancel();
  if (&peer == serving_) doomed_ = std::move(node.mapped());
}

bool DtlsPeers::send(const PeerAddress& to, std::string_view payload) {
  Peer* const peer = find(to);
  if (peer == nullptr || !peer->session->write(payload)) {
    // The owner hears of it later: it is in the middle of something.
    if (peer != nullptr && peer->session->state() == State::failed) thread_.timers().set(peer->timer, 0);
    return false;
  }
  if (peer != serving_) peer->session->rest();
  return true;
}

void DtlsPeers::close(const PeerAddress& address) {
  Peer* const peer = find(address);
  if (peer == nullptr) return;
  peer->session->close();
  remove(*peer);
}

void DtlsPeers::close_all() {
  while (!peers_.empty()) close(PeerAddress(peers_.begin()->first));
  listener_.reset();
}

}  // namespace jl::network
