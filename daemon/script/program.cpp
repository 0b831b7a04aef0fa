#include "daemon/script/program.hpp"

#include "daemon/script/active_call.hpp"
#include "daemon/script/context.hpp"
#include "daemon/script/output.hpp"
#include "daemon/script/program_errors.hpp"
#include "daemon/script/program_table.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace jl::script {

namespace {
constexpr std::int64_t kRest = 10;  // times what an overrun took
constexpr int kMostDepth = 8;       // calls within calls, through the host

ScriptLimits engine_limits(const ProgramLimits& limits) { return {limits.call, limits.heap, limits.stack}; }

class LoadedProgram final : public Program {
 public:
  explicit LoadedProgram(std::shared_ptr<ProgramBody> body) : body_(std::move(body)) {}
  ~LoadedProgram() override {
    body_.reset();
    ProgramTable::program_gone();
  }
  LoadedProgram(const LoadedProgram&) = delete;
  LoadedProgram& operator=(const LoadedProgram&) = delete;

  bool exports(std::string_view entry, std::string_view function) const override {
    const auto found = body_->functions.find(entry);
    return found != body_->functions.end() &&
           std::find(found->second.begin(), found->second.end(), function) != found->second.end();
  }
  Status call(const Invocation& what, Host& host, std::string& json) const override;
  ProgramCounters counters() const override { return {body_->calls, body_->errors, body_->overruns}; }

 private:
  std::shared_ptr<const ProgramBody> body_;
};

/// Puts the call in its place while it lives; the ctx that the script may have kept is dead afterwards.
class Activation {
 public:
  explicit Activation(ActiveCall& call)
      : call_(call), outer_(call.engine.set_active(&call)), context_(call.engine.cx()) {}
  ~Activation() {
    if (context_) end_context(context_);
    call_.engine.set_active(outer_);
  }
  Activation(const Activation&) = delete;
  Activation& operator=(const Activation&) = delete;
  JS::RootedObject& context() { return context_; }

 private:
  ActiveCall& call_;
  ActiveCall* const outer_;
  JS::RootedObject context_;
};

bool invoke(JSContext* cx, ActiveCall& call, JS::HandleObject function, JS::MutableHandleObject context,
            JS::MutableHandleValue returned) {
  context.set(new_context(cx, call));
  if (!context) return false;
  const JS::RootedValue callee(cx, JS::ObjectValue(*function));
  if (!call.what.is_request) {
    JS::RootedValueArray<1> arguments(cx);
    arguments[0].setObject(*context);
    return JS::Call(cx, JS::UndefinedHandleValue, callee, arguments, returned);
  }
  JS::RootedValueArray<3> arguments(cx);
  if (!message_of(cx, context, arguments[0]) || !device_of(cx, context, arguments[1])) return false;
  arguments[2].setObject(*context);
  return JS::Call(cx, JS::UndefinedHandleValue, callee, arguments, returned);
}

/// What it returned goes where it belongs; then the session's state.
bool finish(JSContext* cx, ActiveCall& call, JS::HandleObject context, JS::HandleValue returned, std::string& json) {
  if (returned.isObject()) {
    const JS::RootedObject object(cx, &returned.toObject());
    if (JS::IsPromiseObject(object)) {
      return throw_type(cx, fmt::format("{} must return its result, not a Promise", call.what.function));
    }
  }
  if (call.what.sends_result) {
    if (!send_wires(cx, call, returned)) return false;
  } else if (!returned.isNullOrUndefined()) {
    if (!write_json(cx, call, returned, json)) return false;
  }
  return keep_state(cx, call, context);
}

Status failure(Engine& engine, ActiveCall& call) {
  if (call.thrown) {
    JS_ClearPendingException(engine.cx());
    engine.take_refusal();
    return Error{Errc::failed, "the host failed"};  // replaced by what it threw
  }
  Error error = take_program_error(engine, call.realm.name(), call.limits.call);
  if (call.too_much && error.code == Errc::invalid) error.code = Errc::too_large;
  return error;
}

struct Ended {
  Status status;
  bool stopped = false;   // time or memory
  std::int64_t took = 0;  // nanoseconds, without the host's
  std::exception_ptr thrown{};
};

Ended run(Engine& engine, const ProgramBody& body, ProgramRealm& realm, const Invocation& what, Host& host,
          std::string& json) {
  JSContext* cx = engine.cx();
  const std::int64_t start = Watchdog::now();
  ActiveCall call{engine, realm, what, body.limits, host};
  Ended ended;
  {
    const Call running(engine, realm, nullptr, body.limits.call);
    const JS::RootedObject function(cx, realm.function(cx, what.entry, what.function));
    if (!function) {
      ended.status = Error{Errc::invalid,
                           fmt::format("{}/{}: there is no function \"{}\"", realm.name(), what.entry, what.function),
                           "export it"};
      return ended;
    }
    Activation activation(call);
    JS::RootedValue returned(cx);
    if (!invoke(cx, call, function, &activation.context(), &returned) ||
        !finish(cx, call, activation.context(), returned, json)) {
      ended.status = failure(engine, call);
      json.clear();
    }
  }
  ended.stopped = realm.spoiled();
  ended.took = Watchdog::now() - start - call.paused;
  ended.thrown = call.thrown;
  return ended;
}

/// What took much longer than its limit waited for the processor, which is not to be made up for.
std::int64_t rest_after(std::int64_t took, std::chrono::milliseconds limit) {
  return kRest * std::min(took, 2 * std::chrono::nanoseconds(limit).count());
}

/// A new realm. What other programs hoard must not be in its way.
Result<std::shared_ptr<ProgramRealm>> make_realm(Engine& engine, const ProgramBody& body) {
  auto made = ProgramRealm::make(engine, body.source, body.limits);
  const bool full = !made && made.error().code == Errc::too_large && engine.depth() == 0;
  if (full && engine.programs().relieve(engine, body.limits.heap)) {
    made = ProgramRealm::make(engine, body.source, body.limits);
  }
  return made;
}

/// The program's realm on this thread, made when there is none.
Result<std::shared_ptr<ProgramRealm>> realm_of(Engine& engine, const ProgramBody& body, ProgramTable::Local& local) {
  const std::int64_t now = Watchdog::now();
  if (local.rest_until > now) {
    return Error{Errc::busy,
                 fmt::format("{}: rests for {} ms after it ran too long", body.source.name,
                             (local.rest_until - now) / 1'000'000 + 1),
                 "correct the script of the package"};
  }
  if (local.realm != nullptr && !local.realm->spoiled()) return local.realm;
  auto made = make_realm(engine, body);
  const std::int64_t end = Watchdog::now();
  if (made) {
    local.realm = *made;
  } else {
    local.rest_until = end + rest_after(end - now, body.limits.load);
  }
  return made;
}

Status LoadedProgram::call(const Invocation& what, Host& host, std::string& json) const {
  const std::shared_ptr<const ProgramBody> body = body_;  // the host may let go of the program
  json.clear();
  ++body->calls;
  const auto fail = [&](Error error) {
    ++body->errors;
    return Status(std::move(error));
  };
  auto engine = Engine::here(engine_limits(body->limits));
  if (!engine) return fail(engine.error());
  if ((*engine)->depth() >= kMostDepth) {
    return fail({Errc::invalid, fmt::format("{}: more than {} calls within calls", body->source.name, kMostDepth),
                 "send less from handleMessage()"});
  }
  ProgramTable& table = (*engine)->programs();
  ProgramTable::Local& local = table.of(body);
  const auto realm = realm_of(**engine, *body, local);
  if (!realm) return fail(realm.error());
  Ended ended = run(**engine, *body, **realm, what, host, json);
  if (ended.stopped) {
    ++body->overruns;
    local.rest_until = Watchdog::now() + rest_after(ended.took, body->limits.call);
  }
  if ((*engine)->depth() == 0) {
    const bool full = !ended.status && ended.status.error().code == Errc::too_large && ended.stopped;
    if (table.settle(**engine, local, body->limits.heap, full) && full) local.rest_until = 0;  // it was not its fault
  }
  if (ended.thrown) std::rethrow_exception(ended.thrown);
  return ended.status ? Status() : fail(ended.status.error());
}
}  // namespace

bool ActiveCall::spend(JSContext* cx, std::size_t bytes) {
  constexpr std::size_t kEach = 64;
  if (bytes + kEach > left()) {
    too_much = true;
    return throw_range(cx, fmt::format("more than {} bytes of output in one call", limits.output));
  }
  spent += bytes + kEach;
  return true;
}

Result<std::shared_ptr<const Program>> Program::load(ProgramSource source, const ProgramLimits& limits) {
  JL_TRY(Engine * engine, Engine::here(engine_limits(limits)));
  auto body = std::make_shared<ProgramBody>(std::move(source), limits);
  JL_TRY(const auto realm, make_realm(*engine, *body));
  {
    const Call call(*engine, *realm, nullptr, limits.load);
    for (const std::string& entry : body->source.entries) {
      body->functions[entry] = realm->functions(engine->cx(), entry);
    }
  }
  engine->programs().of(body).realm = realm;
  return std::make_shared<const LoadedProgram>(std::move(body));
}

}  // namespace jl::script
