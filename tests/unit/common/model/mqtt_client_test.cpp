#include "common/model/gateway.hpp"
#include "common/model/network.hpp"
#include "common/model/resource.hpp"
#include "tests/unit/common/model/support.hpp"

using namespace jl;
using namespace jl::model;

namespace {
std::string client(const std::string& members) {
  return "{'id':'n','spec':{'type':'MQTT_CLIENT','configuration':{" + members + "}}}";
}
std::string gateway(const std::string& acl) {
  return "{'id':'g','spec':{'provider':'mqtt-server-gateway','channelId':'n','protocol':'p','topicAcl':" + acl + "}}";
}
}  // namespace

TEST_SUITE("common.model.mqtt_client") {
  TEST_CASE("an MQTT client has the keys of JetLinks, and ours with their defaults [network 1.4]") {
    CHECK(read("network", client("'remoteHost':'broker','remotePort':1883")).spec.at("configuration") ==
          js("{'remoteHost':'broker','remotePort':1883,'mqttVersion':'3.1.1','cleanSession':false,"
             "'maxMessageSize':8192,'secure':false,'verifyHost':true}"));
    const auto all = from_json<MqttClient>(
        read("network", client("'remoteHost':'::1','remotePort':'8883','clientId':'c','username':'u','password':'p',"
                               "'topicPrefix':'$share/g1','maxMessageSize':'4096','secure':'true','certId':'cert-1',"
                               "'privateKeyAlias':'a','verifyHost':false,'mqttVersion':5,'cleanSession':true"))
            .spec.at("configuration")
            .as_object());
    CHECK(all.remote_host == "::1");
    CHECK(all.remote_port == 8883);
    CHECK(all.client_id == "c");
    CHECK(all.username == "u");
    CHECK(all.password.reveal() == "p");
    CHECK(all.topic_prefix == "$share/g1");
    CHECK(all.max_message_size == 4096);
    CHECK(all.secure);
    CHECK(all.cert_id.id == "cert-1");
    CHECK(all.private_key_alias == "a");
    CHECK_FALSE(all.verify_host);
    CHECK(all.mqtt_version == MqttVersion::v5);
    CHECK(all.clean_session);
  }

  TEST_CASE("what is wrong with an MQTT client is told") {
    CHECK(problems_of("network", client("")) ==
          Briefs{"spec.configuration.remoteHost invalid", "spec.configuration.remotePort invalid"});
    const auto wrong = [](const std::string& member) {
      return problems_of("network", client("'remoteHost':'b','remotePort':1," + member));
    };
    CHECK(wrong("'topicPrefix':'a/+'") == Briefs{"spec.configuration.topicPrefix invalid"});
    CHECK(wrong("'topicPrefix':'#'") == Briefs{"spec.configuration.topicPrefix invalid"});
    CHECK(wrong("'mqttVersion':'4.0'") == Briefs{"spec.configuration.mqttVersion invalid"});
    CHECK(wrong("'mqttVersion':6") == Briefs{"spec.configuration.mqttVersion invalid"});
    CHECK(wrong("'maxMessageSize':1023") == Briefs{"spec.configuration.maxMessageSize invalid"});
    CHECK(wrong("'clientId':'" + std::string(65, 'c') + "'") == Briefs{"spec.configuration.clientId invalid"});
    CHECK(wrong("'publicHost':'x'") == Briefs{"spec.configuration.publicHost unknown_field"});
    CHECK(problems_of("network", client("'remoteHost':'a b','remotePort':65536")).size() == 2);
  }

  TEST_CASE("an MQTT client of 1.x is understood: host, port, ssl [network 1.6]") {
    CHECK(read("network", client("'host':'broker','port':'1883','ssl':true")).spec ==
          read("network", client("'remoteHost':'broker','remotePort':1883,'secure':true")).spec);
    // The key of today wins.
    CHECK(read("network", client("'host':'old','remoteHost':'new','remotePort':1,'port':2")).spec.at("configuration") ==
          read("network", client("'remoteHost':'new','remotePort':1")).spec.at("configuration"));
  }

  TEST_CASE("a gateway behind a broker needs an MQTT client [access 1.3]") {
    const auto& info = provider_info(GatewayProvider::mqtt_client_gateway);
    CHECK(info.provider == GatewayProvider::mqtt_client_gateway);
    CHECK(info.network_type == "MQTT_CLIENT");
    CHECK(info.transport == "MQTT");
    CHECK(info.channel == "network");
    CHECK(info.shares_component);
    CHECK(read("gateway", "{'id':'g','spec':{'provider':'mqtt-client','channelId':'n','protocol':'p'}}")
              .spec.at("provider") == "mqtt-client-gateway");
  }

  TEST_CASE("topicAcl takes filters with the two placeholders, for everything when no action is said") {
    CHECK(read("gateway", gateway("[{'topic':'/ota/{productId}/#'},{'topic':'{deviceId}','action':'publish'},"
                                  "{'topic':'x-{deviceId}-{productId}/+','action':'sub'}]"))
              .spec.at("topicAcl") ==
          js("[{'topic':'/ota/{productId}/#','action':'all'},{'topic':'{deviceId}','action':'publish'},"
             "{'topic':'x-{deviceId}-{productId}/+','action':'subscribe'}]"));
    const auto one = from_json<Gateway>(read("gateway", gateway("[{'topic':'a','action':'publish'}]")).spec);
    REQUIRE(one.topic_acl.size() == 1);
    CHECK(one.topic_acl[0].topic == "a");
    CHECK(one.topic_acl[0].action == TopicAction::publish);
  }

  TEST_CASE("topicAcl refuses what is no filter") {
    for (const char* topic : {"a/#/b", "a#", "#a", "a+/b", "+a", "##", "++", "$share/g/a", "{x}", "a/{deviceid}", "{",
                              "}", "{deviceId", "deviceId}", "{{deviceId}}"}) {
      CAPTURE(topic);
      CHECK(problems_of("gateway", gateway("[{'topic':'" + std::string(topic) + "'}]")) ==
            Briefs{"spec.topicAcl[0].topic invalid"});
    }
    CHECK(problems_of("gateway", gateway("[{}]")) == Briefs{"spec.topicAcl[0].topic invalid"});
    CHECK(problems_of("gateway", gateway("[{'topic':''}]")) == Briefs{"spec.topicAcl[0].topic invalid"});
    CHECK(problems_of("gateway", gateway("[{'topic':'a','action':'write'}]")) ==
          Briefs{"spec.topicAcl[0].action invalid"});
    CHECK(problems_of("gateway", gateway("[{'topic':'" + std::string(1025, 'x') + "'}]")).size() == 1);
  }

  TEST_CASE("topicAcl has at most 256 entries") {
    const auto grants = [](int n) {
      std::string list = "[";
      for (int i = 0; i < n; ++i) list += std::string(i ? "," : "") + "{'topic':'t'}";
      return gateway(list + "]");
    };
    CHECK(problems_of("gateway", grants(256)).empty());
    CHECK(problems_of("gateway", grants(257)) == Briefs{"spec.topicAcl invalid"});
  }
}
