#include "daemon/access/http_access.hpp"

#include "daemon/access/on_threads.hpp"
#include "daemon/access/refusals.hpp"

#include <utility>

namespace jl::access {
namespace {

constexpr std::uint16_t kBadGateway = 1014;  // what JetLinks closes WebSockets with (wire.md 3.2)

network::HttpResponse not_found() { return {.status = 404, .body = R"({"message":"Not Found"})"}; }

network::HttpResponse response_of(codec::Answer& answer, int otherwise) {
  network::HttpResponse out;
  out.status = answer.status != 0 ? answer.status : otherwise;
  out.body = std::move(answer.body);
  if (!answer.content_type.empty()) out.content_type = std::move(answer.content_type);
  if (out.body.empty() && out.status == 200) out.body = R"({"message":"OK"})";
  return out;
}

/// The way to a device with an open WebSocket.
class WebSocketLink final : public DeviceLink {
 public:
  explicit WebSocketLink(network::HttpConnection& connection)
      : connection_(connection.weak_from_this()), thread_(connection.thread()) {}

  codec::Transport transport() const override { return codec::Transport::websocket; }
  Status send(const codec::Downlink& message) override {
    const auto connection = connection_.lock();
    if (!connection) return Error(Errc::connection_lost, "the connection is gone");
    if (!connection->send(message.payload, message.text)) return Error(Errc::system_busy, "its send queue is full");
    return {};
  }
  void close(EndReason reason) override {
    const auto connection = connection_.lock();
    if (!connection) return;
    switch (reason) {
      case EndReason::taken_over:
        return connection->close_websocket(kBadGateway, "Taken Over");
      case EndReason::administrative:
        return connection->close_websocket(kBadGateway, "Disconnected");
      case EndReason::refused:
        return connection->close_websocket(kBadGateway, "Unauthorized");
    }
  }
  std::string peer() const override {
    const auto connection = connection_.lock();
    return connection ? connection->peer() : std::string();
  }
  network::IoThread& thread() const override { return thread_; }

 private:
  std::weak_ptr<network::HttpConnection> connection_;  // it owns the session, which owns the link
  network::IoThread& thread_;
};

/// A request that is worked on by another thread than the one it came in on.
struct Job {
  std::string topic, payload, method, authorization, query, content_type, device_id, peer;
  const codec::Protocol* codec = nullptr;
  std::weak_ptr<network::HttpConnection> connection;
  network::IoThread* thread = nullptr;

  [[nodiscard]] codec::Uplink uplink() const {
    codec::Uplink out{topic, payload, codec::Transport::http, method, authorization, query};
    out.content_type = content_type;
    return out;
  }
  void answer(network::HttpResponse response) const {
    thread->post([weak = connection, response = std::move(response)] {
      if (const auto live = weak.lock()) live->respond(response);
    });
  }
};

}  // namespace

/// Requests have no way back: what the protocol answers is the response.
class HttpAccess::RequestLink final : public DeviceLink {
 public:
  RequestLink(std::weak_ptr<HttpAccess> access, std::string device_id, std::string peer, network::IoThread& thread)
      : access_(std::move(access)), device_id_(std::move(device_id)), peer_(std::move(peer)), thread_(thread) {}

  codec::Transport transport() const override { return codec::Transport::http; }
  Status send(const codec::Downlink&) override {
    return Error(Errc::unsupported_message, "a device that sends HTTP requests cannot be sent to");
  }
  bool yields() const override { return true; }
  void close(EndReason reason) override {
    // One request with a wrong token says nothing about the device.
    if (reason == EndReason::refused || std::exchange(closed_, true)) return;
    if (const auto access = access_.lock()) access->homes_[thread_.index()]->sessions.close(device_id_);
  }
  std::string peer() const override { return peer_; }
  network::IoThread& thread() const override { return thread_; }

 private:
  const std::weak_ptr<HttpAccess> access_;
  const std::string device_id_, peer_;
  network::IoThread& thread_;
  bool closed_ = false;
};

struct HttpAccess::Attachment final : network::HttpAttachment {
  std::shared_ptr<DeviceSession> device;  // of a WebSocket
};

HttpAccess::HttpAccess(const Context& context, std::string network_id, network::IoThreads& threads, Millis silence)
    : context_(context), network_id_(std::move(network_id)) {
  for (std::size_t i = 0; i < threads.size(); ++i)
    homes_.push_back(std::make_unique<Home>(context, network_id_, threads.at(i), silence));
}

void HttpAccess::attach(const std::shared_ptr<const AttachedGateways>& gateways) {
  auto routed = std::make_shared<RoutedGateways>();
  routed->gateways = gateways;
  routed->routes = Routes(*gateways, codec::Transport::http);
  routed->websocket = Routes(*gateways, codec::Transport::websocket);
  for (auto& home : homes_)
    home->thread.post([self = shared_from_this(), &home = *home, gateways] { home.sessions.attach(gateways); });
  gateways_.store(std::move(routed));
}

void HttpAccess::set_silence(Millis silence) {
  for (auto& home : homes_)
    home->thread.post([self = shared_from_this(), &home = *home, silence] { home.sessions.set_silence(silence); });
}

void HttpAccess::stop() {
  on_each_thread(homes_, [self = shared_from_this()](Home& home) {
    home.stopped = true;
    home.sessions.end(home.sessions.size());
  });
}

HttpAccess::Home& HttpAccess::home_of(std::string_view device_id) const {
  return *homes_[std::hash<std::string_view>{}(device_id) % homes_.size()];
}

// ---- requests

void HttpAccess::on_request(network::HttpConnection& connection, const network::HttpRequest& request) {
  const auto attached = gateways_.load();
  const auto route = attached->routes.find(request.path, request.method);
  if (!route.codec) {
    if (route.allowed.empty()) return connection.respond(not_found());
    return connection.respond({.status = 405, .body = R"({"message":"Method Not Allowed"})", .allow = route.allowed});
  }
  codec::Uplink uplink{request.path,   request.body,          codec::Transport::http,
                       request.method, request.authorization, request.query};
  uplink.content_type = request.content_type;
  const auto owner = route.codec->owner_of(uplink);
  if (!owner) {
    codec::Answer answer;
    route.codec->refuse(uplink, codec::Stranger::nameless, context_.clock.now(), answer);
    return connection.respond(response_of(answer, 400));
  }
  Home& home = home_of(owner->device_id);
  if (home.thread.is_current())
    return connection.respond(serve(home, *route.codec, uplink, owner->device_id, connection.peer()));

  auto job =
      std::make_shared<Job>(Job{std::string(request.path), std::string(request.body), std::string(request.method),
                                std::string(request.authorization), std::string(request.query),
                                std::string(request.content_type), std::string(owner->device_id), connection.peer(),
                                route.codec, connection.weak_from_this(), &connection.thread()});
  home.thread.post([self = shared_from_this(), &home, job] {
    auto response = self->serve(home, *job->codec, job->uplink(), job->device_id, job->peer);
    // "Done" means in the log, also when the log is another thread's.
    home.thread.after_commit([job, response = std::move(response)](bool committed) {
      job->answer(committed
                      ? response
                      : network::HttpResponse{.status = 500, .body = R"({"success":false,"code":"server_error"})"});
    });
  });
}

network::HttpResponse HttpAccess::serve(Home& home, const codec::Protocol& codec, const codec::Uplink& uplink,
                                        std::string_view device_id, const std::string& peer) {
  codec::Answer answer;
  if (home.stopped) return {.status = 503, .body = R"({"message":"Service Unavailable"})", .close = true};
  auto found = home.sessions.find_or_open(device_id, codec, [&](const std::string& id) {
    return std::make_unique<RequestLink>(weak_from_this(), id, peer, home.thread);
  });
  if (const auto* refusal = std::get_if<Refusal>(&found)) {
    if (refusal->counters) refusal->counters->rejected.fetch_add(1, std::memory_order_relaxed);
    note_refusal(context_, refusal_log_, "access.http", network_id_, device_id, peer, refusal->why);
    const auto why = stranger_of(*refusal);
    codec.refuse(uplink, why, context_.clock.now(), answer);
    return response_of(answer, why == codec::Stranger::unavailable ? 503 : 404);
  }
  const auto session = std::get<VirtualSessions::Entry*>(found)->session;
  switch (session->on_uplink(uplink, answer)) {
    case DeviceSession::Uplink::taken:
      home.sessions.touch(session);
      return response_of(answer, 200);
    case DeviceSession::Uplink::gone:
      codec.refuse(uplink, codec::Stranger::unknown, context_.clock.now(), answer);
      return response_of(answer, 404);
    case DeviceSession::Uplink::refused:
      note_refusal(context_, refusal_log_, "access.http", network_id_, device_id, peer, "wrong token");
      return response_of(answer, 401);
    case DeviceSession::Uplink::nothing:
    case DeviceSession::Uplink::foreign:
    case DeviceSession::Uplink::invalid:
      break;
  }
  return response_of(answer, 400);
}

// ---- WebSockets

void HttpAccess::on_upgrade(network::HttpConnection& connection, const network::HttpRequest& request) {
  const auto attached = gateways_.load();
  const auto route = attached->websocket.find(request.path);
  if (!route.codec) return connection.respond(not_found());
  const codec::WebSocketCredentials credentials{request.path, request.query, request.authorization,
                                                connection.tls_subject()};
  const auto owner = route.codec->owner_of(credentials);
  if (!owner) return refuse_websocket(connection, {}, {Refusal::Kind::unauthenticated, "it names no device", nullptr});
  auto admitted = admit(context_, *attached->gateways, network_id_, owner->device_id);
  if (const auto* refusal = std::get_if<Refusal>(&admitted))
    return refuse_websocket(connection, owner->device_id, *refusal);
  auto& admission = std::get<Admission>(admitted);
  const auto counters = admission.counters;
  if (admission.codec != route.codec) {
    return refuse_websocket(connection, owner->device_id,
                            {Refusal::Kind::unauthenticated, "its product uses another protocol", counters});
  }
  if (const auto outcome = route.codec->authenticate(credentials, admission.device.identity);
      outcome != codec::AuthOutcome::ok) {
    return refuse_websocket(connection, owner->device_id,
                            {Refusal::Kind::unauthenticated, std::string(codec::to_string(outcome)), counters});
  }
  counters->connections.fetch_add(1, std::memory_order_relaxed);
  const auto still_welcome = [this](std::string_view device_id, std::string_view gateway_id) {
    return is_still_welcome(context_, *gateways_.load()->gateways, device_id, gateway_id);
  };
  auto attachment = std::make_unique<Attachment>();
  attachment->device = std::make_shared<DeviceSession>(context_, std::move(admission),
                                                       std::make_unique<WebSocketLink>(connection), still_welcome);
  const auto device = attachment->device;
  connection.attachment = std::move(attachment);
  connection.set_client(device->device_id());
  connection.accept_websocket();
  device->go_online();
  device->greet();
  // A change that was committed after the look-up, and looked for sessions before this one was there, ended none.
  if (!still_welcome(device->device_id(), device->gateway_id())) device->end(EndReason::administrative);
}

void HttpAccess::refuse_websocket(network::HttpConnection& connection, std::string_view device_id,
                                  const Refusal& refusal) {
  if (refusal.counters) refusal.counters->rejected.fetch_add(1, std::memory_order_relaxed);
  note_refusal(context_, refusal_log_, "access.websocket", network_id_, device_id, connection.peer(), refusal.why);
  // As in JetLinks the handshake succeeds first: browsers and many libraries tell their users nothing of a refused one.
  connection.accept_websocket();
  connection.close_websocket(kBadGateway, "Unauthorized");
}

void HttpAccess::on_message(network::HttpConnection& connection, std::string_view message, bool) {
  if (!connection.attachment) return;
  const auto device = static_cast<Attachment&>(*connection.attachment).device;
  if (!device) return;
  if (device->on_uplink({{}, message, codec::Transport::websocket}) == DeviceSession::Uplink::invalid)
    connection.close_websocket(kBadGateway, "Bad Request");
}

void HttpAccess::on_close(network::HttpConnection& connection) {
  if (!connection.attachment) return;
  auto& attachment = static_cast<Attachment&>(*connection.attachment);
  if (const auto device = std::move(attachment.device)) device->on_close(true);
}

}  // namespace jl::access
