#pragma once
// The I/O threads: one single-threaded loop per core. A connection is born on one and dies there, so what it owns needs
// no lock. A loop goes in turns: it takes the sockets that are ready, lets each connection read and work, then commits
// what the turn produced (one log write for all of them), and only then flushes what the connections have to send.
// That order is what makes an acknowledgement mean "in the log".
#include "common/base/result.hpp"
#include "daemon/base/clock.hpp"
#include "daemon/network/timer_wheel.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>

namespace jl::network {

/// Where a member stands in its thread's table.
class WatchSlot {
 private:
  friend class Poller;
  std::uint32_t slot_ = UINT32_MAX;  // while it is not watched
};

/// Something with a socket that takes part in the turns of one thread.
class TurnMember : public WatchSlot {
 public:
  /// The socket is readable (or at its end); level-triggered: what is left unread comes again. An error or a full
  /// hang-up is reported even after want_read(false).
  virtual void on_readable() = 0;
  /// The socket takes bytes again after want_write(true). To send, call request_flush(): what this turn produced is not
  /// committed yet.
  virtual void on_writable() = 0;
  /// The turn is committed: send what is ready. Called once per turn for members that called request_flush().
  /// `committed` is false when the commit failed; acknowledgements must then not be sent.
  virtual void on_flush(bool committed) = 0;

 protected:
  ~TurnMember() = default;
};

/// Makes a turn durable before its answers leave. One per thread, optional.
class TurnCommit {
 public:
  virtual ~TurnCommit() = default;
  /// Commits what the turn produced, which may be nothing. Calls `done` when that is safe: at once, or later from any
  /// thread through IoThread::post, in work that does nothing else (it is not a turn of its own). No socket of this
  /// thread is served until then, so later turns share the next commit. An exception counts as done(false); a second
  /// call of `done` is ignored.
  virtual void commit(std::function<void(bool ok)> done) = 0;
  /// Commits what the turn produced so far, if that needs no waiting. False: it does, or it failed; commit() at the end
  /// of the turn tells.
  [[nodiscard]] virtual bool commit_now() { return false; }
};

class IoThread {
 public:
  virtual ~IoThread() = default;

  /// Runs a function on this thread soon; its output is committed and flushed like any turn's. Any thread.
  virtual void post(std::function<void()> work) = 0;
  /// Whether the caller is on this thread.
  [[nodiscard]] virtual bool is_current() const = 0;
  [[nodiscard]] virtual std::size_t index() const = 0;

  // The rest is for this thread only.
  [[nodiscard]] virtual TimerWheel& timers() = 0;
  [[nodiscard]] virtual const Clock& clock() const = 0;
  /// Watches a non-blocking socket, one per member. The member must call forget() before it goes. Errors: network.
  virtual Status watch(int fd, TurnMember& member) = 0;
  virtual void want_write(int fd, TurnMember& member, bool on) = 0;
  /// Stops (or resumes) reporting readability: back-pressure.
  virtual void want_read(int fd, TurnMember& member, bool on) = 0;
  /// Ends the watch; events that were fetched already do not reach the member. Nothing when it is not watched.
  virtual void forget(int fd, TurnMember& member) = 0;
  /// Has on_flush() called when this turn is committed; for watched members.
  virtual void request_flush(TurnMember& member) = 0;
  /// Runs a function once what this turn produced is committed, or has failed to be: for what others may hear of only
  /// then. After the flushes.
  virtual void after_commit(std::function<void(bool committed)> work) = 0;
  /// Whether what this turn produced so far is safe already, or can be made so without waiting: for answers that a
  /// library sends by itself, before the turn ends. False: wait with after_commit().
  [[nodiscard]] virtual bool commit_now() = 0;
  /// The number of the commit that covers what is written now; grows with each. Work that runs while a commit is on its
  /// way writes under the next number already, and the on_flush() of the one on its way must not send that.
  [[nodiscard]] virtual std::uint64_t commit_number() const = 0;
  /// The thread's read buffer (64 KiB), valid until the next socket is served.
  [[nodiscard]] virtual std::span<char> read_buffer() = 0;
  /// nullptr = turns need no commit. Also before start(), from the thread that starts.
  /// Also allowed before the thread is started.
  virtual void set_commit(TurnCommit* commit) = 0;
};

/// Owns the threads. Construct, start, and stop from one thread.
class IoThreads {
 public:
  /// `count` 0 = one per core. Throws std::system_error when the kernel has no descriptor left.
  IoThreads(std::size_t count, const Clock& clock);
  ~IoThreads();
  IoThreads(const IoThreads&) = delete;
  IoThreads& operator=(const IoThreads&) = delete;

  /// Runs the loops. With `manual_timers` the wheels advance only by advance_timers() (tests).
  void start(bool manual_timers = false);
  /// Ends the loops after the work already posted and, for at most two seconds, a commit that is on its way. Later
  /// posts are dropped. Idempotent. Stop what watches sockets first.
  void stop();
  [[nodiscard]] std::size_t size() const;
  [[nodiscard]] IoThread& at(std::size_t index);
  /// The next thread in turn, for a new connection. Any thread.
  [[nodiscard]] IoThread& next();
  /// Advances every wheel to the clock's time and waits until that is done (tests).
  void advance_timers();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace jl::network
