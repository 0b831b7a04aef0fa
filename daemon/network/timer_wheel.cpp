#include "daemon/network/timer_wheel.hpp"

#include <algorithm>

namespace jl::network {
namespace {

// The first tick that is not before the given time.
Millis tick_at(Millis time) { return (time + TimerWheel::kResolution - 1) / TimerWheel::kResolution; }

}  // namespace

void Timer::cancel() {
  if (wheel_ == nullptr) return;
  TimerWheel::unlink(*this);
  wheel_ = nullptr;
}

TimerWheel::TimerWheel(Millis steady_now) : now_(steady_now), tick_(steady_now / kResolution) {}

TimerWheel::~TimerWheel() {
  while (firing_ != nullptr) firing_->cancel();
  for (Timer*& head : slots_) {
    while (head != nullptr) head->cancel();
  }
}

void TimerWheel::link(Timer& timer, Timer*& head) {
  timer.next_ = head;
  timer.link_ = &head;
  if (head != nullptr) head->link_ = &timer.next_;
  head = &timer;
}

void TimerWheel::unlink(Timer& timer) {
  *timer.link_ = timer.next_;
  if (timer.next_ != nullptr) timer.next_->link_ = timer.link_;
}

void TimerWheel::set(Timer& timer, Millis delay) {
  timer.cancel();
  timer.wheel_ = this;
  // A tick that was served already does not come again, so the earliest is the next one.
  const Millis tick = std::max(tick_at(now_ + std::max<Millis>(delay, 0)), tick_ + 1);
  timer.due_ = tick;
  link(timer, slots_[static_cast<std::size_t>(tick) % kSlots]);
}

void TimerWheel::advance(Millis steady_now) {
  now_ = std::max(now_, steady_now);
  const Millis last = now_ / kResolution;
  // After a long pause every slot is looked at once; that covers all the rounds that were missed.
  const Millis first = std::max(tick_ + 1, last - static_cast<Millis>(kSlots) + 1);
  tick_ = last;
  for (Millis tick = first; tick <= last; ++tick) {
    for (Timer* timer = slots_[static_cast<std::size_t>(tick) % kSlots]; timer != nullptr;) {
      Timer* const next = timer->next_;
      if (timer->due_ <= last) {
        unlink(*timer);
        link(*timer, firing_);
      }
      timer = next;
    }
  }
  // Always the head: a callback may have cancelled or destroyed any of those that wait here.
  while (firing_ != nullptr) {
    Timer& timer = *firing_;
    timer.cancel();
    timer.callback_(timer.owner_);
  }
}

}  // namespace jl::network
