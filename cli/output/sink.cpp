#include "cli/output/sink.hpp"

#include <poll.h>
#include <unistd.h>

#include <cerrno>

namespace jl::cli {

int write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t n = ::write(fd, text.data(), text.size());
    if (n >= 0) {
      text.remove_prefix(static_cast<std::size_t>(n));
    } else if (errno == EAGAIN) {
      // A terminal that some other program left non-blocking.
      pollfd ready{fd, POLLOUT, 0};
      if (::poll(&ready, 1, -1) < 0 && errno != EINTR) return errno;
    } else if (errno != EINTR) {
      return errno;
    }
  }
  return 0;
}

void Sink::write(std::string_view text) {
  if (error_ != 0) return;
  buffer_ += text;
  if (buffer_.size() >= kBuffer) flush();
}

bool Sink::flush() {
  if (error_ == 0 && !buffer_.empty()) error_ = write_all(fd_, buffer_);
  buffer_.clear();
  return error_ == 0;
}

bool Sink::reader_gone() const { return error_ == EPIPE; }

}  // namespace jl::cli
