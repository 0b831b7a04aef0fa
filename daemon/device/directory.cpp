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

namespace {

// A product without a thing model of its own has the one that its protocol brings (access.md 4.1, 6).
model::ThingModel model_of_product(const DeviceRecord& device) {
  if (!device.product) return {};
  if (device.product->has_model) return device.product->things;
  const auto gateway = device.catalog->gateway(device.product->gateway_id);
  const codec::Protocol* codec = gateway ? device.catalog->codec_of(*gateway) : nullptr;
  if (!codec) return {};
  const auto descriptor = codec->descriptor();
  const auto* transport = descriptor->find(model::provider_info(gateway->provider).transport);
  if (!transport || transport->metadata.empty()) return {};
  boost::system::error_code ec;
  const auto metadata = boost::json::parse(transport->metadata, ec);
  std::vector<Problem> problems;
  return ec ? model::ThingModel() : model::parse_thing_model(metadata, "metadata", problems);
}

}  // namespace

model::ThingModel Directory::things_of(const DeviceRecord& device) {
  const model::ThingModel base = model_of_product(device);
  if (device.derived_metadata.is_null()) return base;
  std::vector<Problem> problems;
  return model::merge_models(base, model::parse_thing_model(device.derived_metadata, "deriveMetadata", problems));
}

std::optional<codec::DeviceIdentity> DirectoryBook::find(std::string_view device_id) const {
  if (!directory_) return std::nullopt;
  auto found = directory_->find(device_id);
  if (!found || !*found || !(*found)->enabled) return std::nullopt;
  if (!(*found)->product || !(*found)->product->enabled) return std::nullopt;
  return std::move((*found)->identity);
}

}  // namespace jl::device
