#include "daemon/script/framing.hpp"

#include "daemon/script/engine.hpp"
#include "daemon/script/framer.hpp"
#include "daemon/script/framing_realm.hpp"
#include "daemon/script/source.hpp"

namespace jl::script {

namespace {
class ScriptRule final : public wire::framing::FramingRule {
 public:
  ScriptRule(ScriptSource source, const ScriptLimits& limits, std::size_t max_frame)
      : source_(std::move(source)), limits_(limits), max_frame_(max_frame) {}

  Result<std::unique_ptr<wire::framing::Framer>> open() const override {
    JL_TRY(Engine * engine, Engine::here(limits_));
    JL_TRY(std::shared_ptr<FramingRealm> realm, engine->realm(id_, source_, limits_));
    return ScriptFramer::open(*engine, std::move(realm), limits_, max_frame_);
  }

 private:
  // Engines of other threads see by it that the rule is gone.
  const std::shared_ptr<const ScriptId> id_ = std::make_shared<ScriptId>();
  const ScriptSource source_;
  const ScriptLimits limits_;
  const std::size_t max_frame_;
};
}  // namespace

Result<std::unique_ptr<wire::framing::FramingRule>> script_rule(const ScriptSource& source, const ScriptLimits& limits,
                                                                std::size_t max_frame) {
  JL_CHECK(check_source(source));
  auto rule = std::make_unique<ScriptRule>(source, limits, max_frame);
  JL_TRY(auto dry_run, rule->open());
  dry_run.reset();
  return std::unique_ptr<wire::framing::FramingRule>(std::move(rule));
}

}  // namespace jl::script
