#pragma once
// The codec of one protocol that a package implements. It stays the same object while packages come and go, so that
// sessions live through a reload: each call takes the package that is current then.
#include "daemon/base/published.hpp"
#include "daemon/codec/package/package.hpp"
#include "daemon/codec/protocol.hpp"

#include <atomic>

namespace jl::codec::package {

/// Looks up devices for ctx.getDevice(). Any thread.
class DeviceBook {
 public:
  virtual ~DeviceBook() = default;
  /// An enabled device; nothing when there is none.
  [[nodiscard]] virtual std::optional<DeviceIdentity> find(std::string_view device_id) const = 0;
};

/// How often a package's functions were called and failed, since it was loaded.
using Counters = script::ProgramCounters;

class PackageProtocol final : public Protocol {
 public:
  /// `devices` may be null: then scripts know their own device only. It must outlive this.
  PackageProtocol(std::string id, const DeviceBook* devices);

  /// Takes another version, or none: then every call fails until the next one comes. Any thread.
  void set(std::shared_ptr<const Package> package);
  [[nodiscard]] std::shared_ptr<const Package> package() const;

  [[nodiscard]] std::shared_ptr<const Descriptor> descriptor() const override;
  [[nodiscard]] AuthOutcome authenticate(const MqttCredentials& credentials, const DeviceIdentity& device,
                                         Millis now) const override;
  [[nodiscard]] AuthOutcome authenticate(const WebSocketCredentials& credentials,
                                         const DeviceIdentity& device) const override;
  /// "secureKey" of the device's configuration, as the official protocol has it.
  [[nodiscard]] std::string_view pre_shared_key(const DeviceIdentity& device) const override;
  [[nodiscard]] std::unique_ptr<CodecState> open_state(Transport transport) const override;
  /// identify() of the package; else the {deviceId} of its routes; else decode() is run without a device, and what it
  /// made is kept for the decode() or refuse() of the same message that follows on this thread.
  [[nodiscard]] std::optional<TopicOwner> owner_of(const Uplink& wire) const override;
  [[nodiscard]] std::optional<TopicOwner> owner_of(const WebSocketCredentials& handshake) const override;
  [[nodiscard]] std::string device_of(const MqttCredentials& credentials) const override;
  void connected(Transport transport, const Peer* peer, Millis now, Answer& answer) const override;
  [[nodiscard]] std::optional<bool> check_state(Transport transport, const Peer& peer) const override;
  void refuse(const Uplink& wire, Stranger why, Millis now, Answer& answer) const override;
  [[nodiscard]] Result<Decoded> decode(const Uplink& wire, const Peer& peer, Millis now, DeviceMessage& out,
                                       Answer& answer) const override;
  [[nodiscard]] Result<Encoded> encode(const DownMessage& message, Transport transport,
                                       const Peer& peer) const override;
  /// Whether a route covers it, where {deviceId} and {productId} stand for the device's own.
  [[nodiscard]] bool owns_topic(std::string_view topic_or_filter, const DeviceIdentity& device) const override;

 private:
  [[nodiscard]] std::shared_ptr<const Package> current() const;
  [[nodiscard]] std::string identify(const Package& package, const script::Invocation& what, Millis now) const;
  [[nodiscard]] AuthOutcome ask(Transport transport, script::Invocation what, const DeviceIdentity& device) const;

  const std::string id_;
  const DeviceBook* const devices_;
  Published<Package> package_;
  /// Tells a thread whether what it keeps is still the current package, without a lock.
  std::atomic<std::uint64_t> version_{0};
};

}  // namespace jl::codec::package
