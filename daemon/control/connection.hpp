#pragma once
// One control connection: reads requests one after the other, passes each through the gate to the handler, writes the
// answer, and leaves the record. It is born and dies on the server's thread; every wait has a time limit.
#include "daemon/control/access_record.hpp"
#include "daemon/control/core.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/buffer_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <chrono>
#include <optional>
#include <vector>

namespace jl::control {

class Connection : public std::enable_shared_from_this<Connection> {
 public:
  using Socket = boost::asio::local::stream_protocol::socket;

  Connection(Core& core, Socket socket);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  /// Serves until the caller leaves or has to. Keep the connection in Core::connections until it is done.
  boost::asio::awaitable<void> run();
  /// Says that there are too many connections, and ends.
  boost::asio::awaitable<void> turn_away();
  /// Ends when the call in progress has; at once if there is none or it is an endless stream.
  void stop();
  /// Ends now, whatever is in progress.
  void abort();

 private:
  static constexpr std::size_t kWriteSize = 256u << 10u;  // bytes written within one time limit
  using Parser = boost::beast::http::request_parser<boost::beast::http::buffer_body>;
  template <class T>
  using Awaitable = boost::asio::awaitable<T>;

  // Each returns false when the connection must close.
  Awaitable<bool> serve_one();
  Awaitable<bool> serve_call(Admission admission, CallMemo memo, bool is_head);
  Awaitable<bool> refuse(Admission admission, CallMemo memo, bool is_head);
  Awaitable<bool> refuse_malformed(boost::system::error_code ec);
  Awaitable<bool> await_answer(std::shared_ptr<Exchange> exchange, Place pending, CallMemo memo, bool is_head);
  Awaitable<bool> send_lines(std::shared_ptr<Exchange> exchange);  // all of a stream but its last chunk
  Awaitable<bool> send_reply(Reply reply, bool is_head, std::string more_headers);
  Awaitable<bool> send(std::string bytes);

  Awaitable<Result<boost::json::object>> read_body(std::uint64_t max_bytes, bool expects_continue);
  Awaitable<Result<store::StoredFile>> read_upload(UploadTerms terms, bool expects_continue);
  Awaitable<bool> discard_body();
  Awaitable<void> linger(std::chrono::milliseconds limit);
  Awaitable<void> await_wake();

  /// Why a body could not be read; what follows on the connection is lost.
  [[nodiscard]] Error broken_body(boost::system::error_code ec, std::uint64_t max_bytes);
  [[nodiscard]] RequestHead head() const;
  [[nodiscard]] std::string header_field(std::string_view name) const;
  [[nodiscard]] std::string response_head(int status, std::string_view content_type) const;
  void begin_request();
  void record(const CallMemo& memo, const CallEnd& end);
  void record_refusal(const CallMemo& memo, const Error& error);
  void watch_for_hang_up();
  void wake();
  void limit_time(std::chrono::milliseconds limit);
  void unlimit_time();
  void close();

  Core& core_;
  Socket socket_;
  boost::asio::steady_timer deadline_, wake_;
  std::uint64_t limits_set_ = 0;  // tells a time limit from those before it
  boost::beast::flat_buffer buffer_;
  std::optional<Parser> parser_;
  Caller caller_;

  // Of the call in progress.
  std::string request_id_;
  std::shared_ptr<Exchange> exchange_;
  Place large_body_;         // among the few large bodies
  bool is_endless_ = false;  // the stream has no end of its own

  bool is_first_ = true, keeps_alive_ = true;
  bool is_idle_ = false;  // nothing is lost when it closes now
  bool is_woken_ = false, is_gone_ = false;
};

}  // namespace jl::control
