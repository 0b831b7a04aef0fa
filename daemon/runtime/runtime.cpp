#include "daemon/runtime/runtime.hpp"

#include "daemon/runtime/runtime_entry.hpp"

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
constexpr Millis kLastRetry = 60'000;

// What a component is given: its configuration on this node with the secrets in plain text.
Result<json::object> opened(Resource resource, const device::Secrets& secrets, const std::string& node_id) {
  JL_CHECK(secrets.reveal(resource));
  const json::object* configuration = model::configuration_for_node(resource.spec, node_id);
  JL_ASSERT(configuration != nullptr);
  return *configuration;
}

}  // namespace

struct Runtime::Prepared {
  std::map<std::string, std::unique_ptr<Entry>> started;  // running, not yet official
  std::vector<std::string> stopped;                       // official ones stopped early to free their port
  std::vector<std::function<void()>> updates;             // of those that keep their socket
  std::size_t sessions_cut = 0;                           // counted before any of them was stopped
};

Runtime::Runtime(const Materials& materials, store::Store& store, const device::Secrets& secrets,
                 access::NorthboundSink& northbound, std::string node_id)
    : materials_(materials),
      context_(materials_.context),
      catalogs_(materials.mqtt.catalogs),
      store_(store),
      secrets_(secrets),
      northbound_(northbound),
      node_id_(std::move(node_id)),
      modbus_(materials.threads, materials.context),
      ota_(materials_, store),
      media_(materials_, secrets) {}

Runtime::~Runtime() = default;

const json::object* Runtime::wanted(const Resource& resource) const {
  if (resource.kind != "network" || !resource.enabled) return nullptr;
  return model::configuration_for_node(resource.spec, node_id_);
}

// ---- starting

Result<std::shared_ptr<broker::Broker>> Runtime::broker_for(const Resource& resource) {
  if (!has_broker(resource)) return std::shared_ptr<broker::Broker>();
  if (auto known = broker_of(resource.id)) return known;
  JL_TRY(auto opened, broker::Broker::open(broker_options(resource.id, *wanted(resource)), materials_.threads,
                                           context_.logs, store_, context_.clock));
  const std::scoped_lock lock(mutex_);
  brokers_[resource.id] = opened;
  return opened;
}

Result<std::unique_ptr<Component>> Runtime::start(const Resource& resource, const CertSource& certs) {
  JL_TRY(const auto configuration, opened(resource, secrets_, node_id_));
  JL_TRY(const auto broker, broker_for(resource));
  return start_component(materials_, resource, configuration, certs, broker, gateways_on(resource.id));
}

CertSource Runtime::certs_after(const std::vector<ResourceChange>& changes) const {
  auto changed = std::make_shared<std::map<std::string, Resource>>();
  for (const auto& change : changes) {
    if (change.after && change.after->kind == "cert") changed->emplace(change.after->id, *change.after);
  }
  // Key stores are slow to open, so each is opened once.
  auto opened = std::make_shared<std::map<std::string, Result<device::CertInfo>>>();
  return [this, changed, opened](const std::string& id) -> Result<device::CertInfo> {
    if (const auto known = opened->find(id); known != opened->end()) return known->second;
    if (const auto after = changed->find(id); after != changed->end())
      return opened->emplace(id, device::open_cert(after->second, secrets_)).first->second;
    const auto cert = catalogs_.current()->cert(id);
    if (!cert) return Error(Errc::not_found, "cert \"" + id + "\" does not exist", "jlctl cert list");
    if (!cert->bundle) return Error(Errc::invalid, "cert \"" + id + "\": " + cert->problem, "jlctl cert show " + id);
    return *cert;
  };
}

Status Runtime::prepare_updates(const std::vector<ResourceChange>& changes, const CertSource& certs) {
  std::set<std::string, std::less<>> renewed, changed;
  for (const auto& change : changes) {
    if (change.after && change.before && change.after->kind == "cert") renewed.insert(change.after->id);
  }
  const auto update = [&](const std::string& id, Entry& entry, const Resource& resource) -> Status {
    JL_TRY(const auto configuration, opened(resource, secrets_, node_id_));
    auto prepared = entry.component->prepare(configuration, certs);
    if (!prepared) {
      Error error = prepared.error();
      error.message = "network \"" + id + "\": " + error.message;
      return error;
    }
    prepared_->updates.push_back(std::move(*prepared));
    return {};
  };
  for (const auto& change : changes) {
    if (!change.after || change.after->kind != "network") continue;
    const json::object* configuration = wanted(*change.after);
    const auto it = entries_.find(change.after->id);
    if (!configuration || it == entries_.end() || !it->second->component) continue;
    if (prepared_->started.contains(change.after->id)) continue;
    changed.insert(change.after->id);
    JL_CHECK(update(it->first, *it->second, *change.after));
  }
  for (const auto& [id, entry] : entries_) {
    if (!entry->component || changed.contains(id) || prepared_->started.contains(id)) continue;
    if (renewed.contains(cert_of(entry->configuration))) JL_CHECK(update(id, *entry, entry->resource));
  }
  return {};
}

Status Runtime::prepare(const std::vector<ResourceChange>& changes) {
  if (prepared_) rollback();  // the change before this one was left half-way by an exception
  prepared_ = std::make_unique<Prepared>();
  prepared_->sessions_cut = sessions_matching(cut_by(changes));
  const CertSource certs = certs_after(changes);
  std::vector<const Resource*> to_start;
  std::set<std::string> ports;
  for (const auto& change : changes) {
    if (!change.after || change.after->kind != "network") continue;
    const json::object* configuration = wanted(*change.after);
    if (!configuration) continue;
    const auto it = entries_.find(change.after->id);
    const bool stays = it != entries_.end() && socket_of(it->second->resource, it->second->configuration) ==
                                                   socket_of(*change.after, *configuration);
    if (stays && it->second->component) continue;
    // One that failed is not held against a change of something else; enabling it again is what tries it again.
    if (stays && change.before && change.before->enabled && !model::same_content(*change.before, *change.after))
      continue;
    to_start.push_back(&*change.after);
    if (auto port = port_of(*change.after, *configuration); !port.empty()) ports.insert(std::move(port));
  }
  // A listener that goes away, or moves, frees its port first when a new one wants it.
  for (const auto& change : changes) {
    if (change.any().kind != "network" || ports.empty()) continue;
    const auto it = entries_.find(change.any().id);
    if (it == entries_.end() || !it->second->component) continue;
    Entry& entry = *it->second;
    if (!ports.contains(port_of(entry.resource, entry.configuration))) continue;
    const json::object* configuration = change.after ? wanted(*change.after) : nullptr;
    if (configuration && socket_of(*change.after, *configuration) == socket_of(entry.resource, entry.configuration))
      continue;
    std::unique_ptr<Component> component;
    {
      const std::scoped_lock lock(mutex_);
      component = std::move(entry.component);
    }
    component->stop(kDrain);
    prepared_->stopped.push_back(it->first);
  }
  for (const Resource* resource : to_start) {
    auto started = start(*resource, certs);
    if (!started) {
      Error error = started.error();
      error.message = "network \"" + resource->id + "\": " + error.message;
      rollback();
      return error;
    }
    auto entry = std::make_unique<Entry>();
    entry->resource = *resource;
    entry->configuration = *wanted(*resource);
    entry->component = std::move(*started);
    entry->since = context_.clock.now();
    prepared_->started[resource->id] = std::move(entry);
  }
  Status prepared = prepare_updates(changes, certs);
  if (prepared) prepared = modbus_.prepare(changes, certs);
  if (prepared) prepared = ota_.prepare(changes);
  if (!prepared) rollback();
  return prepared;
}

void Runtime::rollback() {
  JL_ASSERT(prepared_);
  const auto prepared = std::move(prepared_);
  modbus_.rollback();
  ota_.rollback();
  for (const auto& [id, entry] : prepared->started) entry->component->stop(std::chrono::milliseconds(0));
  const CertSource certs = certs_after({});
  for (const auto& id : prepared->stopped) {
    Entry& entry = *entries_.find(id)->second;
    auto restarted = start(entry.resource, certs);
    const std::scoped_lock lock(mutex_);
    if (restarted) {
      entry.component = std::move(*restarted);
    } else {
      entry.reason = restarted.error().message;
      entry.retry_at = context_.clock.steady() + entry.retry_delay;
    }
  }
  drop_brokers();
  if (!prepared->stopped.empty()) attach_gateways();
}

std::size_t Runtime::commit(const std::vector<ResourceChange>& changes) {
  JL_ASSERT(prepared_);
  const auto prepared = std::move(prepared_);
  const Cut cut = cut_by(changes);
  std::vector<std::unique_ptr<Component>> leaving;
  {
    const std::scoped_lock lock(mutex_);
    for (auto& [id, entry] : prepared->started) {
      auto& slot = entries_[id];
      if (slot && slot->component) leaving.push_back(std::move(slot->component));
      slot = std::move(entry);
    }
    for (const auto& change : changes) {
      if (change.any().kind != "network") continue;
      const auto it = entries_.find(change.any().id);
      if (it == entries_.end()) continue;
      const json::object* configuration = change.after ? wanted(*change.after) : nullptr;
      if (!configuration) {
        if (it->second->component) leaving.push_back(std::move(it->second->component));
        entries_.erase(it);
      } else {
        it->second->resource = *change.after;
        it->second->configuration = *configuration;
      }
    }
  }
  for (const auto& apply : prepared->updates) apply();
  for (const auto& component : leaving) component->stop(kDrain);
  drop_brokers();
  for (const auto& change : changes) {
    if (change.after || change.any().kind != "network") continue;
    if (const Status erased = broker::Broker::erase(store_, change.any().id); !erased) {
      log::error("runtime", "sessions of network={} are left in the store: {}", change.any().id,
                 erased.error().message);
    }
  }
  bool gateways_changed = !prepared->started.empty();
  for (const auto& change : changes)
    gateways_changed |= change.any().kind == "gateway" || change.any().kind == "protocol";
  if (gateways_changed) attach_gateways();
  close_users(changes);
  modbus_.commit(changes);
  ota_.commit(changes);
  media_.commit(changes, certs_after({}));

  end_sessions(cut);
  return prepared->sessions_cut;
}

// Brokers live as long as their component is wanted, also while its listener moves.
void Runtime::drop_brokers() {
  std::vector<std::shared_ptr<broker::Broker>> leaving;
  {
    const std::scoped_lock lock(mutex_);
    for (auto it = brokers_.begin(); it != brokers_.end();) {
      if (entries_.contains(it->first)) {
        ++it;
      } else {
        leaving.push_back(std::move(it->second));
        it = brokers_.erase(it);
      }
    }
  }
  publish_brokers();
  for (const auto& broker : leaving) broker->stop();
}

void Runtime::publish_brokers() {
  auto all = std::make_shared<access::NorthboundSink::Brokers>();
  const std::scoped_lock lock(mutex_);
  for (const auto& [id, broker] : brokers_) all->push_back(broker);
  northbound_.set_brokers(std::move(all));
}

std::shared_ptr<broker::Broker> Runtime::broker_of(std::string_view network_id) const {
  const std::scoped_lock lock(mutex_);
  const auto it = brokers_.find(network_id);
  return it == brokers_.end() ? nullptr : it->second;
}

void Runtime::tidy() {
  const std::scoped_lock lock(mutex_);
  for (const auto& [id, broker] : brokers_) broker->tidy();
}

// Who changed or is no longer wanted has to log in again.
void Runtime::close_users(const std::vector<ResourceChange>& changes) {
  for (const auto& change : changes) {
    if (change.any().kind != "user" || !change.before) continue;
    if (change.after && model::same_content(*change.before, *change.after)) continue;
    const std::string network_id(change.before->spec.at("networkId").as_string());
    if (const auto broker = broker_of(network_id)) broker->close_user(change.before->id, !change.after);
  }
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
    const json::object* old_place = wanted(before);
    const json::object* new_place = change.after ? wanted(*change.after) : nullptr;
    if (old_place && (!new_place || socket_of(before, *old_place) != socket_of(*change.after, *new_place)))
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
  auto out = std::make_shared<access::AttachedGateways>();
  for (const auto& [gateway_id, gateway] : catalog->gateways) {
    if (gateway->enabled && gateway->network_id == network_id) out->push_back(attached(*gateway, *catalog));
  }
  return out;
}

// Of those that need no component, Modbus alone has sessions of its own.
std::shared_ptr<const access::AttachedGateways> Runtime::modbus_gateways() {
  const auto catalog = catalogs_.current();
  const std::scoped_lock lock(mutex_);
  auto out = std::make_shared<access::AttachedGateways>();
  for (const auto& [gateway_id, gateway] : catalog->gateways) {
    if (gateway->enabled && gateway->provider == model::GatewayProvider::modbus_tcp)
      out->push_back(attached(*gateway, *catalog));
  }
  return out;
}

access::AttachedGateway Runtime::attached(const device::GatewayInfo& gateway, const device::Catalog& catalog) {
  auto& counters = counters_[gateway.id];
  if (!counters) counters = std::make_shared<access::GatewayCounters>();
  return access::attached_gateway(gateway, catalog, counters);
}

void Runtime::attach_gateways() {
  for (const auto& [id, entry] : entries_) {
    if (entry->component) entry->component->attach(gateways_on(id));
  }
  modbus_.attach(modbus_gateways());
}

void Runtime::boot(const std::vector<Resource>& networks) {
  const CertSource certs = certs_after({});
  // Before a device can say anything about an upgrade.
  if (const Status booted = ota_.boot(*store_.snapshot()); !booted)
    log::error("runtime", "upgrades cannot be read: {}", booted.error().message);
  for (const Resource& resource : networks) {
    const json::object* configuration = wanted(resource);
    if (!configuration) continue;
    auto entry = std::make_unique<Entry>();
    entry->resource = resource;
    entry->configuration = *configuration;
    entry->since = context_.clock.now();
    auto started = start(resource, certs);
    if (started) {
      entry->component = std::move(*started);
      log::info("runtime", "network={} started on {}", resource.id, address_of(resource, *configuration));
    } else {
      log::error("runtime", "network={} failed to start: {}", resource.id, started.error().message);
      entry->reason = started.error().message;
      entry->retry_at = context_.clock.steady() + kFirstRetry;
    }
    const std::scoped_lock lock(mutex_);
    entries_[resource.id] = std::move(entry);
  }
  publish_brokers();
  modbus_.attach(modbus_gateways());
  if (const Status booted = modbus_.boot(*store_.snapshot(), certs); !booted)
    log::error("runtime", "Modbus channels cannot be read: {}", booted.error().message);
  if (const Status booted = media_.boot(*store_.snapshot(), certs); !booted)
    log::error("runtime", "media servers cannot be read: {}", booted.error().message);
  ota_.start();
}

void Runtime::retry_failed() {
  const Millis now = context_.clock.steady();
  const CertSource certs = certs_after({});
  bool any = false;
  for (auto& [id, entry] : entries_) {
    if (entry->component || now < entry->retry_at) continue;
    auto started = start(entry->resource, certs);
    const std::scoped_lock lock(mutex_);
    if (started) {
      log::info("runtime", "network={} started again", id);
      entry->component = std::move(*started);
      entry->since = context_.clock.now();
      entry->reason.clear();
      any = true;
    } else {
      entry->reason = started.error().message;
      entry->retry_delay = std::min(entry->retry_delay * 2, kLastRetry);
      entry->retry_at = now + entry->retry_delay;
    }
  }
  if (any) publish_brokers(), attach_gateways();
}

void Runtime::stop(std::chrono::milliseconds drain) {
  ota_.stop();
  media_.stop();
  modbus_.stop();
  std::map<std::string, std::unique_ptr<Entry>, std::less<>> leaving;
  {
    const std::scoped_lock lock(mutex_);
    leaving.swap(entries_);
  }
  for (const auto& [id, entry] : leaving) {
    if (entry->component) entry->component->stop(drain);
  }
  drop_brokers();
}

std::size_t Runtime::sessions_cut_by(const std::vector<ResourceChange>& changes) const {
  return sessions_matching(cut_by(changes));
}

}  // namespace jl::runtime
