#include "daemon/network/precise_timers.hpp"

#include "daemon/base/log.hpp"

#include <sys/timerfd.h>
#include <unistd.h>
#include <algorithm>
#include <cerrno>
#include <exception>
#include <system_error>
#include <utility>
#include <vector>

namespace jl::network {
namespace {

constexpr std::string_view kLogger = "network.timers";
constexpr Millis kNever = INT64_MAX;
constexpr Millis kFarthest = Millis{1000} * 3600 * 24 * 365 * 100;  // what is set beyond is looked at again then
// Marks a slot as one of those that fire, not of the heap.
constexpr std::size_t kFiring = ~(SIZE_MAX >> 1u);

timespec to_timespec(Millis time) { return {.tv_sec = time / 1000, .tv_nsec = time % 1000 * 1'000'000}; }

}  // namespace

struct PreciseTimers::Impl final : TurnMember {
  Impl(IoThread& io, bool manual);
  ~Impl();

  void set(PreciseTimer& timer, Millis due);
  void remove(PreciseTimer& timer);
  void advance();
  [[nodiscard]] std::size_t size() const;

  void on_readable() override;
  void on_writable() override {}
  void on_flush(bool) override {}

 private:
  void place(PreciseTimer& timer, std::size_t slot) {
    heap_[slot] = &timer;
    timer.slot_ = slot;
  }
  void rise(PreciseTimer& timer, std::size_t slot);
  void sink(PreciseTimer& timer, std::size_t slot);
  void take_out(std::size_t slot);
  void fire(PreciseTimer& timer);
  void report(std::string_view what);
  void arm();

  IoThread& thread_;
  const bool is_system_clock_;
  int fd_ = -1;                        // -1 = manual
  std::vector<PreciseTimer*> heap_;    // the earliest first
  std::vector<PreciseTimer*> firing_;  // due, in order; nullptr = cancelled meanwhile
  std::size_t next_ = 0;               // of firing_
  bool is_firing_ = false;
  Millis armed_ = kNever;  // what the descriptor wakes for: the earliest deadline or before it
  log::RateLimit failures_;
};

PreciseTimers::Impl::Impl(IoThread& io, bool manual) : thread_(io), is_system_clock_(&io.clock() == &system_clock()) {
  if (manual) return;
  fd_ = ::timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
  if (fd_ < 0) throw std::system_error(errno, std::generic_category(), "timerfd_create");
  if (const Status watched = thread_.watch(fd_, *this); !watched) {
    ::close(fd_);
    throw std::system_error(ENOSPC, std::generic_category(), watched.error().message);
  }
}

PreciseTimers::Impl::~Impl() {
  for (PreciseTimer* timer : heap_) timer->slot_ = PreciseTimer::kUnset;
  for (std::size_t i = next_; i < firing_.size(); ++i) {
    if (firing_[i] != nullptr) firing_[i]->slot_ = PreciseTimer::kUnset;
  }
  if (fd_ < 0) return;
  thread_.forget(fd_, *this);
  ::close(fd_);
}

void PreciseTimers::Impl::rise(PreciseTimer& timer, std::size_t slot) {
  while (slot > 0) {
    const std::size_t parent = (slot - 1) / 2;
    if (heap_[parent]->due_ <= timer.due_) break;
    place(*heap_[parent], slot);
    slot = parent;
  }
  place(timer, slot);
}

void PreciseTimers::Impl::sink(PreciseTimer& timer, std::size_t slot) {
  for (;;) {
    std::size_t child = 2 * slot + 1;
    if (child >= heap_.size()) break;
    if (child + 1 < heap_.size() && heap_[child + 1]->due_ < heap_[child]->due_) ++child;
    if (timer.due_ <= heap_[child]->due_) break;
    place(*heap_[child], slot);
    slot = child;
  }
  place(timer, slot);
}

void PreciseTimers::Impl::take_out(std::size_t slot) {
  PreciseTimer& last = *heap_.back();
  heap_.pop_back();
  if (slot == heap_.size()) return;
  // The last one may belong below the gap or, from another branch, above it.
  rise(last, slot);
  sink(last, last.slot_);
}

void PreciseTimers::Impl::set(PreciseTimer& timer, Millis due) {
  if (timer.is_set()) remove(timer);
  timer.due_ = due;
  heap_.push_back(&timer);
  rise(timer, heap_.size() - 1);
  arm();
}

// The descriptor stays armed for a deadline that is gone: to wake once for nothing is cheaper than a system call for
// every request that was answered in time.
void PreciseTimers::Impl::remove(PreciseTimer& timer) {
  const std::size_t slot = std::exchange(timer.slot_, PreciseTimer::kUnset);
  if ((slot & kFiring) != 0) {
    firing_[slot & ~kFiring] = nullptr;
  } else {
    take_out(slot);
  }
}

void PreciseTimers::Impl::advance() {
  if (is_firing_) return;
  is_firing_ = true;
  const Millis now = thread_.clock().steady();
  // Taken out before the first is called: one that a callback sets anew waits for the next time, whatever it is set to.
  while (!heap_.empty() && heap_.front()->due_ <= now) {
    PreciseTimer& timer = *heap_.front();
    take_out(0);
    timer.slot_ = firing_.size() | kFiring;
    firing_.push_back(&timer);
  }
  while (next_ < firing_.size()) {
    if (PreciseTimer* timer = firing_[next_++]) fire(*timer);
  }
  firing_.clear();
  next_ = 0;
  is_firing_ = false;
  arm();
}

void PreciseTimers::Impl::fire(PreciseTimer& timer) {
  timer.slot_ = PreciseTimer::kUnset;
  // On the stack, because the callback may destroy the timer and with it itself.
  auto callback = std::move(timer.callback_);
  bool is_gone = false;
  timer.gone_ = &is_gone;
  try {
    callback();
  } catch (const std::exception& e) {
    report(e.what());
  } catch (...) {
    report("unknown exception");
  }
  if (is_gone) return;
  timer.gone_ = nullptr;
  timer.callback_ = std::move(callback);
}

void PreciseTimers::Impl::report(std::string_view what) {
  std::uint64_t held = 0;
  if (!failures_.allow(thread_.clock().steady(), held)) return;
  log::error(kLogger, "callback failed thread={} error=\"{}\" suppressed={}", thread_.index(), what, held);
}

void PreciseTimers::Impl::arm() {
  if (fd_ < 0 || is_firing_ || heap_.empty() || heap_.front()->due_ >= armed_) return;
  armed_ = heap_.front()->due_;
  itimerspec at{};
  if (is_system_clock_) {
    // std::chrono::steady_clock is CLOCK_MONOTONIC, so no time passes between looking and setting. 0 would disarm.
    at.it_value = to_timespec(std::clamp<Millis>(armed_, 1, kFarthest));
    ::timerfd_settime(fd_, TFD_TIMER_ABSTIME, &at, nullptr);
  } else {
    const Millis now = thread_.clock().steady();
    at.it_value = to_timespec(armed_ <= now ? 1 : std::min(armed_ - now, kFarthest));
    ::timerfd_settime(fd_, 0, &at, nullptr);
  }
}

void PreciseTimers::Impl::on_readable() {
  std::uint64_t expirations = 0;
  // Nothing to read: it was armed anew after this wake-up was fetched, and is still armed.
  if (::read(fd_, &expirations, sizeof expirations) != sizeof expirations) return;
  armed_ = kNever;
  advance();
}

std::size_t PreciseTimers::Impl::size() const {
  const auto waits = [](const PreciseTimer* timer) { return timer != nullptr; };
  const auto first = firing_.begin() + static_cast<std::ptrdiff_t>(next_);
  return heap_.size() + static_cast<std::size_t>(std::count_if(first, firing_.end(), waits));
}

PreciseTimers::PreciseTimers(IoThread& thread, bool manual) : impl_(std::make_unique<Impl>(thread, manual)) {}
PreciseTimers::~PreciseTimers() = default;
void PreciseTimers::advance() { impl_->advance(); }
std::size_t PreciseTimers::size() const { return impl_->size(); }

PreciseTimer::PreciseTimer(PreciseTimers& timers, Callback callback)
    : timers_(timers), callback_(std::move(callback)) {}

PreciseTimer::~PreciseTimer() {
  cancel();
  if (gone_ != nullptr) *gone_ = true;
}

void PreciseTimer::set_at(Millis steady) { timers_.impl_->set(*this, steady); }

void PreciseTimer::cancel() {
  if (is_set()) timers_.impl_->remove(*this);
}

}  // namespace jl::network
