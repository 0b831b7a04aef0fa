#include "daemon/script/framer.hpp"

#include "common/base/assert.hpp"
#include "daemon/script/buffer.hpp"
#include "daemon/script/errors.hpp"
#include "daemon/script/parser.hpp"
#include "daemon/script/values.hpp"

#include <fmt/format.h>

namespace jl::script {

using wire::framing::FrameSink;
using wire::framing::Pipe;

/// Hands frames on. The receiver's time is not the script's, and its exceptions do not pass through the engine.
class ScriptFramer::Sink final : public FrameSink {
 public:
  Sink(ScriptFramer& framer, FrameSink& receiver) : framer_(framer), receiver_(receiver) {}

  bool on_frame(std::string_view frame) override {
    if (framer_.closed_ || thrown_) return false;
    try {
      if (framer_.engine_->running() != &framer_) return receiver_.on_frame(frame);  // direct()'s, after its call
      const Pause pause(*framer_.engine_);
      return receiver_.on_frame(frame);
    } catch (...) {
      thrown_ = std::current_exception();
      return false;
    }
  }
  void rethrow() const {
    if (thrown_) std::rethrow_exception(thrown_);
  }

 private:
  ScriptFramer& framer_;
  FrameSink& receiver_;
  std::exception_ptr thrown_;
};

Result<std::unique_ptr<wire::framing::Framer>> ScriptFramer::open(Engine& engine, std::shared_ptr<FramingRealm> realm,
                                                                  const ScriptLimits& limits, std::size_t max_frame) {
  std::unique_ptr<ScriptFramer> framer(new ScriptFramer(engine, std::move(realm), limits, max_frame));
  JL_CHECK(framer->start());
  return std::unique_ptr<wire::framing::Framer>(std::move(framer));
}

ScriptFramer::ScriptFramer(Engine& engine, std::shared_ptr<FramingRealm> realm, const ScriptLimits& limits,
                           std::size_t max_frame)
    : engine_(&engine), realm_(std::move(realm)), limit_(limits.call), pipe_(max_frame), objects_(engine.cx()) {
  engine.add(*this);
}

ScriptFramer::~ScriptFramer() {
  if (engine_ == nullptr) return;
  JL_ASSERT(engine_ == Engine::existing());  // it is the opening thread's
  abandon();
}

void ScriptFramer::abandon() {
  Engine* engine = std::exchange(engine_, nullptr);
  // The script may have kept its parser where it outlives the connection.
  if (objects_->parser) close_parser(objects_->parser);
  objects_.reset();
  realm_.reset();
  engine->remove(*this);
}

Status ScriptFramer::start() {
  JSContext* cx = engine_->cx();
  const Call running(*engine_, *realm_, this, limit_);
  objects_->parser = make_parser(cx, realm_->parser_prototype(), *this);
  if (!objects_->parser) return failure();
  JS::RootedValueArray<1> arguments(cx);
  arguments[0].setObject(*objects_->parser);
  JS::RootedValue returned(cx);
  const JS::RootedValue function(cx, JS::ObjectValue(*realm_->function()));
  if (!JS::Call(cx, JS::UndefinedHandleValue, function, arguments, &returned)) return failure();
  return {};
}

Status ScriptFramer::feed(std::string_view bytes, FrameSink& sink) {
  if (engine_ == nullptr || failed_) {
    return Error{Errc::invalid, "framing of this connection has ended", "close the connection"};
  }
  JL_ASSERT(engine_ == Engine::existing());
  if (closed_) return {};
  Sink guarded(*this, sink);
  Status status = pipe_.feed(bytes, *this, guarded);
  guarded.rethrow();
  failed_ = !status;
  return status;
}

bool ScriptFramer::add_step(JSContext* cx, JS::HandleObject function) {
  if (count() >= kMostSteps) return throw_range(cx, fmt::format("more than {} handlers", kMostSteps));
  return objects_->steps.append(function) || throw_error(cx, "no memory for a handler");
}

bool ScriptFramer::raise(JSContext* cx, const Error& error) {
  raised_ = error;
  return throw_error(cx, error.message);
}

Error ScriptFramer::failure() {
  Error error = engine_->take_error(realm_->name());
  if (raised_ && error.message.find(raised_->message) != std::string::npos) {
    error.code = raised_->code;
    error.hint = raised_->hint;
  }
  return error;
}

Status ScriptFramer::call(JS::HandleObject function, std::string_view record, JS::MutableHandleValue returned) {
  JSContext* cx = engine_->cx();
  raised_.reset();
  JS::RootedValueArray<2> arguments(cx);
  if (!new_buffer(cx, std::string(record), arguments[0])) return failure();
  arguments[1].setObject(*objects_->parser);
  const JS::RootedValue callee(cx, JS::ObjectValue(*function));
  if (!JS::Call(cx, JS::UndefinedHandleValue, callee, arguments, returned)) return failure();
  return {};
}

Status ScriptFramer::run(std::size_t index, std::string_view record, Pipe&) {
  if (closed_) return {};
  const Call running(*engine_, *realm_, this, limit_);
  const JS::RootedObject step(engine_->cx(), objects_->steps[index]);
  JS::RootedValue returned(engine_->cx());
  return call(step, record, &returned);
}

Status ScriptFramer::run_direct(std::string_view bytes, Pipe&, bool& emits, std::string& frame) {
  JSContext* cx = engine_->cx();
  const Call running(*engine_, *realm_, this, limit_);
  const JS::RootedObject direct(cx, objects_->direct);
  JS::RootedValue returned(cx);
  JL_CHECK(call(direct, bytes, &returned));
  emits = !closed_ && !returned.isNullOrUndefined();
  if (emits && !to_bytes(cx, returned, "what direct() returns", frame)) return failure();
  return {};
}

}  // namespace jl::script
