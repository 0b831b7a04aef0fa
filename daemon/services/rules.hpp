#pragma once
// What may and may not be, beyond the shape of single fields: one rules file per noun in rules/. A rule is called once
// for each changed resource, with the whole change laid out in the view, and appends what is wrong.
#include "daemon/services/view.hpp"
#include "daemon/store/file_store.hpp"

namespace jl::services {

struct RuleContext {
  View& view;
  std::string node_id;
  /// Deleting what is still enabled is fine (prune).
  bool deletes_enabled = false;
  /// The caller wants server checks that can be overridden to be.
  bool forced = false;
  std::vector<Problem> problems{};
  std::vector<std::string> warnings{};
  /// What protocols say of themselves; a package that changes is read and compiled by it.
  device::Protocols* protocols = nullptr;
  /// Opens what is sealed; only certs need it.
  const device::Secrets* secrets = nullptr;
  Millis now = 0;
  /// Where uploaded files are; nullptr = files that a change names may still be missing (a dry run: they are uploaded
  /// with the deed).
  const store::FileStore* files = nullptr;
  /// Labels of what goes because its owner does, enabled or not.
  std::set<std::string> taken_along{};
  /// Who is where: the points of a Modbus channel by the value that they show, enabled channels by whom they talk to.
  struct Places {
    std::map<std::string, std::set<std::string>> of;
    std::size_t total = 0;
  };
  std::map<std::string, Places> modbus_places{};  ///< by channel
  std::optional<Places> modbus_targets{};
  /// Who is online and what is being upgraded; nullptr = nobody knows (tests of single rules).
  const runtime::Runtime* runtime = nullptr;
  /// Records of new upgrade tasks, key and value, which are stored with them.
  std::vector<std::pair<std::string, std::string>> upgrade_records{};
  /// Their tasks, by firmware and device.
  std::map<std::pair<std::string, std::string>, std::string> upgrading{};
  /// Certs opened for this change, by id.
  std::map<std::string, Result<device::CertInfo>> opened_certs{};

  void problem(const Resource& resource, std::string field, std::string message, Errc code = Errc::invalid) {
    if (problems.size() < 1000) problems.push_back({std::move(field), std::move(message), code, resource.label(), {}});
  }
};

/// Checks every change: the rules that all kinds share, then the kind's own. Errors: storage.
Status check_rules(RuleContext& context, const std::vector<runtime::ResourceChange>& changes);

// One per noun; `before` nullptr = new, `after` nullptr = deleted.
Status check_cert(RuleContext& context, const Resource* before, const Resource* after);
Status check_network(RuleContext& context, const Resource* before, const Resource* after);
Status check_protocol(RuleContext& context, const Resource* before, const Resource* after);
Status check_user(RuleContext& context, const Resource* before, const Resource* after);
Status check_gateway(RuleContext& context, const Resource* before, const Resource* after);
Status check_modbus_channel(RuleContext& context, const Resource* before, const Resource* after);
Status check_modbus_point(RuleContext& context, const Resource* before, const Resource* after);
Status check_media_server(RuleContext& context, const Resource* before, const Resource* after);
Status check_ota_server(RuleContext& context, const Resource* before, const Resource* after);
Status check_ota_firmware(RuleContext& context, const Resource* before, const Resource* after);
Status check_ota_task(RuleContext& context, const Resource* before, const Resource* after);
Status check_product(RuleContext& context, const Resource* before, const Resource* after);
Status check_device(RuleContext& context, const Resource* before, const Resource* after);

/// Fills in what an uploaded image says of itself: its size, and its digest where the sign is "auto".
void complete_ota_firmware(Resource& firmware, const store::FileStore& files);

/// A cert as it will be, opened once per change; nullptr when there is none, or it cannot be read. Errors: storage.
[[nodiscard]] Result<const Result<device::CertInfo>*> opened_cert(RuleContext& context, const std::string& id);
/// Whether the certs that a network names will do for it; what is wrong is reported of the network, or, when it is a
/// cert that changes, of that.
Status check_network_certs(RuleContext& context, const Resource& network, const Resource* changed_cert);

/// What a protocol as it will be says of itself; nullptr when its package cannot be used, which is a problem of its
/// own.
[[nodiscard]] std::shared_ptr<const codec::Descriptor> descriptor_of(RuleContext& context, const Resource& protocol);

/// A package takes the place of another one only if the gateways that use it can go on.
Status check_transports(RuleContext& context, const Resource& protocol, const codec::Descriptor& descriptor);

/// The keys of a product's or device's `configuration` against what the protocol of the product asks for.
Status check_config_keys(RuleContext& context, const Resource& resource, const Resource& product, bool device);

}  // namespace jl::services
