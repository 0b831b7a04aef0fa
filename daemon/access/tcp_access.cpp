#include "daemon/access/tcp_access.hpp"

#include "daemon/access/device_session.hpp"
#include "daemon/access/refusals.hpp"

namespace jl::access {
namespace {

class TcpLink final : public DeviceLink {
 public:
  explicit TcpLink(network::TcpConnection& connection)
      : connection_(connection.weak_from_this()), thread_(connection.thread()) {}

  codec::Transport transport() const override { return codec::Transport::tcp; }
  Status send(const codec::Downlink& message) override {
    const auto connection = connection_.lock();
    if (!connection) return Error(Errc::connection_lost, "the connection is gone");
    if (!connection->send(message.payload)) return Error(Errc::system_busy, "its send queue is full");
    return {};
  }
  void close(EndReason) override {
    if (const auto connection = connection_.lock()) connection->close();
  }
  std::string peer() const override {
    const auto connection = connection_.lock();
    return connection ? connection->peer() : std::string();
  }
  network::IoThread& thread() const override { return thread_; }

 private:
  std::weak_ptr<network::TcpConnection> connection_;  // it owns the session, which owns the link
  network::IoThread& thread_;
};

void say(network::TcpConnection& connection, const codec::Answer& answer) {
  if (answer.has_reply) (void)connection.send(answer.reply.payload);
  for (const auto& further : answer.more) (void)connection.send(further.payload);
  if (answer.close) connection.close();
}

}  // namespace

struct TcpAccess::Attachment final : network::TcpAttachment {
  std::shared_ptr<DeviceSession> device;  // once a frame has proven whose connection it is
};

bool TcpAccess::on_open(network::TcpConnection& connection) {
  const auto gateways = gateways_.load();
  if (gateways->empty()) return false;
  connection.attachment = std::make_unique<Attachment>();
  if (const codec::Protocol* codec = gateways->front().codec) {
    codec::Answer answer;
    codec->connected(codec::Transport::tcp, nullptr, context_.clock.now(), answer);
    say(connection, answer);
  }
  return true;
}

void TcpAccess::on_frame(network::TcpConnection& connection, std::string_view frame) {
  codec::Uplink uplink{{}, frame, codec::Transport::tcp};
  const auto device = static_cast<Attachment&>(*connection.attachment).device;
  if (!device) return identify(connection, uplink);
  if (device->on_uplink(uplink) == DeviceSession::Uplink::invalid) connection.reset_framing();
}

void TcpAccess::identify(network::TcpConnection& connection, const codec::Uplink& uplink) {
  const auto gateways = gateways_.load();
  // A TCP component serves one gateway (access.md 1.4).
  const codec::Protocol* codec = gateways->empty() ? nullptr : gateways->front().codec;
  if (!codec) return connection.close();
  const auto owner = codec->owner_of(uplink);
  if (!owner) {
    gateways->front().counters->rejected.fetch_add(1, std::memory_order_relaxed);
    note_refusal(context_, refusal_log_, "access.tcp", network_id_, {}, connection.peer(),
                 "what it sends first names no device");
    codec::Answer answer;
    codec->refuse(uplink, codec::Stranger::nameless, context_.clock.now(), answer);
    return say(connection, answer);
  }
  auto admitted = admit(context_, *gateways, network_id_, owner->device_id);
  if (const auto* refusal = std::get_if<Refusal>(&admitted))
    return refuse(connection, uplink, *codec, owner->device_id, *refusal);
  auto& admission = std::get<Admission>(admitted);
  if (admission.codec != codec) {
    return refuse(connection, uplink, *codec, owner->device_id,
                  {Refusal::Kind::unauthenticated, "its product uses another protocol", admission.counters});
  }
  const auto counters = admission.counters;
  const auto still_welcome = [this](std::string_view device_id, std::string_view gateway_id) {
    return is_still_welcome(context_, *gateways_.load(), device_id, gateway_id);
  };
  const auto session = std::make_shared<DeviceSession>(context_, std::move(admission),
                                                       std::make_unique<TcpLink>(connection), still_welcome);
  auto& attachment = static_cast<Attachment&>(*connection.attachment);
  attachment.device = session;  // so that a close() from within finds it
  const auto result = session->on_uplink(uplink);
  if (result == DeviceSession::Uplink::taken) {
    counters->connections.fetch_add(1, std::memory_order_relaxed);
    return connection.identify(session->device_id());
  }
  attachment.device.reset();
  session->on_close(false);
  note_refusal(context_, refusal_log_, "access.tcp", network_id_, session->device_id(), connection.peer(),
               result == DeviceSession::Uplink::refused ? "wrong key" : "no login");
}

void TcpAccess::refuse(network::TcpConnection& connection, const codec::Uplink& uplink, const codec::Protocol& codec,
                       std::string_view device_id, const Refusal& refusal) {
  if (refusal.counters) refusal.counters->rejected.fetch_add(1, std::memory_order_relaxed);
  note_refusal(context_, refusal_log_, "access.tcp", network_id_, device_id, connection.peer(), refusal.why);
  codec::Answer answer;
  codec.refuse(uplink, stranger_of(refusal), context_.clock.now(), answer);
  say(connection, answer);
}

void TcpAccess::on_close(network::TcpConnection& connection, bool by_us) {
  auto& attachment = static_cast<Attachment&>(*connection.attachment);
  if (const auto device = std::move(attachment.device)) device->on_close(!by_us);
}

}  // namespace jl::access
