// Every command of the table as every role (architecture.md 3, code.md 6).
#include "daemon/control/admission.hpp"
#include "tests/integration/device.hpp"
#include "tests/integration/house.hpp"

#include <fmt/format.h>

namespace jl::test {
namespace {

std::string target_of(const control::Command& command) {
  std::string out = command.path;
  if (const auto at = out.find("{id}"); at != std::string::npos) {
    const bool listens = out.starts_with("/v1/networks") && command.streams;
    const bool polls = out.starts_with("/v1/modbus-channels") && command.streams;
    out.replace(at, 4,
                out.starts_with("/v1/devices")    ? "d1"
                : out.starts_with("/v1/products") ? "sensor"
                : listens                         ? "net"
                : polls                           ? "plc"
                                                  : "nothing");
    if (listens) out += "?filter=%23";
  }
  if (out == "/v1/modbus/scan") out += "?target=plc&units=1&timeoutMs=10";
  if (command.upload) out += "?purpose=protocol";
  return out;
}

std::string body_of(const control::Command& command) {
  if (command.method != "POST" && command.method != "PATCH") return {};
  // Of the right shape and without effect, so that a call that is let through harms no later one.
  if (command.path == "/v1/apply" || command.path == "/v1/diff") return R"({"documents":[]})";
  if (command.path == "/v1/logs/purge") return R"({"before":"3650d"})";
  if (command.verb == "add") return R"({"id":"bad id","spec":{}})";
  return "{}";
}

}  // namespace

TEST_CASE("every command is served to the roles that the table names and refused to those below") {
  House house;
  house.provision();
  const ForeignListener slave;  // who connects there is never answered
  const Reply channel = house.apply(
      fmt::format(R"([{{"kind":"modbus-channel","id":"plc","spec":{{"host":"127.0.0.1","port":{}}}}}])", slave.port()));
  REQUIRE_MESSAGE(channel.status == 200, json::serialize(channel.body));
  std::size_t tried = 0;
  for (const Role role : {Role::none, Role::viewer, Role::operator_, Role::admin}) {
    for (const auto& command : control::commands()) {
      if (command.method.empty()) continue;
      CAPTURE(command.label());
      CAPTURE(command.path);
      CAPTURE(to_string(role));
      const bool may = role >= command.role;
      Ctl ctl = house.ctl_as(role);
      const std::int64_t before = may ? 0 : house.revision();
      ++tried;
      // A task that is not there is said so at once.
      if (command.streams && may && command.noun != "ota task") {
        ctl.stream(command.method, target_of(command));
        continue;
      }
      const Reply reply = ctl.call(command.method, target_of(command), body_of(command),
                                   command.upload ? kBytesHeader : std::string_view());
      CHECK((reply.status == 403) == !may);
      CHECK(reply.status != 500);
      CHECK(reply.status != 501);
      if (may) continue;
      if (command.method != "HEAD") CHECK(reply.code() == "denied");
      CHECK(house.revision() == before);
      const Reply log = house.call("GET", "/v1/logs/access?limit=1");
      CHECK(log.text("items.0.code") == "denied");
      CHECK(log.text("items.0.role") == to_string(role));
    }
  }
  CHECK(tried == 4 * static_cast<std::size_t>(
                         std::ranges::count_if(control::commands(), [](const auto& c) { return !c.method.empty(); })));
}

TEST_CASE("can answers what a call would") {
  House house;
  for (const Role role : {Role::viewer, Role::operator_, Role::admin}) {
    Ctl ctl = house.ctl_as(role);
    for (const auto& command : control::commands()) {
      if (command.verb.empty()) continue;
      CAPTURE(command.label());
      std::string noun = command.noun;
      if (const auto space = noun.find(' '); space != std::string::npos) noun.replace(space, 1, "%20");
      const Reply reply = ctl.call("GET", fmt::format("/v1/can?noun={}&verb={}", noun, command.verb));
      CHECK(reply.at("allowed") == json::value(role >= command.role));
      CHECK(reply.text("needs") == to_string(command.role));
    }
    CHECK(ctl.call("GET", "/v1/can?noun=modbus-point&verb=list").at("allowed") == json::value(true));
    CHECK(ctl.call("GET", "/v1/can?noun=network&verb=fly").code() == "bad_request");
    CHECK(ctl.call("GET", "/v1/whoami").text("role") == to_string(role));
  }
}

TEST_CASE("a viewer exports placeholders only") {
  House house;
  house.provision();
  Ctl ctl = house.ctl_as(Role::viewer);
  CHECK(ctl.call("GET", "/v1/export?withSecrets").code() == "denied");
  ctl.stream("GET", "/v1/export?kind=device");
  const json::value line = ctl.line();
  CHECK(Reply{200, line}.text("spec.configuration.secureKey").starts_with("sealed:"));
}

TEST_CASE("new roles count from the next call of a connection that stands") {
  House house;
  Ctl ctl = house.ctl_as(Role::viewer);
  CHECK(ctl.call("POST", "/v1/products", R"({"id":"p","spec":{}})").code() == "denied");
  Config changed = house.config;
  changed.roles.rules = {{Role::admin, {"viewer"}, {}}};
  house.app->reload(changed);
  CHECK(ctl.call("POST", "/v1/products", R"({"id":"p","spec":{}})").status == 201);
}

TEST_CASE("a change and a refusal are in the access log with who, what, and the revisions around it") {
  House house;
  REQUIRE(house.call("POST", "/v1/products", R"({"id":"p","spec":{"configuration":{"secureKey":"canary"}}})").status ==
          201);
  REQUIRE(house.call("PATCH", "/v1/products/p", R"({"name":"new"})").status == 200);
  CHECK(house.call("DELETE", "/v1/products/q").status == 404);
  const Reply log = house.call("GET", "/v1/logs/access");
  CHECK(log.text("items.0.action") == "product delete");
  CHECK(log.text("items.0.status") == "failed");
  CHECK(log.text("items.0.code") == "not_found");
  CHECK(log.text("items.0.object") == "product/q");
  CHECK(log.text("items.1.action") == "product edit");
  CHECK(log.number("items.1.revisionBefore") == 1);
  CHECK(log.number("items.1.revisionAfter") == 2);
  CHECK(log.text("items.2.user") == "admin");
  CHECK(json::serialize(log.body).find("canary") == std::string::npos);
}

}  // namespace jl::test
