// What is really happening, for people and for metrics.
#include "common/model/gateway.hpp"
#include "daemon/runtime/runtime.hpp"
#include "daemon/runtime/runtime_entry.hpp"

namespace jl::runtime {
namespace json = boost::json;
using model::Resource;

namespace {

// What devices of a gateway may use: the protocol's routes on its transport, and how it is spoken.
void add_protocol(const device::Catalog& catalog, const std::string& protocol_id, const std::string& transport,
                  json::object& out) {
  const auto protocol = catalog.protocols.find(protocol_id);
  if (protocol == catalog.protocols.end() || !protocol->second->codec) return;
  const auto descriptor = protocol->second->codec->descriptor();
  json::array routes;
  for (const auto& route : descriptor->routes(transport)) {
    json::object row{{"group", route.group},
                     {"topic", route.topic},
                     {"direction", route.upstream && route.downstream ? "both"
                                   : route.upstream                   ? "up"
                                                                      : "down"},
                     {"description", route.description}};
    if (!route.method.empty()) row["method"] = route.method;
    if (!route.example.empty()) row["example"] = route.example;
    routes.push_back(std::move(row));
  }
  out["routes"] = std::move(routes);
  if (const auto document = descriptor->document(transport); !document.empty()) out["document"] = document;
}

}  // namespace

std::size_t Runtime::sessions_of(std::string_view kind, std::string_view id) const {
  if (kind == "network") return context_.sessions.count([&](const access::Session& s) { return s.network_id == id; });
  if (kind == "device") {
    return context_.sessions.count([&](const access::Session& s) { return s.device_id == id || s.parent_id == id; });
  }
  if (kind == "gateway") return context_.sessions.count([&](const access::Session& s) { return s.gateway_id == id; });
  if (kind == "product") return context_.sessions.count([&](const access::Session& s) { return s.product_id == id; });
  if (kind == "protocol") {
    const auto catalog = catalogs_.current();
    return context_.sessions.count([&](const access::Session& s) {
      const auto gateway = catalog->gateway(s.gateway_id);
      return gateway && gateway->protocol_id == id;
    });
  }
  return 0;
}

json::object Runtime::status_of(const Resource& resource, bool fresh) const {
  if (resource.kind == "modbus-channel" || resource.kind == "modbus-point") return modbus_.status_of(resource, fresh);
  if (resource.kind == "media-server") return media_.status_of(resource);
  if (resource.kind.starts_with("ota-")) return ota_.status_of(resource);
  json::object out;
  if (resource.kind == "network") {
    const std::scoped_lock lock(mutex_);
    const auto it = entries_.find(resource.id);
    const json::object* configuration = model::configuration_for_node(resource.spec, node_id_);
    if (it != entries_.end() && it->second->component) {
      out = it->second->component->status();
    } else if (it != entries_.end()) {
      out["state"] = "failed";
      out["reason"] = it->second->reason;
      out["since"] = format_time(it->second->since);
    } else {
      out["state"] = "stopped";
      if (resource.enabled && !configuration) out["reason"] = "no configuration for node \"" + node_id_ + "\"";
    }
    if (!out.contains("address") && configuration) out["address"] = address_of(resource, *configuration);
  } else if (resource.kind == "gateway") {
    const auto spec = model::from_json<model::Gateway>(resource.spec);
    const auto& provider = model::provider_info(spec.provider);
    const std::scoped_lock lock(mutex_);
    const auto it = entries_.find(spec.channel_id.id);
    if (!resource.enabled) {
      out["state"] = "stopped";
    } else if (provider.network_type.empty()) {
      out["state"] = "running";  // its devices come through others' sessions
    } else if (it == entries_.end()) {
      out["state"] = "waiting";
      out["reason"] = "its network component is disabled";
    } else if (!it->second->component) {
      out["state"] = "waiting";
      out["reason"] = "its network component failed: " + it->second->reason;
    } else {
      out["state"] = "running";
    }
    if (it != entries_.end())
      out["addresses"] = json::array{json::value(public_address_of(it->second->resource, it->second->configuration))};
    out["transport"] = provider.transport;
    add_protocol(*catalogs_.current(), spec.protocol.id, provider.transport, out);
    out["sessions"] = context_.sessions.count([&](const access::Session& s) { return s.gateway_id == resource.id; });
    if (const auto counters = counters_.find(resource.id); counters != counters_.end()) {
      const access::GatewayCounters& c = *counters->second;
      out["counters"] = json::object{{"connections", c.connections.load()},   {"rejected", c.rejected.load()},
                                     {"disconnected", c.disconnected.load()}, {"receivedMessages", c.received.load()},
                                     {"undecodable", c.undecodable.load()},   {"refused", c.refused.load()},
                                     {"sentMessages", c.sent.load()}};
    }
  }
  return out;
}

Status Runtime::list_clients(std::string_view network_id, ClientsDone done) const {
  const std::scoped_lock lock(mutex_);
  const auto it = entries_.find(network_id);
  if (it == entries_.end() || !it->second->component) {
    return Error(Errc::not_running, "network \"" + std::string(network_id) + "\" does not run",
                 "jlctl network show " + std::string(network_id));
  }
  it->second->component->list(std::move(done));
  return {};
}

std::map<std::string, json::object> Runtime::network_statuses() const {
  std::map<std::string, json::object> out;
  const std::scoped_lock lock(mutex_);
  for (const auto& [id, entry] : entries_) {
    out[id] = entry->component ? entry->component->status() : json::object{{"state", "failed"}};
  }
  return out;
}

Runtime::Totals Runtime::network_totals() const {
  Totals out;
  const std::scoped_lock lock(mutex_);
  for (const auto& [id, entry] : entries_) {
    const json::object status = entry->component ? entry->component->status() : json::object();
    const auto* state = status.if_contains("state");
    if (state && state->as_string() != "failed") {
      ++out.running;
      continue;
    }
    const auto* reason = status.if_contains("reason");
    ++out.failed;
    out.reasons.emplace_back(id, reason ? std::string(reason->as_string()) : entry->reason);
  }
  return out;
}

std::uint64_t Runtime::received() const {
  std::uint64_t n = 0;
  const std::scoped_lock lock(mutex_);
  for (const auto& [id, counters] : counters_) n += counters->received.load();
  return n;
}

std::map<std::string, std::shared_ptr<access::GatewayCounters>> Runtime::gateway_counters() const {
  const std::scoped_lock lock(mutex_);
  return counters_;
}

}  // namespace jl::runtime
