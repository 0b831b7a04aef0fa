#include "daemon/access/coap_access.hpp"

#include "daemon/access/refusals.hpp"

#include <array>
#include <future>
#include <utility>

namespace jl::access {
namespace {

constexpr int kJson = 50;  // content format (RFC 7252 §12.3)

std::string_view method_name(int method) {
  static constexpr std::array<std::string_view, 8> kNames{"",       "GET",   "POST",  "PUT",
                                                          "DELETE", "FETCH", "PATCH", "iPATCH"};
  return method > 0 && static_cast<std::size_t>(method) < kNames.size() ? kNames[static_cast<std::size_t>(method)]
                                                                        : "other";
}

codec::Uplink uplink_of(const network::CoapRequest& request) {
  codec::Uplink out{request.path, request.payload, codec::Transport::coap, method_name(request.method)};
  out.query = request.query;
  out.content_format = request.content_format;
  out.device_option = request.device_option;
  out.proven_id = request.proven_id;
  return out;
}

network::CoapResponse response_of(codec::Answer& answer, int otherwise) {
  return {answer.status != 0 ? answer.status : otherwise, std::move(answer.body),
          answer.content_format != 0 ? answer.content_format : kJson};
}

}  // namespace

/// The way to one device: the observation of its downlink resource, if it has one.
class CoapAccess::Link final : public DeviceLink {
 public:
  Link(std::weak_ptr<CoapAccess> access, std::string device_id, std::string peer, network::IoThread& thread)
      : access_(std::move(access)), device_id_(std::move(device_id)), peer_(std::move(peer)), thread_(thread) {}

  codec::Transport transport() const override { return codec::Transport::coap; }
  Status send(const codec::Downlink& message) override {
    const auto access = closed_ ? nullptr : access_.lock();
    if (!access || !access->server_) return Error(Errc::connection_lost, "its session is over");
    if (observer_ == 0) return Error(Errc::unsupported_message, "it does not observe its downlink resource");
    if (!access->server_->notify(observer_, message.payload, kJson))
      return Error(Errc::system_busy, "too many messages are on their way to it");
    return {};
  }
  void close(EndReason reason) override {
    // One request with a wrong key says nothing about the device.
    if (reason == EndReason::refused || std::exchange(closed_, true)) return;
    const auto access = access_.lock();
    if (!access) return;
    observe(*access, 0);
    access->sessions_->close(device_id_);
  }
  std::string peer() const override { return peer_; }
  network::IoThread& thread() const override { return thread_; }

  /// The observation that counts from now on; the one before is ended. 0 = none.
  void observe(CoapAccess& access, network::ObserverId id) {
    const auto before = std::exchange(observer_, id);
    if (before == 0 || before == id || access.observers_.erase(before) == 0) return;
    if (access.server_) access.server_->end_observation(before);
  }
  void forget(network::ObserverId id) {
    if (observer_ == id) observer_ = 0;
  }

 private:
  const std::weak_ptr<CoapAccess> access_;
  const std::string device_id_, peer_;
  network::IoThread& thread_;
  network::ObserverId observer_ = 0;
  bool closed_ = false;
};

CoapAccess::CoapAccess(const Context& context, std::string network_id, std::size_t max_devices, Millis silence)
    : context_(context), network_id_(std::move(network_id)), max_devices_(max_devices), silence_(silence) {}

void CoapAccess::bind(network::CoapServer& server, std::shared_ptr<const AttachedGateways> gateways) {
  thread_ = &server.thread();
  thread_->post([self = shared_from_this(), &server] {
    self->server_ = &server;
    self->sessions_ = std::make_unique<VirtualSessions>(self->context_, self->network_id_, server.thread(),
                                                        self->max_devices_, self->silence_);
  });
  attach(std::move(gateways));
}

void CoapAccess::attach(std::shared_ptr<const AttachedGateways> gateways) {
  thread_->post([self = shared_from_this(), gateways = std::move(gateways)] {
    self->attached_.routes = Routes(*gateways, codec::Transport::coap);
    self->attached_.gateways = gateways;
    self->sessions_->attach(gateways);
  });
}

void CoapAccess::set_silence(Millis silence) {
  thread_->post([self = shared_from_this(), silence] { self->sessions_->set_silence(silence); });
}

void CoapAccess::stop() {
  // A thread that has ended drops the work and with it the promise, which ends the wait as well.
  auto done = std::make_shared<std::promise<void>>();
  const auto finished = done->get_future();
  thread_->post([self = shared_from_this(), done = std::move(done)] {
    self->server_ = nullptr;
    self->sessions_->end(self->sessions_->size());
    done->set_value();
  });
  finished.wait();
}

// ---- requests

void CoapAccess::on_request(const network::CoapRequest& request, network::CoapRespond respond) {
  respond(serve(request));
}

network::CoapResponse CoapAccess::serve(const network::CoapRequest& request) {
  if (!server_) return {503};
  const codec::Uplink uplink = uplink_of(request);
  const auto route = attached_.routes.find(request.path, uplink.method);
  if (!route.codec) return {route.allowed.empty() ? 404 : 405};
  codec::Answer answer;
  const auto owner = route.codec->owner_of(uplink);
  if (!owner) {
    route.codec->refuse(uplink, codec::Stranger::nameless, context_.clock.now(), answer);
    return response_of(answer, 404);
  }
  auto found = session_of(owner->device_id, *route.codec, request.peer);
  if (const auto* refusal = std::get_if<Refusal>(&found)) {
    if (refusal->counters) refusal->counters->rejected.fetch_add(1, std::memory_order_relaxed);
    note_refusal(context_, refusal_log_, "access.coap", network_id_, owner->device_id, request.peer, refusal->why);
    const auto why = stranger_of(*refusal);
    route.codec->refuse(uplink, why, context_.clock.now(), answer);
    return response_of(answer, why == codec::Stranger::unavailable ? 503 : 401);
  }
  const auto session = std::get<VirtualSessions::Entry*>(found)->session;
  switch (session->on_uplink(uplink, answer)) {
    case DeviceSession::Uplink::taken:
      sessions_->touch(session);
      return response_of(answer, 201);
    case DeviceSession::Uplink::gone:
      return {401};
    case DeviceSession::Uplink::refused:
      note_refusal(context_, refusal_log_, "access.coap", network_id_, owner->device_id, request.peer, "wrong key");
      return response_of(answer, 401);
    case DeviceSession::Uplink::nothing:
    case DeviceSession::Uplink::foreign:
    case DeviceSession::Uplink::invalid:
      break;
  }
  return response_of(answer, 400);
}

std::variant<VirtualSessions::Entry*, Refusal> CoapAccess::session_of(std::string_view device_id,
                                                                      const codec::Protocol& codec,
                                                                      std::string_view peer) {
  return sessions_->find_or_open(device_id, codec, [&](const std::string& id) {
    return std::make_unique<Link>(weak_from_this(), id, std::string(peer), *thread_);
  });
}

void CoapAccess::on_observe(const network::CoapRequest& request, network::ObserverId id) {
  // The request has just been served, so its device has a session.
  const codec::Uplink uplink = uplink_of(request);
  const auto route = attached_.routes.find(request.path, uplink.method);
  const auto owner = route.codec ? route.codec->owner_of(uplink) : std::nullopt;
  if (!server_ || !owner) return;
  const auto found = session_of(owner->device_id, *route.codec, request.peer);
  const auto* entry = std::get_if<VirtualSessions::Entry*>(&found);
  if (!entry) return server_->end_observation(id);
  static_cast<Link&>((*entry)->session->link()).observe(*this, id);
  observers_[id] = owner->device_id;
}

void CoapAccess::on_observe_end(network::ObserverId id) {
  const auto it = observers_.find(id);
  if (it == observers_.end() || !sessions_) return;
  const std::string device_id = std::move(it->second);
  observers_.erase(it);
  if (const auto session = sessions_->known(device_id)) static_cast<Link&>(session->link()).forget(id);
}

std::string CoapAccess::shared_key(std::string_view identity) {
  if (!keys_allowed_) return {};
  auto admitted = admit(context_, *attached_.gateways, network_id_, identity);
  const auto* admission = std::get_if<Admission>(&admitted);
  if (!admission) return {};
  return std::string(admission->codec->pre_shared_key(admission->device.identity));
}

}  // namespace jl::access
