#pragma once
// Names of users and groups by number, remembered for a while: the user database may be slow.
#include <cstdint>
#include <string>
#include <vector>

namespace jl::control {

/// The user's name, or its number when it has none. A name of digits only also gives the number, so that digits always
/// mean one. Any thread, like the rest.
[[nodiscard]] std::string user_name(std::uint32_t uid);
/// The same for a group.
[[nodiscard]] std::string group_name(std::uint32_t gid);
/// Numbers of all groups of a user as the user database has them, the given one first.
[[nodiscard]] std::vector<std::uint32_t> groups_of_user(std::uint32_t uid, std::uint32_t gid);
/// Whether the text is a number of at most ten digits.
[[nodiscard]] bool is_number(std::string_view text);

}  // namespace jl::control
