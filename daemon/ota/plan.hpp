#pragma once
// What a task wants, as the machines need it: its spec and what of its firmware they compare with.
#include "common/base/time.hpp"
#include "common/model/ota.hpp"

#include <functional>
#include <string>

namespace jl::ota {

struct Plan {
  std::string task_id;
  model::OtaTask task;
  std::string firmware_id, product_id, version;
  int version_order = 0;
  std::uint64_t size = 0;  ///< of the image, bytes; 0 = not known
  Millis created_at = 0;

  [[nodiscard]] bool is_push() const { return task.mode == model::UpgradeMode::push; }
};

/// The minute of the day, local time, of a moment.
using MinuteOfDay = std::function<int(Millis)>;

}  // namespace jl::ota
