#include "daemon/network/http_file_sender.hpp"

#include "daemon/network/http_connection.hpp"
#include "daemon/network/open_file.hpp"

#include <algorithm>

namespace jl::network {
namespace {

void tell(const HttpFile& file, std::uint64_t bytes, bool ended) noexcept {
  try {
    if (file.progress) file.progress(bytes, ended);
  } catch (...) {  // what it counts is not worth the body
  }
}

}  // namespace

HttpFileSender::HttpFileSender(std::shared_ptr<const HttpFile> file, Timer::Callback wake, void* owner,
                               Millis steady_now)
    : file_(std::move(file)), timer_(wake, owner), offset_(file_->offset), left_(file_->length), moved_(steady_now) {
  if (file_->rate > 0) own_.emplace(file_->rate, steady_now);
  if (file_->budget) file_->budget->join();
}

HttpFileSender::~HttpFileSender() {
  if (file_->budget) file_->budget->leave();
  if (!told_end_) tell(*file_, untold_, true);
}

void HttpFileSender::skip(const HttpFile& file) { tell(file, 0, true); }

// ---- sending

HttpFileSender::Outcome HttpFileSender::send(const Stream& stream, Millis steady_now) {
  begun_ = true;
  std::size_t sent = 0;
  if (file_->file == nullptr) return {State::cut, sent};
  while (left_ > 0 || held() > 0) {
    if (sent >= kTurnBytes) return {State::more, sent};
    std::size_t granted = held();
    std::size_t wanted = granted;
    if (granted == 0) {
      const std::size_t most = stream.is_secure() ? kPieceBytes : kTurnBytes - sent;
      wanted = static_cast<std::size_t>(std::min<std::uint64_t>(left_, most));
      granted = grant(wanted, steady_now);
      if (granted == 0) return pause(sent, steady_now);
    }
    const IoResult result = send_granted(stream, granted);
    sent += result.bytes;
    note(result.bytes, steady_now);
    if (result.status == IoResult::Status::would_block) return {State::blocked, sent};
    if (result.status == IoResult::Status::end) return {State::cut, sent};
    if (result.status != IoResult::Status::ok) return {State::failed, sent};
    // A share of a budget is for a tick: asking again at once would take that of the others.
    if (granted < wanted && result.bytes == granted) return pause(sent, steady_now);
  }
  timer_.cancel();
  told_end_ = true;
  tell(*file_, std::exchange(untold_, 0), true);
  return {State::done, sent};
}

HttpFileSender::Outcome HttpFileSender::pause(std::size_t sent, Millis steady_now) {
  moved_ = steady_now;  // this wait is not the peer's fault
  return {State::paused, sent};
}

/// Writes bytes that may leave: those of the piece, or some of the file. Of the latter what is not taken is given back.
IoResult HttpFileSender::send_granted(const Stream& stream, std::size_t granted) {
  if (!stream.is_secure()) {
    const IoResult result = stream.send_file(file_->file->fd(), offset_, granted);
    give_back(granted - result.bytes);
    offset_ += result.bytes;
    left_ -= result.bytes;
    return result;
  }
  // TLS wants the bytes again that it did not take, so they are kept, whatever becomes of the file.
  if (held() == 0 && !fill(granted)) return {IoResult::Status::end, 0};
  const IoResult result = stream.write_some({piece_.get() + piece_begin_, held()});
  piece_begin_ += result.bytes;
  return result;
}

bool HttpFileSender::fill(std::size_t bytes) {
  if (piece_ == nullptr) piece_ = std::make_unique<char[]>(kPieceBytes);
  const auto got = file_->file->read_at(offset_, {piece_.get(), bytes});
  if (!got || *got < bytes) return false;
  piece_begin_ = 0;
  piece_end_ = bytes;
  offset_ += bytes;
  left_ -= bytes;
  return true;
}

void HttpFileSender::note(std::size_t bytes, Millis steady_now) {
  if (bytes == 0) return;
  moved_ = steady_now;
  untold_ += bytes;
  if (untold_ >= kProgressBytes && (left_ > 0 || held() > 0)) tell(*file_, std::exchange(untold_, 0), false);
}

// ---- rates

std::size_t HttpFileSender::grant(std::size_t wanted, Millis steady_now) {
  std::uint64_t granted = own_ ? own_->take(wanted, steady_now) : wanted;
  if (file_->budget && granted > 0) {
    const std::uint64_t own = granted;
    granted = file_->budget->take(own, steady_now);
    if (own_) own_->give_back(own - granted);
  }
  return static_cast<std::size_t>(granted);
}

void HttpFileSender::give_back(std::size_t bytes) {
  if (bytes == 0) return;
  if (own_) own_->give_back(bytes);
  if (file_->budget) file_->budget->give_back(bytes);
}

bool HttpFileSender::is_stalled(const Stream& stream, Millis steady_now) {
  const std::size_t before = std::exchange(waiting_, stream.unacknowledged());
  if (waiting_ < before) moved_ = steady_now;
  return steady_now - moved_ >= kStallLimit;
}

// ---- what a connection does with it

/// After the head of a response. False: nothing follows it.
bool HttpServerConnection::begin_file(const HttpResponse& response) {
  const auto& file = response.file;
  if (file == nullptr) return false;
  if (!is_open() || !sends_content(response, exchange_) || file->length == 0) {
    HttpFileSender::skip(*file);
    return false;
  }
  file_ = std::make_unique<HttpFileSender>(
      file, [](void* self) { static_cast<HttpServerConnection*>(self)->on_file_timer(); }, this,
      io_thread().clock().steady());
  waiting_ = true;  // with the next request
  io_thread().timers().set(file_->timer(), HttpFileSender::kStallCheck);
  call_on_drained();
  return true;
}

// Once everything before it is sent, and each time that the socket or the clock allows more. A turn's commit says
// nothing about these bytes, but its flush is where everybody gets to send.
void HttpServerConnection::send_file() {
  const Millis now = io_thread().clock().steady();
  const auto [state, bytes] = file_->send(stream(), now);
  add(component_->counters.sent_bytes, bytes);
  switch (state) {
    case HttpFileSender::State::more:
    case HttpFileSender::State::blocked:
      return wait_for_writable();
    case HttpFileSender::State::paused:
      call_on_drained();
      return io_thread().timers().set(file_->timer(), 0);
    case HttpFileSender::State::cut:
      shared().report(StreamComponent::Trouble::file, peer_name(), "it ends early or cannot be read", now);
      [[fallthrough]];
    case HttpFileSender::State::failed:
      return abandon();  // what is missing tells the peer (RFC 9112 §8)
    case HttpFileSender::State::done:
      return end_file();
  }
}

// Of a pause, or to look after the peer. The latter begins with the head, which a peer may leave lying as well.
void HttpServerConnection::on_file_timer() {
  if (!is_open() || file_ == nullptr) return;
  if (!is_blocked()) {
    io_thread().request_flush(*this);
  } else if (file_->is_stalled(stream(), io_thread().clock().steady())) {
    return close_slow("no byte of a file taken for 60 s");
  }
  io_thread().timers().set(file_->timer(), HttpFileSender::kStallCheck);
}

void HttpServerConnection::end_file() {
  file_.reset();
  waiting_ = false;
  if (exchange_.closes || stopping_ || lost_) return end(true);
  proceed();
}

}  // namespace jl::network
