#include "daemon/network/http_connection.hpp"

#include "daemon/network/http_file_sender.hpp"
#include "daemon/network/http_websocket.hpp"

#include <algorithm>

namespace jl::network {

using Step = HttpRequestReader::Step;

HttpServerConnection::HttpServerConnection(std::shared_ptr<HttpComponent> component, StreamLane& lane, Stream stream,
                                           const PeerAddress& peer, bool over_limit)
    : StreamConnection(component, lane, std::move(stream), peer, over_limit),
      component_(std::move(component)),
      settings_(component_->settings()) {}

HttpServerConnection::~HttpServerConnection() = default;

// ---- what comes in

void HttpServerConnection::on_input(std::string_view bytes) {
  if (is_over_limit()) return refuse({503, "too many connections"});
  with_output([&](std::string&) { work(bytes); });
  set_time_limit();
}

// One request after the other, as long as each is answered at once and the client takes what it is sent. The rest is
// kept; it is at most one read, because nothing more is read meanwhile.
void HttpServerConnection::work(std::string_view bytes) {
  working_ = true;
  while (is_open() && !bytes.empty() && !waiting_ && unsent() <= kReadPause) {
    if (link_ != nullptr) {
      feed_link(bytes);
      bytes = {};
    } else {
      read_request(bytes);
    }
  }
  working_ = false;
  if (!is_open() || bytes.empty()) return;
  kept_.assign(bytes);
  if (!waiting_) call_on_drained();
}

// Not from inside respond(): who answers one request does not expect to be given the next one there.
void HttpServerConnection::resume_soon() {
  io_thread().post([kept = strong_self()] { kept->resume(); });
}

void HttpServerConnection::resume() {
  if (!is_open() || waiting_) return;
  const std::string input = std::exchange(kept_, {});
  with_output([&](std::string&) { work(input); });
  set_time_limit();
  go_on();
}

void HttpServerConnection::read_request(std::string_view& bytes) {
  if (request_ == nullptr) {
    const auto* const start = std::find_if(bytes.begin(), bytes.end(), HttpRequestReader::is_start);
    bytes.remove_prefix(static_cast<std::size_t>(start - bytes.begin()));
    if (bytes.empty()) return;
    request_ =
        std::make_unique<HttpRequestReader>(HttpRequestLimits{settings_->max_header_bytes, settings_->max_body_bytes});
    began_ = io_thread().timers().now();
    is_timed_ = false;
  }
  Step step = request_->take(bytes);
  if (step == Step::head) {
    if (!take_head()) return;
    step = request_->take(bytes);
  }
  if (step == Step::refused) return refuse(request_->refusal());
  if (step == Step::complete) dispatch();
}

/// Whether the request is read on.
bool HttpServerConnection::take_head() {
  const HttpHead& head = request_->head();
  if (settings_->websocket_only && !head.upgrades) {
    refuse({426, "only WebSocket is served here"});
    return false;
  }
  if (head.expects_continue) with_output(append_continue);
  return true;
}

void HttpServerConnection::dispatch() {
  const auto request = std::move(request_);  // views of it are out while the connection may end
  const HttpHead& head = request->head();
  if (!is_admitted()) admit();
  count_message();
  exchange_ = {head.version, head.method == "HEAD", !head.keep_alive};
  if (head.upgrades) {
    handshake_ = std::make_unique<HttpHandshake>(judge_handshake(head, settings_->compression));
    if (handshake_->refusal.status != 0) return refuse(handshake_->refusal);
  }
  waiting_ = announced_ = true;
  const HttpRequest view{.method = head.method,
                         .path = head.path,
                         .target = head.target,
                         .query = head.query,
                         .body = request->body(),
                         .authorization = head.authorization,
                         .content_type = head.content_type,
                         .range = head.range,
                         .if_range = head.if_range,
                         .if_match = head.if_match,
                         .if_none_match = head.if_none_match,
                         .if_modified_since = head.if_modified_since,
                         .if_unmodified_since = head.if_unmodified_since};
  if (head.upgrades) return component_->handler().on_upgrade(*this, view);
  component_->handler().on_request(*this, view);
}

// ---- what goes out

void HttpServerConnection::respond(const HttpResponse& response) {
  if (!is_open() || !waiting_ || file_ != nullptr) return;
  waiting_ = false;
  handshake_.reset();
  exchange_.closes |= response.close || stopping_ || lost_;
  with_output([&](std::string& out) {
    append_response(out, response, exchange_, settings_->fixed, io_thread().clock().now());
  });
  add(component_->counters.sent_messages);
  if (response.file != nullptr && begin_file(response)) return;
  if (exchange_.closes) return end(true);
  proceed();
}

// After an answer: the next request, which may be here already.
void HttpServerConnection::proceed() {
  if (working_) return;
  if (!kept_.empty()) return resume_soon();
  go_on();
  set_time_limit();
}

// A request that cannot be served. Where the next one would begin is not known, so the connection ends.
void HttpServerConnection::refuse(const HttpRefusal& refusal) {
  if (!is_open()) return;
  const bool is_clients_fault = refusal.status != 408 && refusal.status != 426 && refusal.status != 503;
  if (is_clients_fault) report_violation(refusal.detail);
  if (request_ != nullptr && request_->has_head()) {
    exchange_.version = request_->head().version;
    exchange_.is_head = request_->head().method == "HEAD";
  }
  exchange_.closes = true;
  with_output([&](std::string& out) {
    append_problem(out, refusal.status, refusal.detail, exchange_, settings_->fixed, io_thread().clock().now());
  });
  end(false);
}

// ---- time

void HttpServerConnection::set_time_limit() {
  if (!is_open() || link_ != nullptr) return;
  if (waiting_) return cancel_deadline();
  if (request_ == nullptr) {
    if (!is_admitted()) return;
    return set_deadline(std::chrono::milliseconds(settings_->idle_timeout).count());
  }
  // Until the first head is whole the time to connect goes on.
  if (is_timed_ || (!is_admitted() && !request_->has_head())) return;
  is_timed_ = true;
  const Millis passed = io_thread().timers().now() - began_;
  set_deadline(std::max<Millis>(std::chrono::milliseconds(settings_->request_timeout).count() - passed, 0));
}

void HttpServerConnection::on_deadline() {
  if (link_ != nullptr) return on_silence();
  if (request_ != nullptr) return refuse({408, "request not complete in time"});
  end(false);
}

// ---- the end

// A client that closed its half still gets its answer. Told again, nothing can be sent any more.
void HttpServerConnection::on_lost() {
  if (waiting_ && !lost_) {
    lost_ = true;
    return;
  }
  end(true);
}

void HttpServerConnection::on_commit_failed() {
  if (file_ != nullptr && file_->has_begun()) return abandon();  // nothing may be said in the middle of it
  if (link_ != nullptr && !is_link_uncommitted()) return fail_link_commit();
  // More than one answer may be gone, of which this is the first, so that of a GET for all we know.
  exchange_ = {.version = exchange_.version, .is_head = false, .closes = true};
  with_output([&](std::string& out) {
    append_problem(out, 503, "the request could not be stored", exchange_, settings_->fixed, io_thread().clock().now());
  });
  end(false);
}

void HttpServerConnection::shut_down() {
  if (!is_open()) return;
  if (link_ != nullptr) return close_websocket(wire::websocket::kGoingAway, "server is stopping");
  if (waiting_ || request_ != nullptr || !kept_.empty()) {
    stopping_ = true;
  } else {
    end(true);
  }
}

void HttpServerConnection::end(bool quiet) {
  if (!is_open()) return;
  waiting_ = false;
  request_.reset();
  file_.reset();
  if (link_ != nullptr) link_->machine.stop();  // it may be in the middle of its input
  begin_closing(quiet);
  tell_closed();
}

void HttpServerConnection::tell_closed() {
  if (!announced_) return;
  announced_ = false;
  component_->handler().on_close(*this);
}

void HttpServerConnection::on_finished() {
  file_.reset();
  tell_closed();
  attachment.reset();
  link_.reset();
}

}  // namespace jl::network
