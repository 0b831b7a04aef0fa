#pragma once
// The programs that are in use on one thread: their realms, and which of them rest.
#include "daemon/script/program.hpp"
#include "daemon/script/program_realm.hpp"

#include <atomic>
#include <map>

namespace jl::script {

class Engine;

/// What all threads share of a program.
struct ProgramBody {
  ProgramBody(ProgramSource s, const ProgramLimits& l) : source(std::move(s)), limits(l) {}
  const ProgramSource source;
  const ProgramLimits limits;
  std::map<std::string, std::vector<std::string>, std::less<>> functions{};  ///< of the entries; fixed after load()
  mutable std::atomic<std::uint64_t> calls{0}, errors{0}, overruns{0};
};

class ProgramTable {
 public:
  /// A program on this thread. Stays where it is while somebody holds the body.
  struct Local {
    std::weak_ptr<const ProgramBody> owner;
    std::shared_ptr<ProgramRealm> realm;  ///< null until it is needed
    std::int64_t rest_until = 0;          ///< Watchdog::now()
    std::size_t outside = 0;              ///< bytes beside the engine's heap when last looked at
    std::uint32_t calls = 0;              ///< since then
  };
  /// How many calls may pass before the memory of a realm is looked at again.
  static constexpr std::uint32_t kLook = 16;

  Local& of(const std::shared_ptr<const ProgramBody>& body);
  /// After the outermost call: when the programs fill the thread's memory even after a collection, all of them begin
  /// anew, so that what one of them hoards is not missing for the others. `must` = one has just run out of memory.
  /// Whether others than it have filled the memory.
  bool settle(Engine& engine, Local& local, std::size_t heap, bool must);
  /// Makes room, outside of calls: collects, and lets all programs begin anew when that is not enough; whether it did.
  bool relieve(Engine& engine, std::size_t heap);
  /// The engine ends.
  void clear() { locals_.clear(); }
  /// A program is gone; threads drop what they have of it at their next call.
  static void program_gone() { ++gone_; }
  /// Realms of this thread, for tests.
  [[nodiscard]] std::size_t realms() const;

 private:
  std::size_t outside(Engine& engine);
  void drop_realms(Engine& engine);

  std::map<const ProgramBody*, Local> locals_;
  std::uint64_t seen_gone_ = 0;
  static inline std::atomic<std::uint64_t> gone_{0};
};

}  // namespace jl::script
