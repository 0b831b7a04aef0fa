#include "daemon/logs/logs.hpp"
#include "daemon/logs/quiet.hpp"
#include "daemon/logs/records.hpp"

#include <mutex>

namespace jl::logs {
namespace {

thread_local unsigned quiet_depth = 0;

// The sink may still run on another thread when its handle goes; this is what it asks first.
struct Gate {
  std::mutex mutex;
  LogStore* store;
  explicit Gate(LogStore& s) : store(&s) {}
};

struct Handle {
  std::shared_ptr<Gate> gate;
  std::shared_ptr<void> sink;
  ~Handle() {
    sink.reset();
    const std::lock_guard lock(gate->mutex);
    gate->store = nullptr;
  }
};

}  // namespace

Quiet::Quiet() { ++quiet_depth; }
Quiet::~Quiet() { --quiet_depth; }
bool Quiet::is_active() { return quiet_depth > 0; }

std::shared_ptr<void> store_system_log(LogStore& store, log::Level least) {
  auto handle = std::make_shared<Handle>();
  handle->gate = std::make_shared<Gate>(store);
  handle->sink = log::add_sink(least, [gate = handle->gate](const log::Record& record) {
    if (Quiet::is_active()) return;
    boost::json::object out{{"level", log::to_string(record.level)},
                            {"logger", clean_text(record.logger, kMaxWord)},
                            {"message", clean_text(record.message, kMaxText)}};
    const std::lock_guard lock(gate->mutex);
    if (gate->store) gate->store->append(LogClass::system, std::move(out));
  });
  return handle;
}

}  // namespace jl::logs
