#pragma once
// Devices (设备): one each, with their credentials and place in a gateway device's tree (access.md 6).
#include "common/model/describe.hpp"
#include "common/model/product.hpp"

namespace jl::model {

struct Device {
  Reference product_id;
  Reference parent_id;
  Config configuration;
  json::value derive_metadata;
  bool self_manage_state = false;
};

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
  for (const char* key : {"productName", "features", "registryTime", "deviceType", "describe", "photoUrl", "orgId"})
    v.drop(key);
}

}  // namespace jl::model
