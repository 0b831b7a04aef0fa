#include "daemon/media/server_pool.hpp"

#include "daemon/base/log.hpp"

#include <fmt/format.h>
#include <algorithm>
#include <utility>

namespace jl::media {

namespace {

bool is_same(const ServerConfig& a, const ServerConfig& b) {
  const auto of = [](const ServerConfig& c) {
    return std::tie(c.is_srs, c.address.base_url, c.address.secret, c.address.authorities, c.ports.http, c.ports.rtsp,
                    c.ports.rtmp);
  };
  return of(a) == of(b);
}

std::uint16_t first_of(std::uint16_t given, std::uint16_t found) { return given != 0 ? given : found; }

std::string_view sentence_of(Health health) {
  switch (health) {
    case Health::unknown:
      return "was not asked yet";
    case Health::ok:
      return "is well";
    case Health::auth_failed:
      return "refuses the secret";
    case Health::ip_not_allowed:
      return "does not let this machine's address in";
    case Health::unreachable:
      return "cannot be reached";
    case Health::degraded:
      return "is degraded";
  }
  return {};
}

bool is_well(Health health) { return health == Health::ok || health == Health::degraded; }

}  // namespace

std::string_view to_string(Health health) {
  switch (health) {
    case Health::unknown:
      return "unknown";
    case Health::ok:
      return "ok";
    case Health::auth_failed:
      return "auth_failed";
    case Health::ip_not_allowed:
      return "ip_not_allowed";
    case Health::unreachable:
      return "unreachable";
    case Health::degraded:
      return "degraded";
  }
  return {};
}

std::shared_ptr<ServerApi> api_of(const ServerConfig& config, const std::shared_ptr<network::HttpClient>& client) {
  return config.is_srs ? srs(client, config.address) : zlmediakit(client, config.address);
}

struct ServerPool::Entry {
  Entry(std::shared_ptr<ServerPool> o, ServerConfig c, std::shared_ptr<ServerApi> a)
      : owner(std::move(o)), config(std::move(c)), api(std::move(a)), timer(on_time, this) {}
  static void on_time(void* entry) {
    auto* self = static_cast<Entry*>(entry);
    if (const auto pool = self->owner.lock()) pool->ask(self->self.lock());
  }
  const std::weak_ptr<ServerPool> owner;
  std::weak_ptr<Entry> self;
  const ServerConfig config;
  const std::shared_ptr<ServerApi> api;
  ServerState state;     // under the pool's mutex
  network::Timer timer;  // on the home thread
};

ServerPool::ServerPool(network::IoThread& home, RandomBelow random, MakeApi make_api)
    : home_(home), random_(std::move(random)), make_api_(std::move(make_api)) {}

void ServerPool::set(std::vector<ServerConfig> servers) {
  std::vector<std::shared_ptr<Entry>> fresh, former;
  {
    const std::scoped_lock lock(mutex_);
    if (stopped_) return;
    Entries now;
    known_.clear();
    for (auto& config : servers) {
      known_[config.id] = config.enabled;
      if (!config.enabled) continue;
      const auto it = entries_.find(config.id);
      if (it != entries_.end() && is_same(it->second->config, config)) {
        now.emplace(config.id, it->second);
        continue;
      }
      const std::string id = config.id;
      auto api = make_api_(config);
      auto entry = std::make_shared<Entry>(shared_from_this(), std::move(config), std::move(api));
      entry->self = entry;
      fresh.push_back(entry);
      now.emplace(id, std::move(entry));
    }
    entries_.swap(now);
    for (const auto& [id, entry] : now) {
      const auto it = entries_.find(id);
      if (it == entries_.end() || it->second != entry) former.push_back(entry);
    }
  }
  // Timers belong to the home thread, so entries that leave end there.
  home_.post([self = shared_from_this(), fresh = std::move(fresh), former = std::move(former)] {
    for (const auto& entry : former) entry->timer.cancel();
    for (const auto& entry : fresh) self->ask(entry);
  });
}

void ServerPool::stop() {
  Entries leaving;
  {
    const std::scoped_lock lock(mutex_);
    if (std::exchange(stopped_, true)) return;
    leaving.swap(entries_);
  }
  home_.post([leaving = std::move(leaving)] {
    for (const auto& [id, entry] : leaving) entry->timer.cancel();
  });
}

bool ServerPool::is_current(const std::shared_ptr<Entry>& entry) const {
  const std::scoped_lock lock(mutex_);
  const auto it = entries_.find(entry->config.id);
  return it != entries_.end() && it->second == entry;
}

// On the home thread. The next check is due ten seconds after this one was answered, so that never two are on their
// way.
void ServerPool::ask(const std::shared_ptr<Entry>& entry) {
  if (!entry || !is_current(entry)) return;
  entry->api->check([weak = weak_from_this(), entry, &home = home_](Checkup checkup) {
    home.post([weak, entry, checkup = std::move(checkup)]() mutable {
      if (const auto self = weak.lock()) self->take(entry, std::move(checkup));
    });
  });
}

void ServerPool::take(const std::shared_ptr<Entry>& entry, Checkup checkup) {
  Health before{}, after{};
  std::string reason;
  {
    const std::scoped_lock lock(mutex_);
    const auto it = entries_.find(entry->config.id);
    if (it == entries_.end() || it->second != entry) return;
    ServerState& state = entry->state;
    before = state.checkup.health;
    const Millis now = home_.clock().now();
    state.checked_at = now;
    if (checkup.health == Health::unreachable) {
      ++state.misses;
      // A server that was well gets three chances; what is known of it stays until then.
      if (is_well(before) && state.misses < kMaxMisses) checkup = state.checkup;
    } else {
      state.misses = 0;
    }
    const MediaPorts& given = entry->config.ports;
    checkup.ports.http = first_of(given.http, checkup.ports.http);
    checkup.ports.rtsp = first_of(given.rtsp, checkup.ports.rtsp);
    checkup.ports.rtmp = first_of(given.rtmp, checkup.ports.rtmp);
    after = checkup.health;
    reason = checkup.reason;
    if (after != before) state.since = now;
    state.checkup = std::move(checkup);
  }
  if (after != before) {
    if (after == Health::ok) {
      log::info("media", "media-server={} is well", entry->config.id);
    } else {
      log::warn("media", "media-server={} {}: {}", entry->config.id, sentence_of(after), reason);
    }
  }
  home_.timers().set(entry->timer, kInterval);
}

std::optional<ServerState> ServerPool::state(std::string_view id) const {
  const std::scoped_lock lock(mutex_);
  const auto it = entries_.find(id);
  if (it == entries_.end()) return std::nullopt;
  return it->second->state;
}

std::shared_ptr<ServerApi> ServerPool::api(std::string_view id) const {
  const std::scoped_lock lock(mutex_);
  const auto it = entries_.find(id);
  return it == entries_.end() ? nullptr : it->second->api;
}

Result<std::string> ServerPool::choose(const std::set<std::string, std::less<>>& excluded) const {
  const std::scoped_lock lock(mutex_);
  for (const Health wanted : {Health::ok, Health::degraded}) {
    std::vector<std::string_view> ids;
    for (const auto& [id, entry] : entries_) {
      if (entry->state.checkup.health == wanted && !excluded.contains(id)) ids.push_back(id);
    }
    if (!ids.empty()) return std::string(ids[random_(ids.size())]);
  }
  std::string why;
  for (const auto& [id, entry] : entries_) {
    if (!why.empty()) why += ", ";
    why += fmt::format("\"{}\" {}", id, excluded.contains(id) ? "failed" : sentence_of(entry->state.checkup.health));
  }
  if (why.empty())
    return Error(
        Errc::unavailable, known_.empty() ? "there is no media server" : "no media server is enabled",
        known_.empty() ? "jlctl media server add ID --provider zlmediakit ..." : "jlctl media server enable ID");
  return Error(Errc::unavailable, "no media server can take the stream: " + why, "jlctl media server list");
}

Status ServerPool::can_use(std::string_view id) const {
  const std::scoped_lock lock(mutex_);
  const auto known = known_.find(id);
  if (known == known_.end())
    return Error(Errc::not_found, fmt::format("media-server \"{}\" does not exist", id), "jlctl media server list");
  if (!known->second)
    return Error(Errc::disabled, fmt::format("media-server \"{}\" is disabled", id),
                 fmt::format("jlctl media server enable {}", id));
  const auto it = entries_.find(id);
  const Health health = it == entries_.end() ? Health::unknown : it->second->state.checkup.health;
  if (!is_well(health))
    return Error(Errc::unavailable, fmt::format("media-server \"{}\" {}", id, sentence_of(health)),
                 fmt::format("jlctl media server test {}", id));
  return {};
}

void ServerPool::heard(std::string_view id) {
  const std::scoped_lock lock(mutex_);
  const auto it = entries_.find(id);
  if (it != entries_.end()) it->second->state.misses = 0;
}

}  // namespace jl::media
