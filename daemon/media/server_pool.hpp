#pragma once
// The media servers that are configured: how each does, and which one a new stream goes to (operations.md 3.1, 3.2).
// Every enabled server is asked every ten seconds; one that is not well is not chosen.
#include "daemon/media/server_api.hpp"
#include "daemon/network/io_thread.hpp"

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace jl::media {

/// One server as it is configured.
struct ServerConfig {
  std::string id;
  bool enabled = false;
  bool is_srs = false;
  ServerAddress address;
  MediaPorts ports;  ///< as given; 0 = what the server says
};

/// A client of the server; see zlmediakit() and srs().
[[nodiscard]] std::shared_ptr<ServerApi> api_of(const ServerConfig& config,
                                                const std::shared_ptr<network::HttpClient>& client);

/// How an enabled server does.
struct ServerState {
  Checkup checkup;        ///< its ports are those that count: as given, else as the server says
  Millis since = 0;       ///< wall time when its health became what it is; 0 = not asked yet
  Millis checked_at = 0;  ///< wall time of the last answer, or of what came instead
  int misses = 0;         ///< checks in a row that found nobody
};

/// A whole number from 0 to `bound` - 1, each as likely as the other.
using RandomBelow = std::function<std::uint64_t(std::uint64_t bound)>;
/// Makes the client of a server; api_of() unless a test has its own.
using MakeApi = std::function<std::shared_ptr<ServerApi>(const ServerConfig&)>;

class ServerPool : public std::enable_shared_from_this<ServerPool> {
 public:
  static constexpr Millis kInterval = 10'000;  ///< between checks of one server
  static constexpr int kMaxMisses = 3;         ///< in a row; then a server that was well counts as unreachable

  /// Asks on `home`'s timers. Own it by a shared_ptr.
  ServerPool(network::IoThread& home, RandomBelow random, MakeApi make_api);
  ServerPool(const ServerPool&) = delete;

  /// The servers from now on; what is known of those that stay as they are is kept. Any thread.
  void set(std::vector<ServerConfig> servers);
  /// Asks nobody any more. Any thread; what is on its way comes to nothing.
  void stop();

  /// How a server does; nothing when it is disabled or not there. Any thread.
  [[nodiscard]] std::optional<ServerState> state(std::string_view id) const;
  /// Uniformly one of the enabled servers that are well, degraded ones only when no other is left. `excluded` were
  /// tried already. Errors: unavailable (none is; says how each does). Any thread.
  [[nodiscard]] Result<std::string> choose(const std::set<std::string, std::less<>>& excluded = {}) const;
  /// A server that somebody named. Errors: not_found, disabled, unavailable (how it does).
  [[nodiscard]] Status can_use(std::string_view id) const;
  /// The client of a server that is enabled; nullptr otherwise. Any thread.
  [[nodiscard]] std::shared_ptr<ServerApi> api(std::string_view id) const;
  /// The server said by itself that it lives (a hook). Any thread.
  void heard(std::string_view id);

 private:
  struct Entry;
  using Entries = std::map<std::string, std::shared_ptr<Entry>, std::less<>>;
  void ask(const std::shared_ptr<Entry>& entry);
  void take(const std::shared_ptr<Entry>& entry, Checkup checkup);
  [[nodiscard]] bool is_current(const std::shared_ptr<Entry>& entry) const;

  network::IoThread& home_;
  const RandomBelow random_;
  const MakeApi make_api_;
  mutable std::mutex mutex_;  // entries_, their states, stopped_
  Entries entries_;
  std::map<std::string, bool, std::less<>> known_;  // every server: whether it is enabled
  bool stopped_ = false;
};

}  // namespace jl::media
