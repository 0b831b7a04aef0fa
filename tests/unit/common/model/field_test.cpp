#include "common/model/field.hpp"

#include "common/model/network.hpp"
#include "tests/unit/common/model/support.hpp"

using namespace jl;
using namespace jl::model;

namespace {

// A component with one more member given.
std::string mqtt(const std::string& member) {
  return "{'id':'n','spec':{'type':'MQTT_SERVER','configuration':{'port':1," + member + "}}}";
}

json::value given(const std::string& key, const std::string& value) {
  const Resource network = read("network", mqtt("'" + key + "':" + value));
  const auto* found = network.spec.at("configuration").as_object().if_contains(key);
  return found ? *found : json::value("absent");
}

}  // namespace

TEST_SUITE("common.model") {
  TEST_CASE("numbers and truths may be texts, \"\" and null count as absent [network.md 1.5]") {
    CHECK(given("maxMessageSize", "'4096'") == 4096);
    CHECK(given("maxMessageSize", "4096.0") == 4096);
    CHECK(given("maxMessageSize", "''") == 8192);
    CHECK(given("maxMessageSize", "null") == 8192);
    CHECK(given("secure", "'false'") == false);
    CHECK(given("secure", "'FALSE'") == false);
    CHECK(given("publicPort", "''") == "absent");
    CHECK(given("publicPort", "'8883'") == 8883);
    for (const char* bad : {"'x'", "1.5", "true", "[]", "{}", "'4096 '", "1e30", "18446744073709551615"}) {
      CAPTURE(bad);
      CHECK(problems_of("network", mqtt("'maxMessageSize':" + std::string(bad))) ==
            Briefs{"spec.configuration.maxMessageSize invalid"});
    }
    CHECK(problems_of("network", mqtt("'secure':1")) == Briefs{"spec.configuration.secure invalid"});
    CHECK(problems_of("network", mqtt("'secure':true")) == Briefs{"spec.configuration.certId invalid"});
  }

  TEST_CASE("ranges hold at their ends") {
    for (const auto& [key, least, most] :
         {std::tuple("port", 1, 65535), {"maxMessageSize", 1024, 268435455}, {"maxConnections", 1, 1000000}}) {
      CAPTURE(key);
      const auto with = [&, name = std::string(key)](int value) {
        return problems_of("network", "{'id':'n','spec':{'type':'MQTT_SERVER','configuration':{" +
                                          (name == "port" ? std::string() : std::string("'port':1,")) + "'" + name +
                                          "':" + std::to_string(value) + "}}}");
      };
      CHECK(with(least).empty());
      CHECK(with(most).empty());
      CHECK(with(least - 1).size() == 1);
      CHECK(with(most + 1).size() == 1);
    }
  }

  TEST_CASE("words are read in any case, as aliases and as JetLinks' {value} [network.md 1.5]") {
    for (const char* word : {"'MQTT_SERVER'", "'mqtt_server'", "'mqtt-server'", "{'value':'MQTT_SERVER','text':'x'}"}) {
      CAPTURE(word);
      CHECK(read("network", "{'id':'n','spec':{'type':" + std::string(word) + ",'configuration':{'port':1}}}")
                .spec.at("type") == "MQTT_SERVER");
    }
    std::vector<Problem> problems;
    (void)read("network", "{'id':'n','spec':{'type':'MQTT_SERVR','configuration':{'port':1}}}", problems);
    REQUIRE(brief(problems) == Briefs{"spec.type invalid"});
    CHECK(problems[0].message ==
          "\"MQTT_SERVR\" is none of MQTT_SERVER, MQTT_CLIENT, TCP_SERVER, UDP, HTTP_SERVER, WEB_SOCKET_SERVER, "
          "COAP_SERVER; did you mean \"MQTT_SERVER\"?");
    CHECK(problems_of("network", "{'id':'n','spec':{'type':7}}") == Briefs{"spec.type invalid"});
  }

  TEST_CASE("hosts are names or addresses") {
    for (const char* good : {"'0.0.0.0'", "'::1'", "'fe80::1%eth0'", "'broker.example.org'"})
      CHECK(problems_of("network", mqtt("'host':" + std::string(good))).empty());
    for (const char* bad : {"'a b'", "'x/y'", "'[::1]'", "7.5"})
      CHECK(problems_of("network", mqtt("'host':" + std::string(bad))) == Briefs{"spec.configuration.host invalid"});
  }

  TEST_CASE("maps of texts take scalars as texts, and nothing deeper") {
    const Resource device = read(
        "device", "{'id':'d','spec':{'productId':'t','configuration':{'a':'x','b':7,'c':true,'d':null,'e':21.5}}}");
    CHECK(device.spec.at("configuration") == js("{'a':'x','b':'7','c':'true','e':'21.5'}"));
    CHECK(problems_of("device", "{'id':'d','spec':{'productId':'t','configuration':{'a':{},'':'x'}}}") ==
          Briefs{"spec.configuration.a invalid", "spec.configuration invalid"});
    CHECK(problems_of("device", "{'id':'d','spec':{'productId':'t','configuration':{'a':'" + std::string(4097, 'x') +
                                    "'}}}") == Briefs{"spec.configuration.a invalid"});
    std::string many = "{'id':'d','spec':{'productId':'t','configuration':{'k':'v'";
    for (int i = 0; i < 64; ++i) many += ",'k" + std::to_string(i) + "':'v'";
    CHECK(problems_of("device", many + "}}}") == Briefs{"spec.configuration invalid"});
  }

  TEST_CASE("an object may be given as JSON text, as JetLinks stores some") {
    CHECK(read("device", "{'id':'d','spec':{'productId':'t','configuration':'{\\'a\\':\\'x\\'}'}}")
              .spec.contains("configuration"));
    CHECK(problems_of("device", "{'id':'d','spec':{'productId':'t','configuration':'text'}}") ==
          Briefs{"spec.configuration invalid"});
    CHECK(problems_of("network", "{'id':'n','spec':{'type':'MQTT_SERVER','configuration':[]}}") ==
          Briefs{"spec.configuration invalid"});
    CHECK(problems_of("network", "{'id':'n','spec':{'type':'MQTT_SERVER','configuration':{'port':1},'cluster':{}}}") ==
          Briefs{"spec.cluster invalid"});
    CHECK(problems_of("network", "{'id':'n','spec':{'type':'MQTT_SERVER','configuration':{'port':1},'cluster':[1]}}") ==
          Briefs{"spec.cluster[0] invalid"});
  }

  TEST_CASE("no input makes endless problems") {
    std::string document = "{'id':'n','spec':{'type':'MQTT_SERVER','configuration':{'port':1";
    for (int i = 0; i < 3000; ++i) document += ",'zz" + std::to_string(i) + "':1";
    CHECK(problems_of("network", document + "}}}").size() == 1000);
  }

  TEST_CASE("the merge patch does what RFC 7396 appendix A says, for objects") {
    struct Row {
      const char *target, *patch, *result;
    };
    for (const Row& row :
         {Row{"{'a':'b'}", "{'a':'c'}", "{'a':'c'}"}, Row{"{'a':'b'}", "{'b':'c'}", "{'a':'b','b':'c'}"},
          Row{"{'a':'b'}", "{'a':null}", "{}"}, Row{"{'a':'b','b':'c'}", "{'a':null}", "{'b':'c'}"},
          Row{"{'a':['b']}", "{'a':'c'}", "{'a':'c'}"}, Row{"{'a':'c'}", "{'a':['b']}", "{'a':['b']}"},
          Row{"{'a':{'b':'c'}}", "{'a':{'b':'d','c':null}}", "{'a':{'b':'d'}}"},
          Row{"{'a':[{'b':'c'}]}", "{'a':[1]}", "{'a':[1]}"}, Row{"{'e':null}", "{'a':1}", "{'e':null,'a':1}"},
          Row{"{'a':'foo'}", "{}", "{'a':'foo'}"}, Row{"{}", "{'a':{'bb':{'ccc':null}}}", "{'a':{'bb':{}}}"},
          Row{"{'a':'x'}", "{'a':{'b':{'c':1,'d':null}}}", "{'a':{'b':{'c':1}}}"}}) {
      CAPTURE(row.patch);
      json::object target = js(row.target).as_object();
      merge_patch(target, js(row.patch).as_object());
      CHECK(target == js(row.result));
    }
  }

  TEST_CASE("values as people write them") {
    CHECK(text_of(21.5) == "21.5");
    CHECK(text_of(1e100) == "1e+100");
    CHECK(text_of(7) == "7");
    CHECK(text_of(true) == "true");
    CHECK(text_of("x") == "x");
    CHECK(text_of(js("{'a':[1]}")) == "{\"a\":[1]}");
  }

  TEST_CASE("a struct comes out of a canonical object as its table describes it") {
    const Resource network = read("network", mqtt("'publicHost':'h','publicPort':8883"));
    const MqttServer server = from_json<MqttServer>(network.spec.at("configuration").as_object());
    CHECK(server.host == "0.0.0.0");
    CHECK(server.port == 1);
    CHECK(server.public_host == "h");
    CHECK(server.public_port == 8883);
    CHECK_FALSE(server.instance);
    CHECK(from_json<Network>(network.spec).type == NetworkType::mqtt_server);
  }
}
