#include "daemon/network/stream.hpp"

#include <sys/socket.h>
#include <unistd.h>
#include <cerrno>

namespace jl::network {
namespace {

IoResult failure(int error) {
  return {error == EAGAIN || error == EWOULDBLOCK ? IoResult::Status::would_block : IoResult::Status::failed, 0};
}

}  // namespace

IoResult Stream::read_some(std::span<char> buffer) const {
  for (;;) {
    const ssize_t got = ::recv(fd_, buffer.data(), buffer.size(), 0);
    if (got > 0) return {IoResult::Status::ok, static_cast<std::size_t>(got)};
    if (got == 0) return {IoResult::Status::end, 0};
    if (errno != EINTR) return failure(errno);
  }
}

IoResult Stream::write_some(std::string_view bytes) const {
  for (;;) {
    const ssize_t sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent >= 0) return {IoResult::Status::ok, static_cast<std::size_t>(sent)};
    if (errno != EINTR) return failure(errno);
  }
}

void Stream::shutdown_write() const { ::shutdown(fd_, SHUT_WR); }

void Stream::close() {
  if (fd_ >= 0) ::close(std::exchange(fd_, -1));
}

}  // namespace jl::network
