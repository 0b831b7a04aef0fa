#pragma once
// What apply or diff would change or did change, for people.
#include "cli/context.hpp"

#include <string>
#include <vector>

namespace jl::cli {

/// "+ device/dev-1", "~ network/mqtt-1" with its fields before and after, "- device/dev-9".
void write_changes(Printer& out, const json::value& reply, bool with_fields);
/// The plan of a deletion: "- modbus-channel/plc-1", what goes along with it, and what is unbound.
void write_deletion(Printer& out, const json::value& reply);
/// What went along with a deletion, one line each: "modbus-point/p1 deleted as well".
[[nodiscard]] std::vector<std::string> aftermath_texts(const json::value& reply);
/// "device/boiler-1: property temperature, point boiler-temp": entries of lists that went with what they named.
[[nodiscard]] std::vector<std::string> unbound_texts(const json::value& reply);
/// The texts of a list of the reply; none when there is no such list.
[[nodiscard]] std::vector<std::string> texts_at(const json::value& reply, const char* key);
/// "2 created, 1 updated, 40 unchanged (revision 12)".
[[nodiscard]] std::string summary_text(const json::value& reply);
/// How many objects the reply says were or would be changed.
[[nodiscard]] std::int64_t changed_count(const json::value& reply);
/// A number of the reply's "summary".
[[nodiscard]] std::int64_t summary_number(const json::value& reply, const char* key);

}  // namespace jl::cli
