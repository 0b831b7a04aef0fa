#pragma once
// Products (产品): what devices of one model have in common: gateway, protocol configuration, thing model (access.md
// 6).
#include "common/model/describe.hpp"

#include <cstdint>

namespace jl::model {

enum class DeviceType : std::uint8_t { device, children_device, gateway };
template <>
struct EnumWords<DeviceType> {
  static const std::vector<Word>& words();
};

struct Product {
  DeviceType device_type = DeviceType::device;
  Reference access_id;
  json::value metadata;
  Config configuration;
  std::string classified_id;
  std::string classified_name;
};

/// Thing model JSON: an object, or JetLinks' text form of it. Brings it into canonical form.
void check_metadata(json::value& value, const std::string& path, std::vector<Problem>& problems);

template <class V>
void describe(V& v, Product& s) {
  v.field("deviceType", s.device_type).help("directly connected device, child device, or gateway device (设备类型)");
  v.field("accessId", s.access_id)
      .refers_to("gateway")
      .flag("gateway")
      .help("gateway that its devices use (设备接入网关)")
      .example("gw-1");
  v.field("metadata", s.metadata)
      .check(check_metadata)
      .flag("metadata")
      .help("thing model: properties, functions, events, tags; JSON or @FILE (物模型)")
      .example("@thing-model.json");
  v.field("configuration", s.configuration)
      .flag("config")
      .max_length(64)
      .help("what the protocol asks for, for all devices of the product: KEY=VALUE (接入配置)");
  v.field("classifiedId", s.classified_id).max_length(64).help("category id (分类)");
  v.field("classifiedName", s.classified_name).max_length(64).help("category name (分类名称)");
  for (const char* key :
       {"accessName", "accessProvider", "messageProtocol", "protocolName", "transportProtocol", "storePolicy",
        "storePolicyConfiguration", "projectId", "projectName", "photoUrl", "orgId", "describe"})
    v.drop(key);
}

}  // namespace jl::model
