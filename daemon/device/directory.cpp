#include "daemon/device/directory.hpp"

#include "common/model/device.hpp"

namespace jl::device {

Result<std::optional<DeviceRecord>> Directory::find(std::string_view device_id) const {
  if (device_id.empty() || device_id.size() > 64 || device_id.find('\0') != std::string_view::npos) {
    return std::optional<DeviceRecord>();
  }
  JL_TRY(const auto entry, store_->get(store::Family::resources, store::key({"device", device_id})));
  if (!entry) return std::optional<DeviceRecord>();
  JL_TRY(const model::Resource resource, model::from_stored("device", device_id, entry->value, entry->revision));
  const auto spec = model::from_json<model::Device>(resource.spec);

  DeviceRecord out;
  out.catalog = catalogs_->current();
  out.product = out.catalog->product(spec.product_id.id);
  out.identity.device_id = device_id;
  out.identity.product_id = spec.product_id.id;
  out.enabled = resource.enabled;
  out.parent_id = spec.parent_id.id;
  out.self_manage_state = spec.self_manage_state;
  out.derived_metadata = spec.derive_metadata;
  JL_TRY(out.identity.configuration, secrets_->open_config(resource));
  if (out.product) out.identity.product_configuration = out.product->configuration;
  return std::optional<DeviceRecord>(std::move(out));
}

model::ThingModel Directory::things_of(const DeviceRecord& device) {
  const model::ThingModel base = device.product ? device.product->things : model::ThingModel();
  if (device.derived_metadata.is_null()) return base;
  std::vector<Problem> problems;
  return model::merge_models(base, model::parse_thing_model(device.derived_metadata, "deriveMetadata", problems));
}

std::optional<codec::DeviceIdentity> DirectoryBook::find(std::string_view device_id) const {
  if (!directory_) return std::nullopt;
  auto found = directory_->find(device_id);
  if (!found || !*found || !(*found)->enabled) return std::nullopt;
  return std::move((*found)->identity);
}

}  // namespace jl::device
