// Gateways: a component of the right type, a protocol that speaks its transport, and what stays fixed once products use
// them (access.md 1.4, 2).
#include "common/model/gateway.hpp"

#include "daemon/services/rules.hpp"

namespace jl::services {

Status check_gateway(RuleContext& context, const Resource* before, const Resource* after) {
  if (!after) return {};
  const auto spec = model::from_json<model::Gateway>(after->spec);
  const auto& provider = model::provider_info(spec.provider);

  const bool has_network = !spec.channel_id.id.empty();
  if (provider.network_type.empty() && has_network) {
    context.problem(*after, "spec.channelId", "this provider uses no network component");
  } else if (!provider.network_type.empty() && !has_network) {
    context.problem(*after, "spec.channelId", "is required: a network component of type " + provider.network_type);
  }
  const Resource* network = nullptr;
  if (has_network) {
    JL_TRY(network, context.view.get("network", spec.channel_id.id));
  }
  if (network) {
    const std::string type(network->spec.at("type").as_string());
    if (!provider.network_type.empty() && type != provider.network_type) {
      context.problem(*after, "spec.channelId",
                      "network \"" + network->id + "\" is " + type + "; this provider needs " + provider.network_type);
    }
    if (after->enabled && !network->enabled) {
      context.warnings.push_back("gateway \"" + after->id + "\" waits: network \"" + network->id + "\" is disabled");
    }
    if (!provider.shares_component) {
      JL_TRY(const auto users, context.view.users_of("network", network->id, 2));
      for (const auto& user : users) {
        if (user != after->label())
          context.problem(*after, "spec.channelId", "network \"" + network->id + "\" is used by " + user + " already",
                          Errc::in_use);
      }
    }
  }
  JL_TRY(const Resource* protocol, context.view.get("protocol", spec.protocol.id));
  if (protocol) {
    const auto descriptor = descriptor_of(context, *protocol);
    // Children may use any protocol: their messages come through another device's session (access.md 1.3).
    if (provider.provider != model::GatewayProvider::child_device && descriptor &&
        !descriptor->find(provider.transport)) {
      context.problem(*after, "spec.protocol",
                      "protocol \"" + protocol->id + "\" does not speak " + provider.transport);
    }
    if (after->enabled && !protocol->enabled) {
      context.problem(*after, "spec.protocol", "protocol \"" + protocol->id + "\" is disabled; enable it first",
                      Errc::disabled);
    }
  }
  if (before && before->spec.at("protocol") != after->spec.at("protocol")) {
    JL_TRY(const std::size_t products, context.view.count_users("gateway", after->id, "product", 1));
    if (products > 0) {
      context.problem(*after, "spec.protocol", "cannot change while products use the gateway", Errc::in_use);
    }
  }
  return {};
}

}  // namespace jl::services
