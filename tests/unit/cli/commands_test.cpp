// Commands end to end against a scripted daemon.
#include "fake_daemon.hpp"

#include <doctest/doctest.h>

#include <atomic>

using namespace jl;
using namespace jl::cli::test;

namespace {

json::object network(const std::string& id, const std::string& state = "running") {
  return {{"id", id},
          {"name", id},
          {"enabled", true},
          {"spec", json::object{{"type", "MQTT_SERVER"}, {"configuration", json::object{{"port", 1883}}}}},
          {"revision", 7},
          {"status", json::object{{"state", state}, {"address", "mqtt://0.0.0.0:1883"}, {"connections", 3}}}};
}

json::object mutation(const std::string& result, const std::string& id = "a", const std::string& kind = "network") {
  return {{"result", result}, {"kind", kind}, {"id", id}, {"revision", 8}};
}

json::object impact(int sessions, json::array used_by = {}) {
  return {{"sessions", sessions}, {"usedBy", std::move(used_by)}};
}

json::value parsed(const std::string& text) { return json::parse(text); }

}  // namespace

TEST_SUITE("cli.commands") {
  TEST_CASE("add sends a document of the fields that were given") {
    const FakeDaemon daemon({{"POST /v1/networks?ifNotExists=true", ok(mutation("created"), 201)}});
    const auto out =
        run(daemon, {"network", "add", "a", "--type", "mqtt-server", "--port", "1883", "--name", "南", "--disabled",
                     "--no-share-cluster", "--if-not-exists", "--configuration", R"({"host":"::"})"});
    CHECK(out.code == 0);
    CHECK(out.out.empty());
    REQUIRE(daemon.requests().size() == 1);
    const json::value expected{
        {"id", "a"},
        {"name", "南"},
        {"enabled", false},
        {"spec",
         {{"type", "MQTT_SERVER"}, {"shareCluster", false}, {"configuration", {{"host", "::"}, {"port", 1883}}}}}};
    CHECK(daemon.requests()[0].json() == expected);
    CHECK(daemon.requests()[0].head.find("Jlctl-Api: 1.0") != std::string::npos);
  }

  TEST_CASE("edit sends a merge patch of the named fields only, null for --unset [cli.md 32]") {
    const FakeDaemon daemon({{"PATCH /v1/networks/a?ifRevision=7", ok(mutation("updated"))}});
    const auto out =
        run(daemon, {"network", "edit", "a", "--max-message-size", "4096", "--unset", "configuration.publicHost",
                     "--unset", "description", "--unset", "public-port", "--if-revision", "7"});
    CHECK(out.code == 0);
    const json::value expected{
        {"spec", {{"configuration", {{"maxMessageSize", 4096}, {"publicHost", nullptr}, {"publicPort", nullptr}}}}},
        {"description", nullptr}};
    CHECK(daemon.requests().at(0).json() == expected);
  }

  TEST_CASE("edit refuses what it cannot mean") {
    const FakeDaemon daemon(std::map<std::string, Reply>{});
    CHECK(run(daemon, {"network", "edit", "a"}).code == 2);
    CHECK(run(daemon, {"network", "edit", "a", "--unset", "configuration.prot"}).code == 2);
    CHECK(run(daemon, {"network", "edit", "a", "--port", "1", "--unset", "port"}).code == 2);
    CHECK(run(daemon, {"network", "edit", "a", "--port", "x"}).code == 2);
    CHECK(run(daemon, {"network", "edit", "a", "--enabled", "--disabled"}).code == 2);
    CHECK(run(daemon, {"product", "edit", "a", "--metadata", "{"}).code == 2);
    CHECK(run(daemon, {"product", "edit", "a", "--metadata", "@/nonexistent"}).code == 2);
    CHECK(daemon.requests().empty());
  }

  TEST_CASE("maps take KEY=VALUE, JSON fields take text or @FILE") {
    const FakeDaemon daemon({{"PATCH /v1/products/p", ok(mutation("updated", "p", "product"))}});
    const std::string file = daemon.folder().file("model.json", R"({"properties":[]})");
    CHECK(run(daemon, {"product", "edit", "p", "--metadata", "@" + file, "--config", "a.b=1=2", "--config",
                       "c=", "--gateway", "gw"})
              .code == 0);
    const json::value expected{{"spec",
                                {{"accessId", "gw"},
                                 {"metadata", {{"properties", json::array()}}},
                                 {"configuration", {{"a.b", "1=2"}, {"c", ""}}}}}};
    CHECK(daemon.requests().at(0).json() == expected);
  }

  TEST_CASE("add and edit read a document from a file; flags win; problems get their line [cli.md 26]") {
    const FakeDaemon daemon([](const SeenRequest& request) {
      if (request.target == "/v1/networks" && request.body.find("1884") != std::string::npos)
        return ok(mutation("created"), 201);
      Error error(Errc::invalid, "bad");
      error.problems = {{"spec.configuration.port", "is out of range", Errc::invalid, "network/a", {}}};
      return failure(error);
    });
    const std::string file = daemon.folder().file(
        "n.yaml", "kind: network\nid: a\nspec:\n  type: MQTT_SERVER\n  configuration:\n    port: 70000\n");
    CHECK(run(daemon, {"network", "add", "a", "-f", file, "--port", "1884"}).code == 0);
    const auto refused = run(daemon, {"network", "add", "a", "-f", file});
    CHECK(refused.code == 5);
    CHECK(refused.err.find(file + ":6:") != std::string::npos);
    CHECK(run(daemon, {"network", "add", "b", "-f", file}).code == 2);
    CHECK(run(daemon, {"device", "add", "a", "-f", file}).code == 2);
  }

  TEST_CASE("list and show go through every format [cli.md 10-16]") {
    const FakeDaemon daemon([](const SeenRequest& request) {
      if (request.target == "/v1/networks/a") return ok(network("a"));
      if (request.head.find("x-ndjson") != std::string::npos) return lines({network("a"), network("b", "failed")});
      return ok(json::object{{"items", {network("a"), network("b", "failed")}}, {"revision", 7}});
    });
    CHECK(run(daemon, {"network", "list"}).out ==
          "ID\tTYPE\tADDRESS\tENABLED\tSTATUS\n"
          "a\tMQTT_SERVER\tmqtt://0.0.0.0:1883\ttrue\trunning\nb\tMQTT_SERVER\tmqtt://0.0.0.0:1883\ttrue\tfailed\n");
    CHECK(run(daemon, {"network", "list", "--no-header", "--fields", "id,status.connections"}).out == "a\t3\nb\t3\n");
    CHECK(run(daemon, {"network", "list", "-q"}).out == "a\nb\n");
    CHECK(run(daemon, {"network", "list", "-o", "name"}).out == "network/a\nnetwork/b\n");
    CHECK(run(daemon, {"network", "list", "-o", "value=status.state"}).out == "running\nfailed\n");
    const auto list = parsed(run(daemon, {"network", "list", "--json"}).out);
    CHECK(list.at("schema") == "jlctl/v1");
    CHECK(list.at("kind") == "networkList");
    CHECK(list.at("data").at("items").as_array().size() == 2);
    CHECK(list.at("data").at("revision") == 7);
    const auto show = parsed(run(daemon, {"network", "show", "a", "-o", "json"}).out);
    CHECK(show.at("kind") == "network");
    CHECK(show.at("data").at("id") == "a");
    CHECK(run(daemon, {"network", "show", "a", "-o", "value=spec.configuration.port"}).out == "1883\n");
    CHECK(run(daemon, {"network", "show", "a", "-o", "jsonl", "--fields", "status.state,id"}).out ==
          R"({"status":{"state":"running"},"id":"a"})"
          "\n");
    const auto jsonl = run(daemon, {"network", "list", "-o", "jsonl", "--fields", "id"});
    CHECK(jsonl.out == "{\"id\":\"a\"}\n{\"id\":\"b\"}\n");
    CHECK(run(daemon, {"network", "show", "a", "-o", "yaml"}).out.starts_with("schema: "));
    const auto block = run(daemon, {"network", "show", "a"});
    CHECK(block.out.starts_with("id\ta\nname\ta\nenabled\ttrue\nstate\trunning\n"));
    CHECK(block.out.find("spec.configuration.port\t1883\n") != std::string::npos);
  }

  TEST_CASE("a wrong field lists the legal ones [cli.md 15]") {
    const FakeDaemon daemon(
        {{"GET /v1/networks", ok(json::object{{"items", {network("a")}}})}, {"GET /v1/networks/a", ok(network("a"))}});
    const auto out = run(daemon, {"network", "list", "--fields", "id,colour"});
    CHECK(out.code == 2);
    CHECK(out.out.empty());
    CHECK(out.err.find("status.state") != std::string::npos);
    CHECK(run(daemon, {"network", "show", "a", "-o", "value=nope"}).code == 2);
    CHECK(run(daemon, {"network", "show", "a", "-o", "value=status.reason"}).code == 0);
  }

  TEST_CASE("a terminal gets aligned columns, wide characters count double, colour only there [cli.md 14, 17]") {
    auto doc = network("b", "failed");
    doc["name"] = "北";
    const FakeDaemon daemon({{"GET /v1/networks", ok(json::object{{"items", {network("a"), doc}}})}});
    Given terminal;
    terminal.out_is_tty = true;
    terminal.variables["NO_COLOR"] = "1";
    CHECK(run(daemon, {"network", "list", "--fields", "name,id,status.state"}, terminal).out ==
          "NAME  ID  STATUS\na     a   running\n北    b   failed\n");
    terminal.variables.clear();
    const auto coloured = run(daemon, {"network", "list"}, terminal);
    CHECK(coloured.out.find("\x1b[31mfailed\x1b[0m") != std::string::npos);
    CHECK(run(daemon, {"network", "list", "--color", "never"}, terminal).out.find('\x1b') == std::string::npos);
    terminal.variables["TERM"] = "dumb";
    CHECK(run(daemon, {"network", "list"}, terminal).out.find('\x1b') == std::string::npos);
    Given pipe;
    CHECK(run(daemon, {"network", "list"}, pipe).out.find('\x1b') == std::string::npos);
    CHECK(run(daemon, {"network", "list", "--color=always"}, pipe).err.empty());
    pipe.variables["NO_COLOR"] = "1";
    pipe.variables["CLICOLOR_FORCE"] = "1";
    CHECK(run(daemon, {"network", "list"}, pipe).out.find('\x1b') ==
          std::string::npos);  // tab-separated cells stay plain
  }

  TEST_CASE("what devices send cannot steer the terminal or break a table") {
    auto doc = network("a");
    doc["name"] = "x\x1b[2J\ty\nz";
    const FakeDaemon daemon({{"GET /v1/networks", ok(json::object{{"items", {doc}}})}});
    CHECK(run(daemon, {"network", "list", "--no-header", "--fields", "id,name"}).out == "a\tx\\x1b[2J\\ty\\nz\n");
    Given terminal;
    terminal.out_is_tty = true;
    CHECK(run(daemon, {"network", "list", "-o", "value=name"}, terminal).out == "x\\x1b[2J\\ty\\nz\n");
    CHECK(run(daemon, {"network", "list", "-o", "value=name"}).out == "x\x1b[2J\ty\nz\n");
  }

  TEST_CASE("show of a device ends with its latest properties") {
    const json::object device{
        {"id", "d"},
        {"enabled", true},
        {"spec", json::object{{"productId", "p"}}},
        {"status",
         json::object{{"state", "online"},
                      {"properties",
                       json::object{{"temp", json::object{{"value", 21.5}, {"time", "2026-01-01T00:00:00.000Z"}}}}}}}};
    const FakeDaemon daemon({{"GET /v1/devices/d", ok(device)}});
    const auto out = run(daemon, {"device", "show", "d"}).out;
    CHECK(out ==
          "id\td\nenabled\ttrue\nstate\tonline\nspec.productId\tp\n\nproperties:\nID\tVALUE\tTIME\ntemp\t21.5\t2026-01-"
          "01T00:00:00.000Z\n");
    CHECK(run(daemon, {"device", "show", "d", "-o", "value=status.properties.temp.value"}).out == "21.5\n");
  }

  TEST_CASE("show of several prints what there is and ends with partial [cli.md 27]") {
    const FakeDaemon daemon({{"GET /v1/networks/a", ok(network("a"))}, {"GET /v1/networks/c", ok(network("c"))}});
    const auto out = run(daemon, {"network", "show", "a", "b", "c", "-q"});
    CHECK(out.code == 11);
    CHECK(out.out == "a\nc\n");
    CHECK(out.err.find("network/b") != std::string::npos);
    CHECK(run(daemon, {"network", "show", "a", "c"}).code == 0);
  }

  TEST_CASE("exists answers 0 or 3 and prints nothing [cli.md 31]") {
    const FakeDaemon daemon({{"HEAD /v1/networks/a", Reply{}}});
    const auto yes = run(daemon, {"network", "exists", "a"});
    const auto no = run(daemon, {"network", "exists", "b"});
    CHECK(yes.code == 0);
    CHECK(no.code == 3);
    CHECK((yes.out + yes.err + no.out + no.err).empty());
  }

  TEST_CASE("device commands send what was typed: JSON where it parses, else text") {
    const json::object reply{
        {"messageId", "m"}, {"deviceId", "d"}, {"properties", json::object{{"t", 21.5}}}, {"elapsed", 0.1}};
    const FakeDaemon daemon([&](const SeenRequest& request) {
      if (request.target.ends_with("/impact")) return ok(impact(1));
      return ok(request.target.ends_with("/disconnect") ? json::object{{"result", "updated"}, {"id", "d"}} : reply);
    });
    CHECK(run(daemon, {"device", "write", "d", "t=21.5", "mode=eco", "on=true", "s=\"1\"", "--reply-timeout", "3s"})
              .code == 0);
    CHECK(daemon.requests().back().json() ==
          json::value{{"properties", {{"t", 21.5}, {"mode", "eco"}, {"on", true}, {"s", "1"}}}, {"timeout", "3s"}});
    CHECK(run(daemon, {"device", "read", "d", "a", "b", "-o", "value=properties.t"}).out == "21.5\n");
    CHECK(daemon.requests().back().json() == json::value{{"properties", {"a", "b"}}});
    CHECK(run(daemon, {"device", "invoke", "d", "reboot", "delay=5"}).code == 0);
    CHECK(daemon.requests().back().json() == json::value{{"functionId", "reboot"}, {"inputs", {{"delay", 5}}}});
    CHECK(run(daemon, {"device", "write", "d", "t"}).code == 2);
    CHECK(run(daemon, {"device", "write", "d", "t=1", "t=2"}).code == 2);
    CHECK(run(daemon, {"device", "disconnect", "d"}).code == 12);
    CHECK(run(daemon, {"device", "disconnect", "d", "-y"}).code == 0);
    CHECK(daemon.requests().back().target == "/v1/devices/d/disconnect");
  }

  TEST_CASE("streams print a line per item as it comes [cli.md 13]") {
    const json::object message{{"time", "2026-01-01T00:00:00.000Z"},
                               {"productId", "p"},
                               {"deviceId", "d"},
                               {"type", "EVENT"},
                               {"message", json::object{{"x", 1}}}};
    const json::object change{{"event", "put"}, {"kind", "device"}, {"id", "d"}, {"revision", 4}};
    const FakeDaemon daemon(
        {{"GET /v1/messages?product=p&limit=2", lines({message, message})},
         {"GET /v1/watch?kind=device", lines({change})},
         {"GET /v1/logs/access?since=1h&follow=true", lines({json::object{{"id", "1"}, {"user", "root"}}})},
         {"GET /v1/logs/system?level=ERROR",
          ok(json::object{{"items", {json::object{{"id", "1"}, {"level", "ERROR"}, {"message", "m"}}}}})}});
    const auto tail = run(daemon, {"message", "tail", "--product", "p", "--limit", "2", "--no-header"});
    CHECK(tail.code == 0);
    CHECK(tail.out == "2026-01-01T00:00:00.000Z\td\tEVENT\t{\"x\":1}\n2026-01-01T00:00:00.000Z\td\tEVENT\t{\"x\":1}\n");
    CHECK(run(daemon, {"watch", "device", "-o", "jsonl"}).out ==
          R"({"event":"put","kind":"device","id":"d","revision":4})"
          "\n");
    CHECK(parsed(run(daemon, {"watch", "devices", "--json"}).out).at("kind") == "change");
    CHECK(run(daemon, {"watch", "devcie"}).code == 2);
    CHECK(run(daemon, {"log", "access", "--since", "1h", "--follow", "-o", "value=user"}).out == "root\n");
    CHECK(run(daemon, {"log", "system", "--level", "error", "--no-header"}).out == "\tERROR\t\tm\n");
  }

  TEST_CASE("log purge needs a time and a confirmation") {
    const FakeDaemon daemon({{"POST /v1/logs/purge", ok(json::object{{"result", "deleted"}})}});
    CHECK(run(daemon, {"log", "purge", "--yes"}).code == 2);
    CHECK(run(daemon, {"log", "purge", "--before", "30d"}).code == 12);
    CHECK(run(daemon, {"log", "purge", "--before", "30d", "--yes"}).code == 0);
    CHECK(daemon.requests().back().json() == json::value{{"before", "30d"}});
  }

  TEST_CASE("wait takes objects that do not exist yet, conditions and fields [cli.md 45]") {
    std::atomic<int> asked{0};
    const FakeDaemon daemon([&](const SeenRequest& request) {
      if (request.target.ends_with("/gone")) return failure(Error(Errc::not_found, "no"));
      if (++asked < 3) return failure(Error(Errc::not_found, "no"));
      return ok(network("a"));
    });
    CHECK(run(daemon, {"wait", "network/a", "--for", "status.state=running", "--wait-timeout", "10s"}).code == 0);
    CHECK(asked == 3);
    for (const char* condition :
         {"exists", "enabled", "connected", "spec.configuration.port=1883", "configuration.port=1883"}) {
      CAPTURE(condition);
      CHECK(run(daemon, {"wait", "network/a", "--for", condition, "--wait-timeout", "10s"}).code == 0);
    }
    CHECK(run(daemon, {"wait", "network/gone", "--for", "deleted"}).code == 0);
    const auto late = run(daemon, {"wait", "network/a", "--for", "disabled", "--wait-timeout", "30ms"});
    CHECK(late.code == 8);
    CHECK(run(daemon, {"wait", "network", "--for", "disabled"}).code == 2);
    CHECK(run(daemon, {"wait", "network/a", "--for", "dleted"}).code == 2);
    CHECK(run({"wait", "network/a", "--socket", "/nonexistent/x"}).code == 7);
  }

  TEST_CASE("daemon wait waits for ready or stopped [cli.md 46]") {
    std::atomic<int> asked{0};
    const FakeDaemon daemon([&](const SeenRequest&) { return ok(json::object{{"ready", ++asked > 2}}); });
    CHECK(run(daemon, {"daemon", "wait", "--wait-timeout", "10s"}).code == 0);
    CHECK(asked == 3);
    CHECK(run(daemon, {"daemon", "wait", "--for", "stopped", "--wait-timeout", "30ms"}).code == 8);
    CHECK(run({"daemon", "wait", "--for=stopped", "--socket", "/nonexistent/x"}).code == 0);
    CHECK(run({"daemon", "wait", "--wait-timeout", "30ms", "--socket", "/nonexistent/x"}).code == 8);
  }

  TEST_CASE("can exits 0 or 6, whoami and status show what the daemon says") {
    const FakeDaemon daemon(
        {{"GET /v1/can?verb=delete&noun=gateway",
          ok(json::object{{"allowed", false}, {"role", "viewer"}, {"needs", "admin"}})},
         {"GET /v1/can?verb=list&noun=gateway",
          ok(json::object{{"allowed", true}, {"role", "viewer"}, {"needs", "viewer"}})},
         {"GET /v1/whoami", ok(json::object{{"uid", 0}, {"user", "root"}, {"role", "admin"}})},
         {"GET /v1/status",
          ok(json::object{{"version", "1"}, {"failed", {json::object{{"kind", "network"}, {"id", "a"}}}}})}});
    CHECK(run(daemon, {"can", "delete", "gateway"}).code == 6);
    CHECK(run(daemon, {"can", "list", "gateway"}).out == "yes\n");
    CHECK(run(daemon, {"whoami", "-o", "value=role"}).out == "admin\n");
    CHECK(parsed(run(daemon, {"status", "--json"}).out).at("kind") == "status");
    CHECK(run(daemon, {"status"}).out == "version\t1\n\nfailed:\nKIND\tID\nnetwork\ta\n");
  }

  TEST_CASE("version tells both sides; --client needs no daemon [cli.md 60]") {
    const FakeDaemon daemon(
        {{"GET /v1/version", ok(json::object{{"program", "jlinkd"}, {"version", "9.9"}, {"api", "1.0"}})}});
    const auto both = parsed(run(daemon, {"version", "--json"}).out);
    CHECK(both.at("data").at("daemon").at("version") == "9.9");
    CHECK(both.at("data").at("client").at("program") == "jlctl");
    CHECK(run({"version", "--client", "--socket", "/nonexistent/x"}).code == 0);
    CHECK(run({"--version"}).code == 0);
    CHECK(run({"version", "--socket", "/nonexistent/x"}).code == 7);
  }
}
