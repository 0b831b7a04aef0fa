#pragma once
// What the runtime keeps of each network component. For its own source files only.
#include "daemon/runtime/runtime.hpp"

namespace jl::runtime {

inline constexpr Millis kFirstRetry = 1000;  ///< after a failed start; doubled with each further one

struct Runtime::Entry {
  model::Resource resource;
  boost::json::object configuration;     // of this node
  std::unique_ptr<Component> component;  // null = not running
  Millis since = 0;
  std::string reason;  // why it failed
  Millis retry_at = 0, retry_delay = kFirstRetry;
};

}  // namespace jl::runtime
