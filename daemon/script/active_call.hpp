#pragma once
// A call of a program while it runs, on the thread's stack.
#include "daemon/script/engine.hpp"
#include "daemon/script/errors.hpp"
#include "daemon/script/program.hpp"

#include <exception>

namespace jl::script {

class ProgramRealm;

struct ActiveCall {
  Engine& engine;
  ProgramRealm& realm;
  const Invocation& what;
  const ProgramLimits& limits;
  Host& host;
  std::size_t spent = 0;        ///< of limits.output
  int log_lines = 0;            ///< that console.* wrote
  std::int64_t paused = 0;      ///< nanoseconds that the host took
  bool too_much = false;        ///< more output than the limit was asked for
  std::exception_ptr thrown{};  ///< what the host threw; the script is stopped then

  /// Counts output, of which each piece takes 64 bytes more than it has; throws a RangeError above the limit.
  bool spend(JSContext* cx, std::size_t bytes);
  [[nodiscard]] std::size_t left() const { return limits.output - spent; }
  /// Runs `task` of the host. The host's time is the script's, too.
  template <class Task>
  bool ask(Task&& task) {
    try {
      task();
      return true;
    } catch (...) {
      thrown = std::current_exception();
      return false;
    }
  }
  /// The same for what gives a Status, which becomes an exception of the script, and may take its own time.
  template <class Task>
  bool hand_over(JSContext* cx, Task&& task) {
    Status status;
    const std::int64_t start = Watchdog::now();
    const bool done = ask([&] {
      const Pause pause(engine);
      status = task();
    });
    paused += Watchdog::now() - start;
    return done && (status ? true : throw_error(cx, status.error().message));
  }
};

}  // namespace jl::script
