#include "daemon/control/roles.hpp"

#include "daemon/control/user_names.hpp"

#include <sys/socket.h>
#include <algorithm>
#include <cerrno>
#include <charconv>
#include <optional>

namespace jl::control {
namespace {

constexpr std::size_t kMaxGroups = 65536;  // NGROUPS_MAX of Linux

std::optional<std::uint32_t> number(std::string_view text) {
  std::uint32_t value = 0;
  if (!is_number(text)) return std::nullopt;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failed != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

bool names_user(const std::string& word, const Caller& caller) {
  if (const auto uid = number(word)) return *uid == caller.uid;
  return word == caller.user;
}

bool names_group(const std::string& word, const Caller& caller) {
  const auto gid = number(word);
  if (gid && *gid == caller.gid) return true;
  return std::ranges::find(caller.groups, gid ? group_name(*gid) : word) != caller.groups.end();
}

// The groups of the process behind the socket, or nullopt when the kernel does not tell.
std::optional<std::vector<std::uint32_t>> peer_groups(int fd) {
  std::vector<gid_t> gids(64);
  for (;;) {
    auto length = static_cast<socklen_t>(gids.size() * sizeof(gid_t));
    if (::getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, gids.data(), &length) == 0) {
      gids.resize(length / sizeof(gid_t));
      return std::vector<std::uint32_t>(gids.begin(), gids.end());
    }
    const std::size_t needed = length / sizeof(gid_t);
    if (errno != ERANGE || needed <= gids.size() || needed > kMaxGroups) return std::nullopt;
    gids.resize(needed);
  }
}

}  // namespace

Role RoleRules::role_of(const Caller& caller, std::uint32_t own_uid) const {
  if (caller.uid == 0 || caller.uid == own_uid) return Role::admin;
  Role best = Role::none;
  for (const RoleRule& rule : rules) {
    if (rule.role <= best) continue;
    if (std::ranges::any_of(rule.users, [&](const auto& word) { return names_user(word, caller); }) ||
        std::ranges::any_of(rule.groups, [&](const auto& word) { return names_group(word, caller); })) {
      best = rule.role;
    }
  }
  return best;
}

Caller caller_of_socket(int fd) {
  // Nobody: overflowuid of Linux, which no rule should name.
  Caller caller;
  caller.uid = caller.gid = 65534;
  ucred peer{};
  socklen_t length = sizeof(peer);
  if (::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) != 0 || peer.uid == static_cast<uid_t>(-1)) {
    caller.user = std::to_string(caller.uid);
    return caller;
  }
  caller.uid = peer.uid;
  caller.gid = peer.gid;
  caller.pid = peer.pid;
  caller.user = user_name(peer.uid);
  auto gids = peer_groups(fd);
  if (!gids) gids = groups_of_user(peer.uid, peer.gid);
  caller.groups.push_back(group_name(peer.gid));
  for (const std::uint32_t gid : *gids) {
    std::string name = group_name(gid);
    if (std::ranges::find(caller.groups, name) == caller.groups.end()) caller.groups.push_back(std::move(name));
  }
  return caller;
}

}  // namespace jl::control
