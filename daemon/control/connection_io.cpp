// The part of a connection that moves bytes and keeps the time limits.
#include "daemon/control/connection.hpp"

#include "common/base/words.hpp"
#include "common/control/api.hpp"

#include <fmt/format.h>
#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/status.hpp>

// GCC 12: no braces and no lambda with captures on a line with co_await.
namespace jl::control {
namespace {
namespace asio = boost::asio;
namespace http = boost::beast::http;
using boost::system::error_code;

constexpr auto kToken = asio::as_tuple(asio::use_awaitable);
constexpr std::size_t kReadSize = 64u << 10u;  // bytes of a body read at once
constexpr std::size_t kMaxLargeBodies = 4;

}  // namespace

asio::awaitable<Result<boost::json::object>> Connection::read_body(std::uint64_t max_bytes, bool expects_continue) {
  BodyParser body;
  if (parser_->is_done()) co_return body.finish();
  parser_->body_limit(max_bytes);
  if (expects_continue) {
    const bool sent = co_await send(std::string("HTTP/1.1 100 Continue\r\n\r\n"));
    if (!sent) co_return Error(Errc::network, "the caller went away");
    limit_time(core_.options.header_timeout);
  }
  const auto length = parser_->content_length();
  std::vector<char> piece(length ? std::min<std::size_t>(*length, kReadSize) : kReadSize);
  std::uint64_t total = 0;
  while (!parser_->is_done()) {
    parser_->get().body().data = piece.data();
    parser_->get().body().size = piece.size();
    const auto [ec, count] = co_await http::async_read(socket_, buffer_, *parser_, kToken);
    const std::size_t size = piece.size() - parser_->get().body().size;
    if (ec && ec != http::error::need_buffer) {
      co_return broken_body(ec, max_bytes);
    }
    total += size;
    if (total > kMaxBody && !large_body_) {
      if (core_.large_bodies >= kMaxLargeBodies) co_return Error(Errc::busy, "jlinkd has several large bodies already");
      large_body_ = Place(core_.large_bodies);
    }
    const auto fed = body.feed(std::string_view(piece.data(), size));
    if (!fed) co_return fed.error();
  }
  co_return body.finish();
}

Error Connection::broken_body(error_code ec, std::uint64_t max_bytes) {
  keeps_alive_ = false;  // where the next request begins is not known any more
  if (ec == http::error::body_limit)
    return {Errc::too_large, "the body has more than " + std::to_string(max_bytes) + " bytes"};
  if (ec.category() != http::make_error_code(http::error::body_limit).category() ||
      ec == http::error::partial_message) {
    close();
  }
  return {Errc::bad_request, "the body cannot be read: " + ec.message()};
}

// Reads over what is left of a body. False when that is not worth it, or not possible.
asio::awaitable<bool> Connection::discard_body() {
  const auto length = parser_->content_length();
  if (!socket_.is_open() || !header_field("Expect").empty() || (length && *length > kMaxBody)) co_return false;
  if (!length && !parser_->chunked()) co_return false;
  parser_->body_limit(kMaxBody);
  std::vector<char> piece(kReadSize);
  while (!parser_->is_done()) {
    parser_->get().body().data = piece.data();
    parser_->get().body().size = piece.size();
    const auto [ec, count] = co_await http::async_read(socket_, buffer_, *parser_, kToken);
    if (ec && ec != http::error::need_buffer) co_return false;
  }
  co_return true;
}

// Reads on for a while after the last answer: closing with unread bytes would make the caller's write fail before it
// reads why (RFC 9112 9.6).
asio::awaitable<void> Connection::linger(std::chrono::milliseconds limit) {
  error_code ec;
  socket_.shutdown(Socket::shutdown_send, ec);
  std::array<char, 4096> sink{};
  is_idle_ = true;
  limit_time(limit);
  while (!ec && socket_.is_open()) {
    const auto [failed, count] = co_await socket_.async_read_some(asio::buffer(sink), kToken);
    ec = failed;
  }
}

asio::awaitable<bool> Connection::send(std::string bytes) {
  std::size_t done = 0;
  while (done < bytes.size()) {
    if (!socket_.is_open()) co_return false;
    limit_time(core_.options.idle_timeout);
    const auto piece = asio::buffer(bytes.data() + done, std::min(kWriteSize, bytes.size() - done));
    const auto [ec, count] = co_await socket_.async_write_some(piece, kToken);
    if (ec) {
      is_gone_ = true;
      close();
      co_return false;
    }
    done += count;
  }
  unlimit_time();
  co_return true;
}

std::string Connection::response_head(int status, std::string_view content_type) const {
  return fmt::format(
      "HTTP/1.1 {} {}\r\n{}: {}\r\n{}: {}\r\n{}: {}\r\nContent-Type: {}\r\nCache-Control: no-store\r\n{}", status,
      std::string_view(http::obsolete_reason(http::int_to_status(static_cast<unsigned>(status)))), kHeaderVersion,
      kProgramVersion, kHeaderApi, kApiVersion, kHeaderRequestId, request_id_, content_type,
      keeps_alive_ && !core_.is_stopping ? "" : "Connection: close\r\n");
}

asio::awaitable<bool> Connection::send_reply(Reply reply, bool is_head, std::string more_headers) {
  std::string head = response_head(reply.status, reply.content_type) + more_headers +
                     fmt::format("Content-Length: {}\r\n\r\n", reply.body.size());
  if (!is_head && reply.body.size() <= kReadSize) {
    head += reply.body;
    reply.body.clear();
  }
  bool sent = co_await send(std::move(head));
  if (sent && !is_head) {
    sent = co_await send(std::move(reply.body));
  }
  co_return sent;
}

RequestHead Connection::head() const {
  const auto& message = parser_->get();
  const auto view = [&](http::field name) {
    const auto value = message[name];
    return std::string_view(value.data(), value.size());
  };
  const auto plain = [](boost::beast::string_view text) { return std::string_view(text.data(), text.size()); };
  RequestHead out;
  out.method = plain(message.method_string());
  out.target = plain(message.target());
  out.version = static_cast<int>(message.version());
  out.client_api = plain(message[boost::beast::string_view(kHeaderClientApi.data(), kHeaderClientApi.size())]);
  out.content_type = view(http::field::content_type);
  out.expect = view(http::field::expect);
  out.transfer_encoding = view(http::field::transfer_encoding);
  out.hosts = message.count(http::field::host);
  if (const auto length = parser_->content_length()) out.content_length = *length;
  out.is_chunked = parser_->chunked();
  return out;
}

std::string Connection::header_field(std::string_view name) const {
  const auto value = parser_->get()[boost::beast::string_view(name.data(), name.size())];
  return {value.data(), value.size()};
}

void Connection::record(const CallMemo& memo, const CallEnd& end) {
  if (!memo.is_recorded && end.code != Errc::denied) return;
  core_.access_log.append(access_record(memo, caller_, end, core_.clock.steady()));
}

void Connection::record_refusal(const CallMemo& memo, const Error& error) {
  CallEnd end;
  end.status = info(error.code).http_status;
  end.code = error.code;
  end.error = error.message;
  record(memo, end);
}

// A Unix socket reports a hang-up when the peer has closed it altogether; one that only says it will not send any more
// still wants its answer.
void Connection::watch_for_hang_up() {
  socket_.async_wait(Socket::wait_error, [weak = weak_from_this()](error_code ec) {
    const auto self = weak.lock();
    if (ec || !self) return;
    self->is_gone_ = true;
    if (self->exchange_) self->exchange_->set_gone();
    self->wake();
  });
}

asio::awaitable<void> Connection::await_wake() {
  if (!is_woken_) {
    wake_.expires_at(asio::steady_timer::time_point::max());
    (void)co_await wake_.async_wait(kToken);
  }
  is_woken_ = false;
}

void Connection::wake() {
  if (exchange_ && exchange_->is_cut_stream()) close();  // it may be in the middle of a write that takes long
  is_woken_ = true;
  wake_.cancel();
}

void Connection::limit_time(std::chrono::milliseconds limit) {
  deadline_.expires_after(limit);
  deadline_.async_wait([weak = weak_from_this(), limit_number = ++limits_set_](error_code ec) {
    const auto self = weak.lock();
    // The timer may have run out just before it was set anew.
    if (!ec && self && self->limits_set_ == limit_number) self->close();
  });
}

void Connection::unlimit_time() {
  ++limits_set_;
  deadline_.cancel();
}

void Connection::stop() {
  if (is_idle_) close();
  wake();
}

void Connection::abort() {
  close();
  if (exchange_) exchange_->set_gone();
  wake();
}

void Connection::close() {
  error_code ignored;
  socket_.close(ignored);
  unlimit_time();
}

}  // namespace jl::control
