#pragma once
// The framer of one connection under a framing script: a pipe whose steps are JavaScript functions.
#include "daemon/script/engine.hpp"
#include "daemon/script/framing_realm.hpp"
#include "daemon/wire/framing/pipe.hpp"

#include <exception>
#include <optional>

namespace jl::script {

class ScriptFramer final : public wire::framing::Framer, private wire::framing::PipeSteps {
 public:
  /// Steps that one connection may have: scripts add them once, not at each frame.
  static constexpr std::size_t kMostSteps = 256;

  /// Runs the script, which sets up its parser. Errors: those of the run.
  static Result<std::unique_ptr<wire::framing::Framer>> open(Engine& engine, std::shared_ptr<FramingRealm> realm,
                                                             const ScriptLimits& limits, std::size_t max_frame);
  ~ScriptFramer() override;
  ScriptFramer(const ScriptFramer&) = delete;
  ScriptFramer& operator=(const ScriptFramer&) = delete;

  Status feed(std::string_view bytes, wire::framing::FrameSink& sink) override;
  void reset() override { pipe_.reset(); }
  std::size_t buffered() const override { return pipe_.buffered(); }

  // For the natives of the script's parser, during a call.
  wire::framing::Pipe& pipe() { return pipe_; }
  bool add_step(JSContext* cx, JS::HandleObject function);
  void set_direct(JSObject* function) { objects_->direct = function; }
  /// No more frames: what arrives is dropped.
  void close() { closed_ = true; }
  /// A pipe's error becomes an exception; its code comes back when nobody catches it. False, for natives to return.
  bool raise(JSContext* cx, const Error& error);

  /// The engine ends: lets go of all JavaScript objects. feed() fails from here on.
  void abandon();

 private:
  class Sink;
  struct Objects {
    explicit Objects(JSContext* cx) : parser(cx), direct(cx), steps(cx) {}
    JS::PersistentRootedObject parser, direct;
    JS::PersistentRootedObjectVector steps;
  };
  ScriptFramer(Engine& engine, std::shared_ptr<FramingRealm> realm, const ScriptLimits& limits, std::size_t max_frame);
  Status start();
  Status call(JS::HandleObject function, std::string_view record, JS::MutableHandleValue returned);
  Error failure();

  std::size_t count() const override { return objects_->steps.length(); }
  Status run(std::size_t index, std::string_view record, wire::framing::Pipe& pipe) override;
  bool has_direct() const override { return objects_->direct != nullptr; }
  Status run_direct(std::string_view bytes, wire::framing::Pipe& pipe, bool& emits, std::string& frame) override;

  Engine* engine_;  // null: abandoned
  std::shared_ptr<FramingRealm> realm_;
  const std::chrono::milliseconds limit_;
  wire::framing::Pipe pipe_;
  std::optional<Objects> objects_;
  std::optional<Error> raised_;
  bool closed_ = false;
  bool failed_ = false;
};

}  // namespace jl::script
