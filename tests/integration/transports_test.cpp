// Devices that come in over TCP, UDP, HTTP and CoAP, from the socket to the history and back (access.md 5.4).
#include "tests/integration/device.hpp"
#include "tests/integration/transports_support.hpp"

#include <fmt/format.h>
#include <algorithm>

namespace jl::test {
namespace {

using Types = std::vector<std::string>;
const Types kReported{"ONLINE", "REPORT_PROPERTY"};

// The body of a reply to a read: success, then what was read.
std::string read_result(std::int32_t temp) { return '\x01' + binary_object("temp", temp); }
const std::string kReadTemp = std::string("\0\1\x0b\0\4temp", 9);  // ARRAY of one typed STRING

constexpr const char* kAskTemp = R"({"properties":["temp"]})";

}  // namespace

// ---- up and down

TEST_CASE("a TCP device logs in, reports, and answers a command [wire 5.6, access 5.4]") {
  WayHouse w(kTcp);
  TcpDevice device(w.port, "tcp-1");
  CHECK(device.log_in() == 0);
  CHECK(eventually([&] { return w.state() == "online"; }));
  device.report(21);
  CHECK(eventually([&] { return w.history() == kReported; }));
  CHECK(w.house.call("GET", "/v1/devices/tcp-1/state").at("properties.temp.value") == json::value(21));

  Ctl ctl = w.house.ctl();
  ctl.send("POST", "/v1/devices/tcp-1/read", kAskTemp);
  const Binary down = device.receive();
  CHECK(down.kind == kRead);
  CHECK(down.sequence == 1);
  CHECK(down.device == "tcp-1");
  CHECK(down.body == kReadTemp);
  device.send(kReadReply, down.sequence, read_result(22));
  CHECK(ctl.answer().at("properties.temp") == json::value(22));
  device.vanish();
  CHECK(eventually([&] { return w.state() == "offline"; }));
}

TEST_CASE("a TCP connection without a login that is right belongs to nobody [wire 5.6]") {
  WayHouse w(kTcp);
  TcpDevice wrong(w.port, "tcp-1");
  CHECK(wrong.log_in("another key") == 1);
  CHECK(wrong.at_end());
  TcpDevice unknown(w.port, "stranger");
  CHECK(unknown.log_in() == 1);
  CHECK(unknown.at_end());
  TcpDevice eager(w.port, "tcp-1");
  eager.report(1);
  CHECK(eager.receive().body == "\x01");
  CHECK(w.history().empty());
  CHECK(eager.log_in() == 0);  // it may still do so
  CHECK(eventually([&] { return w.history() == Types{"ONLINE"}; }));
}

TEST_CASE("a second TCP connection of a device takes over and the first is closed [access 5.4]") {
  WayHouse w(kTcp);
  TcpDevice first(w.port, "tcp-1");
  REQUIRE(first.log_in() == 0);
  TcpDevice second(w.port, "tcp-1");
  REQUIRE(second.log_in() == 0);
  CHECK(first.at_end());
  CHECK(w.state() == "online");
  CHECK(w.house.call("GET", "/v1/status").number("sessions") == 1);
  second.report(5);
  // Messages of one millisecond on two threads have no order.
  CHECK(eventually([&] { return std::ranges::count(w.history(), std::string("REPORT_PROPERTY")) == 1; }));
}

TEST_CASE("a UDP device proves itself in every datagram and is answered where its last one came from [wire 5.7]") {
  WayHouse w(kUdp);
  UdpDevice device(w.port, "udp-1");
  CHECK(device.report(21) == 0);
  CHECK(w.state() == "online");
  CHECK(device.report(21, "another key") == 1);
  UdpDevice stranger(w.port, "stranger");
  CHECK(stranger.report(1) == 1);
  CHECK(eventually([&] { return w.history() == kReported; }));

  Ctl ctl = w.house.ctl();
  ctl.send("POST", "/v1/devices/udp-1/read", kAskTemp);
  const auto [key, down] = device.receive();
  CHECK(key == kKey);
  CHECK(down.kind == kRead);
  CHECK(down.body == kReadTemp);
  device.send(kReadReply, down.sequence, read_result(22));
  CHECK(device.receive().second.kind == kAck);
  CHECK(ctl.answer().at("properties.temp") == json::value(22));
}

TEST_CASE("an HTTP device reports with its token and cannot be sent to [wire 3.1, access 5.4]") {
  WayHouse w(kHttp);
  HttpDevice device(w.port, "http-1");
  CHECK(device.report(21) == 200);
  CHECK(w.state() == "online");
  CHECK(device.post("properties/report", R"({"properties":{"temp":1}})", "wrong") == 401);
  CHECK(device.post("properties/report", "not json") == 400);
  CHECK(HttpDevice(w.port, "stranger").report(1) == 401);
  CHECK(device.post("no/such/suffix", "{}") == 404);
  CHECK(w.history() == kReported);
  CHECK(w.house.call("POST", "/v1/devices/http-1/read", kAskTemp).code() == "UNSUPPORTED_MESSAGE");
  CHECK(device.post("offline", "{}") == 200);
  CHECK(w.state() == "offline");
}

TEST_CASE("a CoAP device reports with its key; without an observation it cannot be sent to [wire 4, access 5.4]") {
  WayHouse w(kCoap);
  const CoapClient client(w.port);
  CHECK(coap_report(client, "coap-1", 21) == 201);
  CHECK(w.state() == "online");
  CHECK(coap_report(client, "coap-1", 21, "fedcba9876543210") == 400);
  CHECK(coap_report(client, "stranger", 1) == 401);
  CHECK(client.ask(network::test::coap_post("p/coap-1/no/such/suffix", "x", 900)).code == 404);
  CHECK(client.ask(network::test::coap_get("p/coap-1/properties/report", 901)).code == 405);
  CHECK(w.history() == kReported);
  CHECK(w.house.call("POST", "/v1/devices/coap-1/read", kAskTemp).code() == "UNSUPPORTED_MESSAGE");
}

TEST_CASE("requests of one device on connections of several threads are one session [access 5.4]") {
  WayHouse w(kHttp);
  HttpDevice first(w.port, "http-1");
  HttpDevice second(w.port, "http-1");
  HttpDevice third(w.port, "http-1");
  Types expected{"ONLINE"};
  for (int round = 0; round < 4; ++round) {
    for (HttpDevice* device : {&first, &second, &third}) {
      CHECK(device->report(round) == 200);
      expected.emplace_back("REPORT_PROPERTY");
    }
  }
  CHECK(w.history() == expected);
  CHECK(w.house.call("GET", "/v1/status").number("sessions") == 1);
}

// ---- changes while devices are there

TEST_CASE("who is disabled loses its session and gets no other, on every transport [access 2, 6]") {
  struct Row {
    const char *kind, *suffix;
  };
  for (const Row row : {Row{"devices", "1"}, Row{"products", "p"}}) {
    CAPTURE(row.kind);
    {
      WayHouse w(kTcp);
      TcpDevice device(w.port, "tcp-1");
      REQUIRE(device.log_in() == 0);
      CHECK(w.disable(row.kind, row.suffix).number("disconnected") == 1);
      CHECK(device.at_end());
      CHECK(TcpDevice(w.port, "tcp-1").log_in() == 1);
    }
    {
      WayHouse w(kUdp);
      UdpDevice device(w.port, "udp-1");
      REQUIRE(device.report(1) == 0);
      CHECK(w.disable(row.kind, row.suffix).number("disconnected") == 1);
      CHECK(device.report(2) == 1);
      CHECK(w.house.call("GET", "/v1/status").number("sessions") == 0);
    }
    {
      WayHouse w(kHttp);
      HttpDevice device(w.port, "http-1");
      REQUIRE(device.report(1) == 200);
      CHECK(w.disable(row.kind, row.suffix).number("disconnected") == 1);
      CHECK(device.report(2) == 401);
      CHECK(w.house.call("GET", "/v1/status").number("sessions") == 0);
    }
    {
      WayHouse w(kCoap);
      const CoapClient client(w.port);
      REQUIRE(coap_report(client, "coap-1", 1) == 201);
      CHECK(w.disable(row.kind, row.suffix).number("disconnected") == 1);
      CHECK(coap_report(client, "coap-1", 2) == 401);
      CHECK(w.house.call("GET", "/v1/status").number("sessions") == 0);
    }
  }
}

TEST_CASE("without an enabled gateway nobody is there for devices [network 4.7]") {
  {
    WayHouse w(kTcp);
    TcpDevice device(w.port, "tcp-1");
    REQUIRE(device.log_in() == 0);
    CHECK(w.disable("gateways", "gw").number("disconnected") == 1);
    CHECK(device.at_end());
    CHECK(TcpDevice(w.port, "tcp-1").log_in() == -1);
    REQUIRE(w.house.call("POST", w.path("gateways", "gw") + "/enable").status == 200);
    CHECK(TcpDevice(w.port, "tcp-1").log_in() == 0);
  }
  {
    WayHouse w(kUdp);
    UdpDevice device(w.port, "udp-1");
    REQUIRE(device.report(1) == 0);
    CHECK(w.disable("gateways", "gw").number("disconnected") == 1);
    device.send(kReport, 4, binary_object("temp", 2));
    CHECK(eventually([&] { return w.counter("counters.unheard") == 1; }));
    REQUIRE(w.house.call("POST", w.path("gateways", "gw") + "/enable").status == 200);
    CHECK(device.report(3) == 0);
  }
  {
    WayHouse w(kHttp);
    HttpDevice device(w.port, "http-1");
    REQUIRE(device.report(1) == 200);
    CHECK(w.disable("gateways", "gw").number("disconnected") == 1);
    CHECK(device.report(2) == 404);
    CHECK(w.state() == "offline");
  }
  {
    WayHouse w(kCoap);
    const CoapClient client(w.port);
    REQUIRE(coap_report(client, "coap-1", 1) == 201);
    CHECK(w.disable("gateways", "gw").number("disconnected") == 1);
    CHECK(coap_report(client, "coap-1", 2) == 404);
    CHECK(w.state() == "offline");
  }
}

TEST_CASE("limits change without a connection being dropped; a port that moves drops them [network 4.3]") {
  WayHouse w(kTcp);
  TcpDevice device(w.port, "tcp-1");
  REQUIRE(device.log_in() == 0);
  const Reply edited =
      w.edit("networks", "net", R"({"configuration":{"maxConnections":1,"maxFrameLength":2048,"connectTimeout":5}})");
  CHECK(edited.text("result") == "updated");
  CHECK(edited.at("disconnected").is_null());
  device.report(1);
  CHECK(eventually([&] { return w.history() == kReported; }));
  // The new limit holds for whoever comes now.
  CHECK(TcpDevice(w.port, "tcp-2").log_in() == -1);
  const std::uint16_t moved = free_port();
  CHECK(w.edit("networks", "net", fmt::format(R"({{"configuration":{{"port":{}}}}})", moved)).number("disconnected") ==
        1);
  CHECK(device.at_end());
  CHECK(TcpDevice(moved, "tcp-1").log_in() == 0);
}

TEST_CASE("sessions without connections outlive edits of limits and end with the port [network 4.3]") {
  WayHouse w(kUdp);
  UdpDevice device(w.port, "udp-1");
  REQUIRE(device.report(1) == 0);
  CHECK(w.edit("networks", "net", R"({"configuration":{"sessionTimeout":60}})").text("result") == "updated");
  CHECK(w.state() == "online");
  const std::uint16_t moved = free_port();
  CHECK(w.edit("networks", "net", fmt::format(R"({{"configuration":{{"port":{}}}}})", moved)).text("result") ==
        "updated");
  CHECK(eventually([&] { return w.state() == "offline"; }));
  UdpDevice again(moved, "udp-1");
  CHECK(again.report(2) == 0);
}

TEST_CASE("silence ends UDP and CoAP sessions, and HTTP ones only when that was asked for [access 5.4, network 1.4]") {
  {
    WayHouse w(kUdp);
    UdpDevice device(w.port, "udp-1");
    REQUIRE(device.report(1) == 0);
    w.house.clock.advance(599'000);
    REQUIRE(device.report(2) == 0);
    w.house.clock.advance(599'000);
    CHECK(w.state() == "online");
    w.house.clock.advance(2'000);
    CHECK(eventually([&] { return w.history() == Types{"ONLINE", "REPORT_PROPERTY", "REPORT_PROPERTY", "OFFLINE"}; }));
    REQUIRE(device.report(3) == 0);
    CHECK(w.state() == "online");
  }
  {
    WayHouse w(kCoap);
    const CoapClient client(w.port);
    REQUIRE(coap_report(client, "coap-1", 1) == 201);
    w.house.clock.advance(601'000);
    CHECK(eventually([&] { return w.history() == Types{"ONLINE", "REPORT_PROPERTY", "OFFLINE"}; }));
    CHECK(w.state() == "offline");
  }
  {
    WayHouse w(kHttp);
    REQUIRE(HttpDevice(w.port, "http-1").report(1) == 200);
    w.house.clock.advance(30LL * 24 * 3600 * 1000);
    REQUIRE(HttpDevice(w.port, "http-2").report(1) == 200);
    CHECK(w.history() == kReported);
    CHECK(w.state() == "online");
    REQUIRE(w.edit("networks", "net", R"({"configuration":{"sessionTimeout":60}})").status == 200);
    REQUIRE(HttpDevice(w.port, "http-1").report(2) == 200);
    w.house.clock.advance(61'000);
    CHECK(eventually([&] { return w.state() == "offline"; }));
  }
}

TEST_CASE("a TCP device that sends nothing for keepAliveTimeout is offline [access 5.4]") {
  WayHouse w(kTcp);
  TcpDevice device(w.port, "tcp-1");
  REQUIRE(device.log_in() == 0);
  w.house.clock.advance(601'000);
  CHECK(device.at_end());
  CHECK(eventually([&] { return w.history() == Types{"ONLINE", "OFFLINE"}; }));
}

TEST_CASE("disconnect ends a session on every transport, and the device may come again [access 5.7]") {
  WayHouse w(kUdp);
  UdpDevice device(w.port, "udp-1");
  REQUIRE(device.report(1) == 0);
  CHECK(w.house.call("POST", "/v1/devices/udp-1/disconnect").text("result") == "updated");
  CHECK(w.state() == "offline");
  CHECK(device.report(2) == 0);
  CHECK(w.state() == "online");
}

// ---- rules

TEST_CASE("a gateway needs a component of its provider's type, or none at all [access 1.3]") {
  WayHouse w(kTcp);
  struct Row {
    const char* spec;
    int status;
    const char* field;
  };
  const Row rows[] = {
      {R"({"provider":"udp-device-gateway","channelId":"tcp-net","protocol":"official"})", 422, "spec.channelId"},
      {R"({"provider":"mqtt-server-gateway","channelId":"tcp-net","protocol":"official"})", 422, "spec.channelId"},
      {R"({"provider":"http-server-gateway","protocol":"official"})", 422, "spec.channelId"},
      {R"({"provider":"child-device","channelId":"tcp-net","protocol":"official"})", 422, "spec.channelId"},
      {R"({"provider":"child-device","protocol":"official"})", 201, ""},
      {R"({"provider":"child-device"})", 422, "spec.protocol"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.spec);
    const Reply reply = w.house.call("POST", "/v1/gateways", fmt::format(R"({{"id":"g","spec":{}}})", row.spec));
    CHECK(reply.status == row.status);
    CHECK(reply.text("field") == row.field);
  }
}

TEST_CASE("TCP and UDP components serve one gateway, HTTP and CoAP ones several [access 1.4]") {
  for (const Way& way : {kTcp, kUdp, kHttp, kCoap}) {
    CAPTURE(way.name);
    WayHouse w(way);
    const Reply second = w.house.call(
        "POST", "/v1/gateways",
        fmt::format(
            R"({{"id":"second","enabled":false,"spec":{{"provider":"{}","channelId":"{}","protocol":"official"}}}})",
            way.provider, w.name("net")));
    const bool shares = way.type == std::string_view("HTTP_SERVER") || way.type == std::string_view("COAP_SERVER");
    CHECK(second.status == (shares ? 201 : 409));
    if (shares) continue;
    CHECK(second.code() == "in_use");
    CHECK(second.text("field") == "spec.channelId");
    CHECK(w.edit("gateways", "gw", R"({"productOnly":true})").status == 200);  // its own use is none of another
  }
}

TEST_CASE("type, protocol and use of a gateway are fixed as access 2 says, whatever its provider [access 2, 3.4]") {
  for (const Way& way : {kTcp, kUdp, kHttp, kCoap}) {
    CAPTURE(way.name);
    WayHouse w(way);
    REQUIRE(w.house.apply(R"([{"kind":"protocol","id":"second","spec":{}}])").status == 200);
    CHECK(w.edit("gateways", "gw", R"({"provider":"mqtt-server-gateway"})").code() == "immutable_field");
    CHECK(w.edit("networks", "net", R"({"type":"MQTT_SERVER"})").code() == "immutable_field");
    const Reply protocol = w.edit("gateways", "gw", R"({"protocol":"second"})");
    CHECK(protocol.code() == "in_use");
    CHECK(protocol.text("field") == "spec.protocol");
    CHECK(w.house.call("POST", "/v1/protocols/official/disable").code() == "in_use");
    CHECK(w.house.call("DELETE", w.path("gateways", "gw")).code() == "enabled");
    REQUIRE(w.disable("gateways", "gw").status == 200);
    CHECK(w.house.call("DELETE", w.path("gateways", "gw")).code() == "in_use");
    REQUIRE(w.disable("networks", "net").status == 200);
    CHECK(w.house.call("DELETE", w.path("networks", "net")).code() == "in_use");
  }
}

TEST_CASE("a product with devices stays with its gateway; an empty one moves to another transport [access 2]") {
  WayHouse w(kTcp);
  REQUIRE(w.house.apply(fmt::format("[{}]", way_manifests(kHttp, free_port()))).status == 200);
  CHECK(w.edit("products", "p", R"({"accessId":"http-gw"})").code() == "in_use");
  REQUIRE(w.house.call("POST", "/v1/products", R"({"id":"empty","spec":{"accessId":"tcp-gw"}})").status == 201);
  CHECK(w.house.call("PATCH", "/v1/products/empty", R"({"spec":{"accessId":"http-gw"}})").text("result") == "updated");
}

TEST_CASE("a product of a child-device gateway has its devices behind another one [access 1.3, wire 2.5]") {
  House house;
  house.provision();
  const Reply reply = house.apply(join_documents(
      {R"({"kind":"gateway","id":"children","spec":{"provider":"child-device","protocol":"official"}})",
       R"({"kind":"product","id":"node","enabled":true,"spec":{"accessId":"children","deviceType":"childrenDevice"}})",
       device_manifest("hub", "sensor"), device_manifest("c1", "node", R"(,"parentId":"hub")")}));
  REQUIRE_MESSAGE(reply.status == 200, json::serialize(reply.body));
  Device hub(house.port, "hub");
  hub.publish("child/c1/properties/report", R"({"properties":{"temp":4}})");
  CHECK(house.state_of("c1") == "online");
  CHECK(house.history("c1") == kReported);
}

TEST_CASE("ports of TCP and of datagrams are apart; UDP and CoAP share theirs [network 4.5]") {
  WayHouse w(kTcp);
  const auto add = [&](const Way& way, const char* id) {
    return w.house.apply(fmt::format("[{}]", component_manifest(way, id, w.port)));
  };
  CHECK(add(kHttp, "a").code() == "address_in_use");
  CHECK(add(kUdp, "b").status == 200);
  const Reply refused = add(kCoap, "c");
  CHECK(refused.code() == "address_in_use");
  REQUIRE(w.house.call("POST", "/v1/networks/b/disable").status == 200);
  CHECK(add(kCoap, "c").status == 200);
  CHECK(w.house.call("POST", "/v1/networks/b/enable").code() == "address_in_use");
}

TEST_CASE("a framing rule that cannot be followed is refused when it is saved, disabled or not [network 4.8]") {
  House house;
  const auto add = [&](const char* parser, const char* more) {
    const Way way{"x", "TCP_SERVER", "", parser};
    return house.apply(fmt::format("[{}]", component_manifest(way, "net", free_port(), more)));
  };
  const Reply refused = add(R"(,"parserType":"FIXED_LENGTH")", R"(,"enabled":false)");
  CHECK(refused.status == 422);
  CHECK(refused.text("field") == "spec.configuration.parserConfiguration.size");
  CHECK(add(R"(,"parserType":"SCRIPT","parserConfiguration":{"script":"parser.("})", "").text("field") ==
        "spec.configuration.parserConfiguration.script");
  CHECK(
      add(R"(,"parserType":"length_field","parserConfiguration":{"offset":"0","length":"4","size":"","script":""})", "")
          .status == 200);
}

}  // namespace jl::test
