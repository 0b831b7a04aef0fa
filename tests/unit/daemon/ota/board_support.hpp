#pragma once
// A board with devices that a test tells when they are there.
#include "tests/support/ota_machines.hpp"

#include <doctest/doctest.h>

namespace jl::ota {
namespace {

struct Desk {
  Board board{test::utc_minute};
  test::FakePresence presence;
  Millis now = test::kStart;

  Task& put(Plan plan, std::vector<Record> records) {
    const std::string id = plan.task_id;
    board.put(std::make_unique<Task>(std::move(plan), RolloutState{}, std::move(records)));
    return *board.find(id);
  }
  Task& put(Plan plan, const std::vector<std::string>& devices) {
    return put(std::move(plan), test::make_records(devices));
  }
  void come(const std::string& device_id) {
    presence.online.insert(device_id);
    (void)board.on_online(device_id, now);
  }
  std::vector<Dispatch> due(std::size_t limit = 1000) {
    auto out = board.due(now, presence, limit);
    CHECK(test::fault_of(board) == "");
    return out;
  }
  /// "task/device" of everybody who is told now.
  std::vector<std::string> told(std::size_t limit = 1000) {
    std::vector<std::string> out;
    for (const Dispatch& each : due(limit)) out.push_back(each.task_id + "/" + each.device_id);
    std::ranges::sort(out);
    return out;
  }
  const Record& record(const std::string& task_id, const std::string& device_id) {
    const Record* found = board.find(task_id)->find(device_id);
    REQUIRE(found != nullptr);
    return *found;
  }
  State state(const std::string& task_id, const std::string& device_id) { return record(task_id, device_id).state; }
};

using Names = std::vector<std::string>;

}  // namespace
}  // namespace jl::ota
