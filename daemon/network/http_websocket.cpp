#include "daemon/network/http_websocket.hpp"

#include <algorithm>

namespace jl::network {

namespace websocket = wire::websocket;

void HttpServerConnection::accept_websocket() {
  if (!is_open() || !waiting_ || handshake_ == nullptr) return;
  const auto handshake = std::move(handshake_);
  if (stopping_ || lost_) return refuse({503, "the server is stopping"});
  waiting_ = false;
  with_output([&](std::string& out) {
    append_switching(out, handshake->accept, handshake->extensions, settings_->fixed, io_thread().clock().now());
  });
  link_ = std::make_unique<Link>(*settings_, *handshake, io_thread().commit_number());
  wait_for_silence();
  proceed();
}

void HttpServerConnection::feed_link(std::string_view bytes) { link_->machine.feed(bytes, *this); }

bool HttpServerConnection::send(std::string_view message, bool text) {
  if (link_ == nullptr || link_->close_sent || !may_send()) return false;
  with_output([&](std::string& out) { websocket::append_message(out, message, text, link_->deflate_bits); });
  add(component_->counters.sent_messages);
  return true;
}

void HttpServerConnection::close_websocket(std::uint16_t code, std::string_view reason) {
  if (link_ == nullptr || link_->close_sent || !is_open()) return;
  with_output([&](std::string& out) { websocket::append_close(out, code, reason); });
  link_->close_sent = true;
  link_->machine.ignore();
  set_deadline(kCloseHandshake);
  tell_closed();
}

// ---- what the machine tells

void HttpServerConnection::on_message(std::string_view message, bool text) {
  count_message();
  component_->handler().on_message(*this, message, text);
}

void HttpServerConnection::on_ping(std::string_view payload) {
  with_output([&](std::string& out) { websocket::append_pong(out, payload); });
}

// The second half of the handshake, the client's or ours (RFC 6455 §5.5.1).
void HttpServerConnection::on_close(std::uint16_t code, std::string_view /*reason*/) {
  if (!link_->close_sent) {
    with_output([&](std::string& out) { websocket::append_close(out, code, {}); });
  }
  note_goodbye();
  end(true);
}

void HttpServerConnection::on_failure(std::uint16_t code, std::string_view detail) {
  report_violation(detail);
  if (!link_->close_sent) {
    with_output([&](std::string& out) { websocket::append_close(out, code, detail); });
  }
  end(true);
}

// ---- silence and commits

void HttpServerConnection::wait_for_silence() {
  const Millis idle = std::chrono::milliseconds(settings_->websocket_idle).count();
  const Millis ping = std::chrono::milliseconds(settings_->websocket_ping).count();
  Millis due = last_heard() + idle;
  if (ping > 0) due = std::min(due, std::max(last_heard(), link_->last_ping) + ping);
  set_deadline(std::max<Millis>(due - io_thread().timers().now(), 0));
}

// Not moved with every frame: it looks what came since and waits for the rest.
void HttpServerConnection::on_silence() {
  if (link_->close_sent) return end(true);
  const Millis now = io_thread().timers().now();
  if (now - last_heard() >= std::chrono::milliseconds(settings_->websocket_idle).count()) {
    return close_websocket(websocket::kGoingAway, "idle");
  }
  const Millis ping = std::chrono::milliseconds(settings_->websocket_ping).count();
  if (ping > 0 && now - std::max(last_heard(), link_->last_ping) >= ping) {
    link_->last_ping = now;
    with_output([](std::string& out) { websocket::append_ping(out); });
  }
  wait_for_silence();
}

// Whether what failed to be committed includes the 101: then the client does not know that it is a WebSocket.
bool HttpServerConnection::is_link_uncommitted() const { return link_->upgraded_in + 1 >= io_thread().commit_number(); }

void HttpServerConnection::fail_link_commit() {
  if (!link_->close_sent) {
    with_output([](std::string& out) { websocket::append_close(out, websocket::kInternalError, "storage failure"); });
  }
  end(true);
}

}  // namespace jl::network
