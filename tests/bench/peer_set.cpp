#include "tests/bench/peer_set.hpp"

#include <openssl/ssl.h>
#include <unistd.h>

namespace jl::bench {
namespace {

constexpr std::uint32_t kSources = 16;  // 28,000 ports each
constexpr std::uint32_t kFirstSource = 2;

}  // namespace

PeerSet::PeerSet(const Options& options) : options_(options), epoll_(epoll_create1(EPOLL_CLOEXEC)) {
  if (!options_.tls) return;
  tls_ = SSL_CTX_new(TLS_client_method());
  if (tls_ == nullptr) die("no TLS");
  // Every handshake is a full one; whose certificate it is does not matter here.
  SSL_CTX_set_verify(tls_, SSL_VERIFY_NONE, nullptr);
  SSL_CTX_set_mode(tls_, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
}

PeerSet::~PeerSet() {
  peers_.clear();
  SSL_CTX_free(tls_);
  close(epoll_);
}

std::size_t PeerSet::add() {
  const std::size_t index = peers_.size();
  const Target target{options_.port, kFirstSource + static_cast<std::uint32_t>(index) % kSources, tls_,
                      options_.keep_alive};
  peers_.emplace_back(std::in_place, target, Credentials{id_of(index), options_.username, options_.password});
  epoll_event event{};
  event.events = EPOLLIN | EPOLLOUT | EPOLLET;
  event.data.u64 = index;
  if (epoll_ctl(epoll_, EPOLL_CTL_ADD, peers_.back()->fd(), &event) < 0) die("epoll_ctl failed");
  return index;
}

void PeerSet::remove(std::size_t index) { peers_[index].reset(); }

void PeerSet::connect(std::size_t count) {
  std::size_t ready = 0;
  peers_.reserve(count);
  while (ready < count) {
    while (peers_.size() < count && peers_.size() - ready < kHandshakesAtOnce) add();
    for_each_event([&](std::size_t index) {
      MqttPeer& peer = *peers_[index];
      if (peer.connected()) return;
      peer.receive();
      if (peer.connected()) ++ready;
    });
  }
}

}  // namespace jl::bench
