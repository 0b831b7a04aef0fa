#pragma once
// SpiderMonkey on one thread: its context, the realms of the scripts that are in use there, and the bounds of a call.
//
// What bounds a script: the processor time of one call (the watchdog asks for an interrupt within 5 ms after it, and
// scripts cannot catch it), the engine's heap (ScriptLimits::heap), the bytes of its Buffers (the same number again),
// and 256 MiB by which the process may grow during one call (looked at every 5 ms). What the engine does in one piece
// is not interrupted: joining one string of at most 1 GiB, the engine's limit, searching or replacing in it, parsing it
// as JSON, making an object of its characters.
//
// No machine code is made at run time: the engine only interprets, so that it runs under MemoryDenyWriteExecute.
#include "common/base/result.hpp"
#include "daemon/script/framing.hpp"
#include "daemon/script/js.hpp"
#include "daemon/script/watchdog.hpp"

#include <map>
#include <set>
#include <utility>

namespace jl::script {

class FramingRealm;
class ProgramTable;
class Realm;
class ScriptFramer;
struct ActiveCall;

/// A compiled script's identity: alive while its rule is.
struct ScriptId {};

/// How a script ended that did not return.
enum class Ending : std::uint8_t { threw, out_of_time, out_of_memory };

class Engine {
 public:
  /// The calling thread's, made when it has none. Errors: failed.
  static Result<Engine*> here(const ScriptLimits& limits);
  /// The calling thread's, or null.
  static Engine* existing();
  static Engine& of(JSContext* cx) { return *static_cast<Engine*>(JS_GetContextPrivate(cx)); }

  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  [[nodiscard]] JSContext* cx() const { return cx_; }
  /// The realm in which `source` is compiled; made at its first use on this thread. `id` tells rules apart.
  Result<std::shared_ptr<FramingRealm>> realm(const std::shared_ptr<const ScriptId>& id, const ScriptSource& source,
                                              const ScriptLimits& limits);
  /// What programs have on this thread.
  [[nodiscard]] ProgramTable& programs() { return *programs_; }
  /// The program's call that runs; null outside of them, and while a program is loaded.
  [[nodiscard]] ActiveCall* active() const { return active_; }
  ActiveCall* set_active(ActiveCall* call) { return std::exchange(active_, call); }
  /// Calls that run, one within the other.
  [[nodiscard]] int depth() const { return depth_; }

  /// The framer whose script runs; null outside of calls.
  [[nodiscard]] ScriptFramer* running() const { return running_; }
  [[nodiscard]] Realm* running_realm() const { return running_realm_; }

  /// Counts `more` bytes of Buffers; false when there would be too many even after a collection.
  bool add_bytes(std::size_t more);
  void remove_bytes(std::size_t less) { bytes_ -= less; }

  /// After a call into JavaScript failed: whether an exception is pending, or the script was stopped; in that case
  /// none is pending afterwards, and the realm is spoiled.
  Ending ending();
  /// Why a native stopped the script without an exception; once.
  void refuse(std::string why) { refusal_ = std::move(why); }
  std::string take_refusal() { return std::exchange(refusal_, {}); }
  /// Whether a script has waited for a promise since the last time.
  bool take_refused_job() { return std::exchange(refused_job_, false); }
  void refuse_job() { refused_job_ = true; }
  /// The pending exception, or what stopped the script, as an Error; none is pending afterwards.
  Error take_error(const std::string& name);

  /// Framers whose JavaScript objects must go before the context does.
  void add(ScriptFramer& framer) { framers_.insert(&framer); }
  /// After a script ran out of memory or time its garbage goes with its framer.
  void remove(ScriptFramer& framer);

 private:
  friend class Call;
  friend class Pause;
  explicit Engine(const ScriptLimits& limits);
  bool start();
  static bool on_interrupt(JSContext* cx);
  static void on_gc(JSContext* cx, JSGCStatus status, JS::GCReason reason, void* engine);

  const ScriptLimits limits_;
  JSContext* cx_ = nullptr;
  std::unique_ptr<JS::JobQueue> jobs_;
  std::unique_ptr<Watch> watch_;
  struct Known {
    std::weak_ptr<const ScriptId> rule;
    std::shared_ptr<FramingRealm> realm;
  };
  std::map<const ScriptId*, Known> realms_;
  std::set<ScriptFramer*> framers_;
  std::unique_ptr<ProgramTable> programs_;
  ScriptFramer* running_ = nullptr;
  Realm* running_realm_ = nullptr;
  ActiveCall* active_ = nullptr;
  std::string refusal_;
  bool refused_job_ = false;
  int depth_ = 0;
  std::int64_t limit_ = 0;  // nanoseconds of the call that runs
  std::size_t bytes_ = 0;   // of Buffers
  bool full_ = false;       // little of the heap is left even after a collection
  bool ran_away_ = false;   // a script was stopped since the last collection
};

/// One call into JavaScript: within its life the time is limited. May be nested, as when a frame's receiver feeds
/// another framer.
class Call {
 public:
  Call(Engine& engine, Realm& realm, ScriptFramer* framer, std::chrono::milliseconds limit);
  ~Call();
  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;

 private:
  Engine& engine_;
  ScriptFramer* const framer_;
  Realm* const realm_;
  const std::int64_t deadline_, limit_;
  const JSAutoRealm entered_;
};

/// While a frame is handed out of a script's call, the script's time stands still.
class Pause {
 public:
  explicit Pause(Engine& engine) : engine_(engine), left_(engine.watch_->deadline.exchange(0) - Watchdog::now()) {}
  ~Pause() { engine_.watch_->deadline = Watchdog::now() + left_; }
  Pause(const Pause&) = delete;
  Pause& operator=(const Pause&) = delete;

 private:
  Engine& engine_;
  const std::int64_t left_;
};

}  // namespace jl::script
