// Modbus commands against a scripted daemon.
#include "fake_daemon.hpp"

#include <doctest/doctest.h>

using namespace jl;
using namespace jl::cli::test;

namespace {

json::object value_reply() {
  return {{"address", "tcp://127.0.0.1:502"},
          {"unit", 1},
          {"function", "HoldingRegisters"},
          {"start", 107},
          {"plc", "40108"},
          {"type", "float32"},
          {"value", 21.5},
          {"hex", "41ac0000"},
          {"rtt", 3}};
}

json::object traced_reply() {
  json::object out = value_reply();
  out["trace"] =
      json::array{json::object{{"direction", "sent"}, {"hex", "0001000000060103006b0002"}},
                  json::object{{"direction", "received"}, {"hex", "00010000000b01030800010002000300040005"}}};
  return out;
}

json::value parsed(const std::string& text) { return json::parse(text); }

Given on_terminal() {
  Given out;
  out.err_is_tty = true;
  return out;
}

}  // namespace

TEST_SUITE("cli.modbus") {
  TEST_CASE("read sends target, address and flags as they were typed, and shows the value [operations.md 2.5 10]") {
    const FakeDaemon daemon({{"POST /v1/modbus/read", ok(value_reply())}});
    const auto out = run(daemon, {"modbus", "read", "plc-1", "40108", "--type", "float32", "--unit", "1", "--order",
                                  "cdab", "--offset", "-3.5", "--trace"});
    CHECK(out.code == 0);
    CHECK(out.out == "21.5  (41ac0000, 3 ms)\n");
    CHECK(daemon.requests().at(0).json() == json::value{{"target", "plc-1"},
                                                        {"address", "40108"},
                                                        {"type", "float32"},
                                                        {"unit", "1"},
                                                        {"order", "CDAB"},
                                                        {"offset", "-3.5"},
                                                        {"trace", true}});
    CHECK(run(daemon, {"modbus", "read", "plc-1", "1", "-o", "value=value"}).out == "21.5\n");
    CHECK(run(daemon, {"modbus", "read", "plc-1", "1", "-q"}).out == "21.5\n");
    const auto document = parsed(run(daemon, {"modbus", "read", "plc-1", "1", "--json"}).out);
    CHECK(document.at("kind") == "modbusValue");
    CHECK(document.at("data") == json::value(value_reply()));
    CHECK(run(daemon, {"modbus", "read", "plc-1", "1", "-o", "wide"}).out.find("plc\t40108\n") != std::string::npos);
    CHECK(run(daemon, {"modbus", "read", "plc-1", "1", "--fields", "value,rtt"}).out == "value\t21.5\nrtt\t3\n");
  }

  TEST_CASE("what -o name prints of a channel is a target too") {
    const FakeDaemon daemon({{"POST /v1/modbus/read", ok(value_reply())}});
    CHECK(run(daemon, {"modbus", "read", "modbus-channel/plc-1", "1"}).code == 0);
    CHECK(daemon.requests().at(0).json().at("target") == "plc-1");
    CHECK(run(daemon, {"modbus", "read", "tcp://10.0.0.7", "1"}).code == 0);
    CHECK(daemon.requests().at(1).json().at("target") == "tcp://10.0.0.7");
  }

  TEST_CASE("the trace is lines of hex beside the value for people, and a member of the document [cli.md 9]") {
    const FakeDaemon daemon({{"POST /v1/modbus/read", ok(traced_reply())}});
    const auto out = run(daemon, {"modbus", "read", "plc-1", "1", "--trace"});
    CHECK(out.out == "21.5  (41ac0000, 3 ms)\n");
    CHECK(out.err ==
          "sent      00 01 00 00 00 06 01 03 00 6b 00 02\n"
          "received  00 01 00 00 00 0b 01 03 08 00 01 00 02 00 03 00\n"
          "          04 00 05\n");
    const auto document = run(daemon, {"modbus", "read", "plc-1", "1", "--trace", "--json"});
    CHECK(document.err.empty());
    CHECK(parsed(document.out).at("data").at("trace").as_array().size() == 2);
    const auto wide = run(daemon, {"modbus", "read", "plc-1", "1", "--trace", "-o", "wide"});
    CHECK(wide.out.find("trace") == std::string::npos);
    CHECK(!wide.err.empty());
  }

  TEST_CASE("lists, texts and hostile texts are one line") {
    auto reply = value_reply();
    reply["value"] = json::array{1, 2, 3};
    auto text = value_reply();
    text["value"] = "a\x1b[2J\nb";
    const FakeDaemon daemon(
        [&](const SeenRequest& request) { return ok(request.json().at("address") == "1" ? reply : text); });
    CHECK(run(daemon, {"modbus", "read", "plc-1", "1"}).out == "1,2,3  (41ac0000, 3 ms)\n");
    CHECK(run(daemon, {"modbus", "read", "plc-1", "2"}).out == "a\\x1b[2J\\nb  (41ac0000, 3 ms)\n");
  }

  TEST_CASE("write sends the value as text, negative ones too, and says that it was written") {
    auto reply = value_reply();
    reply["result"] = "written";
    const FakeDaemon daemon({{"POST /v1/modbus/write", ok(reply)}});
    const auto out = run(daemon, {"modbus", "write", "plc-1", "40108", "21.5", "--verify", "--force-multiple"});
    CHECK(out.out == "21.5 written  (41ac0000, 3 ms)\n");
    CHECK(daemon.requests().back().json() ==
          json::value{
              {"target", "plc-1"}, {"address", "40108"}, {"value", "21.5"}, {"verify", true}, {"forceMultiple", true}});
    for (const char* value : {"-1", "-21.5", "[1,2]", "true", "0xff"}) {
      CAPTURE(value);
      CHECK(run(daemon, {"modbus", "write", "plc-1", "1", value, "--type", "int16"}).code == 0);
      CHECK(daemon.requests().back().json().at("value") == json::value(value));
    }
    CHECK(run(daemon, {"modbus", "write", "plc-1", "1"}).code == 2);
    CHECK(run(daemon, {"modbus", "write", "plc-1", "1", "2", "--type", "int17"}).code == 2);
  }

  TEST_CASE("what slaves and lines do has the exit code of the table: 10, 8, 1; JSON errors with JSON [cli.md 3]") {
    struct Row {
      Errc code;
      int exit;
      const char* word;
    };
    for (const Row& row : {Row{Errc::device_error, 10, "device_error"}, Row{Errc::timeout, 8, "timeout"},
                           Row{Errc::network, 1, "network"}, Row{Errc::not_found, 3, "not_found"},
                           Row{Errc::invalid, 5, "invalid"}, Row{Errc::denied, 6, "denied"}}) {
      CAPTURE(row.word);
      const FakeDaemon daemon(
          [&](const SeenRequest&) { return failure(Error(row.code, "unit 1, HoldingRegisters 107: no")); });
      for (const std::vector<std::string>& words :
           std::vector<std::vector<std::string>>{{"modbus", "read", "plc-1", "107"},
                                                 {"modbus", "write", "plc-1", "107", "1"},
                                                 {"modbus", "test", "plc-1"},
                                                 {"modbus", "scan", "plc-1"},
                                                 {"modbus", "watch", "plc-1"},
                                                 {"modbus", "plan", "plc-1"},
                                                 {"modbus", "bindings"},
                                                 {"modbus", "bind", "d", "t", "p"},
                                                 {"modbus", "unbind", "d", "t"},
                                                 {"modbus", "point", "read", "p"},
                                                 {"modbus", "point", "write", "p", "1"}}) {
        CAPTURE(words[1]);
        const auto out = run(daemon, words);
        CHECK(out.code == row.exit);
        CHECK(out.out.empty());
        auto with_json = words;
        with_json.emplace_back("--json");
        const auto structured = run(daemon, with_json);
        CHECK(structured.code == row.exit);
        CHECK(structured.out.empty());
        CHECK(parsed(structured.err).at("error").at("code") == row.word);
      }
    }
  }

  TEST_CASE("test says how long connection and answer took; an exception is an answer") {
    json::object reply{{"address", "tcp://10.0.0.7:502"},
                       {"connectMs", 1},
                       {"unit", 3},
                       {"function", "Coils"},
                       {"start", 0},
                       {"rtt", 2},
                       {"answer", "illegal data address (2)"}};
    const FakeDaemon daemon({{"POST /v1/modbus/test", ok(reply)}});
    const auto out = run(daemon, {"modbus", "test", "tcp://10.0.0.7", "--unit", "3", "--function", "coil"});
    CHECK(out.code == 0);
    CHECK(out.out ==
          "tcp://10.0.0.7:502 unit 3 answers: illegal data address (2)  (connected in 1 ms, answered in 2 ms)\n");
    CHECK(daemon.requests().at(0).json() ==
          json::value{{"target", "tcp://10.0.0.7"}, {"unit", "3"}, {"function", "Coils"}});
    CHECK(parsed(run(daemon, {"modbus", "test", "x", "--json"}).out).at("kind") == "modbusTest");
    CHECK(run(daemon, {"modbus", "test", "x", "-o", "value=rtt"}).out == "2\n");
  }

  TEST_CASE("a call outlasts the wait for the slave") {
    // The daemon never answers: jlctl gives up by its own limit, which --timeout sets.
    const FakeDaemon daemon([](const SeenRequest&) {
      Reply out;
      out.silent = true;
      return out;
    });
    CHECK(run(daemon, {"modbus", "read", "x", "1", "--timeout-ms", "60000", "--timeout", "50ms"}).code == 8);
    CHECK(run(daemon, {"modbus", "read", "x", "1", "--timeout-ms", "99999999999", "--timeout", "50ms"}).code == 8);
  }

  TEST_CASE("scan lists the units as they answer, and ends with the stream; nobody answering is no failure") {
    const json::object one{{"unit", 1}, {"answers", true}, {"rtt", 2}, {"answer", "ok"}};
    const json::object two{{"unit", 2}, {"answers", false}};
    const FakeDaemon daemon({{"GET /v1/modbus/scan?units=1-2&timeoutMs=100&all=true&target=plc-1", lines({one, two})},
                             {"GET /v1/modbus/scan?target=tcp%3A%2F%2Fh", lines({two})}});
    const std::vector<std::string> words{"modbus", "scan", "plc-1", "--units", "1-2", "--timeout-ms", "100", "--all"};
    const auto out = run(daemon, words);
    CHECK(out.code == 0);
    CHECK(out.out == "UNIT\tANSWERS\tRTT\tANSWER\n1\ttrue\t2\tok\n2\tfalse\t\t\n");
    CHECK(out.err.empty());
    auto as_lines = words;
    as_lines.insert(as_lines.end(), {"-o", "jsonl"});
    CHECK(run(daemon, as_lines).out ==
          "{\"unit\":1,\"answers\":true,\"rtt\":2,\"answer\":\"ok\"}\n{\"unit\":2,\"answers\":false}\n");
    auto quiet = words;
    quiet.emplace_back("-q");
    CHECK(run(daemon, quiet).out == "1\n2\n");
    const auto nobody = run(daemon, {"modbus", "scan", "tcp://h"}, on_terminal());
    CHECK(nobody.code == 0);
    CHECK(nobody.err.find("no unit answered") != std::string::npos);
    CHECK(run(daemon, {"modbus", "scan", "tcp://h"}).err.empty());
    CHECK(run(daemon, {"modbus", "scan"}).code == 2);
  }

  TEST_CASE("watch shows values, frames and states in one table, and as they are in JSON lines [cli.md 13]") {
    const json::object value{{"point", "p1"},     {"value", 1}, {"hex", "0001"},
                             {"quality", "good"}, {"at", "T1"}, {"rtt", 2}};
    const json::object bad{{"point", "p2"}, {"quality", "bad"}, {"error", "no answer"}, {"at", "T2"}};
    const json::object frame{{"frame", "sent"}, {"hex", "01"}, {"at", "T3"}};
    const json::object state{{"state", "failed"}, {"reason", "refused"}};
    const FakeDaemon daemon({{"GET /v1/modbus-channels/plc-1/watch?trace=true&limit=4&point=p1&point=p2",
                              lines({value, bad, frame, state})}});
    const std::vector<std::string> words{"modbus", "watch", "plc-1", "p1", "p2", "--trace", "--limit", "4"};
    CHECK(run(daemon, words).out ==
          "TIME\tPOINT\tVALUE\tSTATUS\tHEX\tERROR\n"
          "T1\tp1\t1\tgood\t0001\t\nT2\tp2\t\tbad\t\tno answer\nT3\t\t\tsent\t01\t\n\t\t\tfailed\t\trefused\n");
    auto as_lines = words;
    as_lines.insert(as_lines.end(), {"-o", "jsonl"});
    const auto out = run(daemon, as_lines).out;
    CHECK(out.find("{\"frame\":\"sent\",\"hex\":\"01\",\"at\":\"T3\"}\n") != std::string::npos);
    CHECK(out.find("{\"state\":\"failed\",\"reason\":\"refused\"}\n") != std::string::npos);
    auto fields = words;
    fields.insert(fields.end(), {"--fields", "point,state", "--no-header"});
    CHECK(run(daemon, fields).out == "p1\t\np2\t\n\t\n\tfailed\n");
  }

  TEST_CASE("plan lists the requests; their rate is a remark and a member of the document") {
    const json::object request{{"interval", 1000}, {"unit", 1},    {"function", "HoldingRegisters"},
                               {"start", 0},       {"count", 120}, {"points", 120},
                               {"ids", {"p0"}},    {"bad", false}};
    const FakeDaemon daemon(
        {{"GET /v1/modbus-channels/plc-1/plan",
          ok(json::object{{"items", {request}}, {"requestsPerSecond", 10.0 / 3}, {"points", 300}})}});
    const auto out = run(daemon, {"modbus", "plan", "plc-1"}, on_terminal());
    CHECK(out.out == "INTERVAL\tUNIT\tFUNCTION\tSTART\tCOUNT\tPOINTS\n1000\t1\tHoldingRegisters\t0\t120\t120\n");
    CHECK(out.err == "300 points, 3.333 requests a second\n");
    const auto document = parsed(run(daemon, {"modbus", "plan", "plc-1", "--json"}).out);
    CHECK(document.at("kind") == "modbusRequestList");
    CHECK(document.at("data").at("requestsPerSecond").to_number<double>() == 10.0 / 3);
    CHECK(document.at("data").at("items").at(0).at("ids") == json::value{"p0"});
  }

  TEST_CASE("bind and unbind are mutations of the device [cli.md 29]") {
    const json::object reply{{"result", "updated"}, {"kind", "device"}, {"id", "boiler-1"}, {"revision", 8}};
    const FakeDaemon daemon({{"POST /v1/devices/boiler-1/bind?ifRevision=7", ok(reply)},
                             {"POST /v1/devices/boiler-1/unbind?ifExists=true", ok(reply)}});
    const auto out =
        run(daemon, {"modbus", "bind", "device/boiler-1", "temperature", "modbus-point/p1", "--if-revision", "7"},
            on_terminal());
    CHECK(out.code == 0);
    CHECK(out.err == "device/boiler-1 updated (revision 8)\n");
    CHECK(daemon.requests().back().json() == json::value{{"property", "temperature"}, {"point", "p1"}});
    CHECK(run(daemon, {"modbus", "unbind", "boiler-1", "a", "b", "--if-exists", "--exit-changed"}).code == 21);
    CHECK(daemon.requests().back().json() == json::value{{"properties", {"a", "b"}}});
    CHECK(run(daemon, {"modbus", "unbind", "boiler-1", "a", "--if-exists", "-o", "name"}).out == "device/boiler-1\n");
    CHECK(run(daemon, {"modbus", "bind", "boiler-1", "t"}).code == 2);
    CHECK(run(daemon, {"modbus", "unbind", "boiler-1"}).code == 2);
  }

  TEST_CASE("bindings are a list with filters") {
    const json::object binding{{"device", "boiler-1"},
                               {"property", "temperature"},
                               {"point", "p1"},
                               {"channel", "plc-1"},
                               {"quality", "good"}};
    const FakeDaemon daemon(
        {{"GET /v1/modbus/bindings?device=boiler-1&channel=plc-1", ok(json::object{{"items", {binding}}})}});
    CHECK(run(daemon, {"modbus", "bindings", "--device", "boiler-1", "--channel", "plc-1"}).out ==
          "DEVICE\tPROPERTY\tPOINT\tCHANNEL\tQUALITY\nboiler-1\ttemperature\tp1\tplc-1\tgood\n");
  }

  TEST_CASE("point read shows one value in a line and several in a table; some failed is 11 [cli.md 27]") {
    const auto point = [](const char* id, int value) {
      return ok(
          json::object{{"id", id}, {"value", value}, {"hex", "0001"}, {"quality", "good"}, {"at", "T"}, {"rtt", 2}});
    };
    const FakeDaemon daemon(
        {{"POST /v1/modbus-points/p1/read", point("p1", 1)}, {"POST /v1/modbus-points/p3/read", point("p3", 3)}});
    CHECK(run(daemon, {"modbus", "point", "read", "p1"}).out == "1  (0001, 2 ms)\n");
    CHECK(run(daemon, {"modbus", "point", "read", "modbus-point/p1", "-o", "value=value"}).out == "1\n");
    CHECK(run(daemon, {"modbus", "point", "read", "p2"}).code == 3);
    const auto some = run(daemon, {"modbus", "point", "read", "p1", "p2", "p3", "--fields", "id,value,quality"});
    CHECK(some.code == 11);
    CHECK(some.out == "ID\tVALUE\tQUALITY\np1\t1\tgood\np2\t\t\np3\t3\tgood\n");
    CHECK(some.err.find("modbus-point/p2") != std::string::npos);
    const auto document = run(daemon, {"modbus", "point", "read", "p1", "p2", "--json"});
    CHECK(document.code == 11);
    const auto items = parsed(document.out).at("data").at("items").as_array();
    REQUIRE(items.size() == 2);
    CHECK(items[0].at("value") == 1);
    CHECK(items[1].at("error").at("code") == "not_found");
    CHECK(run(daemon, {"modbus", "point", "read", "p1", "p3"}).code == 0);
    CHECK(run(daemon, {"modbus", "point", "read", "p1", "p3", "--exit-changed"}).code == 0);
    const auto before = daemon.requests().size();
    CHECK(run(daemon, {"modbus", "point", "read", "p2", "p1", "--fail-fast"}).code == 11);
    CHECK(daemon.requests().size() == before + 1);
  }

  TEST_CASE("point write sends the value as text") {
    const FakeDaemon daemon(
        {{"POST /v1/modbus-points/p1/write",
          ok(json::object{{"id", "p1"}, {"value", 55.5}, {"hex", "022b"}, {"rtt", 4}, {"result", "written"}})}});
    const auto out = run(daemon, {"modbus", "point", "write", "p1", "55.5", "--verify"});
    CHECK(out.out == "55.5 written  (022b, 4 ms)\n");
    CHECK(daemon.requests().back().json() == json::value{{"value", "55.5"}, {"verify", true}});
    CHECK(run(daemon, {"modbus", "point", "write", "p1", "-3"}).code == 0);
    CHECK(daemon.requests().back().json() == json::value{{"value", "-3"}});
  }
}
