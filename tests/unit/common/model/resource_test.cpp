#include "common/model/resource.hpp"

#include "tests/unit/common/model/support.hpp"

using namespace jl;
using namespace jl::model;

TEST_SUITE("common.model") {
  TEST_CASE("kinds are listed in dependency order and found by name and plural") {
    std::vector<std::string> seen;
    for (const Kind& kind : kinds()) {
      CAPTURE(kind.name);
      seen.push_back(kind.name);
      CHECK(find_kind(kind.name) == &kind);
      CHECK(find_kind(kind.plural) == &kind);
      CHECK_FALSE(kind.summary.empty());
      REQUIRE(kind.spec);
      for (const Field& field : kind.spec->fields) {
        if (field.type == Type::reference) CHECK(std::ranges::find(seen, field.refers_to) != seen.end());
        if (!field.ignored) CHECK_FALSE(field.help.empty());
      }
      for (const auto& filter : kind.filters) CHECK(kind.spec->find(filter));
    }
    CHECK(find_kind("nosuch") == nullptr);
    CHECK(kind_named("netwrok").error().hint == "did you mean \"network\"?");
    CHECK(kind_named("network").value()->plural == "networks");
  }

  TEST_CASE("what a document leaves out gets its default") {
    CHECK(read("network", "{'id':'n','spec':{'type':'MQTT_SERVER','configuration':{'port':1883}}}").spec ==
          js("{'type':'MQTT_SERVER','shareCluster':true,'configuration':{'host':'0.0.0.0','port':1883,'secure':false,"
             "'maxConnections':100000,'maxConnectRate':0,'maxMessageRate':0,'connectTimeout':10,"
             "'maxMessageSize':8192,'maxSubscriptions':64,"
             "'maxQueuedMessages':1000,'maxRetainedMessages':10000,'maxSessions':100000,"
             "'maxSessionExpiry':604800,'serverMoved':false}}"));
    CHECK(read("protocol", "{'id':'p'}").spec ==
          js("{'type':'builtin','configuration':{'builtin':'jetlinks-official'}}"));
    CHECK(read("gateway", "{'id':'g','spec':{'provider':'mqtt-server-gateway','channelId':'n','protocol':'p'}}").spec ==
          js("{'provider':'mqtt-server-gateway','channelId':'n','protocol':'p','productOnly':false}"));
    CHECK(read("product", "{'id':'t'}").spec == js("{'deviceType':'device'}"));
    CHECK(read("device", "{'id':'d','spec':{'productId':'t'}}").spec ==
          js("{'productId':'t','selfManageState':false}"));
  }

  TEST_CASE("name defaults to the id; networks, protocols and gateways start enabled, products and devices do not") {
    const Resource network = read("network", "{'id':'n','spec':{'type':'MQTT_SERVER','configuration':{'port':1}}}");
    CHECK(network.name == "n");
    CHECK(network.label() == "network/n");
    CHECK(network.enabled);
    CHECK(read("protocol", "{'id':'p'}").enabled);
    CHECK_FALSE(read("product", "{'id':'t'}").enabled);
    CHECK_FALSE(read("device", "{'id':'d','spec':{'productId':'t'}}").enabled);
    CHECK(read("device", "{'id':'d','name':'北','description':'x','enabled':true,'spec':{'productId':'t'}}").name ==
          "北");
  }

  TEST_CASE("all problems are told at once, each with its field and object [cli.md 26]") {
    std::vector<Problem> problems;
    (void)read("network",
               "{'id':'-n','name':['x'],'spec':{'type':'MQTT_SERVER','shareCluster':'maybe','configuration':{'port':"
               "70000,'hots':'x'}}}",
               problems);
    CHECK(brief(problems) == Briefs{"id invalid", "name invalid", "spec.shareCluster invalid",
                                    "spec.configuration.port invalid", "spec.configuration.hots unknown_field"});
    for (const Problem& problem : problems) CHECK(problem.object == "network/-n");
    CHECK(problems.back().message == "unknown field; did you mean \"host\"?");
  }

  TEST_CASE("required fields are named even when their object is missing") {
    CHECK(problems_of("network", "{'id':'n','spec':{'type':'MQTT_SERVER'}}") ==
          Briefs{"spec.configuration.port invalid"});
    CHECK(problems_of("network", "{'id':'n'}") == Briefs{"spec.type invalid"});
    CHECK(problems_of("gateway", "{'id':'g'}") == Briefs{"spec.provider invalid", "spec.protocol invalid"});
    CHECK(problems_of("device", "{'id':'d'}") == Briefs{"spec.productId invalid"});
    CHECK(problems_of("device", "{}") == Briefs{"id invalid", "spec.productId invalid"});
  }

  TEST_CASE("texts are bounded in characters, not bytes") {
    const auto device = [](const std::string& name) {
      return "{'id':'d','name':'" + name + "','spec':{'productId':'t'}}";
    };
    std::string sixty_four;
    for (int i = 0; i < 64; ++i) sixty_four += "温";
    CHECK(problems_of("device", device(sixty_four)).empty());
    CHECK(problems_of("device", device(sixty_four + "x")) == Briefs{"name invalid"});
    CHECK(problems_of("device", "{'id':'d','description':'" + std::string(201, 'x') + "','spec':{'productId':'t'}}") ==
          Briefs{"description invalid"});
    CHECK(problems_of("device", "{'id':'d','name':'a\\nb','spec':{'productId':'t'}}") == Briefs{"name invalid"});
    CHECK(problems_of("device", "{'id':'d','description':'a\\nb','spec':{'productId':'t'}}").empty());
  }

  TEST_CASE("a field of the spec that stands beside it is told where it belongs") {
    std::vector<Problem> problems;
    (void)read("device", "{'id':'d','productId':'t','nmae':'x','spec':{'productId':'t'}}", problems);
    REQUIRE(brief(problems) == Briefs{"productId unknown_field", "nmae unknown_field"});
    CHECK(problems[0].message == "belongs into \"spec\"");
    CHECK(problems[1].message == "unknown field; did you mean \"name\"?");
  }

  TEST_CASE("JetLinks' flat form is read: audit fields dropped, state instead of enabled") {
    const Resource network =
        read("network",
             "{'id':'n','name':'N','type':{'value':'MQTT_SERVER','text':'MQTT服务'},'state':{'value':'disabled','text':"
             "'停用'},"
             "'creatorId':'1','createTime':1700000000000,'typeObject':{'name':'x'},'shareCluster':true,"
             "'configuration':{'host':'0.0.0.0','port':'1883','secure':'false','certId':'','publicPort':'','"
             "maxMessageSize':8096}}");
    CHECK_FALSE(network.enabled);
    CHECK(network.spec.at("configuration").at("port") == 1883);
    CHECK(network.spec.at("configuration").at("maxMessageSize") == 8096);
    CHECK_FALSE(network.spec.at("configuration").as_object().contains("certId"));
    CHECK_FALSE(network.spec.at("configuration").as_object().contains("publicPort"));
  }

  TEST_CASE("every word that JetLinks has for a state") {
    const auto enabled = [](const std::string& state) {
      return read("device", "{'id':'d','productId':'t','state':" + state + "}").enabled;
    };
    for (const char* on : {"'enabled'", "'online'", "'offline'", "1", "'1'", "{'value':'enabled'}"}) CHECK(enabled(on));
    for (const char* off : {"'disabled'", "'paused'", "'notActive'", "0", "'0'", "null", "{'value':'notActive'}"})
      CHECK_FALSE(enabled(off));
    CHECK(problems_of("device", "{'id':'d','productId':'t','state':'maybe'}") == Briefs{"state invalid"});
    CHECK(problems_of("device", "{'id':'d','enabled':7,'spec':{'productId':'t'}}") == Briefs{"enabled invalid"});
  }

  TEST_CASE("a patch changes what it names, null takes back to the default, immutable fields stay [RFC 7396]") {
    const Resource before =
        read("network", "{'id':'n','spec':{'type':'MQTT_SERVER','configuration':{'port':1883,'maxMessageSize':2048}}}");
    const auto patched = [&](const std::string& patch, Briefs& out) {
      std::vector<Problem> problems;
      Resource after = patch_resource(*find_kind("network"), before, js(patch).as_object(), problems);
      out = brief(problems);
      return after;
    };
    Briefs problems;
    Resource after = patched("{'name':'N','spec':{'configuration':{'maxMessageSize':null,'port':1884}}}", problems);
    CHECK(problems.empty());
    CHECK(after.name == "N");
    CHECK(after.spec.at("configuration").at("maxMessageSize") == 8192);
    CHECK(after.spec.at("configuration").at("port") == 1884);
    CHECK_FALSE(same_content(before, after));
    CHECK(same_content(before, patched("{}", problems)));
    (void)patched("{'id':'m'}", problems);
    CHECK(problems == Briefs{"id immutable_field"});
    (void)patched("{'spec':{'configuration':{'port':null}}}", problems);
    CHECK(problems == Briefs{"spec.configuration.port invalid"});
    after = patched("{'configuration':{'port':1885},'state':'disabled'}", problems);  // JetLinks' flat form
    CHECK(problems.empty());
    CHECK_FALSE(after.enabled);
    CHECK(after.spec.at("configuration").at("port") == 1885);

    const Resource device = read("device", "{'id':'d','spec':{'productId':'t'}}");
    std::vector<Problem> found;
    (void)patch_resource(*find_kind("device"), device, js("{'spec':{'productId':'u'}}").as_object(), found);
    CHECK(brief(found) == Briefs{"spec.productId immutable_field"});
  }

  TEST_CASE("a patch keeps revision, times and set") {
    Resource before = read("device", "{'id':'d','spec':{'productId':'t'}}");
    before.revision = 7, before.created_at = 1, before.updated_at = 2, before.set = "site";
    std::vector<Problem> problems;
    const Resource after =
        patch_resource(*find_kind("device"), before, js("{'enabled':true,'set':'other'}").as_object(), problems);
    CHECK(problems.empty());
    CHECK(after.enabled);
    CHECK(after.revision == 7);
    CHECK(after.created_at == 1);
    CHECK(after.updated_at == 2);
    CHECK(after.set == "site");
  }

  TEST_CASE("references are found wherever they stand, empty ones are none") {
    const auto uses = references_of(read("device", "{'id':'d','spec':{'productId':'t','parentId':'g'}}"));
    REQUIRE(uses.size() == 2);
    CHECK(uses[0].field == "spec.productId");
    CHECK(uses[0].kind == "product");
    CHECK(uses[0].id == "t");
    CHECK(uses[1].kind == "device");
    CHECK(references_of(read("product", "{'id':'t','spec':{'accessId':''}}")).empty());
    CHECK(references_of(
              read("gateway", "{'id':'g','spec':{'provider':'mqtt-server-gateway','channelId':'n','protocol':'p'}}"))
              .size() == 2);
    CHECK(problems_of("device", "{'id':'d','spec':{'productId':'no/id'}}") == Briefs{"spec.productId invalid"});
  }

  TEST_CASE("a node runs the shared configuration, or its own entry of cluster[] [network.md 3]") {
    const Resource shared = read("network", "{'id':'n','spec':{'type':'MQTT_SERVER','configuration':{'port':1}}}");
    CHECK(configuration_for_node(shared.spec, "any")->at("port") == 1);
    const Resource own = read(
        "network",
        "{'id':'n','spec':{'type':'MQTT_SERVER','shareCluster':false,'configuration':{'port':1},'cluster':["
        "{'serverId':'a','configuration':{'port':2,'serverId':'a'}},{'serverId':'b','configuration':{'port':3}}]}}");
    CHECK(configuration_for_node(own.spec, "a")->at("port") == 2);
    CHECK(configuration_for_node(own.spec, "b")->at("port") == 3);
    CHECK(configuration_for_node(own.spec, "c") == nullptr);
    CHECK(problems_of("network",
                      "{'id':'n','spec':{'type':'MQTT_SERVER','configuration':{'port':1},'cluster':[{'configuration':{'"
                      "port':0}},{'serverId':'x'}]}}") == Briefs{"spec.cluster[0].serverId invalid",
                                                                 "spec.cluster[0].configuration.port invalid",
                                                                 "spec.cluster[1].configuration.port invalid"});
  }

  TEST_CASE("what is stored reads back the same; damage is told as such") {
    Resource resource = read("device",
                             "{'id':'d','name':'D','description':'x','enabled':true,'spec':{'productId':'t','"
                             "configuration':{'secureId':'s'}}}");
    resource.revision = 9, resource.created_at = 1'769'860'800'250, resource.updated_at = 1'769'860'800'251,
    resource.set = "site";
    const Resource back = from_stored("device", "d", to_stored(resource), 9).value();
    CHECK(same_content(resource, back));
    CHECK(back.revision == 9);
    CHECK(back.created_at == resource.created_at);
    CHECK(back.updated_at == resource.updated_at);
    CHECK(back.set == "site");
    for (const char* damaged : {"", "{", "[]", "{}", "{\"name\":1}"})
      CHECK(from_stored("device", "d", damaged, 1).error().code == Errc::corrupt);
  }

  TEST_CASE("documents and manifests read back the same") {
    for (const char* text :
         {"{'id':'d','name':'D','enabled':true,'spec':{'productId':'t'}}", "{'id':'d','spec':{'productId':'t'}}"}) {
      Resource resource = read("device", text);
      resource.revision = 3;
      std::vector<Problem> problems;
      CHECK(same_content(read_resource(*find_kind("device"), to_document(resource), problems), resource));
      CHECK(same_content(read_resource(*find_kind("device"), to_manifest(resource), problems), resource));
      CHECK(problems.empty());
    }
    CHECK(to_manifest(read("device", "{'id':'d','spec':{'productId':'t'}}")) ==
          js("{'kind':'device','id':'d','spec':{'productId':'t','selfManageState':false}}"));
  }
}
