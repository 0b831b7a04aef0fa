#include "daemon/script/engine.hpp"

#include "daemon/script/errors.hpp"
#include "daemon/script/framer.hpp"
#include "daemon/script/framing_realm.hpp"
#include "daemon/script/program_realm.hpp"
#include "daemon/script/program_table.hpp"

#include <fmt/format.h>
#include <pthread.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>

namespace jl::script {

namespace {
thread_local std::unique_ptr<Engine> this_threads;
std::atomic<int> engines{0};  // with a context

/// Promises settle after the script has returned, when nobody waits for them any more: what would be queued is refused.
class NoJobs final : public JS::JobQueue {
 public:
  JSObject* getIncumbentGlobal(JSContext* cx) override { return JS::CurrentGlobalOrNull(cx); }
  bool enqueuePromiseJob(JSContext* cx, JS::HandleObject, JS::HandleObject, JS::HandleObject,
                         JS::HandleObject) override {
    Engine::of(cx).refuse_job();
    JS_ReportErrorASCII(cx, "promises and async functions are not available");
    return false;
  }
  void runJobs(JSContext*) override {}
  [[nodiscard]] bool empty() const override { return true; }

 private:
  class Nothing final : public SavedJobQueue {};
  js::UniquePtr<SavedJobQueue> saveJobQueue(JSContext*) override { return js::MakeUnique<Nothing>(); }
};

bool refuse_code(JSContext*, JS::RuntimeCode, JS::HandleString) { return false; }
// No code from strings: eval, Function and their kin throw.
constexpr JSSecurityCallbacks kSecurity = {refuse_code, nullptr};

bool initialise() {
  static const bool done = [] {
    JS::DisableJitBackend();
    if (!JS_Init()) return false;
    // The library's static objects are destroyed at exit; its threads must have ended by then.
    std::atexit([] {
      if (engines == 0) JS_ShutDown();
    });
    return true;
  }();
  return done;
}

/// Bytes of this thread's stack that are in use. The engine counts its quota from the stack's beginning.
std::size_t stack_depth() {
  pthread_attr_t attributes;
  if (pthread_getattr_np(pthread_self(), &attributes) != 0) return 0;
  void* lowest = nullptr;
  std::size_t size = 0;
  pthread_attr_getstack(&attributes, &lowest, &size);
  pthread_attr_destroy(&attributes);
  const auto here = reinterpret_cast<std::uintptr_t>(__builtin_frame_address(0));
  return reinterpret_cast<std::uintptr_t>(lowest) + size - here;
}
// Between where an engine is made and where its scripts are called the stack may have grown by this much.
constexpr std::size_t kCallersStack = std::size_t{64} << 10u;
}  // namespace

Result<Engine*> Engine::here(const ScriptLimits& limits) {
  if (this_threads == nullptr) {
    std::unique_ptr<Engine> engine(new Engine(limits));
    if (!engine->start())
      return Error{Errc::failed, "cannot start the JavaScript engine", "see the memory of the host"};
    this_threads = std::move(engine);
  }
  return this_threads.get();
}

Engine* Engine::existing() { return this_threads.get(); }

Engine::Engine(const ScriptLimits& limits) : limits_(limits), programs_(std::make_unique<ProgramTable>()) {}

bool Engine::start() {
  if (!initialise()) return false;
  cx_ = JS_NewContext(static_cast<std::uint32_t>(limits_.heap));
  if (cx_ == nullptr) return false;
  ++engines;
  JS_SetContextPrivate(cx_, this);
  JS_SetNativeStackQuota(cx_, stack_depth() + kCallersStack + limits_.stack);
  JS_SetGCParameter(cx_, JSGC_MAX_BYTES, static_cast<std::uint32_t>(limits_.heap));
  // What is in the nursery does not count as heap until it survives: it must not be large beside the limit.
  JS_SetGCParameter(cx_, JSGC_MAX_NURSERY_BYTES,
                    std::max(std::uint32_t{1} << 20u, static_cast<std::uint32_t>(limits_.heap / 16)));
  JS_SetSecurityCallbacks(cx_, &kSecurity);
  jobs_ = std::make_unique<NoJobs>();
  JS::SetJobQueue(cx_, jobs_.get());
  if (!JS::InitSelfHostedCode(cx_)) return false;
  JS_SetGCCallback(cx_, on_gc, this);
  if (!JS_AddInterruptCallback(cx_, on_interrupt)) return false;
  set_module_hooks(cx_);
  watch_ = std::make_unique<Watch>(cx_);
  Watchdog::instance().add(*watch_);
  return true;
}

Engine::~Engine() {
  if (cx_ == nullptr) return;
  if (watch_ != nullptr) Watchdog::instance().remove(*watch_);
  // The thread ends; framers that are left are dead from here on.
  while (!framers_.empty()) (*framers_.begin())->abandon();
  realms_.clear();
  programs_->clear();
  JS_DestroyContext(cx_);
  --engines;
}

void Engine::remove(ScriptFramer& framer) {
  framers_.erase(&framer);
  if (!ran_away_ || running_ != nullptr) return;
  ran_away_ = false;
  JS_GC(cx_);
}

Result<std::shared_ptr<FramingRealm>> Engine::realm(const std::shared_ptr<const ScriptId>& id,
                                                    const ScriptSource& source, const ScriptLimits& limits) {
  std::erase_if(realms_,
                [](const auto& entry) { return entry.second.rule.expired() || entry.second.realm->spoiled(); });
  if (const auto known = realms_.find(id.get()); known != realms_.end()) return known->second.realm;
  JL_TRY(auto made, FramingRealm::make(*this, source, limits.call));
  realms_[id.get()] = {id, made};
  return made;
}

bool Engine::on_interrupt(JSContext* cx) {
  const Engine& engine = of(cx);
  const Watch& watch = *engine.watch_;
  const std::int64_t deadline = watch.deadline.load();
  if (deadline == 0) return true;  // of a call that is over
  if (engine.full_) return false;
  const std::uint64_t call = watch.call.load();
  return watch.grew.load() != call && watch.late.load() != call;
}

// Near its limit the engine collects after every few objects and finds nothing; and what survives in the nursery moves
// to the heap without a look at the limit. The script is stopped before.
void Engine::on_gc(JSContext* cx, JSGCStatus status, JS::GCReason, void* data) {
  auto& engine = *static_cast<Engine*>(data);
  if (status != JSGC_END || engine.depth_ == 0) return;
  engine.full_ = JS_GetGCParameter(cx, JSGC_BYTES) > engine.limits_.heap / 8 * 7;
  if (engine.full_) JS_RequestInterruptCallback(cx);
}

bool Engine::add_bytes(std::size_t more) {
  if (more > limits_.heap - bytes_) JS_GC(cx_);
  if (more > limits_.heap - bytes_) return false;
  bytes_ += more;
  return true;
}

Ending Engine::ending() {
  if (JS_IsExceptionPending(cx_) && !JS_IsThrowingOutOfMemory(cx_)) return Ending::threw;
  // Nothing pending is what interrupts leave.
  const bool memory =
      JS_IsExceptionPending(cx_) || std::exchange(full_, false) || watch_->grew.load() == watch_->call.load();
  JS_ClearPendingException(cx_);
  ran_away_ = true;
  if (running_realm_ != nullptr) running_realm_->spoil();
  return memory ? Ending::out_of_memory : Ending::out_of_time;
}

Error Engine::take_error(const std::string& name) {
  Error error{Errc::invalid, {}, "correct the framing script"};
  switch (ending()) {
    case Ending::threw:
      error.message = describe_exception(cx_, name);
      break;
    case Ending::out_of_memory:
      error.message = name + ": used too much memory";
      break;
    case Ending::out_of_time:
      error.message = fmt::format("{}: ran longer than {} ms", name, limit_ / 1'000'000);
      break;
  }
  return error;
}

Call::Call(Engine& engine, Realm& realm, ScriptFramer* framer, std::chrono::milliseconds limit)
    : engine_(engine),
      framer_(std::exchange(engine.running_, framer)),
      realm_(std::exchange(engine.running_realm_, &realm)),
      deadline_(engine.watch_->deadline.load()),
      limit_(std::exchange(engine.limit_, std::chrono::nanoseconds(limit).count())),
      entered_(engine.cx(), realm.global()) {
  if (engine.depth_++ == 0) engine.full_ = false;
  ++engine.watch_->call;
  engine.watch_->limit = engine.limit_;
  engine.watch_->deadline = Watchdog::now() + engine.limit_;
  Watchdog::instance().wake();
}

Call::~Call() {
  engine_.watch_->late = ~std::uint64_t{0};  // a call around this one has a time of its own
  engine_.watch_->limit = limit_;
  engine_.watch_->deadline = deadline_;
  engine_.running_ = framer_;
  engine_.running_realm_ = realm_;
  engine_.limit_ = limit_;
  --engine_.depth_;
}

}  // namespace jl::script
