#pragma once
// Errors on the control socket: RFC 9457 problem documents, and back.
#include "common/base/error.hpp"

#include <boost/json.hpp>
#include <string_view>

namespace jl::control {

/// {"type","title","status","code","detail","hint","field","retryable","requestId","problems":[{field,message,code,object}]}
/// and the error's own members as extension members (RFC 9457 3.2).
[[nodiscard]] boost::json::object to_problem(const Error& error, std::string_view request_id = {});
/// Reads what to_problem wrote; anything else becomes Errc::failed with the text at hand.
[[nodiscard]] Error from_problem(std::string_view body, int status);
/// The list form of problems, with positions when they have them.
[[nodiscard]] boost::json::array problem_list(const std::vector<Problem>& problems);

}  // namespace jl::control
