#include "daemon/runtime/runtime.hpp"

#include "common/base/assert.hpp"
#include "common/model/device.hpp"
#include "common/model/product.hpp"
#include "daemon/access/presence.hpp"
#include "daemon/base/log.hpp"

#include <set>

namespace jl::runtime {
namespace json = boost::json;
using model::Resource;

namespace {
constexpr std::chrono::milliseconds kDrain{2000};
constexpr Millis kFirstRetry = 1000;
constexpr Millis kLastRetry = 60'000;
}  // namespace

/// One network component of this node: running, or failed with its reason.
struct Runtime::Component {
  std::string id;
  model::MqttServer configuration;
  Resource resource;
  std::shared_ptr<access::MqttAccess> access;
  std::unique_ptr<network::MqttServer> server;  // null = not running
  Millis since = 0;
  std::string reason;  // why it failed
  Millis retry_at = 0, retry_delay = kFirstRetry;
};

struct Runtime::Prepared {
  std::vector<std::unique_ptr<Component>> started;  // running, not yet official
  std::vector<std::string> stopped;                 // official ones stopped early to free their port
  std::size_t sessions_cut = 0;                     // counted before any of them was stopped
};

network::MqttServerOptions mqtt_options(const std::string& id, const model::MqttServer& c) {
  network::MqttServerOptions out;
  out.id = id;
  out.host = c.host;
  out.port = c.port;
  out.limits.max_packet = static_cast<std::uint32_t>(c.max_message_size);
  out.max_connections = static_cast<std::uint32_t>(c.max_connections);
  out.connect_timeout = std::chrono::seconds(c.connect_timeout);
  return out;
}

Runtime::Runtime(network::IoThreads& threads, const access::Context& context, const device::Catalogs& catalogs,
                 std::string node_id)
    : threads_(threads), context_(context), catalogs_(catalogs), node_id_(std::move(node_id)) {}

Runtime::~Runtime() = default;

std::optional<model::MqttServer> Runtime::wanted_configuration(const Resource& resource) const {
  if (resource.kind != "network" || !resource.enabled) return std::nullopt;
  const json::object* configuration = model::configuration_for_node(resource.spec, node_id_);
  if (!configuration || resource.spec.at("type") != "MQTT_SERVER") return std::nullopt;
  return model::from_json<model::MqttServer>(*configuration);
}

Result<std::unique_ptr<Runtime::Component>> Runtime::start(const Resource& resource) {
  const auto configuration = wanted_configuration(resource);
  JL_ASSERT(configuration.has_value());
  auto component = std::make_unique<Component>();
  component->id = resource.id;
  component->resource = resource;
  component->configuration = *configuration;
  component->access = std::make_shared<access::MqttAccess>(context_, resource.id);
  component->access->attach(gateways_on(resource.id));
  JL_TRY(component->server,
         network::MqttServer::start(mqtt_options(resource.id, *configuration), threads_, component->access));
  component->since = context_.clock.now();
  return component;
}

Status Runtime::prepare(const std::vector<ResourceChange>& changes) {
  if (prepared_) rollback();  // the change before this one was left half-way by an exception
  prepared_ = std::make_unique<Prepared>();
  prepared_->sessions_cut = sessions_matching(cut_by(changes));
  std::vector<const Resource*> to_start;
  std::set<std::uint16_t> ports;
  for (const auto& change : changes) {
    if (!change.after || change.after->kind != "network") continue;
    const auto wanted = wanted_configuration(*change.after);
    if (!wanted) continue;
    const auto it = components_.find(change.after->id);
    const bool stays = it != components_.end() && it->second->configuration.host == wanted->host &&
                       it->second->configuration.port == wanted->port;
    if (stays && it->second->server) continue;
    // One that failed is not held against a change of something else; enabling it again is what tries it again.
    if (stays && change.before && change.before->enabled && !model::same_content(*change.before, *change.after))
      continue;
    to_start.push_back(&*change.after);
    ports.insert(wanted->port);
  }
  if (to_start.empty()) return {};
  // A listener that goes away, or moves, frees its port first when a new one wants it.
  for (const auto& change : changes) {
    if (change.any().kind != "network") continue;
    const auto it = components_.find(change.any().id);
    if (it == components_.end() || !it->second->server || !ports.contains(it->second->configuration.port)) continue;
    const auto wanted = change.after ? wanted_configuration(*change.after) : std::nullopt;
    if (wanted && wanted->host == it->second->configuration.host && wanted->port == it->second->configuration.port)
      continue;
    std::unique_ptr<network::MqttServer> server;
    {
      const std::scoped_lock lock(mutex_);
      server = std::move(it->second->server);
    }
    server->stop(kDrain);
    prepared_->stopped.push_back(it->first);
  }
  for (const Resource* resource : to_start) {
    auto started = start(*resource);
    if (!started) {
      Error error = started.error();
      error.message = "network \"" + resource->id + "\": " + error.message;
      rollback();
      return error;
    }
    prepared_->started.push_back(std::move(*started));
  }
  return {};
}

void Runtime::rollback() {
  JL_ASSERT(prepared_);
  const auto prepared = std::move(prepared_);
  for (const auto& component : prepared->started) component->server->stop(std::chrono::milliseconds(0));
  for (const auto& id : prepared->stopped) {
    const auto it = components_.find(id);
    auto restarted = start(it->second->resource);
    const std::scoped_lock lock(mutex_);
    if (restarted) {
      it->second = std::move(*restarted);
    } else {
      it->second->reason = restarted.error().message;
      it->second->retry_at = context_.clock.steady() + it->second->retry_delay;
    }
  }
  if (!prepared->stopped.empty()) attach_gateways();
}

std::size_t Runtime::commit(const std::vector<ResourceChange>& changes) {
  JL_ASSERT(prepared_);
  const auto prepared = std::move(prepared_);
  const Cut cut = cut_by(changes);
  std::vector<std::unique_ptr<network::MqttServer>> leaving;
  {
    const std::scoped_lock lock(mutex_);
    for (auto& component : prepared->started) {
      auto& slot = components_[component->id];
      if (slot && slot->server) leaving.push_back(std::move(slot->server));
      slot = std::move(component);
    }
    for (const auto& change : changes) {
      if (change.any().kind != "network") continue;
      const auto it = components_.find(change.any().id);
      if (it == components_.end()) continue;
      const auto wanted = change.after ? wanted_configuration(*change.after) : std::nullopt;
      if (!wanted) {
        if (it->second->server) leaving.push_back(std::move(it->second->server));
        components_.erase(it);
      } else {
        it->second->configuration = *wanted;
        it->second->resource = *change.after;
        if (it->second->server) it->second->server->update(mqtt_options(it->first, *wanted));
      }
    }
  }
  for (const auto& server : leaving) server->stop(kDrain);
  bool gateways_changed = !prepared->started.empty();
  for (const auto& change : changes)
    gateways_changed |= change.any().kind == "gateway" || change.any().kind == "protocol";
  if (gateways_changed) attach_gateways();

  end_sessions(cut);
  return prepared->sessions_cut;
}

Runtime::Cut Runtime::cut_by(const std::vector<ResourceChange>& changes) const {
  Cut out;
  for (const auto& change : changes) {
    if (!change.before) continue;
    const Resource& before = *change.before;
    const bool off = before.enabled && (!change.after || !change.after->enabled);
    const auto moved = [&](const char* key) {
      if (!change.after) return false;
      const auto* a = before.spec.if_contains(key);
      const auto* b = change.after->spec.if_contains(key);
      return (a == nullptr) != (b == nullptr) || (a && *a != *b);
    };
    if (before.kind == "gateway" && (off || moved("channelId") || moved("protocol"))) out.gateways.insert(before.id);
    if (before.kind == "product" && (off || moved("accessId"))) out.products.insert(before.id);
    if (before.kind == "device" && (off || moved("parentId"))) out.devices.insert(before.id);
    if (before.kind != "network") continue;
    const auto old_place = wanted_configuration(before);
    const auto new_place = change.after ? wanted_configuration(*change.after) : std::nullopt;
    if (old_place && (!new_place || old_place->host != new_place->host || old_place->port != new_place->port))
      out.networks.insert(before.id);
  }
  return out;
}

bool Runtime::Cut::contains(const access::Session& s) const {
  return networks.contains(s.network_id) || gateways.contains(s.gateway_id) || products.contains(s.product_id) ||
         devices.contains(s.device_id) || (s.is_child() && devices.contains(s.parent_id));
}

std::size_t Runtime::sessions_matching(const Cut& cut) const {
  if (cut.is_empty()) return 0;
  return context_.sessions.count([&](const access::Session& s) { return cut.contains(s); });
}

void Runtime::end_sessions(const Cut& cut) {
  if (cut.is_empty()) return;
  std::vector<std::shared_ptr<const access::Session>> ending;
  context_.sessions.for_each([&](const std::shared_ptr<const access::Session>& session) {
    if (cut.contains(*session)) ending.push_back(session);
  });
  for (const auto& session : ending) {
    session->thread->post([context = context_, session] { access::end_session(context, session); });
  }
}

std::shared_ptr<const access::AttachedGateways> Runtime::gateways_on(std::string_view network_id) {
  const auto catalog = catalogs_.current();
  const std::scoped_lock lock(mutex_);
  auto attached = std::make_shared<access::AttachedGateways>();
  for (const auto& [gateway_id, gateway] : catalog->gateways) {
    if (!gateway->enabled || gateway->network_id != network_id) continue;
    auto& counters = counters_[gateway_id];
    if (!counters) counters = std::make_shared<access::GatewayCounters>();
    attached->push_back(access::attached_gateway(*gateway, *catalog, counters));
  }
  return attached;
}

void Runtime::attach_gateways() {
  for (const auto& [id, component] : components_) component->access->attach(gateways_on(id));
}

void Runtime::boot(const std::vector<Resource>& networks) {
  for (const Resource& resource : networks) {
    if (!wanted_configuration(resource)) continue;
    auto started = start(resource);
    const std::scoped_lock lock(mutex_);
    if (started) {
      log::info("runtime", "network={} listening on {}:{}", resource.id, (*started)->configuration.host,
                (*started)->server->port());
      components_[resource.id] = std::move(*started);
      continue;
    }
    log::error("runtime", "network={} failed to start: {}", resource.id, started.error().message);
    auto component = std::make_unique<Component>();
    component->id = resource.id;
    component->resource = resource;
    component->configuration = *wanted_configuration(resource);
    component->access = std::make_shared<access::MqttAccess>(context_, resource.id);
    component->reason = started.error().message;
    component->since = context_.clock.now();
    component->retry_at = context_.clock.steady() + kFirstRetry;
    components_[resource.id] = std::move(component);
  }
  attach_gateways();
}

void Runtime::retry_failed() {
  const Millis now = context_.clock.steady();
  bool any = false;
  for (auto& [id, component] : components_) {
    if (component->server || now < component->retry_at) continue;
    auto started = start(component->resource);
    const std::scoped_lock lock(mutex_);
    if (started) {
      log::info("runtime", "network={} listening again", id);
      component = std::move(*started);
      any = true;
    } else {
      component->reason = started.error().message;
      component->retry_delay = std::min(component->retry_delay * 2, kLastRetry);
      component->retry_at = now + component->retry_delay;
    }
  }
  if (any) attach_gateways();
}

void Runtime::stop(std::chrono::milliseconds drain) {
  std::map<std::string, std::unique_ptr<Component>, std::less<>> leaving;
  {
    const std::scoped_lock lock(mutex_);
    leaving.swap(components_);
  }
  for (const auto& [id, component] : leaving) {
    if (component->server) component->server->stop(drain);
  }
}

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

std::size_t Runtime::sessions_cut_by(const std::vector<ResourceChange>& changes) const {
  return sessions_matching(cut_by(changes));
}

json::object Runtime::status_of(const Resource& resource) const {
  json::object out;
  if (resource.kind == "network") {
    const std::scoped_lock lock(mutex_);
    const auto it = components_.find(resource.id);
    const json::object* configuration = model::configuration_for_node(resource.spec, node_id_);
    if (it != components_.end() && it->second->server) {
      const auto& counters = it->second->server->counters();
      out["state"] = "running";
      out["address"] = fmt::format("mqtt://{}:{}", it->second->configuration.host, it->second->server->port());
      out["port"] = it->second->server->port();
      out["connections"] = counters.connections.load();
      out["counters"] = json::object{{"accepted", counters.accepted.load()},
                                     {"connected", counters.connected.load()},
                                     {"rejected", counters.rejected.load()},
                                     {"disconnected", counters.disconnected.load()},
                                     {"receivedMessages", counters.received_messages.load()},
                                     {"sentMessages", counters.sent_messages.load()},
                                     {"receivedBytes", counters.received_bytes.load()},
                                     {"sentBytes", counters.sent_bytes.load()},
                                     {"protocolErrors", counters.protocol_errors.load()},
                                     {"overLimit", counters.over_limit.load()},
                                     {"slowConsumers", counters.slow_consumers.load()}};
      out["since"] = format_time(it->second->since);
    } else if (it != components_.end()) {
      out["state"] = "failed";
      out["reason"] = it->second->reason;
      out["since"] = format_time(it->second->since);
    } else {
      out["state"] = "stopped";
      if (resource.enabled && !configuration) out["reason"] = "no configuration for node \"" + node_id_ + "\"";
    }
    if (!out.contains("address") && configuration) {
      const auto c = model::from_json<model::MqttServer>(*configuration);
      out["address"] = fmt::format("mqtt://{}:{}", c.host, c.port);
    }
  } else if (resource.kind == "gateway") {
    const auto* channel = resource.spec.if_contains("channelId");
    const std::scoped_lock lock(mutex_);
    const auto it = channel ? components_.find(std::string_view(channel->as_string())) : components_.end();
    if (!resource.enabled) {
      out["state"] = "stopped";
    } else if (it == components_.end()) {
      out["state"] = "waiting";
      out["reason"] = "its network component is disabled";
    } else if (!it->second->server) {
      out["state"] = "waiting";
      out["reason"] = "its network component failed: " + it->second->reason;
    } else {
      out["state"] = "running";
    }
    out["sessions"] = context_.sessions.count([&](const access::Session& s) { return s.gateway_id == resource.id; });
    if (const auto counters = counters_.find(resource.id); counters != counters_.end()) {
      const access::GatewayCounters& c = *counters->second;
      out["counters"] = json::object{{"connections", c.connections.load()},   {"rejected", c.rejected.load()},
                                     {"disconnected", c.disconnected.load()}, {"receivedMessages", c.received.load()},
                                     {"undecodable", c.undecodable.load()},   {"refused", c.refused.load()},
                                     {"sentMessages", c.sent.load()}};
    }
  } else if (resource.kind == "protocol") {
    const codec::Protocol* codec = device::codec_for(resource);
    out["state"] = resource.enabled && codec ? "running" : "stopped";
    json::array transports;
    if (codec) {
      for (const auto& transport : codec->transports()) transports.emplace_back(transport);
    }
    out["transports"] = std::move(transports);
  }
  return out;
}

Runtime::Totals Runtime::network_totals() const {
  Totals out;
  const std::scoped_lock lock(mutex_);
  for (const auto& [id, component] : components_) {
    if (component->server) {
      ++out.running;
    } else {
      ++out.failed;
      out.reasons.emplace_back(id, component->reason);
    }
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
