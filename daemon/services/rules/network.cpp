// Network components: one address for one enabled component per node (network.md 4.5), whole clusters (network.md 3).
#include "common/model/network.hpp"

#include "daemon/runtime/framing_rule.hpp"
#include "daemon/services/rules.hpp"

#include <tuple>

namespace jl::services {
namespace json = boost::json;
namespace {

struct Address {
  std::string_view transport;
  std::string host;
  std::uint16_t port = 0;
};

bool is_client(const Resource& resource) { return resource.spec.at("type") == "MQTT_CLIENT"; }

// Where a component listens; clients nowhere.
std::optional<Address> address_on(const Resource& resource, std::string_view node) {
  const json::object* configuration = model::configuration_for_node(resource.spec, node);
  if (!configuration || is_client(resource)) return std::nullopt;
  const auto server = model::from_json<model::Listening>(*configuration);
  return Address{model::network_type_info(model::network_type_of(resource.spec)).transport, server.host, server.port};
}

bool is_wildcard(std::string_view host) { return host == "0.0.0.0" || host == "::"; }

bool overlap(const Address& a, const Address& b) {
  return a.transport == b.transport && a.port == b.port &&
         (a.host == b.host || is_wildcard(a.host) || is_wildcard(b.host));
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

// The broker and the client id there: a second connection with both would push the first one out, for ever.
std::optional<std::tuple<std::string, std::uint16_t, std::string>> identity_on(const Resource& resource,
                                                                               std::string_view node) {
  const json::object* configuration = model::configuration_for_node(resource.spec, node);
  if (!configuration || !is_client(resource)) return std::nullopt;
  const auto client = model::from_json<model::MqttClient>(*configuration);
  return std::tuple(client.remote_host, client.remote_port, client.client_id.empty() ? resource.id : client.client_id);
}

void check_credentials(RuleContext& context, const Resource& after, const json::object& configuration,
                       const std::string& at) {
  const auto* user = configuration.if_contains("username");
  if (configuration.contains("password") && (!user || user->as_string().empty()))
    context.problem(after, at + ".password", "needs a username; MQTT 3.1.1 has no password without one");
}

// A framing rule that cannot be followed, found before devices meet it (network.md 2, 4.8).
void check_framing(RuleContext& context, const Resource& after, const json::object& configuration,
                   const std::string& at) {
  const auto rule = runtime::framing_rule(model::from_json<model::TcpServer>(configuration));
  if (!rule) context.problem(after, at + "." + rule.error().field, rule.error().message);
}

void check_coap(RuleContext& context, const Resource& after, const json::object& configuration, const std::string& at) {
  if (model::from_json<model::CoapServer>(configuration).transport == model::CoapTransport::tcp)
    context.problem(after, at + ".transport", "CoAP over TCP is not supported yet; use UDP", Errc::unsupported);
}

// What the type asks for beyond the shape of single fields, of every node's configuration.
void check_type(RuleContext& context, const Resource& after) {
  using Check = void (*)(RuleContext&, const Resource&, const json::object&, const std::string&);
  const auto type = model::network_type_of(after.spec);
  const Check check = type == model::NetworkType::mqtt_client   ? check_credentials
                      : type == model::NetworkType::tcp_server  ? check_framing
                      : type == model::NetworkType::coap_server ? check_coap
                                                                : nullptr;
  if (!check) return;
  if (const auto* shared = after.spec.if_contains("configuration"))
    check(context, after, shared->as_object(), "spec.configuration");
  const auto* cluster = after.spec.if_contains("cluster");
  for (std::size_t i = 0; cluster && i < cluster->as_array().size(); ++i) {
    const auto* configuration = cluster->as_array()[i].as_object().if_contains("configuration");
    if (configuration) {
      check(context, after, configuration->as_object(), "spec.cluster[" + std::to_string(i) + "].configuration");
    }
  }
}

}  // namespace

Status check_network(RuleContext& context, const Resource*, const Resource* after) {
  if (!after) return {};
  check_cluster(context, *after);
  JL_CHECK(check_network_certs(context, *after, nullptr));
  check_type(context, *after);
  if (!after->enabled) return {};
  if (!model::configuration_for_node(after->spec, context.node_id)) {
    context.warnings.push_back("network \"" + after->id + "\" has no configuration for this node (" + context.node_id +
                               ") and does not run here");
    return {};
  }
  const auto mine = address_on(*after, context.node_id);
  const auto identity = identity_on(*after, context.node_id);
  return context.view.for_each("network", [&](const Resource& other) {
    if (other.id == after->id || !other.enabled) return;
    const auto theirs = address_on(other, context.node_id);
    if (mine && theirs && overlap(*mine, *theirs)) {
      context.problem(*after, "spec.configuration.port",
                      fmt::format("{}:{}/{} overlaps network \"{}\" on {}:{}", mine->host, mine->port, mine->transport,
                                  other.id, theirs->host, theirs->port),
                      Errc::address_in_use);
    }
    if (identity && identity == identity_on(other, context.node_id)) {
      context.problem(*after, "spec.configuration.clientId",
                      "network \"" + other.id + "\" uses this client id at the same broker already", Errc::in_use);
    }
  });
}

}  // namespace jl::services
