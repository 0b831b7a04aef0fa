#include "common/control/command_rows.hpp"

namespace jl::control {

void add_device(std::vector<Command>& out) {
  const model::Kind* kind = model::find_kind("device");
  const Argument id{"ID", "id of the device", "device"};
  const Flag timeout = [] {
    Flag f = query("reply-timeout", "DURATION", "how long to wait for the device's answer; default 10s");
    f.key = "timeout", f.where = Where::body;
    return f;
  }();
  const auto base = [&](std::string verb, std::string summary) {
    Command c = generic(*kind, verb, std::move(summary));
    c.path = "/v1/devices/{id}/" + verb;
    c.arguments = {id};
    return c;
  };

  Command read = base("read", "read properties from the device itself");
  read.method = "POST", read.role = Role::operator_;
  read.arguments.push_back({"PROPERTY", "properties to read; none = every readable one", "", true, true});
  read.flags = {timeout};
  read.examples = {"jlctl device read dev-1 temp hum"};
  out.push_back(std::move(read));

  Command write = base("write", "write properties to the device");
  write.method = "POST", write.role = Role::operator_, write.mutates = false;
  write.arguments.push_back({"PROPERTY=VALUE", "values; JSON where it parses as such, else text", "", false, true});
  write.flags = {timeout};
  write.examples = {"jlctl device write dev-1 target=21.5 mode=eco"};
  out.push_back(std::move(write));

  Command invoke = base("invoke", "invoke a function of the device");
  invoke.method = "POST", invoke.role = Role::operator_;
  invoke.arguments.push_back({"FUNCTION", "id of the function", ""});
  invoke.arguments.push_back({"NAME=VALUE", "inputs; JSON where it parses as such, else text", "", true, true});
  invoke.flags = {timeout};
  invoke.examples = {"jlctl device invoke dev-1 reboot delay=5"};
  out.push_back(std::move(invoke));

  Command messages = base("messages", "stored messages of the device, newest first");
  messages.method = "GET";
  messages.flags = {query("since", "TIME", "not before: RFC 3339, or a duration back from now such as 1h"),
                    query("until", "TIME", "before"),
                    query("type", "WORD", "only this message type, e.g. REPORT_PROPERTY"),
                    query("limit", "N", "at most this many; default 100")};
  messages.examples = {"jlctl device messages dev-1 --since 1h"};
  out.push_back(std::move(messages));

  Command state = base("state", "state of the device and its latest property values");
  state.method = "GET";
  state.flags.push_back(query("check", "", "ask the protocol as well, where it can tell (checkState)"));
  state.examples = {"jlctl device state dev-1", "jlctl device state dev-1 -o value=properties.temp.value"};
  out.push_back(std::move(state));

  Command disconnect = base("disconnect", "close the device's connection");
  disconnect.method = "POST", disconnect.role = Role::operator_, disconnect.dangerous = true;
  disconnect.examples = {"jlctl device disconnect dev-1 --yes"};
  out.push_back(std::move(disconnect));
}

}  // namespace jl::control
