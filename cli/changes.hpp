#pragma once
// What apply or diff would change or did change, for people.
#include "cli/context.hpp"

namespace jl::cli {

/// "+ device/dev-1", "~ network/mqtt-1" with its fields before and after, "- device/dev-9".
void write_changes(Printer& out, const json::value& reply, bool with_fields);
/// "2 created, 1 updated, 40 unchanged (revision 12)".
[[nodiscard]] std::string summary_text(const json::value& reply);
/// How many objects the reply says were or would be changed.
[[nodiscard]] std::int64_t changed_count(const json::value& reply);
/// A number of the reply's "summary".
[[nodiscard]] std::int64_t summary_number(const json::value& reply, const char* key);

}  // namespace jl::cli
