#pragma once
// The little of HTTP/1.1 that a client of the control socket needs: one reply at a time, with a length or in chunks,
// read as it comes. Bounded: header, line lengths, and time.
#include "common/base/result.hpp"

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace jl::cli {

using SteadyTime = std::chrono::steady_clock::time_point;

/// A point in time, or never.
class Deadline {
 public:
  Deadline() = default;
  /// `limit` from now; 0 = never.
  explicit Deadline(std::chrono::milliseconds limit) {
    if (limit.count() > 0) at_ = std::chrono::steady_clock::now() + limit;
  }
  [[nodiscard]] bool passed() const { return at_ && std::chrono::steady_clock::now() >= *at_; }
  /// For poll(): milliseconds left, rounded up; -1 = no limit.
  [[nodiscard]] int poll_timeout() const;

 private:
  std::optional<SteadyTime> at_;
};

/// Sleeps without a descriptor.
void sleep_for(std::chrono::milliseconds time);

struct ReplyHead {
  int status = 0;
  std::vector<std::pair<std::string, std::string>> headers{};  ///< names in lower case
  [[nodiscard]] std::string_view header(std::string_view lower_name) const;
};

/// A connected stream socket; closes it at its end.
class HttpConnection {
 public:
  explicit HttpConnection(int fd) : fd_(fd) {}
  HttpConnection(const HttpConnection&) = delete;
  HttpConnection& operator=(const HttpConnection&) = delete;
  ~HttpConnection();

  /// Errors: timeout, unavailable (the peer closed).
  [[nodiscard]] Status send(std::string_view bytes, const Deadline& deadline);
  /// Reads status line and headers. Errors: timeout, unavailable, version_mismatch (not HTTP/1.x).
  [[nodiscard]] Result<ReplyHead> read_head(const Deadline& deadline);
  /// Takes pieces of a body; false to stop reading.
  using Piece = std::function<Result<bool>(std::string_view piece)>;
  /// Reads the body that belongs to the head. `deadline` is asked before each wait, so that it can move on.
  [[nodiscard]] Status read_body(const ReplyHead& head, bool has_body, const std::function<Deadline()>& deadline,
                                 const Piece& piece);

  /// Calls `idle` after each `every` of waiting for bytes in vain, until that is taken back with {}.
  void set_idle(std::chrono::milliseconds every, std::function<void()> idle) {
    idle_every_ = every;
    idle_ = std::move(idle);
  }
  /// Whether another request may follow on this connection: nothing said otherwise, and the peer has not closed it
  /// while it was idle (somebody thought about a question for a minute).
  [[nodiscard]] bool reusable() const;
  /// Whether the peer has said something, or left, before it was asked to: a request need not be sent to its end.
  [[nodiscard]] bool has_news() const;
  /// Whether any byte of the current reply has arrived.
  [[nodiscard]] bool heard() const { return heard_; }

 private:
  enum class Filled : std::uint8_t { more, end };
  Result<Filled> fill(const Deadline& deadline);
  [[nodiscard]] int patience(const Deadline& deadline) const;
  Result<std::string> read_line(const Deadline& deadline);
  Result<bool> pass_on(std::size_t length, const std::function<Deadline()>& deadline, const Piece& piece);

  static constexpr std::size_t kMaxHeaderBytes = 64 * 1024;
  int fd_;
  std::string buffer_;
  std::size_t used_ = 0;  ///< of buffer_
  std::chrono::milliseconds idle_every_{};
  std::function<void()> idle_{};
  bool reusable_ = true;
  bool heard_ = false;
};

/// Opens the control socket. Errors: no_socket, not_running, socket_denied, busy, timeout, usage (path too long).
[[nodiscard]] Result<int> connect_socket(const std::string& path, std::chrono::milliseconds limit);

/// Percent-encodes everything but unreserved characters (RFC 3986).
[[nodiscard]] std::string percent_encode(std::string_view text);

}  // namespace jl::cli
