#include "daemon/script/program_table.hpp"

#include "daemon/script/engine.hpp"

#include <algorithm>

namespace jl::script {

ProgramTable::Local& ProgramTable::of(const std::shared_ptr<const ProgramBody>& body) {
  if (const std::uint64_t gone = gone_.load(); gone != seen_gone_) {
    seen_gone_ = gone;
    std::erase_if(locals_, [](const auto& entry) { return entry.second.owner.expired(); });
  }
  Local& local = locals_[body.get()];
  // Another program may have had its place in memory.
  if (local.owner.lock() != body) local = Local{body, nullptr, 0, 0, 0};
  return local;
}

std::size_t ProgramTable::realms() const {
  return static_cast<std::size_t>(
      std::count_if(locals_.begin(), locals_.end(), [](const auto& entry) { return entry.second.realm != nullptr; }));
}

std::size_t ProgramTable::outside(Engine& engine) {
  std::size_t total = 0;
  for (auto& [body, local] : locals_) {
    local.outside = local.realm == nullptr ? 0 : local.realm->outside_bytes(engine.cx());
    total += local.outside;
  }
  return total;
}

void ProgramTable::drop_realms(Engine& engine) {
  for (auto& [body, local] : locals_) {
    local.realm.reset();
    local.outside = 0;
  }
  JS_GC(engine.cx());
}

bool ProgramTable::settle(Engine& engine, Local& local, std::size_t heap, bool must) {
  JSContext* cx = engine.cx();
  if (local.realm != nullptr && local.realm->spoiled()) {
    local.realm.reset();
    local.outside = 0;
  }
  bool look = must;
  if (local.realm != nullptr && ++local.calls >= kLook) {
    local.calls = 0;
    local.outside = local.realm->outside_bytes(cx);
    std::size_t total = 0;
    for (const auto& [body, other] : locals_) total += other.outside;
    look = look || total > heap;
  }
  const auto used = [&] { return std::size_t{JS_GetGCParameter(cx, JSGC_BYTES)}; };
  return (look || used() > heap / 4 * 3) && relieve(engine, heap);
}

bool ProgramTable::relieve(Engine& engine, std::size_t heap) {
  JS_GC(engine.cx());
  if (JS_GetGCParameter(engine.cx(), JSGC_BYTES) <= heap / 2 && outside(engine) <= heap) return false;
  drop_realms(engine);
  return true;
}

}  // namespace jl::script
