// The bookkeeping of a remote upgrade in process: one task, its devices told, acknowledging and done. No sockets, no
// disk; what would be stored is made and thrown away.
#include "daemon/ota/board.hpp"

#include <malloc.h>

#include <charconv>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <string>
#include <vector>

namespace {

using jl::Millis;
using jl::ota::Board;

constexpr Millis kNow = 1'700'000'000'000;
constexpr std::size_t kAtOnce = 256;  // as the engine does it

double cpu_seconds() {
  timespec used{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
  return static_cast<double>(used.tv_sec) + static_cast<double>(used.tv_nsec) / 1e9;
}

class Everybody final : public jl::ota::Presence {
 public:
  [[nodiscard]] bool is_online(std::string_view) const override { return true; }
  [[nodiscard]] std::string carrier_of(std::string_view) const override { return {}; }
};

std::unique_ptr<jl::ota::Task> make_task(std::size_t devices) {
  jl::ota::Plan plan;
  plan.task_id = "bench";
  plan.firmware_id = "fw-bench";
  plan.product_id = "bench";
  plan.version = "2.0.0";
  plan.task.max_in_flight = 100'000;
  plan.task.response_timeout_seconds = 60;
  plan.created_at = kNow;
  std::vector<jl::ota::Record> records(devices);
  for (std::size_t i = 0; i < devices; ++i) {
    records[i].device_id = "bench-" + std::to_string(i);
    records[i].create_time = kNow;
  }
  return std::make_unique<jl::ota::Task>(std::move(plan), jl::ota::RolloutState{}, std::move(records));
}

class Bench {
 public:
  explicit Bench(std::size_t devices) : devices_(devices) {}

  bool run() {
    const std::size_t before = mallinfo2().uordblks;
    measure("made", [&] { board_.put(make_task(devices_)); });
    const std::size_t bytes = (mallinfo2().uordblks - before) / devices_;
    std::vector<jl::ota::Dispatch> told;
    measure("told", [&] {
      for (std::size_t count = kAtOnce; count == kAtOnce;) {
        auto due = board_.due(kNow, everybody_, kAtOnce);
        count = due.size();
        std::move(due.begin(), due.end(), std::back_inserter(told));
        store();
      }
    });
    measure("acknowledged", [&] {
      for (const auto& each : told) {
        (void)board_.on_reply(each.device_id, each.message_id, true, "", kNow);
        store();
      }
    });
    measure("done", [&] {
      jl::ota::ProgressReport report;
      report.firmware_id = "fw-bench";
      report.version = "2.0.0";
      report.progress = 100;
      report.complete = report.success = true;
      for (const auto& each : told) {
        (void)board_.on_progress(each.device_id, report, kNow);
        store();
      }
    });
    std::printf("  %-32s %10zu\n  %-32s %10.0f\n", "memory when made, bytes", bytes, "stored each, bytes in all",
                static_cast<double>(stored_) / static_cast<double>(devices_));
    return board_.find("bench")->counts().at(jl::ota::State::success) == devices_;
  }

 private:
  template <class Step>
  void measure(const char* name, Step step) const {
    const double before = cpu_seconds();
    step();
    std::printf("  %-32s %10.2f\n", name, (cpu_seconds() - before) / static_cast<double>(devices_) * 1e6);
  }

  void store() {
    const jl::ota::Task* task = board_.find("bench");
    for (const auto& [task_id, device_id] : board_.take_changes()) {
      if (const auto* record = task->find(device_id)) stored_ += to_stored(*record).size();
    }
  }

  const std::size_t devices_;
  const Everybody everybody_;
  Board board_{[](Millis) { return 0; }};
  std::size_t stored_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
  std::size_t devices = 0;
  if (argc == 2) std::from_chars(argv[1], argv[1] + std::strlen(argv[1]), devices);
  if (devices == 0) {
    std::fputs("usage: jl_bench_ota DEVICES\n", stderr);
    return 2;
  }
  if (!Bench(devices).run()) {
    std::fputs("jl_bench_ota: not all devices are upgraded\n", stderr);
    return 1;
  }
}
