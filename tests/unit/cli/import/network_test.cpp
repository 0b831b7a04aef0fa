// Network components of 1.x and 2.x.
#include "import_support.hpp"

#include <doctest/doctest.h>

using namespace jl;
using namespace jl::cli::jetlinks;
using namespace jl::cli::jetlinks::test;

namespace {

// A component with this type and configuration, as REST answers it.
std::string component(const std::string& type, const std::string& configuration, const std::string& more = "") {
  return R"({"id":"n","name":"组件","type":{"value":")" + type + R"(","text":"x"},"state":{"value":"enabled"},)" +
         more + R"("configuration":)" + configuration + "}";
}

json::value configuration_of(const Imported& imported) {
  const json::value document = document_of(imported, "network", "n");
  return document.is_null() ? json::value() : document.at("spec").at("configuration");
}

}  // namespace

TEST_SUITE("cli.import") {
  TEST_CASE("configurations come over in the spelling and the types of here [network.md 1.3 to 1.6]") {
    struct Row {
      const char* type;
      const char* given;
      const char* carried;
    };
    for (const Row& row : std::vector<Row>{
             {"MQTT_SERVER", R"({"host":"0.0.0.0","port":"1883","secure":"false","maxMessageSize":"8192","certId":""})",
              R"({"host":"0.0.0.0","port":1883,"maxMessageSize":8192,"secure":false})"},
             {"mqtt_server", R"({"port":1883,"publicHost":"https://iot.example.com/x","publicPort":1883})",
              R"({"port":1883,"publicHost":"iot.example.com","publicPort":1883})"},
             {"UDP", R"({"localAddress":"127.0.0.1","localPort":"8806","ssl":false})",
              R"({"host":"127.0.0.1","port":8806,"secure":false})"},
             {"UDP", R"({"localPort":1,"port":2})", R"({"port":2})"},
             {"COAP_SERVER", R"({"address":"0.0.0.0","port":5683,"enableDtls":"false","transport":"UDP"})",
              R"({"host":"0.0.0.0","port":5683,"secure":false,"transport":"UDP"})"},
             {"MQTT_CLIENT", R"({"host":"b.example","port":1883,"clientId":"c","username":"u","password":"p"})",
              R"({"remoteHost":"b.example","remotePort":1883,"clientId":"c","username":"u","password":"p"})"},
             {"MQTT_CLIENT", R"({"remoteHost":"b","remotePort":1,"maxMessageSize":1073741824})",
              R"({"remoteHost":"b","remotePort":1,"maxMessageSize":268435455})"},
             {"HTTP_SERVER", R"({"port":8804,"httpHeaders":{"X-Site":"north"},"publicSecure":true,"publicCertId":"c"})",
              R"({"port":8804,"httpHeaders":{"X-Site":"north"}})"},
             {"WEB_SOCKET_SERVER", R"({"port":8805})", R"({"port":8805})"},
         }) {
      CAPTURE(row.type);
      CAPTURE(row.given);
      const auto out = import(component(row.type, row.given));
      REQUIRE(out.has_value());
      CHECK(out->left_out == 0);
      CHECK(configuration_of(*out) == json::parse(row.carried));
      CHECK(faults_of(*out).empty());
    }
  }

  TEST_CASE("of a framing rule its own parameters come over, texts as numbers [network.md 1.5, 2]") {
    struct Row {
      const char* rule;
      const char* given;
      const char* carried;
    };
    for (const Row& row : std::vector<Row>{
             {"\"direct\"", R"({"delimited":"","size":"","length":"","offset":"","little":""})", "null"},
             {"\"DELIMITED\"", R"({"delimited":" 0x0D0A ","length":"4"})", R"({"delimited":"0x0D0A"})"},
             {"{\"value\":\"delimited\"}", R"({"delimited":"\\r\\n"})", R"({"delimited":"\\r\\n"})"},
             {"\"fixed_length\"", R"({"size":"64","script":"x"})", R"({"size":64})"},
             {"\"LENGTH_FIELD\"", R"({"length":"4","offset":"0","little":"true"})",
              R"({"offset":0,"length":4,"little":true})"},
             {"\"LENGTH_FIELD\"", R"({"offset":2})", R"({"offset":2,"length":2})"},
             {"\"LENGTH_FIELD\"", R"({"offset":1,"to":3})", R"({"offset":1,"length":2})"},
             {"\"SCRIPT\"", R"_({"script":"parser.fixed(4)","lang":"nashorn","keepAliveTimeout":"-1"})_",
              R"_({"script":"parser.fixed(4)","keepAliveTimeout":-1})_"},
         }) {
      CAPTURE(row.rule);
      CAPTURE(row.given);
      const auto out = import(component("TCP_SERVER", R"({"port":8802,"parserType":)" + std::string(row.rule) +
                                                          R"(,"parserConfiguration":)" + row.given + "}"));
      REQUIRE(out.has_value());
      REQUIRE(out->left_out == 0);
      const json::value configuration = configuration_of(*out);
      const auto* parameters = configuration.as_object().if_contains("parserConfiguration");
      CHECK((parameters ? *parameters : json::value()) == json::parse(row.carried));
      CHECK(faults_of(*out).empty());
    }
  }

  TEST_CASE("a component that jlinkd would refuse is left out with the reason, whatever its state") {
    struct Row {
      const char* type;
      const char* given;
      const char* reason;
    };
    for (const Row& row : std::vector<Row>{
             {"TCP_CLIENT", R"({"host":"a","port":1})", "no component of type \"TCP_CLIENT\""},
             {"MQTT_SERVER", "{}", "configuration.port: not carried: is required"},
             {"MQTT_SERVER", R"({"port":"many"})", "configuration.port: not carried"},
             {"MQTT_SERVER", R"({"port":70000})", "not carried"},
             {"MQTT_SERVER", "[]", "not carried"},
             {"MQTT_SERVER", R"({"port":1,"secure":true})", "names no certificate"},
             {"MQTT_SERVER", R"({"port":1,"ssl":"true","certId":"c"})", "cert \"c\" is in none of the files"},
             {"COAP_SERVER", R"({"port":1,"transport":"TCP"})", "no CoAP over TCP"},
             {"TCP_SERVER", R"({"port":1})", "without a rule nothing can be read"},
             {"TCP_SERVER", R"({"port":1,"parserType":"GUESS"})", "no framing rule"},
             {"TCP_SERVER", R"({"port":1,"parserType":"DELIMITED","parserConfiguration":{"delimited":" "}})", "blank"},
             {"TCP_SERVER", R"({"port":1,"parserType":"DELIMITED","parserConfiguration":{"delimited":"0x0"}})",
              "not hex"},
             {"TCP_SERVER", R"({"port":1,"parserType":"DELIMITED","parserConfiguration":{"delimited":"结"}})",
              "0x and hex"},
             {"TCP_SERVER", R"({"port":1,"parserType":"DELIMITED","parserConfiguration":{"delimited":"\\u7ED3"}})",
              "0x and hex"},
             {"TCP_SERVER", R"({"port":1,"parserType":"FIXED_LENGTH","parserConfiguration":{"size":"0"}})",
              "no length"},
             {"TCP_SERVER", R"({"port":1,"parserType":"LENGTH_FIELD","parserConfiguration":{"length":5}})", "5 bytes"},
             {"TCP_SERVER", R"({"port":1,"parserType":"SCRIPT","parserConfiguration":{"script":""}})", "no script"},
             {"TCP_SERVER", R"({"port":1,"parserType":"SCRIPT","parserConfiguration":{"script":"x","lang":"groovy"}})",
              "groovy"},
         }) {
      CAPTURE(row.type);
      CAPTURE(row.given);
      const auto out = import(component(row.type, row.given));
      REQUIRE(out.has_value());
      CHECK(out->left_out == 1);
      CHECK(out->documents.empty());
      CHECK(says(*out, row.reason));
    }
  }

  TEST_CASE("fields without an equal are told; who and when, and what is derived, is not") {
    const auto out = import(component("MQTT_SERVER", R"({"port":1883,"tcpNoDelay":true,"backlog":""})",
                                      R"("creatorId":"1","createTime":2,"modifierName":"a","typeObject":{"a":1},
                                         "cluster":[],"orgId":"o1","empty":"",)"));
    REQUIRE(out.has_value());
    CHECK(lines(*out) ==
          std::vector<std::string>{"network/n: configuration.tcpNoDelay: dropped: jlinkd has no such setting",
                                   "network/n: orgId: dropped: jlinkd has no such field"});
  }

  TEST_CASE("masked secrets and expressions of 1.x are asked of the environment") {
    const auto out =
        import(component("MQTT_CLIENT", R"({"host":"b","port":1,"username":"${#env['u']}","password":"****"})"));
    REQUIRE(out.has_value());
    const auto configuration = configuration_of(*out);
    CHECK(configuration.at("password") == json::object{{"fromEnv", "JETLINKS_NETWORK_N_PASSWORD"}});
    CHECK(configuration.at("username") == json::object{{"fromEnv", "JETLINKS_NETWORK_N_USERNAME"}});
    CHECK(says(*out, "set JETLINKS_NETWORK_N_PASSWORD for jlctl apply"));
    CHECK(faults_of(*out).empty());
    const auto alone = import(component("MQTT_CLIENT", R"({"host":"b","port":1,"username":"","password":"p"})"));
    CHECK_FALSE(configuration_of(*alone).as_object().contains("password"));
    CHECK(says(*alone, "no password without"));
  }

  TEST_CASE("configurations of nodes come over; without one the shared one counts [network.md 3]") {
    const auto out = import(component(
        "MQTT_SERVER", "{}",
        R"("shareCluster":"false","cluster":[{"serverId":"a:8848","configuration":{"serverId":"a:8848","port":"1883"}},
           {"serverId":"a:8848","configuration":{"port":1}},{"serverId":"b","tags":{"x":"y"},"configuration":{"port":1884}},7],)"));
    REQUIRE(out.has_value());
    REQUIRE(out->documents.size() == 1);
    CHECK(
        out->documents[0].at("spec").at("cluster") ==
        json::parse(
            R"([{"serverId":"a:8848","configuration":{"port":1883}},{"serverId":"b","configuration":{"port":1884}}])"));
    CHECK(says(*out, "cluster[1]: dropped: node \"a:8848\" stands twice"));
    CHECK(says(*out, "tags"));
    CHECK(faults_of(*out).empty());
    const auto none = import(component("MQTT_SERVER", R"({"port":1})", R"("shareCluster":false,"cluster":[],)"));
    CHECK(configuration_of(*none) == json::parse(R"({"port":1})"));
  }

  TEST_CASE("states are enabled or disabled; a pause is told [network.md 1.1]") {
    struct Row {
      const char* state;
      bool enabled;
    };
    for (const Row& row : std::vector<Row>{{R"("enabled")", true},
                                           {R"({"value":"enabled","text":"正常"})", true},
                                           {R"("disabled")", false},
                                           {R"("paused")", false},
                                           {"null", true},
                                           {R"({"value":{}})", false},
                                           {R"("odd")", false}}) {
      CAPTURE(row.state);
      const auto out =
          import(R"({"id":1,"type":"UDP","state":)" + std::string(row.state) + R"(,"configuration":{"port":1}})");
      REQUIRE(out.has_value());
      CHECK(document_of(*out, "network", "1").at("enabled") == row.enabled);
    }
  }

  TEST_CASE("of two listeners on one port, and two clients with one name, the second is disabled [network.md 4.5]") {
    const auto out = import(R"([
      {"id":"a","type":"TCP_SERVER","state":"enabled","configuration":{"port":1,"parserType":"DIRECT"}},
      {"id":"b","type":"MQTT_SERVER","state":"enabled","configuration":{"host":"127.0.0.1","port":1}},
      {"id":"c","type":"UDP","state":"enabled","configuration":{"port":1}},
      {"id":"d","type":"MQTT_SERVER","state":"disabled","configuration":{"port":1}},
      {"id":"e","type":"MQTT_CLIENT","state":"enabled","configuration":{"remoteHost":"h","remotePort":9,"clientId":"x"}},
      {"id":"f","type":"MQTT_CLIENT","state":"enabled","configuration":{"remoteHost":"h","remotePort":9,"clientId":"x"}},
      {"id":"g","type":"MQTT_CLIENT","state":"enabled","configuration":{"remoteHost":"h","remotePort":9}}])");
    REQUIRE(out.has_value());
    CHECK(out->left_out == 0);
    std::string enabled;
    for (const auto& document : out->documents) {
      if (document.at("enabled").as_bool()) enabled += document.at("id").as_string().c_str();
    }
    CHECK(enabled == "aceg");
    CHECK(says(*out, "network/b: configuration.port: disabled: port 1 is taken by network \"a\""));
  }
}
