#pragma once
// One call's answer on its way from the handler, on any thread, to the connection, on the server's thread. The handler
// holds a Responder, the connection holds this; either may go first.
#include "daemon/control/server.hpp"

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

namespace jl::control {

inline constexpr std::size_t kMaxDroppable = 1u << 20u;  ///< queued bytes that droppable lines may make
inline constexpr std::size_t kMaxQueued = 64u << 20u;    ///< queued bytes above which a stream is cut

/// A whole answer.
struct Reply {
  int status = 200;
  std::string content_type;
  std::string body;
  std::optional<Errc> code;  ///< of a problem
  std::string error;         ///< message of a problem

  Reply() = default;
  Reply(int s, std::string type, std::string text) : status(s), content_type(std::move(type)), body(std::move(text)) {}
  /// A problem document.
  Reply(const Error& e, std::string_view request_id);
};

class Exchange : public std::enable_shared_from_this<Exchange> {
 public:
  /// `wake` tells the connection, without running it, that there is news; `streams` counts the streams of the server.
  Exchange(std::string request_id, std::shared_ptr<std::atomic<std::size_t>> streams, std::function<void()> wake);
  ~Exchange();
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;

  /// The handler's end. When the last reference to it goes, an unanswered call is answered with an internal error.
  [[nodiscard]] std::shared_ptr<Responder> responder();

  // The connection's end, on the server's thread.

  enum class State : std::uint8_t { open, replied, streaming, stream_ended };
  struct News {
    State state = State::open;
    std::string lines;    ///< bytes of a stream to send next
    bool is_cut = false;  ///< the stream had to be cut: it must not look complete
  };
  /// What there is to do now; takes up to `max_bytes` of a stream's lines, which the caller confirms with sent().
  [[nodiscard]] News poll(std::size_t max_bytes);
  /// Lines of so many bytes have left.
  void sent(std::size_t bytes);
  /// The reply, once the state is `replied`.
  [[nodiscard]] Reply take_reply();
  /// The caller is gone, or the server has no time for it any more: no more lines are taken, and the handler is told.
  void set_gone();
  /// Ends a stream with an error line unless it has ended.
  void end_with(const Error& error);
  /// After this nothing of the server is touched any more, whatever the handler does.
  void detach();
  [[nodiscard]] CallNotes notes() const;
  /// Whether a stream took more than it may hold: it is over, whatever is still being sent.
  [[nodiscard]] bool is_cut_stream() const;
  /// The error a stream ended with.
  [[nodiscard]] std::optional<Error> stream_error() const;

 private:
  friend class ExchangeResponder;
  using Lock = std::unique_lock<std::mutex>;

  void reply(Reply reply);
  void problem(const Error& error);
  void add_notes(CallNotes notes);
  void start_stream();
  bool line(std::string text, bool droppable);
  void end_stream(const Error* error);
  [[nodiscard]] std::size_t queued() const;
  void on_gone(std::function<void()> callback);

  [[nodiscard]] std::size_t waiting() const { return lines_.size() - taken_; }
  void tell(const Lock&);
  void end_locked(const Error* error);
  void release_stream();

  const std::string request_id_;
  const std::shared_ptr<std::atomic<std::size_t>> streams_;

  mutable std::mutex mutex_;  // guards what follows
  std::function<void()> wake_;
  bool is_told_ = false;
  State state_ = State::open;
  Reply reply_;
  CallNotes notes_;
  std::string lines_;
  std::size_t taken_ = 0;      // of lines_, from the front
  std::size_t in_flight_ = 0;  // bytes taken by the connection and not yet sent
  bool has_stream_ = false, is_cut_ = false, is_gone_ = false;
  std::optional<Error> stream_error_;
  std::function<void()> on_gone_;
};

}  // namespace jl::control
