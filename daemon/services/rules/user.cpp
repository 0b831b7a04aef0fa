// Users: of an MQTT server, one of each name.
#include "common/model/user.hpp"

#include "daemon/services/rules.hpp"

namespace jl::services {
namespace {

std::string username_of(const Resource& resource) {
  const auto* name = resource.spec.if_contains("username");
  return name && name->is_string() ? std::string(name->as_string()) : resource.id;
}

}  // namespace

Status check_user(RuleContext& context, const Resource*, const Resource* after) {
  if (!after) return {};
  const std::string network_id(after->spec.at("networkId").as_string());
  JL_TRY(const Resource* network, context.view.get("network", network_id));
  if (network && network->spec.at("type").as_string() != "MQTT_SERVER") {
    context.problem(*after, "spec.networkId",
                    "network \"" + network_id + "\" is " + std::string(network->spec.at("type").as_string()) +
                        "; users belong to an MQTT_SERVER");
  }
  return context.view.for_each("user", [&](const Resource& other) {
    if (other.id == after->id || other.spec.at("networkId").as_string() != network_id) return;
    if (username_of(other) == username_of(*after)) {
      context.problem(*after, "spec.username", "is the name of user \"" + other.id + "\" already",
                      Errc::already_exists);
    }
  });
}

}  // namespace jl::services
