#pragma once
// Makes reality match the store: which network components listen, which gateways are attached to them, which sessions a
// change ends; and reports what is really happening. Changes come on the mutation thread; status from any thread.
#include "common/model/network.hpp"
#include "common/model/resource.hpp"
#include "daemon/access/northbound.hpp"
#include "daemon/runtime/component.hpp"
#include "daemon/runtime/media.hpp"
#include "daemon/runtime/modbus.hpp"
#include "daemon/runtime/ota.hpp"

#include <chrono>
#include <mutex>
#include <set>
#include <string>

namespace jl::runtime {

/// One resource that a commit changes: nullopt before = new, after = deleted.
struct ResourceChange {
  std::optional<model::Resource> before, after;
  [[nodiscard]] const model::Resource& any() const { return after ? *after : *before; }
};

class Runtime {
 public:
  Runtime(const Materials& materials, store::Store& store, const device::Secrets& secrets,
          access::NorthboundSink& northbound, std::string node_id);
  ~Runtime();
  Runtime(const Runtime&) = delete;

  /// Starts listeners that the changes call for, before they are committed. Fails with the reason, having changed
  /// nothing. After success exactly one of commit() and rollback() follows.
  Status prepare(const std::vector<ResourceChange>& changes);
  /// The changes are in the store: stops what is no longer wanted, attaches gateways, ends sessions that lost their
  /// ground. Returns how many sessions were cut.
  std::size_t commit(const std::vector<ResourceChange>& changes);
  void rollback();

  /// Binds every enabled component at boot; one that cannot start is `failed`, logged, and retried with backoff.
  void boot(const std::vector<model::Resource>& networks);
  /// Tries failed components again that are due. Call about once a second.
  void retry_failed();
  /// Stops every listener, giving connections `drain` to end.
  void stop(std::chrono::milliseconds drain);

  /// Live sessions that disabling or deleting a resource would cut.
  [[nodiscard]] std::size_t sessions_of(std::string_view kind, std::string_view id) const;
  /// How many sessions a set of changes would cut.
  [[nodiscard]] std::size_t sessions_cut_by(const std::vector<ResourceChange>& changes) const;

  /// The `status` member of a network, gateway, Modbus channel or point document; see Modbus::status_of() for `fresh`.
  [[nodiscard]] boost::json::object status_of(const model::Resource& resource, bool fresh = true) const;
  [[nodiscard]] Modbus& modbus() { return modbus_; }
  [[nodiscard]] const Modbus& modbus() const { return modbus_; }
  [[nodiscard]] const Media& media() const { return media_; }
  [[nodiscard]] Ota& ota() { return ota_; }
  [[nodiscard]] const Ota& ota() const { return ota_; }
  struct Totals {
    std::size_t running = 0, failed = 0, stopped = 0;
    std::vector<std::pair<std::string, std::string>> reasons;  ///< id, reason of the failed
  };
  [[nodiscard]] Totals network_totals() const;
  /// Messages that gateways received since the start.
  [[nodiscard]] std::uint64_t received() const;
  /// status_of() of every network that is to run here, by id.
  [[nodiscard]] std::map<std::string, boost::json::object> network_statuses() const;
  /// The clients of a component that runs. Errors: not_running.
  Status list_clients(std::string_view network_id, ClientsDone done) const;
  /// The broker of an MQTT server component that is enabled; nullptr for others.
  [[nodiscard]] std::shared_ptr<broker::Broker> broker_of(std::string_view network_id) const;
  /// Forgets what has expired in brokers. Call about once an hour.
  void tidy();
  /// Gateway counters by id, for metrics.
  [[nodiscard]] std::map<std::string, std::shared_ptr<access::GatewayCounters>> gateway_counters() const;

 private:
  /// One network component of this node: running, or failed with its reason.
  struct Entry;
  struct Prepared;
  /// What loses its sessions.
  struct Cut {
    std::set<std::string, std::less<>> networks, gateways, products, devices;
    [[nodiscard]] bool is_empty() const {
      return networks.empty() && gateways.empty() && products.empty() && devices.empty();
    }
    [[nodiscard]] bool contains(const access::Session& session) const;
  };
  Result<std::unique_ptr<Component>> start(const model::Resource& resource, const CertSource& certs);
  Result<std::shared_ptr<broker::Broker>> broker_for(const model::Resource& resource);
  void drop_brokers();
  void publish_brokers();
  [[nodiscard]] CertSource certs_after(const std::vector<ResourceChange>& changes) const;
  Status prepare_updates(const std::vector<ResourceChange>& changes, const CertSource& certs);
  [[nodiscard]] std::shared_ptr<const access::AttachedGateways> gateways_on(std::string_view network_id);
  [[nodiscard]] std::shared_ptr<const access::AttachedGateways> modbus_gateways();
  [[nodiscard]] access::AttachedGateway attached(const device::GatewayInfo& gateway, const device::Catalog& catalog);
  void attach_gateways();
  [[nodiscard]] Cut cut_by(const std::vector<ResourceChange>& changes) const;
  [[nodiscard]] std::size_t sessions_matching(const Cut& cut) const;
  void end_sessions(const Cut& cut);
  void close_users(const std::vector<ResourceChange>& changes);
  /// What a network is to run here; nullptr = nothing.
  [[nodiscard]] const boost::json::object* wanted(const model::Resource& resource) const;

  Materials materials_;
  access::Context& context_;
  const device::Catalogs& catalogs_;
  store::Store& store_;
  const device::Secrets& secrets_;
  access::NorthboundSink& northbound_;
  std::string node_id_;
  mutable std::mutex mutex_;  // entries_, brokers_ and counters_: changed on the mutation thread, read by status
  std::map<std::string, std::unique_ptr<Entry>, std::less<>> entries_;
  std::map<std::string, std::shared_ptr<broker::Broker>, std::less<>> brokers_;
  std::map<std::string, std::shared_ptr<access::GatewayCounters>> counters_;
  std::unique_ptr<Prepared> prepared_;
  Modbus modbus_;
  Ota ota_;
  Media media_;
};

}  // namespace jl::runtime
