#pragma once
// What may and may not be, beyond the shape of single fields: one rules file per noun in rules/. A rule is called once
// for each changed resource, with the whole change laid out in the view, and appends what is wrong.
#include "daemon/services/view.hpp"

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

  void problem(const Resource& resource, std::string field, std::string message, Errc code = Errc::invalid) {
    if (problems.size() < 1000) problems.push_back({std::move(field), std::move(message), code, resource.label(), {}});
  }
};

/// Checks every change: the rules that all kinds share, then the kind's own. Errors: storage.
Status check_rules(RuleContext& context, const std::vector<runtime::ResourceChange>& changes);

// One per noun; `before` nullptr = new, `after` nullptr = deleted.
Status check_network(RuleContext& context, const Resource* before, const Resource* after);
Status check_protocol(RuleContext& context, const Resource* before, const Resource* after);
Status check_gateway(RuleContext& context, const Resource* before, const Resource* after);
Status check_product(RuleContext& context, const Resource* before, const Resource* after);
Status check_device(RuleContext& context, const Resource* before, const Resource* after);

/// The keys of a product's or device's `configuration` against what the protocol of the product asks for.
Status check_config_keys(RuleContext& context, const Resource& resource, const Resource& product, bool device);

}  // namespace jl::services
