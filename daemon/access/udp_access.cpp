#include "daemon/access/udp_access.hpp"

#include "daemon/access/on_threads.hpp"
#include "daemon/access/refusals.hpp"

#include <utility>

namespace jl::access {

/// The way to one device: where its last datagram came from.
class UdpAccess::Link final : public DeviceLink {
 public:
  Link(std::weak_ptr<UdpAccess> access, std::string device_id, network::UdpLane& lane, const network::PeerAddress& peer)
      : access_(std::move(access)),
        device_id_(std::move(device_id)),
        lane_(lane),
        thread_(lane.thread()),
        peer_(peer) {}

  codec::Transport transport() const override { return codec::Transport::udp; }
  Status send(const codec::Downlink& message) override {
    if (closed_) return Error(Errc::connection_lost, "its session is over");
    if (!lane_.send(asker_ ? *asker_ : peer_, message.payload))
      return Error(Errc::system_busy, "too much waits to be sent, or the message is larger than a datagram");
    return {};
  }
  void close(EndReason reason) override {
    // One datagram with a wrong key says nothing about the device.
    if (reason == EndReason::refused || std::exchange(closed_, true)) return;
    if (const auto access = access_.lock()) access->homes_[thread().index()]->sessions.close(device_id_);
  }
  std::string peer() const override { return asker_ ? asker_->to_string() : peer_.to_string(); }
  network::IoThread& thread() const override { return thread_; }

  /// Who is answered while a datagram is worked on: it has proven nothing yet.
  void ask(const network::PeerAddress* asker) { asker_ = asker; }
  void move_to(const network::PeerAddress& peer) { peer_ = peer; }
  [[nodiscard]] const network::PeerAddress& address() const { return peer_; }

 private:
  const std::weak_ptr<UdpAccess> access_;
  const std::string device_id_;
  network::UdpLane& lane_;  // gone once the session is closed
  network::IoThread& thread_;
  network::PeerAddress peer_;
  const network::PeerAddress* asker_ = nullptr;
  bool closed_ = false;
};

UdpAccess::UdpAccess(const Context& context, std::string network_id, network::IoThreads& threads,
                     std::size_t max_devices, Millis silence)
    : context_(context), network_id_(std::move(network_id)) {
  const std::size_t each = std::max<std::size_t>(1, max_devices / threads.size());
  for (std::size_t i = 0; i < threads.size(); ++i)
    homes_.push_back(std::make_unique<Home>(context, network_id_, threads.at(i), each, silence));
}

void UdpAccess::attach(const std::shared_ptr<const AttachedGateways>& gateways) {
  for (auto& home : homes_)
    home->thread.post([self = shared_from_this(), &home = *home, gateways] { home.sessions.attach(gateways); });
}

void UdpAccess::set_silence(Millis silence) {
  for (auto& home : homes_)
    home->thread.post([self = shared_from_this(), &home = *home, silence] { home.sessions.set_silence(silence); });
}

void UdpAccess::stop() {
  on_each_thread(homes_, [self = shared_from_this()](Home& home) {
    home.stopped = true;
    home.sessions.end(home.sessions.size());
  });
}

void UdpAccess::on_datagram(network::UdpLane& lane, const network::PeerAddress& from, std::string_view datagram,
                            std::string_view) {
  Home& home = *homes_[lane.thread().index()];
  const auto& gateways = home.sessions.gateways();
  // A UDP component serves one gateway (access.md 1.4).
  const codec::Protocol* codec = gateways.empty() || home.stopped ? nullptr : gateways.front().codec;
  if (!codec) {
    unheard_.fetch_add(1, std::memory_order_relaxed);
    return;
  }
  const codec::Uplink uplink{{}, datagram, codec::Transport::udp};
  const auto owner = codec->owner_of(uplink);
  if (!owner) {
    gateways.front().counters->undecodable.fetch_add(1, std::memory_order_relaxed);
    return refuse(lane, from, uplink, *codec, codec::Stranger::nameless);
  }
  auto found = home.sessions.find_or_open(owner->device_id, *codec, [&](const std::string& device_id) {
    return std::make_unique<Link>(weak_from_this(), device_id, lane, from);
  });
  if (const auto* refusal = std::get_if<Refusal>(&found)) {
    if (refusal->counters) refusal->counters->rejected.fetch_add(1, std::memory_order_relaxed);
    note_refusal(context_, refusal_log_, "access.udp", network_id_, owner->device_id, from.to_string(), refusal->why);
    return refuse(lane, from, uplink, *codec, stranger_of(*refusal));
  }
  const auto session = std::get<VirtualSessions::Entry*>(found)->session;
  auto& link = static_cast<Link&>(session->link());
  link.ask(&from);
  const auto result = session->on_uplink(uplink);
  link.ask(nullptr);
  if (result == DeviceSession::Uplink::taken) {
    link.move_to(from);
    home.sessions.touch(session);
  } else if (result == DeviceSession::Uplink::refused) {
    note_refusal(context_, refusal_log_, "access.udp", network_id_, session->device_id(), from.to_string(),
                 "wrong key");
  }
}

void UdpAccess::refuse(network::UdpLane& lane, const network::PeerAddress& from, const codec::Uplink& uplink,
                       const codec::Protocol& codec, codec::Stranger why) {
  codec::Answer answer;
  codec.refuse(uplink, why, context_.clock.now(), answer);
  if (answer.has_reply) (void)lane.send(from, answer.reply.payload);
  if (answer.close) lane.close(from);
}

void UdpAccess::on_gone(network::UdpLane&, const network::PeerAddress&) {
  // The DTLS session is over, not the device's: it may come again with another one until its silence is too long.
}

}  // namespace jl::access
