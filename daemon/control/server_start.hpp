#pragma once
// Server::start() with the one thing that a test must steer: who the callers are.
#include "daemon/control/server.hpp"

namespace jl::control {

[[nodiscard]] Result<std::unique_ptr<Server>> start_server(const ServerOptions& options, Handler handler,
                                                           logs::AccessLog& access_log, const Clock& clock,
                                                           std::function<Caller(int fd)> caller_of);

}  // namespace jl::control
