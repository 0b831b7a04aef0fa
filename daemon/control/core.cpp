#include "daemon/control/core.hpp"

#include "daemon/control/connection.hpp"

#include <fmt/format.h>
#include <unistd.h>

namespace jl::control {

Core::Core(const ServerOptions& o, Handler h, logs::AccessLog& log, const Clock& c, CallerOf who)
    : options(o),
      handler(std::move(h)),
      access_log(log),
      clock(c),
      caller_of(std::move(who)),
      own_uid(::geteuid()),
      roles_(o.roles),
      id_prefix_(fmt::format("{:x}-", c.now())) {}

Core::~Core() = default;

Role Core::role_of(const Caller& caller) const {
  const std::lock_guard lock(roles_mutex_);
  return roles_.role_of(caller, own_uid);
}

void Core::set_roles(RoleRules rules) {
  const std::lock_guard lock(roles_mutex_);
  roles_ = std::move(rules);
}

std::string Core::next_request_id() { return id_prefix_ + std::to_string(++last_id_); }

}  // namespace jl::control
