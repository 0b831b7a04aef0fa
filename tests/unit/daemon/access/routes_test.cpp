#include "daemon/access/routes.hpp"

#include "tests/unit/daemon/access/route_protocol.hpp"

#include <doctest/doctest.h>
#include <string>

namespace jl::access {
namespace {

AttachedGateway through(const codec::Protocol* codec) {
  return {"gw", false, std::make_shared<GatewayCounters>(), codec};
}

}  // namespace

TEST_SUITE("access.routes") {
  TEST_CASE("a route takes what its placeholders stand for: one level each, or the rest [access 5.4]") {
    RouteProtocol protocol;
    protocol.request("HTTP", "POST", "/{productId:p}/{deviceId:d}/properties/report")
        .request("HTTP", "POST", "/{productId:p}/{deviceId:d}/child/{#:any}");
    const Routes routes({through(&protocol)}, codec::Transport::http);
    struct Row {
      const char* path;
      bool is_known;
    };
    const Row rows[] = {{"/p/d/properties/report", true},
                        {"/p/d/child/c/online", true},
                        {"/p/d/child", true},
                        {"//d/properties/report", true},
                        {"/p/d/properties/report/x", false},
                        {"/p/d/properties", false},
                        {"/p/properties/report", false},
                        {"p/d/properties/report", false},
                        {"/p/d/Properties/report", false},
                        {"/", false},
                        {"", false},
                        {"/p/d/#", false},
                        {"/#", false},
                        {"#", false}};
    for (const Row& row : rows) {
      CAPTURE(row.path);
      const auto match = routes.find(row.path, "POST");
      CHECK((match.codec == &protocol) == row.is_known);
      CHECK(match.allowed.empty());
    }
  }

  TEST_CASE("with another method a path has no route, but says which it has, each once [RFC 9110 15.5.6]") {
    RouteProtocol protocol;
    protocol.request("CoAP", "POST", "/{p:p}/{d:d}")
        .request("CoAP", "iPATCH", "/{p:p}/{d:d}")
        .request("CoAP", "PATCH", "/{p:p}/{d:d}")
        .request("CoAP", "POST", "/{p:p}/fixed");
    const Routes routes({through(&protocol)}, codec::Transport::coap);
    const auto none = routes.find("/a/fixed", "GET");
    CHECK(none.codec == nullptr);
    CHECK(none.allowed == "POST, iPATCH, PATCH");
    CHECK(routes.find("/a/fixed", "post").codec == nullptr);
    CHECK(routes.find("/a/fixed", "PATCH").codec == &protocol);
    CHECK(routes.find("/a/fixed").codec == &protocol);
    const auto unknown = routes.find("/a", "GET");
    CHECK(unknown.codec == nullptr);
    CHECK(unknown.allowed.empty());
  }

  TEST_CASE("a route without a method takes them all") {
    RouteProtocol protocol;
    protocol.request("HTTP", "", "/any");
    const Routes routes({through(&protocol)}, codec::Transport::http);
    for (const char* const method : {"GET", "POST", "BREW"}) CHECK(routes.find("/any", method).codec == &protocol);
  }

  TEST_CASE("only upstream routes of the transport count") {
    RouteProtocol protocol;
    protocol.request("HTTP", "POST", "/http").request("CoAP", "POST", "/coap");
    protocol.request("HTTP", "POST", "/down", false).up("/mqtt");
    const Routes routes({through(&protocol)}, codec::Transport::http);
    CHECK(routes.find("/http").codec == &protocol);
    for (const char* const path : {"/coap", "/down", "/mqtt"}) {
      CAPTURE(path);
      CHECK(routes.find(path).codec == nullptr);
    }
  }

  TEST_CASE("of several gateways the first with a route for path and method takes it") {
    RouteProtocol first;
    RouteProtocol second;
    first.request("HTTP", "PUT", "/shared").request("HTTP", "POST", "/both").request("HTTP", "POST", "/first");
    second.request("HTTP", "POST", "/shared").request("HTTP", "POST", "/both").request("HTTP", "POST", "/second");
    // A gateway whose protocol is missing or disabled has none.
    const Routes routes({through(nullptr), through(&first), through(&second)}, codec::Transport::http);
    CHECK(routes.find("/shared", "PUT").codec == &first);
    CHECK(routes.find("/shared", "POST").codec == &second);
    CHECK(routes.find("/shared", "GET").allowed == "PUT, POST");
    CHECK(routes.find("/both", "POST").codec == &first);
    CHECK(routes.find("/first", "POST").codec == &first);
    CHECK(routes.find("/second", "POST").codec == &second);
    CHECK(Routes().find("/both", "POST").codec == nullptr);
  }
}

}  // namespace jl::access
