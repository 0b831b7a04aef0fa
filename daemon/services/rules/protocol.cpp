// Protocols: not disabled while a gateway refers to them, whatever the gateway's own state (access.md 3.4).
#include "common/base/words.hpp"
#include "daemon/services/rules.hpp"

namespace jl::services {

Status check_protocol(RuleContext& context, const Resource* before, const Resource* after) {
  if (!before || !after || !before->enabled || after->enabled) return {};
  JL_TRY(const auto users, context.view.users_of("protocol", after->id, 10));
  if (!users.empty() && !context.forced) {
    context.problem(
        *after, "enabled",
        "protocol \"" + after->id + "\" is used by " + join(users) + "; a protocol in use cannot be disabled",
        Errc::in_use);
  }
  return {};
}

}  // namespace jl::services
