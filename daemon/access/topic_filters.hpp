#pragma once
// MQTT topic filters compared with each other, and those that a protocol's routes make (access.md 5.3).
#include "daemon/access/admission.hpp"
#include "daemon/network/mqtt_client.hpp"

#include <string_view>
#include <vector>

namespace jl::access {

/// Whether every topic that `narrow` (a filter or a topic name) matches is matched by `wide`, a filter (MQTT 5 §4.7).
/// Both must be valid, and not shared subscriptions.
[[nodiscard]] bool covers(std::string_view wide, std::string_view narrow);

/// A route's topic as a filter: each level with a placeholder is +, {#:...} is #.
[[nodiscard]] std::string filter_of(const codec::Route& route);

/// What to subscribe to for a protocol: the filters of its upstream MQTT routes, in their order, without those that
/// another one covers at no lower QoS.
[[nodiscard]] std::vector<network::MqttClientFilter> filters_of(const codec::Protocol& protocol);
/// The same for everything attached to a component.
[[nodiscard]] std::vector<network::MqttClientFilter> filters_of(const AttachedGateways& gateways);

}  // namespace jl::access
