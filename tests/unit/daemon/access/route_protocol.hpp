#pragma once
// A protocol for tests of what is done with routes.
#include "daemon/codec/protocol.hpp"

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace jl::access {

/// A protocol that is nothing but its routes.
class RouteProtocol final : public codec::Protocol {
 public:
  RouteProtocol& up(std::string topic, int qos = 1) { return add(std::move(topic), qos, true); }
  RouteProtocol& down(std::string topic) { return add(std::move(topic), 0, false); }
  /// A route of HTTP or CoAP.
  RouteProtocol& request(const std::string& transport, std::string method, std::string topic, bool is_up = true) {
    codec::Route& route = routes_of(*codec::transport_from(transport)).emplace_back();
    route.topic = std::move(topic);
    route.method = std::move(method);
    (is_up ? route.upstream : route.downstream) = true;
    return *this;
  }
  std::shared_ptr<const codec::Descriptor> descriptor() const override {
    return std::make_shared<const codec::Descriptor>(descriptor_);
  }
  codec::AuthOutcome authenticate(const codec::MqttCredentials&, const codec::DeviceIdentity&, Millis) const override {
    return codec::AuthOutcome::unsupported;
  }
  codec::AuthOutcome authenticate(const codec::WebSocketCredentials&, const codec::DeviceIdentity&) const override {
    return codec::AuthOutcome::unsupported;
  }
  std::string_view pre_shared_key(const codec::DeviceIdentity&) const override { return {}; }
  std::unique_ptr<codec::CodecState> open_state(codec::Transport) const override { return nullptr; }
  void refuse(const codec::Uplink&, codec::Stranger, Millis, codec::Answer&) const override {}
  std::optional<codec::TopicOwner> owner_of(const codec::WebSocketCredentials&) const override { return std::nullopt; }
  Result<codec::Decoded> decode(const codec::Uplink&, const codec::Peer&, Millis, codec::DeviceMessage&,
                                codec::Answer&) const override {
    return codec::Decoded::nothing;
  }
  Result<codec::Encoded> encode(const codec::DownMessage&, codec::Transport, const codec::Peer&) const override {
    return codec::Encoded{};
  }
  bool owns_topic(std::string_view, const codec::DeviceIdentity&) const override { return false; }
  std::optional<codec::TopicOwner> owner_of(const codec::Uplink&) const override { return std::nullopt; }

 private:
  RouteProtocol& add(std::string topic, int qos, bool is_up) {
    codec::Route& route = routes_of(codec::Transport::mqtt).emplace_back();
    route.topic = std::move(topic);
    route.qos = qos;
    (is_up ? route.upstream : route.downstream) = true;
    return *this;
  }
  std::vector<codec::Route>& routes_of(codec::Transport transport) {
    for (auto& row : descriptor_.transports) {
      if (row.transport == transport) return row.routes;
    }
    descriptor_.transports.push_back({transport, {}, {}, {}});
    return descriptor_.transports.back().routes;
  }
  codec::Descriptor descriptor_;
};

}  // namespace jl::access
