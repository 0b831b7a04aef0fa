#pragma once
// Devices (设备): one each, with their credentials and place in a gateway device's tree (access.md 6).
#include "common/model/describe.hpp"
#include "common/model/product.hpp"

namespace jl::model {

/// A property whose values are read and written at a Modbus point (operations.md 2.1).
struct PointBinding {
  std::string property;
  Reference point;
};

struct Device {
  Reference product_id;
  Reference parent_id;
  Config configuration;
  json::value derive_metadata;
  bool self_manage_state = false;
  std::vector<PointBinding> bindings;
};

/// No property twice.
void settle_device(json::object& spec, const std::string& path, std::vector<Problem>& problems);

template <class V>
void describe(V& v, PointBinding& s) {
  v.field("property", s.property).required().max_length(64).help("of the device's thing model (属性)");
  v.field("point", s.point)
      .required()
      .refers_to("modbus-point")
      .unbinds()
      .help("Modbus point where it is read and written (点位)");
}

template <class V>
void describe(V& v, Device& s) {
  v.field("productId", s.product_id)
      .required()
      .immutable()
      .refers_to("product")
      .flag("product")
      .help("product that it is one of (所属产品)")
      .example("th-sensor");
  v.field("parentId", s.parent_id).refers_to("device").flag("parent").help("gateway device that it hangs on (父设备)");
  v.field("configuration", s.configuration)
      .flag("config")
      .max_length(64)
      .help("what the protocol asks for, KEY=VALUE; wins over the product's (接入配置)")
      .example("secureId=s-1");
  v.field("deriveMetadata", s.derive_metadata)
      .check(check_metadata)
      .help("the device's own thing model, merged over the product's; JSON or @FILE (派生物模型)");
  v.field("selfManageState", s.self_manage_state).help("a child that says itself whether it is online (自管理状态)");
  v.field("bindings", s.bindings)
      .no_default()
      .max_length(10'000)
      .help("properties that are values of Modbus points; see jlctl modbus bind (数据采集)");
  v.settle(settle_device);
  for (const char* key : {"productName", "features", "registryTime", "deviceType", "describe", "photoUrl", "orgId"})
    v.drop(key);
}

}  // namespace jl::model
