#pragma once
// The upgrade side of the runtime: keeps the depot and the board in step with the resources, and is the way from
// upgrades to sessions. Changes come on the mutation thread; the rest from any thread.
#include "daemon/access/commands.hpp"
#include "daemon/ota/downloads.hpp"
#include "daemon/ota/upgrades.hpp"
#include "daemon/runtime/component.hpp"

#include <boost/json.hpp>
#include <optional>
#include <string>
#include <vector>

namespace jl::runtime {

struct ResourceChange;

class Ota final : private ota::Outbox, private ota::Presence {
 public:
  Ota(const Materials& materials, store::Store& store);
  ~Ota() override;

  /// Reads firmware, servers and tasks, before any device can come in. Errors: storage, corrupt.
  Status boot(const store::Snapshot& snapshot);
  /// Devices are told from here on.
  void start();
  /// Whether the changes can be made; commit() or rollback() follows. Errors: in_use.
  Status prepare(const std::vector<ResourceChange>& changes);
  void commit(const std::vector<ResourceChange>& changes);
  void rollback();
  void stop();

  [[nodiscard]] ota::Upgrades& upgrades() const { return upgrades_; }
  [[nodiscard]] const ota::Depot& depot() const { return depot_; }
  [[nodiscard]] const ota::Downloads& downloads() const { return downloads_; }
  /// What tasks can ask of a device. Tags take more reading and are left out unless wanted.
  [[nodiscard]] ota::DeviceFacts facts_of(const model::Resource& device, bool with_tags) const;
  /// The `status` member of a server's, firmware's or task's document.
  [[nodiscard]] boost::json::object status_of(const model::Resource& resource) const;

 private:
  void tell(const ota::Dispatch& dispatch, boost::json::object body, std::function<void(Status)> done) override;
  void answer(const std::string& device_id, boost::json::object body, std::function<void(Status)> done) override;
  void ask_version(const std::string& device_id) override;
  [[nodiscard]] bool prefers_coap(std::string_view device_id) const override;
  [[nodiscard]] bool is_online(std::string_view device_id) const override;
  [[nodiscard]] std::string carrier_of(std::string_view device_id) const override;

  std::optional<ota::Plan> load_task(const model::Resource& task);
  Status catch_up(const store::Snapshot& snapshot);
  void take_device(const model::Resource* before, const model::Resource* after);

  const access::Context& context_;
  access::Commands& commands_;
  store::Store& store_;
  ota::Depot& depot_;
  ota::Upgrades& upgrades_;
  ota::Downloads& downloads_;
  std::vector<std::string> withdrawn_;
};

/// A task as the machines need it; `firmware` is what it names.
[[nodiscard]] ota::Plan plan_of(const model::Resource& task, const model::OtaFirmware& firmware);

}  // namespace jl::runtime
