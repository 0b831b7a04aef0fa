#include "daemon/access/mqtt_client_access.hpp"

#include "daemon/access/registration.hpp"

#include <algorithm>
#include <future>
#include <utility>

namespace jl::access {
namespace {

constexpr std::size_t kOfflineBatch = 500;  // sessions that end in one turn, so that others get theirs

/// The way to one device through the broker.
class BrokerLink final : public DeviceLink {
 public:
  BrokerLink(std::weak_ptr<MqttClientAccess> access, std::string device_id, std::string peer, network::IoThread& thread)
      : access_(std::move(access)), device_id_(std::move(device_id)), peer_(std::move(peer)), thread_(thread) {}

  codec::Transport transport() const override { return codec::Transport::mqtt; }
  Status send(const codec::Downlink& message) override {
    const auto access = closed_ ? nullptr : access_.lock();
    if (!access) return Error(Errc::connection_lost, "its session is over");
    return access->publish(message);
  }
  void close(EndReason) override {
    // The connection is the broker's and stays; only this session ends.
    if (std::exchange(closed_, true)) return;
    if (const auto access = access_.lock()) access->close(device_id_);
  }
  std::string peer() const override { return peer_; }
  network::IoThread& thread() const override { return thread_; }

 private:
  std::weak_ptr<MqttClientAccess> access_;
  const std::string device_id_, peer_;
  network::IoThread& thread_;
  bool closed_ = false;
};

struct Scratch {
  codec::DeviceMessage message;
  codec::Answer answer;
};
Scratch& scratch() {
  thread_local Scratch instance;
  return instance;
}

}  // namespace

MqttClientAccess::MqttClientAccess(const Context& context, std::string network_id, std::string address,
                                   network::IoThread& thread, std::size_t max_devices)
    : context_(context),
      network_id_(std::move(network_id)),
      address_(std::move(address)),
      thread_(thread),
      grace_([](void* self) { static_cast<MqttClientAccess*>(self)->go_offline(); }, this),
      sessions_(context, network_id_, thread, max_devices) {}

void MqttClientAccess::attach(std::shared_ptr<const AttachedGateways> gateways) {
  thread_.post([self = shared_from_this(), gateways = std::move(gateways)] {
    self->sessions_.attach(gateways);
    self->codecs_.clear();
    for (const auto& gateway : *gateways) {
      if (gateway.codec && std::ranges::find(self->codecs_, gateway.codec) == self->codecs_.end())
        self->codecs_.push_back(gateway.codec);
    }
  });
}

void MqttClientAccess::bind(network::MqttClient& client) {
  thread_.post([self = shared_from_this(), &client] { self->client_ = &client; });
}

void MqttClientAccess::stop() {
  // A thread that has ended drops the work and with it the promise, which ends the wait as well.
  auto done = std::make_shared<std::promise<void>>();
  const auto finished = done->get_future();
  thread_.post([self = shared_from_this(), done = std::move(done)] {
    self->stopped_ = true;
    self->client_ = nullptr;
    self->connected_ = false;
    self->grace_.cancel();
    self->sessions_.end(self->sessions_.size());
    done->set_value();
  });
  finished.wait();
}

void MqttClientAccess::on_connected() {
  connected_ = true;
  draining_ = false;
  grace_.cancel();
}

void MqttClientAccess::on_disconnected() {
  connected_ = false;
  thread_.timers().set(grace_, kGrace);
}

void MqttClientAccess::go_offline() {
  if (connected_ || sessions_.size() == 0) return;
  if (!std::exchange(draining_, true)) {
    log::warn("access.mqtt", "network={} has lost its broker; {} devices count as offline", network_id_,
              sessions_.size());
  }
  sessions_.end(kOfflineBatch);
  if (sessions_.size() > 0) thread_.timers().set(grace_, 0);
}

Status MqttClientAccess::publish(const codec::Downlink& message) {
  if (!client_ || !connected_) return Error(Errc::connection_lost, "the broker is not connected");
  if (!client_->publish(message.topic, message.payload, message.qos, false))
    return Error(Errc::system_busy, "too much is on its way to the broker");
  return {};
}

void MqttClientAccess::on_message(std::string_view topic, std::string_view payload, int, bool) {
  std::optional<codec::TopicOwner> owner;
  const codec::Protocol* owned_by = nullptr;
  Refusal refusal;
  for (const codec::Protocol* codec : codecs_) {
    const auto found = codec->owner_of(codec::Uplink{topic, payload});
    if (!found) continue;
    auto session = session_of(found->device_id, *codec);
    if (auto* const* entry = std::get_if<VirtualSessions::Entry*>(&session)) {
      const auto kept = (*entry)->session;  // it may end in the call
      (void)kept->on_uplink({topic, payload});
      sessions_.touch(kept);
      return;
    }
    owner = found;
    owned_by = codec;
    refusal = std::get<Refusal>(std::move(session));
  }
  if (!owner) {
    // Also what comes back of our own: child/# is subscribed to and published on.
    if (!sessions_.gateways().empty())
      sessions_.gateways().front().counters->undecodable.fetch_add(1, std::memory_order_relaxed);
    return;
  }
  if (refusal.unknown && handle_registration(*owner, *owned_by, topic, payload)) return;
  refuse(owner->device_id, topic, refusal);
}

std::variant<VirtualSessions::Entry*, Refusal> MqttClientAccess::session_of(std::string_view device_id,
                                                                            const codec::Protocol& codec) {
  return sessions_.find_or_open(device_id, codec, [this](const std::string& device) {
    return std::make_unique<BrokerLink>(weak_from_this(), device, address_, thread_);
  });
}

void MqttClientAccess::refuse(std::string_view device_id, std::string_view topic, const Refusal& refusal) {
  if (refusal.counters) refusal.counters->refused.fetch_add(1, std::memory_order_relaxed);
  std::uint64_t held = 0;
  if (!refusal_log_.allow(context_.clock.steady(), held)) return;
  const auto shown = [](std::string_view text) {
    return is_printable_utf8(text) ? std::string(text.substr(0, 256)) : std::string("(unprintable)");
  };
  log::warn("access.mqtt", "dropped network={} device={} topic=\"{}\" reason=\"{}\" more={}", network_id_,
            shown(device_id), shown(topic), refusal.why, held);
}

bool MqttClientAccess::handle_registration(const codec::TopicOwner& owner, const codec::Protocol& codec,
                                           std::string_view topic, std::string_view payload) {
  const codec::DeviceIdentity device{std::string(owner.device_id), std::string(owner.product_id), {}};
  Scratch& s = scratch();
  const auto decoded = codec.decode({topic, payload}, {device}, context_.clock.now(), s.message, s.answer);
  if (!decoded || *decoded != codec::Decoded::message || s.message.has_child ||
      s.message.type != codec::MessageType::register_device || s.message.headers.product_id.empty() ||
      s.message.headers.device_name.empty()) {
    return false;
  }
  Refusal refusal;
  refusal.counters = sessions_.gateways().front().counters;
  const auto catalog = context_.directory.catalog();
  const auto product = catalog->product(s.message.headers.product_id);
  const AttachedGateway* gateway = product && product->enabled ? gateway_for(sessions_.gateways(), *product) : nullptr;
  if (!gateway || catalog->codec_of(*product) != &codec) {
    refusal.why = "it registers for a product that this component's gateways do not serve";
  } else if (registering_.contains(device.device_id) || registering_.size() >= kMaxRegistrations) {
    refusal.why = "too many registrations are on their way";
  }
  if (!refusal.why.empty()) {
    refuse(owner.device_id, topic, refusal);
    return true;
  }
  registering_.insert(device.device_id);
  gateway->counters->received.fetch_add(1, std::memory_order_relaxed);
  context_.provisioner.register_device(registration_of(s.message, {}),
                                       [weak = weak_from_this(), &thread = thread_, device, &codec,
                                        topic = std::string(topic), payload = std::string(payload)](Status done) {
                                         thread.post([weak, device, &codec, topic, payload, done = std::move(done)] {
                                           if (const auto self = weak.lock())
                                             self->on_registered(device, codec, topic, payload, done);
                                         });
                                       });
  return true;
}

void MqttClientAccess::on_registered(const codec::DeviceIdentity& device, const codec::Protocol& codec,
                                     const std::string& topic, const std::string& payload, const Status& done) {
  registering_.erase(device.device_id);
  if (stopped_) return;
  if (!done) {
    return refuse(device.device_id, topic,
                  {Refusal::Kind::unauthenticated, "its registration failed: " + done.error().message, nullptr});
  }
  const auto session = session_of(device.device_id, codec);
  if (const auto* refusal = std::get_if<Refusal>(&session)) return refuse(device.device_id, topic, *refusal);
  auto* entry = std::get<VirtualSessions::Entry*>(session);
  const auto kept = entry->session;
  Scratch& s = scratch();
  const auto decoded = codec.decode({topic, payload}, {device}, context_.clock.now(), s.message, s.answer);
  if (!decoded || *decoded != codec::Decoded::message) return;
  kept->on_registered(s.message);
}

}  // namespace jl::access
