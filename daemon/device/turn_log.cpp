#include "daemon/device/turn_log.hpp"

#include "daemon/base/log.hpp"

#include <random>

namespace jl::device {

Syncer::Syncer(store::Store& store) : store_(store), thread_([this] { run(); }) {}

Syncer::~Syncer() {
  {
    const std::scoped_lock lock(mutex_);
    stop_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

void Syncer::wait_for_disk(std::function<void(bool ok)> done) {
  {
    const std::scoped_lock lock(mutex_);
    waiting_.push_back(std::move(done));
  }
  wake_.notify_one();
}

void Syncer::run() {
  std::vector<std::function<void(bool)>> batch;
  for (;;) {
    {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [this] { return stop_ || !waiting_.empty(); });
      if (waiting_.empty()) return;
      batch.swap(waiting_);
    }
    const Status synced = store_.sync();
    if (!synced) log::error("device.log", "sync failed: {}", synced.error().message);
    for (auto& done : batch) done(synced.has_value());
    batch.clear();
  }
}

TurnLog::TurnLog(store::Store& store, Syncer* syncer, network::IoThread& thread)
    : store_(store), syncer_(syncer), thread_(thread), batch_(store.make_batch()) {
  // Random high bits keep the sequences of threads and restarts apart without shared state.
  std::random_device random;
  sequence_ = (static_cast<std::uint64_t>(random()) << 32u);
}

bool TurnLog::commit_now() {
  if (batch_->count() == 0) return !syncer_;
  // What fails stays in the batch: commit() tries it again and says so.
  if (syncer_ || !store_.append(*batch_)) return false;
  batch_->clear();
  return true;
}

void TurnLog::commit(std::function<void(bool ok)> done) {
  if (batch_->count() == 0) return done(true);
  const Status written = store_.append(*batch_);
  batch_->clear();
  if (!written) {
    log::error("device.log", "messages could not be stored: {}", written.error().message);
    return done(false);
  }
  if (!syncer_) return done(true);
  syncer_->wait_for_disk([this, done = std::move(done)](bool ok) { thread_.post([done, ok] { done(ok); }); });
}

}  // namespace jl::device
