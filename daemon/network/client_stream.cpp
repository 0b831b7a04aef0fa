#include "daemon/network/client_stream.hpp"

#include "daemon/network/address.hpp"
#include "daemon/network/client_dial.hpp"
#include "daemon/network/serial_line.hpp"
#include "daemon/network/stream.hpp"

#include <fmt/format.h>
#include <sys/socket.h>
#include <cctype>
#include <cerrno>
#include <optional>
#include <utility>

namespace jl::network {
namespace {

constexpr int kReadRounds = 4;  // of a full read buffer per turn, so that one peer does not keep the thread to itself

std::string peer_of(int fd) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  if (::getpeername(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0) return {};
  return PeerAddress(address).to_string();
}

}  // namespace

// Every call of the handler may close it, open it anew or destroy it: what runs on afterwards looks at its Attempt
// first, which ends with each of these.
struct ClientStream::Impl final : TurnMember {
  Impl(IoThread& io, PreciseTimers& timers, ClientStreamHandler& told)
      : thread(io), handler(told), dial(io, timers), limit(timers, [this] { give_up(); }) {}
  ~Impl() { close(); }

  void open(const ClientStreamOptions& wanted);
  bool send(std::string_view bytes);
  void close();

  void on_readable() override;
  void on_writable() override;
  void on_flush(bool) override {}

  using Attempt = std::weak_ptr<const char>;
  enum class Phase : std::uint8_t { closed, dialling, handshake, open };

  void begin();
  void begin_serial();
  void begin_stream(Result<Stream> dialled);
  void opened(std::string where);
  void give_up();
  void end(std::string why);

  void read();
  void read_on();
  void read_last();
  [[nodiscard]] IoResult read_some(std::span<char> buffer) const;
  [[nodiscard]] std::string end_reason(IoResult::Status status, int error) const;
  [[nodiscard]] std::string failure(int error) const;
  [[nodiscard]] IoResult write_some(std::string_view bytes) const;
  void flush();
  void write_failed(int error);
  void post(void (Impl::*step)());

  [[nodiscard]] int fd() const { return line != nullptr ? line->fd() : stream.fd(); }
  [[nodiscard]] bool is_open() const { return phase == Phase::open && !broken; }

  IoThread& thread;
  ClientStreamHandler& handler;
  ClientStreamOptions options;
  std::shared_ptr<const char> attempt;  // from open() to the end
  Phase phase = Phase::closed;
  Millis deadline = 0;  // for being open
  ClientDial dial;
  PreciseTimer limit;  // until it is open
  Stream stream;
  std::unique_ptr<SerialLine> line;  // instead of the stream
  std::string peer;
  std::string unsent;
  bool reads_late = false;            // reading waits for the socket to be writable (TLS)
  bool writes_late = false;           // writing waits for the socket to be readable (TLS)
  bool reads_on = false;              // more is read soon, whatever the socket says
  std::optional<std::string> broken;  // nothing can be sent any more, and why
};

void ClientStream::Impl::open(const ClientStreamOptions& wanted) {
  close();
  options = wanted;
  attempt = std::make_shared<const char>();
  phase = Phase::dialling;
  deadline = thread.clock().steady() + options.connect_timeout;
  limit.set_at(deadline);
  post(&Impl::begin);
}

void ClientStream::Impl::close() {
  attempt.reset();
  phase = Phase::closed;
  dial.give_up();
  limit.cancel();
  if (fd() >= 0) thread.forget(fd(), *this);
  line.reset();
  stream = Stream();
  peer.clear();
  unsent.clear();
  reads_late = writes_late = reads_on = false;
  broken.reset();
}

// Runs a step soon, unless this attempt is over by then.
void ClientStream::Impl::post(void (Impl::*step)()) {
  thread.post([this, step, current = Attempt(attempt)] {
    if (!current.expired()) (this->*step)();
  });
}

// ---- opening

void ClientStream::Impl::begin() {
  if (options.host.empty()) return begin_serial();
  dial.start(options.host, options.port, deadline,
             [this](Result<Stream> dialled) { begin_stream(std::move(dialled)); });
}

void ClientStream::Impl::begin_serial() {
  auto opened_line = SerialLine::open(options.serial);
  if (!opened_line) return end(opened_line.error().message);
  line = std::move(*opened_line);
  if (const Status watched = thread.watch(fd(), *this); !watched) return end(watched.error().message);
  opened(line->device());
}

void ClientStream::Impl::begin_stream(Result<Stream> dialled) {
  if (!dialled) return end(dialled.error().message);
  stream = std::move(*dialled);
  if (options.tls != nullptr) {
    if (const Status secured = stream.secure(options.tls); !secured) return end(secured.error().message);
  }
  if (const Status watched = thread.watch(fd(), *this); !watched) return end(watched.error().message);
  if (options.tls == nullptr) return opened(peer_of(fd()));
  phase = Phase::handshake;
  read();  // which begins the handshake
}

void ClientStream::Impl::opened(std::string where) {
  phase = Phase::open;
  peer = std::move(where);
  limit.cancel();
  handler.on_open();
}

void ClientStream::Impl::give_up() {
  const Millis time = options.connect_timeout;
  if (phase == Phase::handshake) return end(fmt::format("no TLS handshake within {} ms", time));
  if (dial.is_looking_up()) return end(fmt::format("cannot resolve host \"{}\" within {} ms", options.host, time));
  end(fmt::format("no answer within {} ms", time));
}

void ClientStream::Impl::end(std::string why) {
  close();
  handler.on_end(why);
}

// ---- reading

IoResult ClientStream::Impl::read_some(std::span<char> buffer) const {
  return line != nullptr ? line->read_some(buffer) : stream.read_some(buffer);
}

void ClientStream::Impl::read() {
  const Attempt current = attempt;
  const std::span<char> buffer = thread.read_buffer();
  for (int round = 0; round < kReadRounds; ++round) {
    const IoResult got = read_some(buffer);
    const int error = errno;
    if (got.status == IoResult::Status::end || got.status == IoResult::Status::failed) {
      return end(end_reason(got.status, error));
    }
    if (phase == Phase::handshake && stream.handshake_done()) {
      opened(peer_of(fd()));
      if (current.expired()) return;
    }
    if (got.status == IoResult::Status::ok) handler.on_bytes({buffer.data(), got.bytes});
    if (current.expired()) return;
    reads_late = got.status == IoResult::Status::want_write;
    const bool is_drained = got.status != IoResult::Status::ok || got.bytes < buffer.size();
    if (is_drained && !stream.has_pending()) break;
  }
  // What TLS has taken from the socket already is not announced again.
  if (stream.has_pending() && !reads_late && !std::exchange(reads_on, true)) post(&Impl::read_on);
  flush();
}

void ClientStream::Impl::read_on() {
  reads_on = false;
  read();
}

void ClientStream::Impl::on_readable() {
  writes_late = false;
  read();
}

void ClientStream::Impl::on_writable() {
  const Attempt current = attempt;
  if (reads_late) read();
  if (!current.expired()) flush();
}

std::string ClientStream::Impl::end_reason(IoResult::Status status, int error) const {
  if (broken) return *broken;
  if (status == IoResult::Status::failed) return failure(error);
  if (line != nullptr) return failure(EIO);
  return phase == Phase::handshake ? "the peer closed during the TLS handshake" : "closed by the peer";
}

// Why the last call on it failed; `error` is its errno.
std::string ClientStream::Impl::failure(int error) const {
  if (line != nullptr) {
    return fmt::format("{}: {}", line->device(), error == EIO ? "the device is gone" : socket_reason(error));
  }
  std::string why(stream.failure());
  if (why.empty()) return socket_reason(error);
  // The system's words begin in upper case, "TLS" stays.
  if (why.size() > 1 && std::islower(static_cast<unsigned char>(why[1])) != 0) {
    why[0] = static_cast<char>(std::tolower(static_cast<unsigned char>(why[0])));
  }
  return why;
}

// ---- sending

IoResult ClientStream::Impl::write_some(std::string_view bytes) const {
  return line != nullptr ? line->write_some(bytes) : stream.write_some(bytes);
}

bool ClientStream::Impl::send(std::string_view bytes) {
  if (!is_open() || bytes.size() > kMaxUnsent - unsent.size()) return false;
  unsent.append(bytes);
  if (unsent.size() == bytes.size()) flush();
  return !broken;
}

void ClientStream::Impl::flush() {
  if (!unsent.empty() && !writes_late) {
    const IoResult sent = write_some(unsent);
    if (sent.status == IoResult::Status::failed) return write_failed(errno);
    writes_late = sent.status == IoResult::Status::want_read;
    unsent.erase(0, sent.bytes);
  }
  thread.want_write(fd(), *this, reads_late || (!unsent.empty() && !writes_late));
}

// Not told at once, because this may be within send(); and what the peer said before it left may still be there.
void ClientStream::Impl::write_failed(int error) {
  broken = failure(error);
  unsent.clear();
  thread.want_write(fd(), *this, false);
  post(&Impl::read_last);
}

void ClientStream::Impl::read_last() {
  const Attempt current = attempt;
  read();
  if (!current.expired()) end(*broken);
}

ClientStream::ClientStream(IoThread& thread, PreciseTimers& timers, ClientStreamHandler& handler)
    : impl_(std::make_unique<Impl>(thread, timers, handler)) {}
ClientStream::~ClientStream() = default;
void ClientStream::open(const ClientStreamOptions& options) { impl_->open(options); }
bool ClientStream::send(std::string_view bytes) { return impl_->send(bytes); }
void ClientStream::close() { impl_->close(); }
bool ClientStream::is_open() const { return impl_->is_open(); }
std::string ClientStream::peer() const { return impl_->is_open() ? impl_->peer : std::string(); }

}  // namespace jl::network
