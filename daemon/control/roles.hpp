#pragma once
// Who a caller is and what it may do: SO_PEERCRED's uid and groups, mapped to a role by the daemon's configuration.
#include "common/control/commands.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace jl::control {

/// The process behind a control connection.
struct Caller {
  std::uint32_t uid = 0, gid = 0;
  std::int32_t pid = 0;
  std::string user;                 ///< name of the uid, or its number
  std::vector<std::string> groups;  ///< names (or numbers) of all its groups
  Role role = Role::none;
  std::string claimed_user, claimed_from;  ///< what sudo and ssh claim; recorded, never trusted
};

/// Users and groups, by name or number, that get a role.
struct RoleRule {
  Role role;
  std::vector<std::string> users, groups;
};

struct RoleRules {
  std::vector<RoleRule> rules;
  /// The highest role that any rule gives; root and the daemon's own user are admin; everyone else none.
  [[nodiscard]] Role role_of(const Caller& caller, std::uint32_t own_uid) const;
};

/// Reads the peer of a connected Unix socket, its user name and all its groups (supplementary ones of the process as
/// far as the kernel tells (SO_PEERGROUPS), else those of the user database).
[[nodiscard]] Caller caller_of_socket(int fd);

}  // namespace jl::control
