#include "daemon/ota/targets.hpp"

#include <doctest/doctest.h>

using jl::ota::choose;
using jl::ota::DeviceFacts;
using jl::ota::matches;
using jl::ota::Plan;

namespace {

DeviceFacts device(const std::string& id, const std::string& version = "1.0.0") {
  DeviceFacts out;
  out.id = id;
  out.name = "Pump " + id;
  out.enabled = true;
  out.firmware = version;
  out.tags["site"] = "north";
  return out;
}

Plan plan() {
  Plan out;
  out.task_id = "roll";
  out.firmware_id = "fw";
  out.version = "1.2.0";
  return out;
}

std::string nowhere(const std::string&) { return {}; }

}  // namespace

TEST_CASE("conditions compare a device's fields, tags and firmware, and all must hold") {
  DeviceFacts d = device("dev-1");
  d.parent_id = "gw-7";
  d.online = true;
  CHECK(matches({}, d));
  CHECK(matches({"id=dev-1", "name~Pump *", "firmware!=1.2.0", "tag.site=north", "parentId=gw-7", "state=online"}, d));
  CHECK_FALSE(matches({"id=dev-1", "tag.site=south"}, d));
  CHECK_FALSE(matches({"tag.floor=1"}, d));
  CHECK(matches({"tag.floor="}, d));
  d.online = false;
  CHECK(matches({"state=offline"}, d));
  d.enabled = false;
  CHECK(matches({"state=notActive"}, d));
  CHECK_FALSE(matches({"nonsense"}, d));
}

TEST_CASE("a task takes the devices that can be upgraded and says why it leaves others (operations.md 1.2)") {
  DeviceFacts off = device("off");
  off.enabled = false;
  const auto chosen = choose(
      plan(), {device("a"), device("b", "1.2.0"), off, device("d")},
      [](const std::string& id) { return id == "d" ? std::string("other") : std::string(); }, 5);
  REQUIRE(chosen.records.size() == 1);
  CHECK(chosen.records[0].device_id == "a");
  CHECK(chosen.records[0].old_version == "1.0.0");
  CHECK(chosen.records[0].create_time == 5);
  REQUIRE(chosen.skipped.size() == 3);
  CHECK(chosen.skipped[0].reason == "has version 1.2.0 already");
  CHECK(chosen.skipped[1].reason == "is disabled");
  CHECK(chosen.skipped[2].reason.find("other") != std::string::npos);
}

TEST_CASE("force takes devices that have the version already") {
  Plan p = plan();
  p.task.force = true;
  CHECK(choose(p, {device("a", "1.2.0")}, nowhere, 0).records.size() == 1);
}

TEST_CASE("named devices that do not meet the conditions are told of, others are just not meant") {
  Plan p = plan();
  p.task.where = {"tag.site=south"};
  CHECK(choose(p, {device("a"), device("b")}, nowhere, 0).skipped.empty());
  p.task.device_id = {"a"};
  const auto chosen = choose(p, {device("a"), device("b")}, nowhere, 0);
  CHECK(chosen.records.empty());
  REQUIRE(chosen.skipped.size() == 1);
  CHECK(chosen.skipped[0].device_id == "a");
}

TEST_CASE("groups are shares of all devices, and every device is in one") {
  Plan p = plan();
  p.task.groups = {"1%", "10%"};
  std::vector<DeviceFacts> devices;
  for (int i = 0; i < 200; ++i) devices.push_back(device("d" + std::to_string(i)));
  std::array<int, 3> sizes{};
  for (const auto& record : choose(p, devices, nowhere, 0).records) ++sizes.at(record.group);
  CHECK(sizes == std::array{2, 18, 180});
}

TEST_CASE("late joiners join the last group, when the task wants them and they belong to it") {
  Plan p = plan();
  CHECK_FALSE(jl::ota::join(p, device("a"), 7));
  p.task.late_joiners = true;
  p.task.groups = {"10%", "100%"};
  const auto joined = jl::ota::join(p, device("a"), 7);
  REQUIRE(joined);
  CHECK(joined->group == 1);
  CHECK(joined->create_time == 7);
  CHECK_FALSE(jl::ota::join(p, device("a", "1.2.0"), 7));
  p.task.where = {"tag.site=south"};
  CHECK_FALSE(jl::ota::join(p, device("a"), 7));
}
