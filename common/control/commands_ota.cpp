#include "common/control/command_rows.hpp"

namespace jl::control {

namespace {

constexpr const char* kTask = "ota-task";

Command& add(std::vector<Command>& out, const model::Kind* kind, std::string verb, std::string method, std::string path,
             std::string summary) {
  Command c;
  c.noun = kind ? kind->noun() : "ota";
  c.kind = kind;
  c.verb = std::move(verb), c.method = std::move(method), c.path = std::move(path), c.summary = std::move(summary);
  return out.emplace_back(std::move(c));
}

Flag wait_flag() {
  return local("wait", "", "follow it to its end; code 0 when all devices are upgraded, 10 when some are not");
}
Flag wait_timeout() { return local("wait-timeout", "DURATION", "stop waiting then, with code 8; the task goes on"); }

void add_operations(std::vector<Command>& out, const model::Kind* kind) {
  const Argument task{"TASK", "id of the task", kTask};
  const Argument some{"DEVICE", "only these devices of it", "device", true, true};
  const auto operation = [&](const char* verb, std::string summary) -> Command& {
    Command& c = add(out, kind, verb, "POST", std::string("/v1/ota-tasks/{id}/") + verb, std::move(summary));
    c.role = Role::operator_;
    c.arguments = {task, some};
    c.examples = {std::string("jlctl ota task ") + verb + " roll-1.2.0"};
    return c;
  };
  Command& stop = operation("stop", "no longer begin with devices that wait (全部暂停)");
  stop.description =
      "Every waiting device becomes canceled. Devices that are being upgraded go on: the protocol knows no word to "
      "hold "
      "them back.";
  Command& resume = operation("resume", "let canceled devices wait for their turn again (全部开始)");
  resume.flags = {wait_flag(), wait_timeout()};
  Command& retry = operation("retry", "tell failed devices again (批量重试)");
  retry.description = "Of tasks in mode push. A device that pulls asks again by itself, with the header force.";
  retry.flags = {wait_flag(), wait_timeout()};

  Command& remove = add(out, kind, "remove", "POST", "/v1/ota-tasks/{id}/remove", "delete records of devices");
  remove.description = "Of devices that neither wait nor are being upgraded. With its last record a task goes too.";
  remove.role = Role::operator_, remove.dangerous = true;
  remove.arguments = {task, {"DEVICE", "devices of the task", "device", false, true}};
  remove.examples = {"jlctl ota task remove roll-1.2.0 dev-7 --yes"};
}

void add_views(std::vector<Command>& out, const model::Kind* kind) {
  const Argument task{"TASK", "id of the task", kTask};
  Command& devices = add(out, kind, "devices", "GET", "/v1/ota-tasks/{id}/devices", "how far each device is");
  devices.arguments = {task, {"DEVICE", "only these devices", "device", true, true, "device"}};
  devices.flags = {choice("state", {"waiting", "processing", "success", "failed", "canceled"}, "only in this state"),
                   query("history", "", "what happened to each, step by step"),
                   query("limit", "N", "at most this many")};
  devices.examples = {"jlctl ota task devices roll-1.2.0 --state failed",
                      "jlctl ota task devices roll-1.2.0 dev-7 --history -o json"};

  Command& watch = add(out, kind, "watch", "GET", "/v1/ota-tasks/{id}/watch", "follow a task until it is over");
  watch.description =
      "A bar and counts on a terminal; elsewhere a line whenever they change. Ends when no device waits or is being "
      "upgraded any more.";
  watch.streams = true;
  watch.arguments = {task};
  watch.flags = {wait_flag(), wait_timeout()};
  watch.examples = {"jlctl ota task watch roll-1.2.0", "jlctl ota task watch roll-1.2.0 --wait --wait-timeout 2h"};
}

}  // namespace

void add_task_flags(Command& add) {
  add.flags.push_back(local("device-file", "FILE", "devices to upgrade, an id on each line, or - for standard input"));
  add.flags.push_back(wait_flag());
  add.flags.push_back(wait_timeout());
  add.examples.push_back("jlctl ota task add roll-1.2.0 --firmware fw-1.2.0 --device dev-1 --device dev-2 --wait");
  add.examples.push_back("jlctl ota task add roll-1.2.0 --firmware fw-1.2.0 --where tag.site=north --rate 100");
}

void add_firmware_flags(Command& add) {
  add.flags.push_back(local("fetch", "",
                            "of an image that is elsewhere: download it now, compare it with its sign, and "
                            "keep it"));
  add.examples.push_back(
      "jlctl ota firmware add fw-1.2.0 --product th-sensor --version 1.2.0 --order 12 --url https://cdn.example/fw.bin "
      "--size 421320 --sign-method md5 --sign 0cc175b9c0f1b6a831c399e269772661 --fetch");
}

void add_ota(std::vector<Command>& out) {
  Command& check = add(out, nullptr, "check", "POST", "/v1/ota/check", "download firmware as a device would");
  check.description =
      "Fetches the image through the public address of its server and compares what came with what should have: "
      "whether "
      "the address leads here, the name resolves, and the certificate is trusted.";
  check.role = Role::operator_;
  check.arguments = {{"FIRMWARE", "id of a firmware; any that is served from here unless given", "ota-firmware", true}};
  check.flags = {{"server", "ID", "the server to fetch from; the only one unless given", Where::body}};
  check.flags[0].completes = "ota-server";
  check.flags.push_back(
      {"cert", "ID", "cert whose authorities are trusted, as devices do; the system's unless given", Where::body});
  check.flags[1].completes = "cert";
  check.examples = {"jlctl ota check", "jlctl ota check fw-1.2.0 --server main -o json"};

  const model::Kind* firmware = model::find_kind("ota-firmware");
  Command& verify = add(out, firmware, "verify", "POST", "/v1/ota-firmwares/{id}/verify",
                        "read an image again and compare it with its sign and signature");
  verify.description = "Of an image that is elsewhere: downloads it. Ends with code 10 when something differs.";
  verify.role = Role::operator_;
  verify.arguments = {{"ID", "id of the firmware", "ota-firmware"}};
  verify.examples = {"jlctl ota firmware verify fw-1.2.0"};

  const model::Kind* task = model::find_kind(kTask);
  add_operations(out, task);
  add_views(out, task);
}

}  // namespace jl::control
