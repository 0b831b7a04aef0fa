// Devices: a parent that is not the device itself nor below it, and configuration that the protocol knows (access.md
// 6).
#include "common/model/device.hpp"

#include "daemon/services/rules.hpp"

namespace jl::services {

Status check_device(RuleContext& context, const Resource*, const Resource* after) {
  if (!after) return {};
  const auto spec = model::from_json<model::Device>(after->spec);
  std::set<std::string> seen{after->id};
  for (std::string parent = spec.parent_id.id; !parent.empty();) {
    if (!seen.insert(parent).second) {
      context.problem(*after, "spec.parentId",
                      parent == after->id && spec.parent_id.id == after->id
                          ? "is the device itself"
                          : "makes a circle: a device cannot be its own ancestor",
                      Errc::cyclic_dependence);
      break;
    }
    JL_TRY(const Resource* next, context.view.get("device", parent));
    if (!next) break;
    parent = model::from_json<model::Device>(next->spec).parent_id.id;
  }
  JL_TRY(const Resource* product, context.view.get("product", spec.product_id.id));
  if (product) return check_config_keys(context, *after, *product, true);
  return {};
}

}  // namespace jl::services
