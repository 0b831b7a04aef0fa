// Devices: a parent that is not the device itself nor below it, and configuration that the protocol knows (access.md
// 6).
#include "common/model/device.hpp"
#include "common/model/thing_model.hpp"

#include "daemon/services/rules.hpp"

namespace jl::services {

namespace {

// Bound properties are of the thing model, where there is one, and mean something only behind a Modbus gateway
// (operations.md 2.1).
Status check_bindings(RuleContext& context, const Resource& device, const Resource& product) {
  const auto spec = model::from_json<model::Device>(device.spec);
  if (spec.bindings.empty()) return {};
  std::vector<Problem> ignored;  // reported where they stand
  const model::ThingModel things = model::merge_models(
      model::parse_thing_model(model::from_json<model::Product>(product.spec).metadata, "metadata", ignored),
      model::parse_thing_model(spec.derive_metadata, "deriveMetadata", ignored));
  for (std::size_t i = 0; i < spec.bindings.size(); ++i) {
    const std::string& property = spec.bindings[i].property;
    if (things.properties.empty() || things.properties.contains(property)) continue;
    context.problem(device, "spec.bindings[" + std::to_string(i) + "].property",
                    "the thing model has no property \"" + property + "\"", Errc::property_undefined);
  }
  const std::string gateway_id = model::from_json<model::Product>(product.spec).access_id.id;
  JL_TRY(const Resource* gateway,
         gateway_id.empty() ? Result<const Resource*>(nullptr) : context.view.get("gateway", gateway_id));
  if (!gateway || gateway->spec.at("provider") != boost::json::value("modbus-tcp")) {
    context.warnings.push_back("device \"" + device.id + "\": product \"" + product.id +
                               "\" has no gateway with provider modbus-tcp, so its bindings have no effect");
  }
  return {};
}

}  // namespace

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
  if (!product) return {};
  JL_CHECK(check_bindings(context, *after, *product));
  return check_config_keys(context, *after, *product, true);
}

}  // namespace jl::services
