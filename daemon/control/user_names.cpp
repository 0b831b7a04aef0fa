#include "daemon/control/user_names.hpp"

#include "daemon/base/clock.hpp"

#include <grp.h>
#include <pwd.h>
#include <algorithm>
#include <cerrno>
#include <mutex>
#include <unordered_map>

namespace jl::control {
namespace {

constexpr std::size_t kMaxCached = 1024;
constexpr Millis kLifetime = 60'000;
constexpr std::size_t kMaxEntry = 1u << 20u;  // bytes of one user or group with all its members

// Calls get*_r with a growing buffer.
template <class Entry, class Get>
std::string look_up(std::uint32_t id, Get get, char* Entry::*name) {
  for (std::vector<char> buffer(1024); buffer.size() <= kMaxEntry; buffer.resize(buffer.size() * 4)) {
    Entry entry{};
    Entry* found = nullptr;
    const int failed = get(id, &entry, buffer.data(), buffer.size(), &found);
    if (failed == ERANGE) continue;
    if (failed == 0 && found && !is_number(found->*name)) return found->*name;
    break;
  }
  return std::to_string(id);
}

class Cache {
 public:
  template <class Make>
  std::string get(std::uint32_t id, Make make) {
    const Millis now = system_clock().steady();
    {
      const std::lock_guard lock(mutex_);
      if (const auto it = names_.find(id); it != names_.end() && it->second.until > now) return it->second.name;
    }
    std::string name = make(id);
    const std::lock_guard lock(mutex_);
    if (names_.size() >= kMaxCached) names_.clear();
    names_.insert_or_assign(id, Name{name, now + kLifetime});
    return name;
  }

 private:
  struct Name {
    std::string name;
    Millis until;
  };
  std::mutex mutex_;
  std::unordered_map<std::uint32_t, Name> names_;
};

}  // namespace

std::string user_name(std::uint32_t uid) {
  static Cache cache;
  return cache.get(uid, [](std::uint32_t id) { return look_up<passwd>(id, ::getpwuid_r, &passwd::pw_name); });
}

std::string group_name(std::uint32_t gid) {
  static Cache cache;
  return cache.get(gid, [](std::uint32_t id) { return look_up<group>(id, ::getgrgid_r, &group::gr_name); });
}

std::vector<std::uint32_t> groups_of_user(std::uint32_t uid, std::uint32_t gid) {
  std::vector<gid_t> gids(64);
  int count = static_cast<int>(gids.size());
  const std::string name = user_name(uid);
  if (::getgrouplist(name.c_str(), gid, gids.data(), &count) < 0 && count > 0 && count <= 65536) {
    gids.resize(static_cast<std::size_t>(count));
    if (::getgrouplist(name.c_str(), gid, gids.data(), &count) < 0) count = 0;
  }
  gids.resize(static_cast<std::size_t>(std::clamp(count, 0, static_cast<int>(gids.size()))));
  std::vector<std::uint32_t> out{gid};
  for (const gid_t each : gids) {
    if (each != gid) out.push_back(each);
  }
  return out;
}

bool is_number(std::string_view text) {
  return !text.empty() && text.size() <= 10 && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

}  // namespace jl::control
