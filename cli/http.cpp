#include "cli/http.hpp"

#include "common/base/words.hpp"

#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>

namespace jl::cli {
namespace {

Error timed_out() {
  return {Errc::timeout, "the daemon did not answer in time", "a longer limit: --timeout 2m; 0 = none"};
}
Error hung_up() { return {Errc::unavailable, "the daemon closed the connection before it answered"}; }
Error not_http() {
  return {Errc::version_mismatch, "what answers on the control socket does not speak HTTP/1.1",
          "is --socket the socket of jlinkd?"};
}

std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

}  // namespace

int Deadline::poll_timeout() const {
  if (!at_) return -1;
  const auto left = *at_ - std::chrono::steady_clock::now();
  if (left <= left.zero()) return 0;
  const auto milliseconds = std::chrono::ceil<std::chrono::milliseconds>(left).count();
  return static_cast<int>(std::min<long long>(milliseconds, 3'600'000));
}

void sleep_for(std::chrono::milliseconds time) { ::poll(nullptr, 0, static_cast<int>(time.count())); }

std::string_view ReplyHead::header(std::string_view lower_name) const {
  for (const auto& [name, value] : headers) {
    if (name == lower_name) return value;
  }
  return {};
}

HttpConnection::~HttpConnection() { ::close(fd_); }

bool HttpConnection::reusable() const {
  char next = 0;
  const ssize_t n = ::recv(fd_, &next, 1, MSG_PEEK | MSG_DONTWAIT);
  return reusable_ && n < 0 && (errno == EAGAIN || errno == EINTR);
}

bool HttpConnection::has_news() const {
  pollfd ready{fd_, POLLIN, 0};
  return used_ < buffer_.size() || ::poll(&ready, 1, 0) > 0;
}

Status HttpConnection::send(std::string_view bytes, const Deadline& deadline) {
  heard_ = false;
  while (!bytes.empty()) {
    const ssize_t n = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n >= 0) {
      bytes.remove_prefix(static_cast<std::size_t>(n));
      continue;
    }
    if (errno == EINTR) continue;
    if (errno != EAGAIN) {
      // A daemon that refuses a body early answers and closes: its answer is still there to be read.
      reusable_ = false;
      return {};
    }
    pollfd ready{fd_, POLLOUT, 0};
    if (::poll(&ready, 1, deadline.poll_timeout()) == 0 && deadline.passed()) return timed_out();
  }
  return {};
}

// How long to wait for bytes before something else is to be done, for poll().
int HttpConnection::patience(const Deadline& deadline) const {
  const int limit = deadline.poll_timeout();
  if (!idle_) return limit;
  const int every = static_cast<int>(idle_every_.count());
  return limit < 0 ? every : std::min(limit, every);
}

Result<HttpConnection::Filled> HttpConnection::fill(const Deadline& deadline) {
  if (used_ > 0) {
    buffer_.erase(0, used_);
    used_ = 0;
  }
  constexpr std::size_t kPiece = 64 * 1024;
  const std::size_t before = buffer_.size();
  for (;;) {
    pollfd ready{fd_, POLLIN, 0};
    const int polled = ::poll(&ready, 1, patience(deadline));
    if (polled == 0 && deadline.passed()) {
      reusable_ = false;
      return timed_out();
    }
    if (polled == 0 && idle_) idle_();
    if (polled <= 0) continue;
    buffer_.resize(before + kPiece);
    const ssize_t n = ::recv(fd_, buffer_.data() + before, kPiece, MSG_DONTWAIT);
    buffer_.resize(before + static_cast<std::size_t>(std::max<ssize_t>(n, 0)));
    if (n > 0) {
      heard_ = true;
      return Filled::more;
    }
    if (n < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    reusable_ = false;
    return Filled::end;
  }
}

Result<std::string> HttpConnection::read_line(const Deadline& deadline) {
  for (;;) {
    const std::size_t end = buffer_.find('\n', used_);
    if (end != std::string::npos) {
      std::string line = buffer_.substr(used_, end - used_);
      used_ = end + 1;
      if (line.ends_with('\r')) line.pop_back();
      return line;
    }
    if (buffer_.size() - used_ > kMaxHeaderBytes) return not_http();
    JL_TRY(const Filled filled, fill(deadline));
    if (filled == Filled::end) return heard_ && !buffer_.empty() ? not_http() : hung_up();
  }
}

Result<ReplyHead> HttpConnection::read_head(const Deadline& deadline) {
  for (;;) {
    ReplyHead head;
    JL_TRY(const std::string status, read_line(deadline));
    if (!status.starts_with("HTTP/1.") || status.size() < 12 || status[8] != ' ') return not_http();
    const char* const digits = status.data() + 9;
    if (const auto [end, ec] = std::from_chars(digits, digits + 3, head.status); ec != std::errc{} || end != digits + 3)
      return not_http();
    std::size_t total = 0;
    for (;;) {
      JL_TRY(const std::string line, read_line(deadline));
      if (line.empty()) break;
      total += line.size();
      const std::size_t colon = line.find(':');
      if (colon == std::string::npos || total > kMaxHeaderBytes) return not_http();
      head.headers.emplace_back(to_lower(line.substr(0, colon)), trim(std::string_view(line).substr(colon + 1)));
    }
    if (iequals(head.header("connection"), "close")) reusable_ = false;
    if (head.status >= 200) return head;  // RFC 9110 section 15.2: 1xx are only notes on the way
  }
}

// Passes on that many bytes; false when the taker has had enough.
Result<bool> HttpConnection::pass_on(std::size_t length, const std::function<Deadline()>& deadline,
                                     const Piece& piece) {
  while (length > 0) {
    if (used_ == buffer_.size()) {
      JL_TRY(const Filled filled, fill(deadline()));
      if (filled == Filled::end) return hung_up();
    }
    const std::size_t here = std::min(length, buffer_.size() - used_);
    JL_TRY(const bool more, piece(std::string_view(buffer_).substr(used_, here)));
    used_ += here;
    length -= here;
    if (!more) {
      reusable_ = false;
      return false;
    }
  }
  return true;
}

Status HttpConnection::read_body(const ReplyHead& head, bool has_body, const std::function<Deadline()>& deadline,
                                 const Piece& piece) {
  if (!has_body || head.status == 204 || head.status == 304) return {};
  if (to_lower(head.header("transfer-encoding")).ends_with("chunked")) {
    for (;;) {
      JL_TRY(const std::string line, read_line(deadline()));
      std::size_t length = 0;
      const auto [end, ec] = std::from_chars(line.data(), line.data() + line.size(), length, 16);
      if (ec != std::errc{} || end == line.data() || length > (std::size_t{1} << 40U)) return not_http();
      if (length == 0) break;
      JL_TRY(const bool more, pass_on(length, deadline, piece));
      if (!more) return {};
      JL_TRY(const std::string crlf, read_line(deadline()));
      if (!crlf.empty()) return not_http();
    }
    for (;;) {  // trailers
      JL_TRY(const std::string line, read_line(deadline()));
      if (line.empty()) return {};
    }
  }
  if (const std::string_view text = head.header("content-length"); !text.empty()) {
    std::size_t length = 0;
    const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), length);
    if (ec != std::errc{} || end != text.data() + text.size()) return not_http();
    JL_TRY(const bool more, pass_on(length, deadline, piece));
    static_cast<void>(more);
    return {};
  }
  // RFC 9112 section 6.3: without either, the body ends with the connection.
  reusable_ = false;
  for (;;) {
    if (used_ < buffer_.size()) {
      JL_TRY(const bool more, piece(std::string_view(buffer_).substr(used_)));
      used_ = buffer_.size();
      if (!more) return {};
    }
    JL_TRY(const Filled filled, fill(deadline()));
    if (filled == Filled::end) return {};
  }
}

Result<int> connect_socket(const std::string& path, std::chrono::milliseconds limit) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof(address.sun_path)) {
    return Error(Errc::usage, "the path of the control socket is too long: \"" + path + "\"", "at most 107 bytes");
  }
  std::memcpy(static_cast<void*>(address.sun_path), path.data(), path.size());
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return Error(Errc::failed, "no socket can be opened: " + std::string(std::strerror(errno)));
  // A connect() on a Unix socket waits only while the daemon's queue is full.
  if (limit.count() > 0) {
    const timeval wait{static_cast<time_t>(limit.count() / 1000),
                       static_cast<suseconds_t>((limit.count() % 1000) * 1000)};
    ::setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait));
  }
  if (::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0) return fd;
  const int error = errno;
  ::close(fd);
  const std::string named = "\"" + path + "\"";
  switch (error) {
    case ENOENT:
    case ENOTDIR:
      return Error(Errc::no_socket, "there is no control socket " + named,
                   "start the daemon: systemctl start jlinkd; or name its socket with --socket or JLCTL_SOCKET");
    case ECONNREFUSED:
      return Error(Errc::not_running, "nothing listens on the control socket " + named + ": the daemon is not running",
                   "see why: systemctl status jlinkd");
    case EACCES:
    case EPERM:
      return Error(Errc::socket_denied, "you may not open the control socket " + named,
                   "join its group and log in again: sudo usermod -aG jlinkd \"$USER\"");
    case EAGAIN:
    case EINPROGRESS:
      return Error(Errc::busy, "the daemon does not take up calls: its queue is full",
                   "try again, or wait longer with --connect-retry 30s");
    default:
      return Error(Errc::unavailable, "the control socket " + named + " cannot be opened: " + std::strerror(error));
  }
}

std::string percent_encode(std::string_view text) {
  static constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool unreserved = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' ||
                            c == '.' || c == '_' || c == '~';
    if (unreserved) {
      out += c;
    } else {
      out += '%';
      out += kHex[byte >> 4U];
      out += kHex[byte & 15U];
    }
  }
  return out;
}

}  // namespace jl::cli
