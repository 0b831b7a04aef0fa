#pragma once
// The call that makes the daemon hold a set of documents, and what is shown of its answer: for apply, diff and imports.
#include "cli/context.hpp"

#include <vector>

namespace jl::cli {

/// The body of apply and diff out of documents, asking for progress on the way.
void set_documents(Request& request, const std::vector<const json::object*>& documents);
/// Sends it: progress lines on the way, then the result. Errors: those of the daemon, its problems without positions.
[[nodiscard]] Result<json::value> send_documents(Context& context, const Request& request);

/// Shows a plan or a result; plans list every field. Errors: usage (a field that does not exist).
[[nodiscard]] Status report_changes(Context& context, const json::value& reply, bool is_plan);
/// differs when anything would change.
[[nodiscard]] int exit_of_plan(const json::value& reply);

}  // namespace jl::cli
