#pragma once
// A file on its way out of one connection, after the head of its response: through sendfile(2) in the clear, in pieces
// of 64 KiB through TLS, within its rate and its share of a budget. It belongs to the connection's thread, writes to
// the stream only when it is told to, and at most a turn's worth.
#include "daemon/network/byte_budget.hpp"
#include "daemon/network/http_server.hpp"
#include "daemon/network/stream.hpp"
#include "daemon/network/timer_wheel.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>

namespace jl::network {

class HttpFileSender {
 public:
  static constexpr std::size_t kTurnBytes = std::size_t{256} * 1024;          ///< before the others of the thread
  static constexpr std::size_t kPieceBytes = std::size_t{64} * 1024;          ///< held in memory, through TLS only
  static constexpr std::uint64_t kProgressBytes = std::uint64_t{256} * 1024;  ///< between two calls of `progress`
  static constexpr Millis kStallCheck = 15'000;
  static constexpr Millis kStallLimit = 60'000;  ///< without the peer taking a byte

  enum class State : std::uint8_t {
    more,     ///< the turn is over; go on when the others had theirs
    blocked,  ///< go on when the socket takes bytes
    paused,   ///< the rate or the budget is used up; go on a tick later
    done,     ///< everything was sent
    failed,   ///< the connection is gone
    cut,      ///< the file is shorter than its part, or cannot be read: the rest never comes
  };
  struct Outcome {
    State state = State::failed;
    std::size_t bytes = 0;  ///< that left
  };

  /// `wake` is called with `owner` when the time of timer() has come.
  HttpFileSender(std::shared_ptr<const HttpFile> file, Timer::Callback wake, void* owner, Millis steady_now);
  /// Tells `progress` the end, if that was not told.
  ~HttpFileSender();
  HttpFileSender(const HttpFileSender&) = delete;

  /// Sends what may leave now. The same stream each time, with nothing else in between.
  [[nodiscard]] Outcome send(const Stream& stream, Millis steady_now);
  /// Whether send() was called, so what was before the file is out.
  [[nodiscard]] bool has_begun() const { return begun_; }

  /// Asked every kStallCheck: whether the peer has taken nothing for kStallLimit. A slow one whose socket is not
  /// writable for longer, because the kernel holds much for it, is seen to acknowledge.
  [[nodiscard]] bool is_stalled(const Stream& stream, Millis steady_now);
  [[nodiscard]] Timer& timer() { return timer_; }

  /// Tells `progress` of a file that is not sent, because the response has no body.
  static void skip(const HttpFile& file);

 private:
  Outcome pause(std::size_t sent, Millis steady_now);
  [[nodiscard]] std::size_t grant(std::size_t wanted, Millis steady_now);
  void give_back(std::size_t bytes);
  IoResult send_granted(const Stream& stream, std::size_t granted);
  [[nodiscard]] bool fill(std::size_t bytes);
  [[nodiscard]] std::size_t held() const { return piece_end_ - piece_begin_; }
  void note(std::size_t bytes, Millis steady_now);

  const std::shared_ptr<const HttpFile> file_;
  Timer timer_;
  std::optional<ByteBudget> own_;  // of this body alone
  std::uint64_t offset_;           // in the file, of what is not sent and not in the piece
  std::uint64_t left_;             // from there on
  std::uint64_t untold_ = 0;       // left since the last call of progress
  std::unique_ptr<char[]> piece_;
  std::size_t piece_begin_ = 0, piece_end_ = 0;  // of it, what is not sent
  std::size_t waiting_ = 0;                      // unacknowledged when last looked
  Millis moved_;                                 // when the peer last took something
  bool begun_ = false;
  bool told_end_ = false;
};

}  // namespace jl::network
