#include "daemon/script/watchdog.hpp"

#include "daemon/script/js.hpp"

#include <fcntl.h>
#include <pthread.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <string_view>
#include <thread>

namespace jl::script {

namespace {
constexpr std::chrono::milliseconds kTick{5};
constexpr int kIdleTicks = 40;  // without a call before the thread goes to sleep

/// Bytes of the process that are in memory; 0 when the kernel does not say.
std::size_t resident_bytes() {
  static const int file = ::open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
  char text[128];
  const ssize_t size = ::pread(file, text, sizeof text - 1, 0);
  if (size <= 0) return 0;
  text[size] = '\0';
  const char* second = std::strchr(text, ' ');  // "size resident shared ...", in pages
  if (second == nullptr) return 0;
  return std::strtoull(second, nullptr, 10) * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

/// What a thread has spent, in nanoseconds; 0 when the kernel does not say.
std::int64_t spent_on(clockid_t clock) {
  timespec spent{};
  if (::clock_gettime(clock, &spent) != 0) return 0;
  return std::int64_t{spent.tv_sec} * 1'000'000'000 + spent.tv_nsec;
}
}  // namespace

Watch::Watch(JSContext* context) : cx(context) { has_cpu_ = ::pthread_getcpuclockid(::pthread_self(), &cpu_) == 0; }

Watchdog& Watchdog::instance() {
  static auto* const watchdog = new Watchdog;  // its thread uses it until the process ends
  return *watchdog;
}

Watchdog::Watchdog() {
  std::thread([this] { run(); }).detach();
}

std::int64_t Watchdog::now() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

void Watchdog::add(Watch& watch) {
  const std::lock_guard lock(mutex_);
  watches_.push_back(&watch);
}

void Watchdog::remove(Watch& watch) {
  const std::lock_guard lock(mutex_);
  std::erase(watches_, &watch);
}

void Watchdog::wake() {
  // Either this sees asleep_, or the watchdog, which looks once more after setting it, sees the deadline.
  if (!asleep_.load()) return;
  {
    const std::lock_guard lock(mutex_);
    asleep_ = false;
  }
  changed_.notify_one();
}

void Watchdog::run() {
  int idle = 0;
  std::unique_lock lock(mutex_);
  while (true) {
    idle = look() ? 0 : idle + 1;
    if (idle < kIdleTicks) {
      changed_.wait_for(lock, kTick);
      continue;
    }
    asleep_ = true;
    if (!look()) changed_.wait(lock, [this] { return !asleep_.load(); });
    asleep_ = false;
    idle = 0;
  }
}

/// Stops what must stop; whether there was a call since the last time.
bool Watchdog::look() {
  bool active = false;
  for (Watch* watch : watches_) {
    const std::int64_t deadline = watch->deadline.load();
    const std::uint64_t call = watch->call.load();
    if (call != watch->seen_call_) {
      active = true;
      watch->seen_call_ = call;
      watch->resident_ = 0;
      watch->spent_ = watch->has_cpu_ ? spent_on(watch->cpu_) : 0;
    }
    if (deadline == 0) continue;
    active = true;
    const std::size_t resident = resident_bytes();
    if (watch->resident_ == 0) watch->resident_ = resident;
    const bool grew = resident > watch->resident_ + kGrowth;
    if (grew) watch->grew = call;
    const bool late = is_late(*watch, deadline);
    if (late) watch->late = call;
    if (grew || late) JS_RequestInterruptCallback(watch->cx);
  }
  return active;
}

bool Watchdog::is_late(const Watch& watch, std::int64_t deadline) {
  const std::int64_t over = now() - deadline;
  if (over <= 0) return false;
  const std::int64_t limit = watch.limit.load();
  if (!watch.has_cpu_ || over > (kPatience - 1) * limit) return true;
  return spent_on(watch.cpu_) - watch.spent_ >= limit - std::chrono::nanoseconds(kTick).count();
}

}  // namespace jl::script
