#include "daemon/network/client_dial.hpp"

#include "daemon/network/mqtt_client_reasons.hpp"

#include <fmt/format.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <algorithm>
#include <cerrno>
#include <utility>

namespace jl::network {
namespace {

Error failure(int error) { return {Errc::network, socket_reason(error)}; }

void set(int fd, int level, int option, int value) { ::setsockopt(fd, level, option, &value, sizeof value); }

// Not fatal when the kernel refuses one: the connection is only slower to be found dead then.
void set_options(int fd) {
  constexpr int kSilence = ClientDial::kKeepIdle + ClientDial::kKeepProbes * ClientDial::kKeepInterval;
  set(fd, IPPROTO_TCP, TCP_NODELAY, 1);
  set(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
  set(fd, IPPROTO_TCP, TCP_KEEPIDLE, ClientDial::kKeepIdle);
  set(fd, IPPROTO_TCP, TCP_KEEPINTVL, ClientDial::kKeepInterval);
  set(fd, IPPROTO_TCP, TCP_KEEPCNT, ClientDial::kKeepProbes);
  // The same limit for bytes that were sent and are not acknowledged, during which no probes go out.
  set(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, kSilence * 1000);
}

}  // namespace

std::string socket_reason(int error) {
  return error == ECONNRESET || error == EPIPE ? "connection reset by the peer" : system_reason(error);
}

ClientDial::ClientDial(IoThread& thread, PreciseTimers& timers)
    : thread_(thread), share_(timers, [this] {
        drop();
        try_next({Errc::network, "no answer"});
      }) {}

void ClientDial::start(const std::string& host, std::uint16_t port, Millis deadline, Done done) {
  give_up();
  lookup_.start(host, thread_, [=, this, done = std::move(done)](Result<Lookup::Addresses> found) mutable {
    if (!found) return std::exchange(done, nullptr)(found.error());
    try_each(std::move(*found), port, deadline, std::exchange(done, nullptr));
  });
}

void ClientDial::try_each(Lookup::Addresses addresses, std::uint16_t port, Millis deadline, Done done) {
  give_up();
  addresses_ = std::move(addresses);
  std::reverse(addresses_.begin(), addresses_.end());
  port_ = port;
  deadline_ = deadline;
  done_ = std::move(done);
  try_next({Errc::network, "no address"});
}

void ClientDial::give_up() {
  lookup_.give_up();
  drop();
  addresses_.clear();
  done_ = nullptr;
}

void ClientDial::drop() {
  share_.cancel();
  if (!socket_.is_open()) return;
  thread_.forget(socket_.fd(), *this);
  socket_.close();
}

void ClientDial::try_next(Error reason) {
  while (!addresses_.empty()) {
    const std::string address = std::move(addresses_.back());
    addresses_.pop_back();
    const Status begun = begin(address);
    if (begun) return;
    drop();
    reason = begun.error();
  }
  finish(std::move(reason));
}

Status ClientDial::begin(const std::string& address) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  if (::getaddrinfo(address.c_str(), std::to_string(port_).c_str(), &hints, &found) != 0) return failure(EINVAL);
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> where(found, &::freeaddrinfo);
  socket_ = Stream(::socket(where->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!socket_.is_open()) return failure(errno);
  set_options(socket_.fd());
  if (::connect(socket_.fd(), where->ai_addr, where->ai_addrlen) != 0 && errno != EINPROGRESS && errno != EINTR) {
    return failure(errno);
  }
  JL_CHECK(thread_.watch(socket_.fd(), *this));
  thread_.want_read(socket_.fd(), *this, false);
  thread_.want_write(socket_.fd(), *this, true);
  if (!addresses_.empty()) {
    const Millis now = thread_.clock().steady();
    share_.set_at(now + std::max<Millis>(deadline_ - now, 0) / static_cast<Millis>(addresses_.size() + 1));
  }
  return {};
}

// The socket takes bytes, or has failed: the connection is there or not.
void ClientDial::check() {
  int error = 0;
  socklen_t size = sizeof error;
  if (::getsockopt(socket_.fd(), SOL_SOCKET, SO_ERROR, &error, &size) != 0) error = errno;
  if (error == 0) {
    share_.cancel();
    thread_.forget(socket_.fd(), *this);
    return finish(std::move(socket_));
  }
  drop();
  try_next(failure(error));
}

void ClientDial::finish(Result<Stream> result) {
  addresses_.clear();
  const Done done = std::exchange(done_, nullptr);
  done(std::move(result));
}

}  // namespace jl::network
