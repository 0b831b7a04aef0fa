#include "common/model/product.hpp"

namespace jl::model {

const std::vector<Word>& EnumWords<DeviceType>::words() {
  static const std::vector<Word> words{
      {"device", "connects by itself (直连设备)", {}},
      {"childrenDevice", "is reached through a gateway device (网关子设备)", {"child"}},
      {"gateway", "has child devices (网关设备)", {}}};
  return words;
}

}  // namespace jl::model
