#include "daemon/network/coap_core.hpp"

#include "daemon/base/log.hpp"

#include <algorithm>
#include <exception>
#include <functional>

namespace jl::network {
namespace {

constexpr std::string_view kLogger = "network.coap";
constexpr Millis kSweepEvery = TimerWheel::kResolution;
constexpr Millis kRateWindow = 1000;

void add(std::atomic<std::uint64_t>& counter, std::uint64_t by = 1) {
  counter.fetch_add(by, std::memory_order_relaxed);
}

/// What one body is known by among those of its peer: all that may be repeated with each of its blocks.
std::uint64_t body_key(const CoapMessage& message, bool is_upload) {
  std::string all = fmt::format("{} {} {}?{}", is_upload, message.method, message.path, message.query);
  if (is_upload) all.append(1, '\0').append(message.device_option).append(1, '\0').append(message.request_tag);
  return std::hash<std::string>{}(all);
}

}  // namespace

Result<std::shared_ptr<CoapCore>> CoapCore::open(const CoapServerOptions& options,
                                                 std::shared_ptr<const TlsContext> dtls, IoThread& thread,
                                                 std::shared_ptr<CoapServerHandler> handler) {
  auto core = std::make_shared<CoapCore>(options, thread, std::move(handler));
  JL_TRY(core->library_, CoapLibrary::open(options, *core));
  core->port_ = core->library_->port();
  core->observers_.set_library(core->library_.get());
  core->update(options, std::move(dtls));
  return core;
}

CoapCore::CoapCore(const CoapServerOptions& options, IoThread& thread, std::shared_ptr<CoapServerHandler> handler)
    : id_(options.id),
      thread_(thread),
      handler_(std::move(handler)),
      options_(options),
      transfers_(std::max<std::size_t>(kTransferBudget, std::size_t{2} * options.max_message_bytes)),
      observers_(thread, counters, transfers_),
      sweeper_([](void* self) { static_cast<CoapCore*>(self)->sweep(); }, this) {}

CoapCore::~CoapCore() { let_go(); }

void CoapCore::begin() {
  if (const Status status = thread_.watch(library_->descriptor(), *this); !status) {
    log::error(kLogger, "cannot read component={} error=\"{}\"", id_, status.error().message);
  }
  thread_.timers().set(sweeper_, kSweepEvery);
}

void CoapCore::end() {
  if (library_ == nullptr) return;
  sweeper_.cancel();
  thread_.forget(library_->descriptor(), *this);
  for (const ObserverId id : observers_.all()) end_observer(id);
  let_go();
}

/// Closes the sessions, after all that holds them.
void CoapCore::let_go() {
  if (library_ == nullptr) return;
  for (const ObserverId id : observers_.all()) observers_.remove(id);
  for (const ExchangePtr& exchange : open_) {
    CoapLibrary::release(*exchange->session);
    exchange->session = nullptr;
  }
  open_.clear();
  peers_.clear();
  observers_.set_library(nullptr);
  library_.reset();
  counters.sessions.store(0, std::memory_order_relaxed);
}

void CoapCore::update(const CoapServerOptions& options, std::shared_ptr<const TlsContext> dtls) {
  if (library_ == nullptr) return;
  options_ = options;
  library_->set_limits(options.max_sessions, options.max_handshakes, options.session_timeout);
  if (options.secure) library_->set_dtls(std::move(dtls), options.mutual);
}

bool CoapCore::notify(ObserverId id, std::string_view payload, int content_format) {
  return library_ != nullptr && observers_.notify(id, payload, content_format, shared_from_this());
}

void CoapCore::end_observation(ObserverId id) {
  if (library_ == nullptr) return;
  observers_.end_with_notice(id);
  library_->settle();
}

void CoapCore::on_readable() {
  // What happens in here may stop the component.
  const auto self = shared_from_this();
  if (library_ != nullptr) library_->work();
}

CoapPeer& CoapCore::peer_of(coap_session_t& session) {
  auto& peer = peers_[&session];
  if (peer == nullptr) {
    peer = std::make_unique<CoapPeer>(CoapPeer{&session, CoapLibrary::peer_of(session),
                                               CoapLibrary::identity_of(session), CoapLibrary::subject_of(session)});
    counters.sessions.store(static_cast<std::uint32_t>(peers_.size()), std::memory_order_relaxed);
  }
  return *peer;
}

void CoapCore::on_message(coap_session_t& session, const CoapMessage& message) {
  const Millis now = thread_.clock().steady();
  CoapPeer& peer = peer_of(session);
  peer.heard = now;
  add(counters.received_bytes, message.bytes);
  if (repeat(peer, message)) return;
  peer.recent.add(message.id, message.fingerprint, now);
  add(counters.requests);

  auto exchange = std::make_shared<CoapExchange>(
      CoapExchange{&session, message, std::string(message.token), body_key(message, false), now});
  CoapMessage& request = exchange->request;
  request.token = request.payload = request.device_option = request.request_tag = {};
  // The blocks of one body are one request.
  const bool is_first = !message.block1 || message.block1->number == 0;
  if (is_first && is_too_fast(peer)) {
    add(counters.rate_limited);
    std::uint64_t held = 0;
    if (rate_limits_.allow(now, held)) {
      log::warn(kLogger, "too many requests component={} peer={} limit={}/s suppressed={}", id_, peer.address,
                options_.max_message_rate, held);
    }
    return refuse(*exchange, 503);
  }
  if (message.fault != 0) return refuse(*exchange, message.fault);
  handle(peer, message, exchange);
}

/// A message that was here before (RFC 7252 §4.2, §4.3): gets what it got.
bool CoapCore::repeat(CoapPeer& peer, const CoapMessage& message) {
  const auto* entry = peer.recent.find(message.id, message.fingerprint, peer.heard);
  if (entry == nullptr) return false;
  if (!message.is_confirmable) return true;
  CoapReply reply;
  switch (entry->state) {
    case CoapRecent::State::answered:
      if (entry->reply != nullptr) reply = *entry->reply;
      reply.code = entry->code;
      reply.token = message.token;
      break;
    case CoapRecent::State::acknowledged:
      break;
    default:
      return true;
  }
  reply.id = message.id;
  library_->send(*peer.session, reply);
  return true;
}

bool CoapCore::is_too_fast(CoapPeer& peer) const {
  if (options_.max_message_rate == 0) return false;
  if (peer.heard - peer.window_start >= kRateWindow) {
    peer.window_start = peer.heard;
    peer.in_window = 0;
  }
  return ++peer.in_window > options_.max_message_rate;
}

void CoapCore::handle(CoapPeer& peer, const CoapMessage& message, const ExchangePtr& exchange) {
  if (!message.block1) {
    if (message.payload.size() > options_.max_message_bytes) return refuse(*exchange, 413);
    // RFC 7959 §2.4: a later block of what was answered before.
    if (message.block2 && message.block2->number > 0) {
      CoapReply reply;
      if (transfers_.get(peer.session, exchange->key, reply, *message.block2, peer.heard)) {
        return send(*exchange, reply);
      }
      if (!message.is_reading()) return refuse(*exchange, 408);
    }
    return ask(peer, message, message.payload, exchange);
  }
  auto step = transfers_.take(peer.session, body_key(message, true), message, options_.max_message_bytes, peer.heard);
  if (step.code == 0) return ask(peer, message, step.body, exchange);
  if (step.code != 231) return refuse(*exchange, step.code);
  CoapReply next;
  next.code = step.code;
  next.block1 = message.block1;
  send(*exchange, next);
}

void CoapCore::ask(CoapPeer& peer, const CoapMessage& message, std::string_view payload, const ExchangePtr& exchange) {
  if (peer.open >= kMostOpenOfPeer || open_.size() >= options_.max_sessions) return refuse(*exchange, 503);
  const bool may_observe = message.is_reading();
  // RFC 7641 §3.6: the same token, and not interested any more.
  if (may_observe && message.observe == 1) {
    if (const ObserverId id = observers_.find(*peer.session, message.token); id != 0) end_observer(id);
  }
  CoapRequest request;
  request.method = message.method;
  request.path = message.path;
  request.query = message.query;
  request.payload = payload;
  request.content_format = message.content_format;
  request.device_option = message.device_option;
  request.proven_id = peer.identity;
  request.tls_subject = peer.subject;
  request.peer = peer.address;
  request.observe = may_observe && message.observe == 0;
  request.block2 = message.block2;
  if (request.observe) exchange->device_option = message.device_option, exchange->payload = payload;
  try {
    handler_->on_request(request, [self = weak_from_this(), weak = std::weak_ptr(exchange)](const CoapResponse& r) {
      const auto core = self.lock();
      const auto asked = weak.lock();
      if (core != nullptr && asked != nullptr) core->answer(asked, r);
    });
  } catch (const std::exception& e) {
    report_handler(e.what());
    answer(exchange, {.code = 500, .payload = {}});
  } catch (...) {
    report_handler("unknown exception");
    answer(exchange, {.code = 500, .payload = {}});
  }
  exchange->is_asking = false;
  exchange->is_answered ? settle(exchange) : keep_open(exchange);
}

void CoapCore::report_handler(std::string_view error) {
  std::uint64_t held = 0;
  if (!handler_failures_.allow(thread_.clock().steady(), held)) return;
  log::error(kLogger, "a request could not be handled component={} error=\"{}\" suppressed={}", id_, error, held);
}

/// The handler's answer, in its call or later.
void CoapCore::answer(const ExchangePtr& exchange, const CoapResponse& response) {
  if (exchange->is_answered || exchange->session == nullptr) return;
  exchange->is_answered = true;
  exchange->response = response;
  if (exchange->is_asking) return;
  settle(exchange);
  if (library_ != nullptr) library_->settle();
}

void CoapCore::keep_open(const ExchangePtr& exchange) {
  if (std::exchange(exchange->is_open, true)) return;
  CoapLibrary::hold(*exchange->session);
  ++peers_.at(exchange->session)->open;
  exchange->place = open_.insert(open_.end(), exchange);
}

/// Answers as soon as what the request has led to is safe.
void CoapCore::settle(const ExchangePtr& exchange) {
  if (thread_.commit_now()) return finish(exchange, true);
  keep_open(exchange);
  thread_.after_commit([self = shared_from_this(), exchange](bool committed) {
    self->finish(exchange, committed);
    if (self->library_ != nullptr) self->library_->settle();
  });
}

void CoapCore::finish(const ExchangePtr& exchange, bool committed) {
  if (exchange->session == nullptr) return;
  if (exchange->is_open) {
    open_.erase(exchange->place);
    exchange->is_open = false;
    --peers_.at(exchange->session)->open;
    CoapLibrary::release(*exchange->session);
  }
  if (!committed) return refuse(*exchange, 503);
  respond(*exchange);
}

}  // namespace jl::network
