#include "daemon/network/stream.hpp"

#include "daemon/network/tls_session.hpp"

#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cerrno>
#include <utility>

namespace jl::network {
namespace {

IoResult failure_of(int error) {
  return {error == EAGAIN || error == EWOULDBLOCK ? IoResult::Status::would_block : IoResult::Status::failed, 0};
}

}  // namespace

Stream::Stream() = default;
Stream::Stream(int fd) : fd_(fd) {}
Stream::~Stream() { close(); }
Stream::Stream(Stream&& other) noexcept : fd_(std::exchange(other.fd_, -1)), tls_(std::move(other.tls_)) {}
Stream& Stream::operator=(Stream&& other) noexcept {
  if (this != &other) {
    close();
    fd_ = std::exchange(other.fd_, -1);
    tls_ = std::move(other.tls_);
  }
  return *this;
}

Status Stream::secure(std::shared_ptr<const TlsContext> context) {
  JL_TRY(tls_, TlsSession::start(fd_, std::move(context)));
  return {};
}

IoResult Stream::read_some(std::span<char> buffer) const {
  return tls_ == nullptr ? discard_some(buffer) : tls_->read(buffer);
}

IoResult Stream::discard_some(std::span<char> buffer) const {
  for (;;) {
    const ssize_t got = ::recv(fd_, buffer.data(), buffer.size(), 0);
    if (got > 0) return {IoResult::Status::ok, static_cast<std::size_t>(got)};
    if (got == 0) return {IoResult::Status::end, 0};
    if (errno != EINTR) return failure_of(errno);
  }
}

IoResult Stream::write_some(std::string_view bytes) const {
  if (tls_ != nullptr) return tls_->write(bytes);
  for (;;) {
    const ssize_t sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent >= 0) return {IoResult::Status::ok, static_cast<std::size_t>(sent)};
    if (errno != EINTR) return failure_of(errno);
  }
}

IoResult Stream::send_file(int file, std::uint64_t offset, std::size_t bytes) const {
  auto place = static_cast<off_t>(offset);
  for (;;) {
    const ssize_t sent = ::sendfile(fd_, file, &place, bytes);
    if (sent > 0) return {IoResult::Status::ok, static_cast<std::size_t>(sent)};
    if (sent == 0) return {IoResult::Status::end, 0};
    if (errno != EINTR) return failure_of(errno);
  }
}

std::size_t Stream::unacknowledged() const {
  int bytes = 0;
  return ::ioctl(fd_, SIOCOUTQ, &bytes) == 0 && bytes > 0 ? static_cast<std::size_t>(bytes) : 0;
}

bool Stream::shutdown_write() const {
  if (tls_ != nullptr && !tls_->send_close()) return false;
  ::shutdown(fd_, SHUT_WR);
  return true;
}

void Stream::close() {
  if (fd_ < 0) return;
  if (tls_ != nullptr) static_cast<void>(tls_->send_close());
  ::close(std::exchange(fd_, -1));
}

bool Stream::has_pending() const { return tls_ != nullptr && tls_->has_pending(); }
bool Stream::handshake_done() const { return tls_ == nullptr || tls_->handshake_done(); }
std::string_view Stream::failure() const { return tls_ != nullptr ? tls_->failure() : std::string_view(); }
std::string_view Stream::peer_subject() const { return tls_ != nullptr ? tls_->peer_subject() : std::string_view(); }
std::string_view Stream::tls_version() const { return tls_ != nullptr ? tls_->version() : std::string_view(); }

}  // namespace jl::network
