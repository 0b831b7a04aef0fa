#include "daemon/network/listener.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>
#include <array>
#include <cerrno>
#include <chrono>
#include <future>
#include <system_error>

namespace jl::network {
namespace {

constexpr int kBacklog = 4096;
constexpr std::chrono::seconds kStopLimit{5};
constexpr std::string_view kLogger = "network.listener";

std::string text_of(int error) { return std::generic_category().message(error); }

Error bind_error(const std::string& host, std::uint16_t port, int error) {
  const std::string where = host_and_port(host, port);
  switch (error) {
    case EADDRINUSE:
      return {Errc::address_in_use, fmt::format("bind {}: address in use", where),
              fmt::format("ss -ltnp 'sport = :{}'", port), "port"};
    case EACCES:
    case EPERM:
      return {Errc::denied, fmt::format("bind {}: permission denied", where),
              "use a port from 1024 on, or give jlinkd CAP_NET_BIND_SERVICE", "port"};
    case EADDRNOTAVAIL:
      return {Errc::network, fmt::format("bind {}: this machine has no such address", where), "ip address", "host"};
    default:
      return {Errc::network, fmt::format("bind {}: {}", where, text_of(error))};
  }
}

/// 0, or the errno of what failed.
int bind_and_listen(const addrinfo& address, Stream& socket) {
  socket = Stream(::socket(address.ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP));
  if (!socket.is_open()) return errno;
  const int on = 1;
  ::setsockopt(socket.fd(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  // Linux hands both down to the sockets that are accepted, which saves two system calls for each.
  ::setsockopt(socket.fd(), SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
  ::setsockopt(socket.fd(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (::bind(socket.fd(), address.ai_addr, address.ai_addrlen) != 0) return errno;
  return ::listen(socket.fd(), kBacklog) == 0 ? 0 : errno;
}

std::uint16_t bound_port(int fd) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  if (::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0) return 0;
  return ntohs(address.ss_family == AF_INET6 ? reinterpret_cast<const sockaddr_in6&>(address).sin6_port
                                             : reinterpret_cast<const sockaddr_in&>(address).sin_port);
}

Stream open_spare() { return Stream(::open("/dev/null", O_RDONLY | O_CLOEXEC)); }

}  // namespace

Result<std::shared_ptr<Listener>> Listener::open(const std::string& host, std::uint16_t port, std::string label,
                                                 IoThread& thread) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const int failed =
      host.empty() ? EAI_NONAME : ::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found);
  if (failed != 0) {
    return Error{
        Errc::invalid, fmt::format("host \"{}\" cannot be resolved: {}", host, ::gai_strerror(failed)), {}, "host"};
  }
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> addresses(found, &::freeaddrinfo);
  int error = EADDRNOTAVAIL;
  for (const addrinfo* address = addresses.get(); address != nullptr && error != 0; address = address->ai_next) {
    Stream socket;
    error = bind_and_listen(*address, socket);
    if (error == 0) return std::shared_ptr<Listener>(new Listener(std::move(socket), std::move(label), thread));
  }
  return bind_error(host, port, error);
}

Listener::Listener(Stream socket, std::string label, IoThread& thread)
    : socket_(std::move(socket)),
      spare_(open_spare()),
      label_(std::move(label)),
      thread_(thread),
      port_(bound_port(socket_.fd())),
      resume_(
          [](void* self) {
            auto& listener = *static_cast<Listener*>(self);
            listener.thread_.want_read(listener.socket_.fd(), listener, true);
          },
          this) {}

Listener::~Listener() = default;

void Listener::start(const std::shared_ptr<Listener>& self, Sink sink) {
  self->thread_.post([self, sink = std::move(sink)]() mutable {
    self->sink_ = std::move(sink);
    if (const Status status = self->thread_.watch(self->socket_.fd(), *self); !status) {
      log::error(kLogger, "cannot accept component={} error=\"{}\"", self->label_, status.error().message);
    }
  });
}

void Listener::stop(const std::shared_ptr<Listener>& self) {
  auto done = std::make_shared<std::promise<void>>();
  auto is_done = done->get_future();
  self->thread_.post([self, done = std::move(done)] {
    self->close();
    done->set_value();
  });
  // Ends at once when the thread has stopped and dropped the work; the limit is for one that never started.
  is_done.wait_for(kStopLimit);
}

void Listener::close() {
  resume_.cancel();
  thread_.forget(socket_.fd(), *this);
  socket_.close();
  spare_.close();
  sink_ = nullptr;
}

void Listener::on_readable() {
  for (int i = 0; i < kBatch && socket_.is_open(); ++i) {
    sockaddr_storage address{};
    socklen_t size = sizeof address;
    Stream stream(::accept4(socket_.fd(), reinterpret_cast<sockaddr*>(&address), &size, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (stream.is_open()) {
      sink_(std::move(stream), PeerAddress(address));
    } else if (!after_failure(errno)) {
      return;
    }
  }
}

bool Listener::after_failure(int error) {
  switch (error) {
    case EAGAIN:
      return false;
    case EMFILE:
    case ENFILE:
      shed_one();
      [[fallthrough]];
    case ENOBUFS:
    case ENOMEM: {
      std::uint64_t held = 0;
      if (failures_.allow(thread_.clock().steady(), held)) {
        log::error(kLogger, "accept paused component={} error=\"{}\" suppressed={}", label_, text_of(error), held);
      }
      pause();
      return false;
    }
    default:
      // That connection failed before it was accepted (accept(2) names a dozen reasons); the next may not.
      return true;
  }
}

void Listener::shed_one() {
  spare_.close();
  const Stream shed(::accept4(socket_.fd(), nullptr, nullptr, SOCK_CLOEXEC));
}

void Listener::pause() {
  if (!spare_.is_open()) spare_ = open_spare();
  thread_.want_read(socket_.fd(), *this, false);
  thread_.timers().set(resume_, kPause);
}

}  // namespace jl::network
