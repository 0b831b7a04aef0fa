#pragma once
// Finds devices: who they are, what product, which secrets. Reads the store; any thread.
#include "daemon/device/catalog.hpp"

namespace jl::device {

/// A device as the access path sees it.
struct DeviceRecord {
  codec::DeviceIdentity identity;
  bool enabled = false;
  std::string parent_id;
  bool self_manage_state = false;
  std::shared_ptr<const ProductInfo> product;  ///< nullptr when the product is gone
  std::shared_ptr<const Catalog> catalog;
  boost::json::value derived_metadata;
};

class Directory {
 public:
  Directory(const store::Store& store, const Secrets& secrets, const Catalogs& catalogs)
      : store_(&store), secrets_(&secrets), catalogs_(&catalogs) {}

  /// The device, or nothing when there is none. Errors: storage, corrupt.
  [[nodiscard]] Result<std::optional<DeviceRecord>> find(std::string_view device_id) const;
  /// Products, gateways and protocols as they are now.
  [[nodiscard]] std::shared_ptr<const Catalog> catalog() const { return catalogs_->current(); }
  /// Its effective thing model: the product's with its own laid over.
  [[nodiscard]] static model::ThingModel things_of(const DeviceRecord& device);

 private:
  const store::Store* store_;
  const Secrets* secrets_;
  const Catalogs* catalogs_;
};

/// What package scripts look devices up in. Bound once the directory exists.
class DirectoryBook final : public codec::package::DeviceBook {
 public:
  void bind(const Directory& directory) { directory_ = &directory; }
  [[nodiscard]] std::optional<codec::DeviceIdentity> find(std::string_view device_id) const override;

 private:
  const Directory* directory_ = nullptr;
};

}  // namespace jl::device
