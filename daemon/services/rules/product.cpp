// Products: enabling needs a gateway and what its protocol requires; the gateway is fixed once there are devices
// (access.md 2, 6).
#include "common/model/product.hpp"

#include "common/base/words.hpp"
#include "common/model/gateway.hpp"
#include "common/text/redact.hpp"
#include "daemon/services/rules.hpp"

namespace jl::services {
namespace json = boost::json;

namespace {

// The protocol and transport that a product's devices use; nullptr when it has no gateway yet.
struct Access {
  std::shared_ptr<const codec::Descriptor> descriptor;
  std::string transport;
};
Result<Access> access_of(RuleContext& context, const Resource& product) {
  View& view = context.view;
  Access out;
  const auto spec = model::from_json<model::Product>(product.spec);
  if (spec.access_id.id.empty()) return out;
  JL_TRY(const Resource* gateway, view.get("gateway", spec.access_id.id));
  if (!gateway) return out;
  const auto gateway_spec = model::from_json<model::Gateway>(gateway->spec);
  JL_TRY(const Resource* protocol, view.get("protocol", gateway_spec.protocol.id));
  if (!protocol) return out;
  out.descriptor = descriptor_of(context, *protocol);
  out.transport = model::provider_info(gateway_spec.provider).transport;
  return out;
}

}  // namespace

Status check_config_keys(RuleContext& context, const Resource& resource, const Resource& product, bool device) {
  JL_TRY(const Access access, access_of(context, product));
  if (!access.descriptor) return {};
  const auto* given = resource.spec.if_contains("configuration");
  const json::object empty;
  const json::object& config = given ? given->as_object() : empty;
  const auto keys = access.descriptor->config_keys(access.transport);
  // Devices may come in another way than their product's gateway, so the keys of every transport are welcome.
  std::vector<codec::ConfigKey> all(keys.begin(), keys.end());
  for (const auto& transport : access.descriptor->transports) {
    for (const auto& key : transport.config_keys) {
      if (std::ranges::find(all, key.key, &codec::ConfigKey::key) == all.end()) all.push_back(key);
    }
  }
  std::vector<std::string> names;
  for (const auto& key : all) {
    if (device ? key.device_scope : key.product_scope) names.push_back(key.key);
  }
  for (const auto& [key, value] : config) {
    const auto known = std::ranges::find(all, key, &codec::ConfigKey::key);
    const std::string at = "spec.configuration." + std::string(key);
    if (known == all.end()) {
      const std::string nearest = nearest_word(key, names);
      context.problem(resource, at,
                      nearest.empty() ? "the protocol knows no such key; it asks for " + join(names)
                                      : "the protocol knows no such key; did you mean \"" + nearest + "\"?",
                      Errc::unknown_field);
    } else if (!known->words.empty() &&
               std::ranges::find(known->words, std::string(value.as_string())) == known->words.end()) {
      context.problem(resource, at, "must be one of " + join(known->words));
    }
  }
  if (!resource.enabled) return {};
  const auto* product_config = product.spec.if_contains("configuration");
  for (const auto& key : keys) {
    if (!key.required || !(device ? key.device_scope : key.product_scope && !key.device_scope)) continue;
    const bool has =
        config.contains(key.key) || (device && product_config && product_config->as_object().contains(key.key));
    if (!has)
      context.problem(resource, "spec.configuration." + key.key,
                      "is required by the protocol before it can be enabled");
  }
  return {};
}

Status check_product(RuleContext& context, const Resource* before, const Resource* after) {
  if (!after) return {};
  const auto spec = model::from_json<model::Product>(after->spec);
  if (after->enabled && spec.access_id.id.empty()) {
    context.problem(*after, "spec.accessId", "is required before the product can be enabled: choose its gateway");
  }
  if (before) {
    const auto old = model::from_json<model::Product>(before->spec);
    if (!old.access_id.id.empty() && old.access_id != spec.access_id) {
      JL_TRY(const std::size_t devices, context.view.count_users("product", after->id, "device", 1));
      if (devices > 0) {
        context.problem(*after, "spec.accessId", "cannot change while the product has devices", Errc::in_use);
      } else if (before->enabled && after->enabled) {
        context.problem(*after, "spec.accessId", "cannot change while the product is enabled", Errc::enabled);
      }
    }
  }
  if (after->enabled && (!before || !before->enabled) && !spec.access_id.id.empty()) {
    JL_TRY(const Resource* gateway, context.view.get("gateway", spec.access_id.id));
    if (gateway) {
      JL_TRY(const Resource* protocol,
             context.view.get("protocol", model::from_json<model::Gateway>(gateway->spec).protocol.id));
      if (protocol && !protocol->enabled) {
        context.problem(*after, "spec.accessId",
                        "protocol \"" + protocol->id + "\" of its gateway is disabled; enable it first",
                        Errc::disabled);
      }
      if (!gateway->enabled)
        context.warnings.push_back("product \"" + after->id + "\": its gateway \"" + gateway->id + "\" is disabled");
    }
  }
  return check_config_keys(context, *after, *after, false);
}

}  // namespace jl::services
