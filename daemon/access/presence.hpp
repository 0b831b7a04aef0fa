#pragma once
// The beginning and the end of sessions, as everybody else sees them.
#include "daemon/access/context.hpp"

namespace jl::access {

/// Publishes ONLINE or OFFLINE of a session on the bus and keeps its state record; of a deleted device nothing is kept.
/// On `thread`, which need not be the session's.
void record_session(const Context& context, const Session& session, bool online, network::IoThread& thread);

/// Ends a session because jlinkd wants it to: closes its connection, drops the child, or forgets what was kept online.
/// On the session's thread.
void end_session(const Context& context, const std::shared_ptr<const Session>& session);

}  // namespace jl::access
