// Network components: one address for one enabled component per node (network.md 4.5), whole clusters (network.md 3).
#include "common/model/network.hpp"

#include "daemon/services/rules.hpp"

namespace jl::services {
namespace json = boost::json;
namespace {

struct Address {
  std::string host;
  std::uint16_t port = 0;
};

std::optional<Address> address_on(const Resource& resource, std::string_view node) {
  const json::object* configuration = model::configuration_for_node(resource.spec, node);
  if (!configuration) return std::nullopt;
  const auto server = model::from_json<model::MqttServer>(*configuration);
  return Address{server.host, server.port};
}

bool is_wildcard(std::string_view host) { return host == "0.0.0.0" || host == "::"; }

bool overlap(const Address& a, const Address& b) {
  return a.port == b.port && (a.host == b.host || is_wildcard(a.host) || is_wildcard(b.host));
}

void check_cluster(RuleContext& context, const Resource& after) {
  const auto* share = after.spec.if_contains("shareCluster");
  if (!share || share->as_bool()) return;
  const auto* cluster = after.spec.if_contains("cluster");
  if (!cluster || cluster->as_array().empty()) {
    context.problem(after, "spec.cluster", "needs at least one entry when shareCluster is false");
    return;
  }
  std::set<std::string> seen;
  std::size_t index = 0;
  for (const auto& entry : cluster->as_array()) {
    const std::string at = "spec.cluster[" + std::to_string(index++) + "].serverId";
    const auto* server = entry.as_object().if_contains("serverId");
    if (server && !seen.insert(std::string(server->as_string())).second) context.problem(after, at, "stands twice");
  }
}

}  // namespace

Status check_network(RuleContext& context, const Resource*, const Resource* after) {
  if (!after) return {};
  check_cluster(context, *after);
  JL_CHECK(check_network_certs(context, *after, nullptr));
  if (!after->enabled) return {};
  const auto mine = address_on(*after, context.node_id);
  if (!mine) {
    context.warnings.push_back("network \"" + after->id + "\" has no configuration for this node (" + context.node_id +
                               ") and does not run here");
    return {};
  }
  return context.view.for_each("network", [&](const Resource& other) {
    if (other.id == after->id || !other.enabled) return;
    const auto theirs = address_on(other, context.node_id);
    if (theirs && overlap(*mine, *theirs)) {
      context.problem(*after, "spec.configuration.port",
                      fmt::format("{}:{} overlaps network \"{}\" on {}:{}", mine->host, mine->port, other.id,
                                  theirs->host, theirs->port),
                      Errc::address_in_use);
    }
  });
}

}  // namespace jl::services
