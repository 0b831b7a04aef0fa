#include "daemon/network/listener.hpp"

#include "daemon/network/bind.hpp"

#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>
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

Stream open_spare() { return Stream(::open("/dev/null", O_RDONLY | O_CLOEXEC)); }

}  // namespace

Result<std::shared_ptr<Listener>> Listener::open(const std::string& host, std::uint16_t port, std::string label,
                                                 IoThread& thread) {
  Stream socket;
  JL_CHECK(bind_host(host, port, SOCK_STREAM,
                     [&socket](const addrinfo& address) { return bind_and_listen(address, socket); }));
  return std::shared_ptr<Listener>(new Listener(std::move(socket), std::move(label), thread));
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
