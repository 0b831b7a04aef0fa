#pragma once
// One client of a component that listens on TCP: a socket in the turns of one I/O thread, and what every protocol on it
// has in common: reading, TLS, the send buffer and its commits, back-pressure, time limits, closing in order. The
// protocol derives from it. Idle it holds no buffer: it reads into the thread's and borrows one to send.
//
// Its life: open -> closing (the protocol has ended; what it wrote last waits for the commit and the socket) ->
// lingering (nothing more is sent; input is thrown away until the peer has read the last bytes and closes, because
// closing over unread input would destroy them) -> finished.
#include "daemon/network/address.hpp"
#include "daemon/network/stream.hpp"
#include "daemon/network/stream_component.hpp"

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace jl::network {

/// A connection, for people.
struct ConnectionInfo {
  std::string client;  ///< who it is, once that is known: a device id
  std::string peer;    ///< "192.0.2.7:50312"
  std::string tls_version, tls_subject;
  Millis connected_for = 0, silent_for = 0;
};

class StreamConnection : protected TurnMember {
 public:
  static constexpr int kReadRounds = 4;                               ///< of a full read buffer per turn
  static constexpr std::size_t kReadPause = std::size_t{256} * 1024;  ///< unsent bytes over which nothing is read
  static constexpr Millis kLinger = 1000;                             ///< for the last bytes and the peer's close

  /// Any thread. `over_limit` connections are there to hear that there are too many; they must not be admitted.
  StreamConnection(std::shared_ptr<StreamComponent> component, StreamLane& lane, Stream stream, const PeerAddress& peer,
                   bool over_limit);
  virtual ~StreamConnection();
  StreamConnection(const StreamConnection&) = delete;

  // All below on the lane's thread.
  /// Starts reading; the client has this long to be admitted.
  void start(std::chrono::milliseconds connect_limit);
  /// Closes without waiting for anything; on_lost() comes before if the protocol has not ended. The connection may be
  /// gone afterwards.
  void finish();
  /// Ends because the component stops: tells the peer, if the protocol has words for it, and closes.
  virtual void shut_down() = 0;

  [[nodiscard]] std::string peer_name() const { return peer_.to_string(); }
  [[nodiscard]] IoThread& io_thread() const { return *lane_.thread; }
  /// Whom it turned out to be; "" = nobody yet.
  [[nodiscard]] virtual std::string client() const { return {}; }
  [[nodiscard]] ConnectionInfo info() const;

 protected:
  // ---- what the protocol does

  /// The connection itself, for what outlives a call.
  [[nodiscard]] virtual std::shared_ptr<StreamConnection> self() = 0;
  /// The connection has begun; nothing was read yet. It may end here.
  virtual void on_started() {}
  /// Bytes came. They are gone afterwards: what is not used at once the protocol keeps.
  virtual void on_input(std::string_view bytes) = 0;
  /// False leaves input in the socket: the protocol waits for an answer of its own side. Call go_on() when that
  /// changes.
  [[nodiscard]] virtual bool wants_input() const { return true; }
  /// The peer sends no more, or the connection is gone. The protocol ends: begin_closing(), now or, when an answer is
  /// still due, soon.
  virtual void on_lost() = 0;
  /// The time limit has passed: that of start(), or of set_deadline().
  virtual void on_deadline() = 0;
  /// What was written in this turn must not be sent: say so in the protocol's words and close.
  virtual void on_commit_failed() = 0;
  /// Unsent bytes are over the limit. What is unsent is thrown away; close.
  virtual void on_slow_consumer() = 0;
  /// Everything is sent, after call_on_drained().
  virtual void on_drained() {}
  /// The last call: the socket is closed.
  virtual void on_finished() {}

  // ---- what it has for that

  /// Lets `work` append to the send buffer, also from within another such call. What it appends leaves once this turn
  /// is committed.
  template <class Work>
  void with_output(Work work) {
    if (out_ == nullptr) out_ = lane_.buffers.take();
    std::string& bytes = out_->begin(io_thread().commit_number());
    const std::size_t before = bytes.size();
    ++depth_;
    try {
      work(bytes);
    } catch (...) {
      // Something failed in the middle of a packet: the protocol cannot go on.
      --depth_;
      abandon();
      throw;
    }
    --depth_;
    if (bytes.size() != before) io_thread().request_flush(*this);
    if (depth_ == 0 && unsent() == 0) release_buffer();
  }
  /// The client is in: the time limit of start() is over.
  void admit();
  /// The protocol has ended: what it wrote is sent, then the connection is closed. `quiet`: a client that was never
  /// admitted and is not counted as rejected, because it left by itself. The deadline is cancelled.
  void begin_closing(bool quiet);
  /// Counts and logs a peer that breaks the protocol.
  void report_violation(std::string_view detail);
  void set_deadline(Millis delay);
  void cancel_deadline() { timer_.cancel(); }
  /// Whether a message may be sent at all; a peer that left too much lying is closed.
  [[nodiscard]] bool may_send();
  /// Counts a message that came; with a rate limit, too many of them pause reading for the rest of the second.
  void count_message();
  /// Reads on, or not, as wants_input() says now.
  void go_on() { regulate(); }

  [[nodiscard]] bool is_open() const { return phase_ == Phase::open; }
  [[nodiscard]] bool is_admitted() const { return admitted_; }
  [[nodiscard]] bool is_over_limit() const { return over_limit_; }
  /// The first byte looked like TLS on a port in the clear.
  [[nodiscard]] bool spoke_tls() const { return tls_here_; }
  [[nodiscard]] std::size_t unsent() const { return out_ ? out_->unsent() : 0; }
  [[nodiscard]] bool is_blocked() const { return blocked_; }
  [[nodiscard]] Millis last_heard() const { return last_activity_; }
  void note_activity() { last_activity_ = io_thread().timers().now(); }
  /// The peer said that it leaves: it need not be waited for.
  void note_goodbye() { goodbye_ = true; }
  void call_on_drained() { wants_drained_ = true; }
  [[nodiscard]] const Stream& stream() const { return stream_; }
  [[nodiscard]] StreamComponent& shared() const { return *component_; }
  /// Has on_drained() called when the socket takes bytes again: for what is written to stream() itself, after
  /// everything else is sent.
  void wait_for_writable() { blocked_ = wants_drained_ = true; }
  /// Counts and logs a peer that does not take what it is sent, and ends the protocol.
  void close_slow(std::string_view detail = "unsent bytes over the limit");
  /// Throws unsent bytes away and ends the protocol.
  void abandon() noexcept;

 private:
  enum class Phase : std::uint8_t { open, closing, lingering, finished };
  struct Rate;

  void on_readable() final;
  void on_writable() final;
  void on_flush(bool committed) final;
  void on_timer();
  void feed(std::string_view bytes);
  void on_input_over(IoResult::Status status);
  void read_on();
  void note_handshake();
  void count_tls_failure(std::string_view why);
  void drop_uncommitted();
  void send_what_is_ready();
  void regulate();
  void go_on_closing();
  void throw_input_away();
  void release_buffer();
  [[nodiscard]] bool may_read() const;

  const std::shared_ptr<StreamComponent> component_;
  StreamLane& lane_;
  std::unique_ptr<SendBuffer> out_;
  std::unique_ptr<Rate> rate_;  // only with a rate limit
  Timer timer_;                 // the protocol's deadline, while closing the linger
  Millis since_ = 0;
  Millis last_activity_ = 0;
  Stream stream_;
  const PeerAddress peer_;
  std::uint32_t position_ = 0;  // in the lane
  const std::uint32_t max_send_bytes_;
  std::uint16_t depth_ = 0;  // of with_output
  Phase phase_ = Phase::open;
  const bool over_limit_ : 1;
  bool in_lane_ : 1 = false;
  bool admitted_ : 1 = false;
  bool blocked_ : 1 = false;        // the socket took less than there was; on_writable is due
  bool paused_ : 1 = false;         // reading waits for the peer to take what it is sent
  bool peer_gone_ : 1 = false;      // nothing more comes from it
  bool discard_ : 1 = false;        // what is unsent must not or cannot be sent
  bool goodbye_ : 1 = false;        // the peer said that it leaves
  bool wants_drained_ : 1 = false;  // the protocol wants to hear when all is sent
  bool heard_ : 1 = false;          // from the client
  bool greeted_ : 1 = false;        // the TLS handshake is done and counted, or there is none
  bool reads_late_ : 1 = false;     // reading waits for the socket to be writable (TLS handshake)
  bool reads_on_ : 1 = false;       // more is read soon, whatever the socket says
  bool tls_here_ : 1 = false;       // the client began TLS on a port in the clear
};

}  // namespace jl::network
