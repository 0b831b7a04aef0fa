#pragma once
// The daemon's configuration file: what must be known before the store opens. Everything else is a resource.
#include "daemon/base/log.hpp"
#include "daemon/control/roles.hpp"
#include "daemon/device/turn_log.hpp"
#include "daemon/logs/logs.hpp"

#include <string>
#include <vector>

namespace jl {

/// jlinkd.yaml(5), with defaults.
struct Config {
  std::string node_id;  ///< default: the host name
  std::string state_dir = "/var/lib/jlinkd";
  std::string socket = "/run/jlinkd/control.sock";
  std::string socket_group;  ///< default: jlinkd when that group exists
  control::RoleRules roles;
  std::size_t threads = 0;  ///< 0 = one per core
  device::Durability durability = device::Durability::kill;
  std::int64_t message_days = 30;
  std::int64_t messages_per_device = 100'000;
  log::Level log_level = log::Level::info;
  log::Level stored_level = log::Level::warn;
  std::int64_t log_days = 30;
  std::int64_t log_megabytes = 256;
  Millis command_timeout = 10'000;
};

/// Reads and checks a file. Errors: invalid, with every problem and where it stands; not_found.
[[nodiscard]] Result<Config> read_config(const std::string& path);

}  // namespace jl
