#include "daemon/services/mutator.hpp"

#include "daemon/base/log.hpp"

namespace jl::services {

Mutator::Mutator(store::Store& store) : store_(store), thread_([this] { loop(); }) {}

Mutator::~Mutator() { stop(); }

bool Mutator::submit(Change change) {
  {
    const std::scoped_lock lock(mutex_);
    if (stopping_ || queue_.size() >= kMaxQueued) return false;
    queue_.push_back(std::move(change));
  }
  wake_.notify_one();
  return true;
}

void Mutator::run(std::function<void()> work) {
  (void)submit([work = std::move(work)]() -> Answer {
    work();
    return {};
  });
}

void Mutator::stop() {
  {
    const std::scoped_lock lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  if (thread_.joinable()) thread_.join();
}

void Mutator::loop() {
  std::vector<Change> batch;
  std::vector<Answer> answers;
  for (;;) {
    {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
      if (queue_.empty()) return;
      batch.swap(queue_);
    }
    const store::Revision before = store_.revision();
    for (const Change& change : batch) {
      try {
        if (Answer answer = change()) answers.push_back(std::move(answer));
      } catch (const std::exception& e) {
        // A bug in one change must not take the others down; its caller is told by the dropped responder.
        log::error("services", "a change failed unexpectedly: {}", e.what());
      }
    }
    batch.clear();
    Status synced;
    if (store_.revision() != before) synced = store_.sync();
    if (!synced) log::error("services", "the store could not be synced: {}", synced.error().message);
    for (const Answer& answer : answers) answer(synced);
    answers.clear();
  }
}

}  // namespace jl::services
