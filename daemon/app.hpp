#pragma once
// The house, composed: opens the store, starts every room in order, and takes them down in the reverse one.
#include "daemon/config.hpp"

#include <functional>
#include <memory>

namespace jl {

class App {
 public:
  /// Starts everything; what is enabled in the store is bound, or failed and retried. `caller_of` says who is behind a
  /// control connection. Errors: as the rooms give them.
  [[nodiscard]] static Result<std::unique_ptr<App>> start(
      const Config& config, const Clock& clock,
      std::function<control::Caller(int fd)> caller_of = control::caller_of_socket);
  ~App();
  App(const App&) = delete;

  /// Once a second: retries failed components, forgets what is too old, checks that the loops turn.
  void tick();
  /// Whether every loop has turned since the last but one tick; for the watchdog.
  [[nodiscard]] bool is_alive() const;
  /// Takes over what can change without a restart: roles and the log level.
  void reload(const Config& config);
  /// Stops accepting, lets sessions and calls end for at most `drain`, then stops everything.
  void stop(std::chrono::milliseconds drain);

 private:
  App();
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace jl
