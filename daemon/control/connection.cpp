#include "daemon/control/connection.hpp"

#include "common/control/api.hpp"

#include <fmt/format.h>
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
constexpr std::size_t kBufferLimit = 128u << 10u;
constexpr std::chrono::seconds kTurnAwayTime{1};

Error stopping_error() { return {Errc::unavailable, "jlinkd is stopping", "jlctl daemon wait"}; }

}  // namespace

Connection::Connection(Core& core, Socket socket)
    : core_(core), socket_(std::move(socket)), deadline_(core.io), wake_(core.io), buffer_(kBufferLimit) {
  caller_ = core_.caller_of(socket_.native_handle());
}

Connection::~Connection() {
  if (exchange_) exchange_->set_gone(), exchange_->detach();
}

asio::awaitable<void> Connection::run() {
  const auto self = shared_from_this();
  watch_for_hang_up();
  bool goes_on = true;
  while (goes_on && !core_.is_stopping) {
    goes_on = co_await serve_one();
    if (exchange_) exchange_->detach();
    exchange_.reset();
    large_body_.reset();
    is_first_ = false;
    if (buffer_.size() == 0) buffer_.shrink_to_fit();
  }
  close();
}

asio::awaitable<void> Connection::turn_away() {
  const auto self = shared_from_this();
  keeps_alive_ = false;
  request_id_ = core_.next_request_id();
  Reply reply(Error(Errc::busy, "the control socket has " + std::to_string(kMaxConnections) + " connections already"),
              request_id_);
  const bool sent = co_await send_reply(std::move(reply), false, std::string());
  if (sent) co_await linger(kTurnAwayTime);
  close();
}

void Connection::begin_request() {
  parser_.emplace();
  parser_->header_limit(kMaxHeader);
  parser_->body_limit(boost::none);  // until the gate has said how much
  request_id_ = core_.next_request_id();
  keeps_alive_ = true;
  is_endless_ = false;
}

asio::awaitable<bool> Connection::serve_one() {
  begin_request();
  if (buffer_.size() == 0) {
    is_idle_ = true;
    limit_time(is_first_ ? core_.options.header_timeout : core_.options.idle_timeout);
    const auto [failed] = co_await socket_.async_wait(Socket::wait_read, kToken);
    is_idle_ = false;
    if (failed) co_return false;
  }
  limit_time(core_.options.header_timeout);  // for the body as well
  const auto [ec, size] = co_await http::async_read_header(socket_, buffer_, *parser_, kToken);
  if (ec) {
    const bool goes_on = co_await refuse_malformed(ec);
    co_return goes_on;
  }
  keeps_alive_ = parser_->keep_alive();
  caller_.role = core_.role_of(caller_);
  caller_.claimed_user = claimed_text(header_field(kHeaderClaimedUser));
  caller_.claimed_from = claimed_text(header_field(kHeaderClaimedFrom));
  Admission admission = admit(head(), caller_);
  CallMemo memo(std::string(parser_->get().method_string()), admission, core_.clock.steady());
  const bool is_head = parser_->get().method() == http::verb::head;
  bool goes_on = false;
  if (admission.refusal) {
    goes_on = co_await refuse(std::move(admission), std::move(memo), is_head);
  } else {
    goes_on = co_await serve_call(std::move(admission), std::move(memo), is_head);
  }
  if (!keeps_alive_) goes_on = false;
  co_return goes_on;
}

asio::awaitable<bool> Connection::serve_call(Admission admission, CallMemo memo, bool is_head) {
  const bool expects_continue = !header_field("Expect").empty();
  Call call;
  std::optional<Error> refusal;
  if (admission.command->upload) {
    UploadTerms terms = admission.upload;
    auto file = co_await read_upload(std::move(terms), expects_continue);
    if (file) {
      memo.note_file(*file);
      call.file = std::move(*file);
    } else {
      refusal = file.error();
    }
    limit_time(core_.options.header_timeout);  // for what a refusal still has to read
  } else {
    auto body = co_await read_body(admission.max_body, expects_continue);
    if (body) {
      memo.note_body(admission, *body);
      call.body = std::move(*body);
    } else {
      refusal = body.error();
    }
  }
  if (!socket_.is_open()) {
    if (admission.command->upload && refusal) record_refusal(memo, *refusal);
    co_return false;
  }
  if (!refusal && core_.pending >= core_.options.max_pending) {
    refusal = Error(Errc::busy, "jlinkd handles " + std::to_string(core_.pending) + " calls already");
  }
  if (refusal) {
    admission.refusal = std::move(refusal);
    const bool goes_on = co_await refuse(std::move(admission), std::move(memo), is_head);
    co_return goes_on;
  }
  unlimit_time();  // how long the call takes is the handler's business

  call.command = admission.command;
  call.id = std::move(admission.id);
  call.query = std::move(admission.query);
  call.caller = caller_;
  call.request_id = request_id_;
  call.wants_ndjson = header_field("Accept").find(kNdjson) != std::string::npos;
  is_endless_ = call.command->streams || call.flag("follow");

  // The exchange does not keep the connection, and calls this only until detach().
  auto wake = [weak = weak_from_this(), &io = core_.io] {
    asio::post(io, [weak] {
      if (const auto self = weak.lock()) self->wake();
    });
  };
  exchange_ = std::make_shared<Exchange>(request_id_, core_.streams, std::move(wake));
  if (is_gone_) exchange_->set_gone();
  Place pending(core_.pending);
  auto responder = exchange_->responder();
  try {
    core_.handler(std::move(call), responder);
  } catch (const std::exception& e) {
    log::error("control", "a call failed path=\"{}\" error=\"{}\"", memo.path, e.what());
    responder->problem(Error(Errc::failed, "the call failed inside jlinkd", "journalctl -u jlinkd"));
  }
  responder.reset();
  const bool goes_on = co_await await_answer(exchange_, std::move(pending), std::move(memo), is_head);
  co_return goes_on;
}

// Stays with the call until it has ended, even when the caller has gone: what it did belongs into the log.
asio::awaitable<bool> Connection::await_answer(std::shared_ptr<Exchange> exchange, Place pending, CallMemo memo,
                                               bool is_head) {
  auto state = Exchange::State::open;
  while (state == Exchange::State::open) {
    const auto news = exchange->poll(0);
    state = news.state;
    if (state == Exchange::State::replied && news.is_cut) exchange->set_gone();
    if (state == Exchange::State::open && core_.is_stopping && !socket_.is_open()) break;  // abort()
    if (state == Exchange::State::open) {
      // Nobody waits for the answer any more: the place is for somebody who does.
      if (is_gone_) pending.reset();
      co_await await_wake();
    }
  }
  pending.reset();
  CallEnd end;
  end.notes = exchange->notes();
  bool goes_on = false;
  if (state == Exchange::State::replied) {
    Reply reply = exchange->take_reply();
    end.status = reply.status;
    end.code = reply.code;
    end.error = reply.error;
    record(memo, end);
    goes_on = co_await send_reply(std::move(reply), is_head, std::string());
    co_return goes_on;
  }
  if (state == Exchange::State::open) {
    const Error error = stopping_error();
    end.status = info(error.code).http_status;
    end.code = error.code;
    end.error = error.message;
  } else {
    goes_on = co_await send_lines(exchange);
    end.notes = exchange->notes();
    if (const auto error = exchange->stream_error()) {
      end.code = error->code;
      end.error = error->message;
    }
  }
  exchange->set_gone();
  record(memo, end);  // before the caller sees the end, so that it finds the record
  if (goes_on) {
    std::string last_chunk = "0\r\n\r\n";
    goes_on = co_await send(std::move(last_chunk));
  }
  co_return goes_on;
}

asio::awaitable<bool> Connection::send_lines(std::shared_ptr<Exchange> exchange) {
  std::string bytes = response_head(200, kNdjson) + "Transfer-Encoding: chunked\r\n\r\n";
  bool is_fine = co_await send(std::move(bytes));
  while (is_fine) {
    if (core_.is_stopping && is_endless_) exchange->end_with(stopping_error());
    auto news = exchange->poll(kWriteSize);
    if (news.is_cut || is_gone_ || !socket_.is_open()) co_return false;
    if (const std::size_t size = news.lines.size(); size > 0) {
      bytes = fmt::format("{:x}\r\n{}\r\n", size, news.lines);
      is_fine = co_await send(std::move(bytes));
      exchange->sent(size);
    } else if (news.state == Exchange::State::stream_ended) {
      co_return true;
    } else {
      co_await await_wake();
    }
  }
  co_return false;
}

asio::awaitable<bool> Connection::refuse(Admission admission, CallMemo memo, bool is_head) {
  const Error& error = *admission.refusal;
  record_refusal(memo, error);
  // A body that is small enough is read over, so that the connection can be used again.
  if (keeps_alive_ && !parser_->is_done()) {
    keeps_alive_ = co_await discard_body();
  }
  Reply reply(error, request_id_);
  std::string more;
  if (!admission.allow.empty()) more = "Allow: " + admission.allow + "\r\n";
  const bool sent = co_await send_reply(std::move(reply), is_head, std::move(more));
  if (sent && !keeps_alive_) co_await linger(core_.options.header_timeout);
  if (!sent) keeps_alive_ = false;
  co_return keeps_alive_;
}

asio::awaitable<bool> Connection::refuse_malformed(error_code ec) {
  static const auto& category = http::make_error_code(http::error::end_of_stream).category();
  // Gone, or too slow: nobody is there to be told.
  if (ec.category() != category || ec == http::error::end_of_stream || ec == http::error::partial_message) {
    co_return false;
  }
  keeps_alive_ = false;
  const bool is_large = ec == http::error::header_limit || ec == http::error::buffer_overflow;
  Error error = is_large ? Error(Errc::too_large, "the header has more than " + std::to_string(kMaxHeader) + " bytes")
                         : Error(Errc::bad_request, "the request is not HTTP/1.1: " + ec.message());
  Reply reply(error, request_id_);
  const bool sent = co_await send_reply(std::move(reply), false, std::string());
  if (sent) co_await linger(core_.options.header_timeout);
  co_return false;
}

}  // namespace jl::control
