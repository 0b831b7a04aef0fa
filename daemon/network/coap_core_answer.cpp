// How the CoAP component answers, and what time brings.
#include "daemon/network/coap_core.hpp"

#include <algorithm>
#include <vector>

namespace jl::network {
namespace {

constexpr std::string_view kLogger = "network.coap";
constexpr std::uint32_t kBusyFor = 1;  // seconds, of a 5.03: when to ask again (RFC 7252 §5.9.3.4)
constexpr std::uint32_t kFirstSequence = 1;
constexpr int kGet = 1;

void add(std::atomic<std::uint64_t>& counter, std::uint64_t by = 1) {
  counter.fetch_add(by, std::memory_order_relaxed);
}

bool is_success(int code) { return code / 100 == 2; }

/// RFC 7967 §2.1.
bool is_wanted(const CoapMessage& request, int code) { return (request.no_response >> (code / 100 - 1) & 1u) == 0; }

}  // namespace

void CoapCore::respond(CoapExchange& exchange) {
  const CoapMessage& request = exchange.request;
  CoapResponse& response = exchange.response;
  if (response.body != nullptr) return respond_with_body(exchange);
  const bool is_response = response.code >= 200 && response.code < 600 && response.code % 100 < 32;
  if (!is_response) {
    log::error(kLogger, "no response code component={} code={}", id_, response.code);
    return refuse(exchange, 500);
  }
  // RFC 7252 §5.10.4. Of other methods the deed is done already.
  const bool is_other_format = request.accept >= 0 && !response.payload.empty() &&
                               response.content_format != request.accept && is_success(response.code);
  if (is_other_format && request.is_reading()) return refuse(exchange, 406);
  CoapReply reply;
  reply.code = response.code;
  reply.content_format = response.content_format;
  if (request.block1) reply.block1 = CoapBlock{request.block1->number, false, request.block1->exponent};
  const bool begins = begins_to_observe(exchange, reply);
  transfers_.put(exchange.session, exchange.key, reply, std::move(response.payload), request.block2,
                 thread_.clock().steady());
  send(exchange, reply);
  if (begins && peers_.contains(exchange.session)) observe(exchange);
}

/// With the block of a body that the request names.
void CoapCore::respond_with_body(CoapExchange& exchange) {
  const CoapMessage& request = exchange.request;
  const auto body = std::move(exchange.response.body);
  if (request.method != kGet) {
    report_handler("a body for another method than GET");
    return refuse(exchange, 500);
  }
  Result<CoapReply> reply = read_block(*body, request);
  if (!reply) {
    report_handler(reply.error().message);
    return refuse(exchange, 500);
  }
  // RFC 7641 §4.1: without the Observe option the peer knows that it does not observe, also not what it did before.
  const ObserverId old = request.observe == 0 ? observers_.find(*exchange.session, exchange.token) : 0;
  if (old != 0) end_observer(old);
  // Later blocks are not those of something else that was here before.
  transfers_.forget(exchange.session, exchange.key);
  exchange.is_made_anew = reply->code == 205;
  send(exchange, *reply);
}

void CoapCore::refuse(CoapExchange& exchange, int code) {
  CoapReply reply;
  reply.code = code;
  // RFC 7959 §2.9.3 says how much would have been taken.
  if (code == 413) reply.size1 = options_.max_message_bytes;
  if (code == 413 || code == 408) reply.block1 = exchange.request.block1;
  if (code == 503) reply.max_age = kBusyFor;
  send(exchange, reply);
}

void CoapCore::send(CoapExchange& exchange, CoapReply& reply) {
  const CoapMessage& request = exchange.request;
  reply.id = request.id;
  reply.token = exchange.token;
  reply.kind = kind_of(exchange);
  add(counters.responses);
  if (reply.code >= 400) add(counters.rejected);
  const bool is_sent = is_wanted(request, reply.code) || reply.kind == CoapReply::Kind::acknowledgement;
  if (!is_wanted(request, reply.code)) reply = CoapReply{.kind = reply.kind, .id = reply.id};
  if (const auto peer = peers_.find(exchange.session); peer != peers_.end()) {
    CoapRecent& recent = peer->second->recent;
    const Millis now = thread_.clock().steady();
    const bool is_kept = !exchange.is_made_anew || reply.kind != CoapReply::Kind::acknowledgement;
    is_kept ? recent.answered(request.id, request.fingerprint, reply, now)
            : recent.forget(request.id, request.fingerprint, now);
  }
  if (is_sent) library_->send(*exchange.session, reply);
}

/// RFC 7252 §5.2.2 leaves it open whether an answer of its own is confirmable. It is, unless the peer lets them wait:
/// libcoap keeps as many as it is given.
CoapReply::Kind CoapCore::kind_of(const CoapExchange& exchange) {
  if (!exchange.request.is_confirmable) return CoapReply::Kind::non_confirmable;
  if (!exchange.is_acknowledged) return CoapReply::Kind::acknowledgement;
  CoapPeer& peer = *peers_.at(exchange.session);
  const Millis now = thread_.clock().steady();
  if (now - peer.late_start >= kMaxTransmitWait) {
    peer.late_start = now;
    peer.late = 0;
  }
  const bool is_deaf = now < peer.deaf_until || ++peer.late > kMostLate;
  return is_deaf ? CoapReply::Kind::non_confirmable : CoapReply::Kind::confirmable;
}

/// Completes the response to a request that wants to observe (RFC 7641 §4.1). True: it begins a new observation.
/// Without the Observe option in it the peer knows that it does not.
bool CoapCore::begins_to_observe(CoapExchange& exchange, CoapReply& reply) {
  if (exchange.request.observe != 0 || !exchange.request.is_reading()) return false;
  const ObserverId old = observers_.find(*exchange.session, exchange.token);
  if (old != 0 && is_success(reply.code) && observers_.is_of(old, exchange.key)) {
    reply.observe = observers_.sequence(old);
    return false;
  }
  if (old != 0) end_observer(old);
  if (!is_success(reply.code) || !observers_.has_room(*exchange.session, options_.max_sessions)) return false;
  reply.observe = kFirstSequence;
  return true;
}

void CoapCore::observe(CoapExchange& exchange) {
  const CoapPeer& peer = *peers_.at(exchange.session);
  const ObserverId id = observers_.add(*exchange.session, exchange.token, exchange.key);
  CoapRequest request;
  request.method = exchange.request.method;
  request.path = exchange.request.path;
  request.query = exchange.request.query;
  request.payload = exchange.payload;
  request.content_format = exchange.request.content_format;
  request.device_option = exchange.device_option;
  request.proven_id = peer.identity;
  request.tls_subject = peer.subject;
  request.peer = peer.address;
  request.observe = true;
  handler_->on_observe(request, id);
}

void CoapCore::end_observer(ObserverId id) {
  if (observers_.remove(id)) handler_->on_observe_end(id);
}

void CoapCore::on_undelivered(coap_session_t& session, std::uint16_t id, std::string_view token, bool was_reset) {
  const auto found = peers_.find(&session);
  if (found == peers_.end()) return;
  CoapPeer& peer = *found->second;
  if (!was_reset) peer.deaf_until = thread_.clock().steady() + kMaxTransmitWait;
  if (peer.ping == id) {
    peer.ping = -1;
    if (was_reset) {
      peer.heard = thread_.clock().steady();
      return;
    }
    for (const ObserverId each : observers_.of_peer(session)) end_observer(each);
    return;
  }
  // RFC 7641 §3.6, §4.5.
  if (const ObserverId observer = observers_.find(session, token); observer != 0) end_observer(observer);
}

void CoapCore::on_session_end(coap_session_t& session) {
  transfers_.forget(&session);
  for (const ObserverId id : observers_.of_peer(session)) end_observer(id);
  std::erase_if(open_, [&](const ExchangePtr& exchange) {
    if (exchange->session != &session) return false;
    CoapLibrary::release(session);
    exchange->session = nullptr;
    return true;
  });
  peers_.erase(&session);
  counters.sessions.store(static_cast<std::uint32_t>(peers_.size()), std::memory_order_relaxed);
}

void CoapCore::on_handshake(bool ok) {
  add(ok ? counters.dtls_handshakes : counters.dtls_failures);
  std::uint64_t held = 0;
  if (!ok && handshake_failures_.allow(thread_.clock().steady(), held)) {
    log::warn(kLogger, "DTLS handshake failed component={} suppressed={}", id_, held);
  }
}

std::string CoapCore::shared_key(std::string_view identity) { return handler_->shared_key(identity); }

CoapReply CoapCore::next_notification(ObserverId id, bool is_repeat) {
  return observers_.next(id, is_repeat, thread_.clock().steady());
}

void CoapCore::on_sent(std::size_t bytes) { add(counters.sent_bytes, bytes); }

void CoapCore::sweep() {
  thread_.timers().set(sweeper_, TimerWheel::kResolution);
  transfers_.expire(thread_.clock().steady());
  look_after_open();
  probe_silent_observers();
  keep_to_limit();
  library_->settle();
}

/// What waits for long is acknowledged, so that the peer stops repeating it, and in the end given up.
void CoapCore::look_after_open() {
  const Millis now = thread_.clock().steady();
  const std::vector<ExchangePtr> all(open_.begin(), open_.end());  // oldest first
  for (const ExchangePtr& exchange : all) {
    if (now - exchange->since < kPiggyback) break;
    if (exchange->session == nullptr) continue;
    if (exchange->request.is_confirmable && !std::exchange(exchange->is_acknowledged, true)) {
      CoapReply empty;
      empty.id = exchange->request.id;
      peers_.at(exchange->session)->recent.answered(exchange->request.id, exchange->request.fingerprint, empty, now);
      library_->send(*exchange->session, empty);
    }
    if (now - exchange->since >= kAnswerLimit) answer(exchange, {.code = 504, .payload = {}});
  }
}

/// A peer that only waits for news may have gone without a word: it is asked (RFC 7252 §4.3, CoAP ping).
void CoapCore::probe_silent_observers() {
  const Millis now = thread_.clock().steady();
  const Millis limit = std::chrono::milliseconds(options_.session_timeout).count();
  for (coap_session_t* session : observers_.sessions()) {
    CoapPeer& peer = *peers_.at(session);
    if (peer.ping < 0 && now - peer.heard >= limit) peer.ping = library_->ping(*session);
  }
}

/// libcoap counts only the sessions that nothing holds.
void CoapCore::keep_to_limit() {
  const auto held = static_cast<std::uint32_t>(observers_.peers() + open_.size());
  library_->set_limits(options_.max_sessions - std::min(options_.max_sessions, held), options_.max_handshakes,
                       options_.session_timeout);
}

}  // namespace jl::network
